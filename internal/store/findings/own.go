package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// own is another index of what bluetrail itself says: each row of the state is an event
// with a JSON object as its record.
type own struct {
	name   string
	names  []string // of the object's fields
	listed []string // those that may have several values
	rows   func(ctx context.Context, db *state.DB, q *store.Query, w *writer) error
	open   func() (*state.DB, error)
}

var _ store.Store = (*own)(nil)

// others are the indexes beside that of the findings.
func others(open func() (*state.DB, error)) []*own {
	return []*own{
		{config.AlertsIndex, alertNames, alertLists, alerts, open},
		{config.AuditIndex, []string{"action", "id", "kind", "object", "text", "time", "who"}, nil, audit, open},
		{config.HealthIndex, []string{"closed", "id", "key", "opened", "severity", "status", "text", "updated"}, nil, health, open},
	}
}

// alertLists are the fields of which an alert may have several values, alertColumns those
// that are had without its whole JSON, and alertNames all.
var (
	alertLists = []string{
		"account", "actor", "actor_chain", "actor_class", "actor_type", "event_ids", "event_name", "exposure", "false_positives", "findings", "mitre", "next_steps", "notes", "object", "region", "session_id",
		"unusual", "user_agent",
	}
	alertColumns = []string{
		"account", "assignee", "closed", "count", "created", "entity", "entity_kind", "finding_count", "first", "id", "last", "number", "risk", "rule", "rule_id", "severity", "silent", "status",
		"summary", "title", "touched", "updated", "verdict",
	}
	alertNames = slices.Concat(alertColumns, []string{
		"actor", "actor_chain", "actor_class", "actor_type", "around{}.count", "around{}.event_name", "around{}.event_source", "around{}.first", "around{}.last", "around{}.outcome", "event_ids", "event_name",
		"exposure", "false_positives", "fields{}.name", "fields{}.values", "fields{}.values{}", "findings", "message", "mitre", "next_steps", "notes", "object", "outcome", "records_kept", "records_note", "region",
		"rule_severity", "session_id", "sources{}.address", "sources{}.asn", "sources{}.country", "sources{}.first_seen", "sources{}.lists{}", "sources{}.network", "sources{}.network_kind", "triage", "unusual",
		"user_agent",
	})
)

// Close implements store.Store.
func (o *own) Close() error { return nil }

// Prepare implements store.Store.
func (o *own) Prepare(q *store.Query) (store.Scan, error) { return &ownScan{o, q}, nil }

type ownScan struct {
	o *own
	q *store.Query
}

func (s *ownScan) Residual() filter.Expr { return s.q.Filter }
func (s *ownScan) Workers() int          { return 1 }
func (s *ownScan) Explain() []string     { return []string{s.o.name + ": all of the time range"} }

func (s *ownScan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	db, err := s.o.open()
	if err != nil {
		return err
	}
	w := newWriter(ctx, s.q, s.o.listed, emit)
	return w.end(s.o.rows(ctx, db, s.q, w))
}

// within reports whether a time lies in the range of a query.
func within(q *store.Query, ns int64) bool { return ns >= q.Earliest && ns < q.Latest }

// severities are the words of ranks, as package rule has them.
var severities = []string{"informational", "low", "medium", "high", "critical"}

func severity(rank int) string { return severities[min(max(rank, 0), len(severities)-1)] }

// alerts adds alerts, at the time of their first event. A search that only names columns
// costs no reading of whole alerts.
func alerts(ctx context.Context, db *state.DB, q *store.Query, w *writer) error {
	columns := columnsOf(wanted(q))
	aq := state.AlertQuery{Oldest: true, Arrived: state.Arrival(q.Arrived), Bodies: columns == nil}
	var buf []byte
	if q.Earliest > math.MinInt64 {
		aq.Earliest = q.Earliest
	}
	if q.Latest < math.MaxInt64 {
		aq.Latest = q.Latest
	}
	return db.Alerts(ctx, aq, func(a *state.Alert) error {
		if !within(q, a.First) {
			return nil
		}
		body := a.Body
		if !aq.Bodies {
			buf = columns.body(buf[:0], a)
			body = buf
		}
		if err := w.add(body, &event.Meta{Index: config.AlertsIndex, Sourcetype: "bluetrail:alert", Source: a.Rule, Host: event.Server, Fallback: a.First, IndexTime: float64(a.Updated) / 1000}); err != nil {
			return fmt.Errorf("alert %q cannot be read: %w", a.ID, err)
		}
		return nil
	})
}

// columnSet are the columns that a search names, with the fields of where an event is.
type columnSet []string

// columnsOf returns the columns that a set of fields names, nil if it names others.
func columnsOf(fields filter.FieldSet) columnSet {
	if fields.All() || fields.HasPatterns() {
		return nil
	}
	c := columnSet{}
	for _, name := range fields.Names() {
		switch {
		case slices.Contains(alertColumns, name):
			c = append(c, name)
		case !slices.Contains([]string{event.Time, event.Index, event.Sourcetype, event.Source, event.Host, event.IndexTime}, name):
			return nil
		}
	}
	return c
}

