package main

import (
	"bufio"
	"encoding/json"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/state"
)

type alertsExportCmd struct {
	ID []string `arg:"" optional:"" name:"alert" help:"The number of an alert, or how its ID begins (default: all that the filter flags show)."`
	alertFilter
}

func (*alertsExportCmd) pages() bool { return false }

// Help implements kong.HelpProvider.
func (*alertsExportCmd) Help() string {
	return "Each line has the alert, the records of its events as AWS delivered them, and who did what with it.\n\n" + examples(
		"bluetrail alerts export 12 | jq '.records[].raw'",
		"bluetrail alerts export --earliest -30d --severity high > alerts.ndjson",
	)
}

// exportedAlert is a line of an export.
type exportedAlert struct {
	Alert   *alert.Alert   `json:"alert"`
	Records []alert.Record `json:"records"`
	History []actionJSON   `json:"history"`
}

// actionJSON is an entry of a history.
type actionJSON struct {
	Time   string `json:"time"`
	Who    string `json:"who"`
	Action string `json:"action"`
	Text   string `json:"text,omitempty"`
}

func (c *alertsExportCmd) Run(a *app) error {
	if len(c.ID) > 0 && c.chosen() {
		return usage("name alerts, or choose them with filter flags, but not both")
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	out := bufio.NewWriterSize(a.out, 64<<10)
	var ids []string
	for _, text := range c.ID {
		id, err := oneAlert(db, text)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if len(c.ID) == 0 {
		if err := c.each(a, db, false, func(r *state.Alert) error { ids = append(ids, r.ID); return nil }); err != nil {
			return err
		}
	}
	n, records := 0, 0
	for _, id := range ids {
		if a.ctx.Err() != nil {
			return a.ctx.Err()
		}
		line, err := exported(db, id)
		if err != nil {
			return err
		}
		if line == nil {
			continue
		}
		body, err := json.Marshal(line)
		if err == nil {
			err = writeJSON(out, body)
		}
		if err != nil {
			return err
		}
		n, records = n+1, records+len(line.Records)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	a.note("%s with %s", count(n, "alert"), count(records, "record"))
	return nil
}

// exported returns what an export has of an alert, nil if it is gone.
func exported(db *state.DB, id string) (*exportedAlert, error) {
	row, err := db.Alert(id)
	if row == nil || err != nil {
		return nil, err
	}
	line := &exportedAlert{Records: []alert.Record{}, History: []actionJSON{}}
	if line.Alert, err = alert.Decode(row); err != nil {
		return nil, err
	}
	records, err := db.AlertRecords(id)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		raw := json.RawMessage(r.Raw)
		if !json.Valid(raw) { // a line of another log
			raw, _ = json.Marshal(string(r.Raw))
		}
		line.Records = append(line.Records, alert.Record{ID: r.Event, Time: nanos(r.Time), Raw: raw})
	}
	history, err := db.History("alert", id)
	if err != nil {
		return nil, err
	}
	for _, x := range history {
		line.History = append(line.History, actionJSON{millis(x.Time), x.Who, x.Action, x.Text})
	}
	return line, nil
}

func nanos(ns int64) time.Time { return time.Unix(0, ns).UTC() }

func millis(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
