package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/config"
	"bluetrail/internal/ingest"
	"bluetrail/internal/state"
)

type canaryCmd struct {
	Data    string        `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Timeout time.Duration `help:"How long to wait for the alert, and then for the outputs." default:"1m" placeholder:"TIME"`
}

// Help implements kong.HelpProvider.
func (*canaryCmd) Help() string {
	return "Sends a marked event through the whole pipeline: into the first watched folder of a running server, or else by ingest, to an alert and to the outputs. It tells how long each step took, and fails if the event did not arrive.\n\n" + examples(
		"bluetrail canary --data ./data",
	)
}

func (c *canaryCmd) home(a *app) string { return a.dataDir(c.Data) }

// canaryRule is the shipped rule that fires on canaries.
const canaryRule = "6f0f2a51-8f0b-4a0e-9f5c-1f4b6d2f7c11"

// canaryPoll is how often a canary looks how far it came.
const canaryPoll = 100 * time.Millisecond

// newMark returns a random UUID.
func newMark() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// canaryEvent returns the event that carries a mark.
func canaryEvent(mark string, at time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "1.11", "eventID": newMark(), "eventTime": at.UTC().Format(time.RFC3339), "eventSource": "canary.bluetrail.invalid", "eventName": "BluetrailCanary",
		"awsRegion": "us-east-1", "recipientAccountId": "000000000000", "sourceIPAddress": "127.0.0.1", "userAgent": "bluetrail/" + version, "eventType": "AwsApiCall", "eventCategory": "Management", "readOnly": true,
		"userIdentity":      map[string]any{"type": "IAMUser", "accountId": "000000000000", "arn": "arn:aws:iam::000000000000:user/bluetrail-canary", "userName": "bluetrail-canary"},
		"requestParameters": map[string]any{"canary": mark},
	}}})
}

func (c *canaryCmd) Run(a *app) error {
	home := a.dataDir(c.Data)
	if a.opened == nil && !isDir(a.path(home)) {
		return usage("there is no data directory %q; use --data DIR, or create one with: bluetrail ingest PATH --data %s", home, shellWord(home))
	}
	mark, began := newMark(), time.Now()
	remove, err := c.send(a, mark, began)
	if err != nil {
		return err
	}
	defer remove()
	step := func(what string, args ...any) {
		fmt.Fprintf(a.out, "%8s  %s\n", time.Since(began).Round(10*time.Millisecond), fmt.Sprintf(what, args...))
	}
	db, release, err := a.state(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	var id string
	arrived := c.wait(a.ctx, func() (bool, error) {
		list, err := db.AlertsNear(canaryRule, mark, began.Add(-time.Hour), time.Now().Add(time.Hour))
		if len(list) > 0 {
			id = list[0].ID
			step("alert %d raised", list[0].Number)
		}
		return id != "", err
	})
	if arrived != nil {
		return fmt.Errorf("the canary %s became no alert: %w; look for it with: bluetrail search --data %s 'index=* eventName=BluetrailCanary'", mark, arrived, shellWord(a.dataDir(c.Data)))
	}
	if err := c.outputs(a, db, id, step); err != nil {
		return err
	}
	return db.Write(func(tx *state.Tx) error {
		_, _, err := alert.Apply(tx, func(*state.Tx, *alert.Alert, alert.Change) error { return nil }, id, alert.Act{Who: "bluetrail", Close: alert.Benign, Comment: "a canary"})
		return err
	})
}

// outputs waits until the outputs have heard of an alert.
func (c *canaryCmd) outputs(a *app, db *state.DB, id string, step func(string, ...any)) error {
	all, err := output.List(db, &a.cfg)
	if err != nil {
		return err
	}
	var names []string
	for _, o := range all {
		if o.Routed {
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 {
		a.note("no output is configured; see docs/outputs.md")
		return nil
	}
	told := map[string]bool{}
	err = c.wait(a.ctx, func() (bool, error) {
		waiting, routed, err := db.Undelivered(id)
		if err != nil || !routed {
			return false, err
		}
		for _, name := range names {
			if !told[name] && !slices.Contains(waiting, name) {
				told[name] = true
				step("output %s is done", name)
			}
		}
		return len(told) == len(names), nil
	})
	if err == nil {
		return nil
	}
	all, listErr := output.List(db, &a.cfg)
	if listErr != nil {
		return listErr
	}
	var missing []string
	for _, o := range all {
		if !slices.Contains(names, o.Name) || told[o.Name] {
			continue
		}
		text := o.Name
		if o.Problem != "" {
			text += " (" + o.Problem + ")"
		}
		missing = append(missing, text)
	}
	return fmt.Errorf("the alert did not get to %s: %w; see: bluetrail output list", strings.Join(missing, ", "), err)
}

// wait asks until it is so, an error occurs or time is up.
func (c *canaryCmd) wait(ctx context.Context, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	for {
		if done, err := so(); done || err != nil {
			return err
		}
		select {
		case <-time.After(canaryPoll):
		case <-ctx.Done():
			return fmt.Errorf("waited for %s", c.Timeout)
		}
	}
}

// send puts the event where events come from; remove takes its file away again.
func (c *canaryCmd) send(a *app, mark string, at time.Time) (remove func(), err error) {
	event, err := canaryEvent(mark, at)
	if err != nil {
		return nil, err
	}
	folder := os.TempDir()
	first := slices.IndexFunc(a.cfg.Sources, func(s config.Source) bool { return s.KindOf() == config.KindDir })
	watched := a.opened != nil && first >= 0
	if watched {
		folder = a.path(a.cfg.Sources[first].Dir)
	}
	path := filepath.Join(folder, "bluetrail-canary-"+mark+".json")
	if err := os.WriteFile(path, event, 0o600); err != nil {
		return nil, fmt.Errorf("cannot send a canary: %w", err)
	}
	remove = func() { os.Remove(path) }
	if watched {
		return remove, nil
	}
	if err := a.ingest(ingest.Options{Data: a.dataDir(c.Data), Paths: []string{path}}); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}