// body appends the part of an alert's JSON that has these columns.
func (c columnSet) body(dst []byte, a *state.Alert) []byte {
	dst = append(dst, '{')
	for _, name := range c {
		text, quoted := column(a, name)
		if text == "" {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
		if quoted {
			value, _ := json.Marshal(text) // of a string it never fails
			dst = append(dst, value...)
		} else {
			dst = append(dst, text...)
		}
	}
	return append(dst, '}')
}

// column returns a column as the JSON of the alert has it; "" = it is not there. quoted
// says that it is a string.
func column(a *state.Alert, name string) (text string, quoted bool) {
	number := func(n int64) (string, bool) { return strconv.FormatInt(n, 10), false }
	nanos := func(ns int64) (string, bool) { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano), true }
	switch name {
	case "id":
		return a.ID, true
	case "number":
		return number(a.Number)
	case "created":
		return millis(a.Created), true
	case "updated":
		return millis(a.Updated), true
	case "closed":
		return millis(a.Closed), true
	case "status":
		return a.Status, true
	case "verdict":
		return a.Verdict, true
	case "assignee":
		return a.Assignee, true
	case "severity":
		return severity(a.Severity), true
	case "risk":
		return strconv.FormatFloat(a.Risk, 'f', -1, 64), false
	case "rule_id":
		return a.Rule, true
	case "rule":
		return a.Name, true
	case "title":
		return a.Title, true
	case "entity_kind":
		return a.Kind, true
	case "entity":
		return a.Entity, true
	case "summary":
		return a.Summary, true
	case "account":
		if len(a.Accounts) > 1 {
			list, _ := json.Marshal(a.Accounts) // of strings it never fails
			return string(list), false
		}
		if len(a.Accounts) == 0 {
			return `""`, false
		}
		return a.Accounts[0], true
	case "count":
		return number(a.Events)
	case "finding_count":
		return number(a.Findings)
	case "silent":
		if a.Silent > 0 {
			return number(a.Silent)
		}
	case "touched":
		if a.Touched {
			return "true", false
		}
	case "first":
		return nanos(a.First)
	case "last":
		return nanos(a.Last)
	}
	return "", false
}

// millis writes unix milliseconds as JSON has times; 0 is no time.
func millis(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}

// milli returns unix nanoseconds in milliseconds, rounded up.
func milli(ns int64) int64 {
	if ns > math.MaxInt64-1e6 {
		return math.MaxInt64
	}
	return time.Unix(0, ns).Add(time.Millisecond - 1).UnixMilli()
}

// audit adds what people and bluetrail did.
func audit(ctx context.Context, db *state.DB, q *store.Query, w *writer) error {
	return db.Actions(ctx, state.ActionQuery{Earliest: milli(q.Earliest), Latest: milli(q.Latest), Arrived: state.Arrival(q.Arrived)}, func(a *state.Action) error {
		body, err := json.Marshal(struct {
			ID     int64  `json:"id"`
			Time   string `json:"time"`
			Who    string `json:"who"`
			Action string `json:"action"`
			Kind   string `json:"kind"`
			Object string `json:"object"`
			Text   string `json:"text,omitempty"`
		}{a.ID, millis(a.Time), a.Who, a.Action, a.Kind, a.Object, a.Text})
		if err != nil {
			return err
		}
		return w.add(body, &event.Meta{Index: config.AuditIndex, Sourcetype: "bluetrail:audit", Source: a.Kind, Host: event.Server, Fallback: a.Time * 1e6, IndexTime: float64(a.Time) / 1000})
	})
}

// health adds what is or was not well with bluetrail.
func health(ctx context.Context, db *state.DB, q *store.Query, w *writer) error {
	return db.Conditions(ctx, state.ActionQuery{Earliest: milli(q.Earliest), Latest: milli(q.Latest), Arrived: state.Arrival(q.Arrived)}, func(c *state.Condition) error {
		status := "open"
		if c.Closed > 0 {
			status = "closed"
		}
		body, err := json.Marshal(struct {
			ID       string `json:"id"`
			Key      string `json:"key"`
			Severity string `json:"severity"`
			Status   string `json:"status"`
			Text     string `json:"text"`
			Opened   string `json:"opened"`
			Updated  string `json:"updated"`
			Closed   string `json:"closed,omitempty"`
		}{strconv.FormatInt(c.ID, 10), c.Key, severity(c.Severity), status, c.Text, millis(c.Opened), millis(c.Updated), millis(c.Closed)})
		if err != nil {
			return err
		}
		return w.add(body, &event.Meta{Index: config.HealthIndex, Sourcetype: "bluetrail:health", Source: c.Key, Host: event.Server, Fallback: c.Opened * 1e6, IndexTime: float64(c.Updated) / 1000})
	})
}
