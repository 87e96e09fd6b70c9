package dashboards

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/dashboard"
	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/generate"
	"bluetrail/internal/search"
	_ "bluetrail/internal/spl/cmd" // registers the commands
	"bluetrail/internal/store/memory"
)

// TestFiles checks every dashboard and every search in it.
func TestFiles(t *testing.T) {
	names, err := fs.Glob(Files, "*.yml")
	if err != nil || len(names) != 14 {
		t.Fatalf("%d dashboards (%v)", len(names), err)
	}
	for _, name := range names {
		data, err := Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d, faults, err := dashboard.Check(data, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.ID+".yml" != name {
			t.Errorf("%s has the id %s", name, d.ID)
		}
		for _, f := range faults {
			t.Errorf("%s: %v", name, f)
		}
		for _, p := range d.Panels() {
			if w := p.Drilldown; w != nil && w.Dashboard != "" {
				if _, err := Files.ReadFile(w.Dashboard + ".yml"); err != nil {
					t.Errorf("%s, %s: leads to the dashboard %s, which does not exist", name, p.Title, w.Dashboard)
				}
			}
			if p.Kind != "text" && strings.Contains(d.SearchOf(p), "sort 0") {
				t.Errorf("%s, %s: sorts everything", name, p.Title)
			}
		}
	}
}

// mayBeEmpty are panels of things that the generated trail does not hold, and those
// of alerts and findings, which are no events of a trail.
func mayBeEmpty(dashboard, panel, search string) bool {
	for _, index := range []string{"index=_alerts", "index=_findings", "index=_audit"} {
		if strings.Contains(search, index) {
			return true
		}
	}
	return empty[dashboard+"/"+panel]
}

// Nobody in the generated trail makes a key pair or launches with one.
var empty = map[string]bool{"key-pairs/Keys made or imported": true, "key-pairs/Launches with a key": true, "key-pairs/Keys of launches": true}

// TestPanelsHaveRows runs every panel over a generated trail.
func TestPanelsHaveRows(t *testing.T) {
	cfg := generate.Config{Seed: 1, Events: generate.MinEvents, End: time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts}
	st := memory.New()
	n := 0
	err := generate.Stream(t.Context(), cfg, func(raw []byte, at time.Time) error {
		if n++; n%40 != 0 && bytes.Contains(raw, []byte(`"readOnly":true`)) && !bytes.Contains(raw, []byte(`"errorCode"`)) {
			return nil // most calls read, and are alike
		}
		_, err := st.Add(bytes.Clone(raw), &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, Fallback: at.UnixNano()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	geo, err := enrich.OpenGeo(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, _ := fs.Glob(Files, "*.yml")
	for _, name := range names {
		data, _ := Files.ReadFile(name)
		d, err := dashboard.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Panels() {
			text, err := d.Expand(d.SearchOf(p), nil)
			if err != nil {
				t.Fatal(err)
			}
			s, _, err := search.Open(t.Context(), search.Options{Text: text, Store: st, Clock: cfg.End, Geo: geo})
			if err != nil {
				t.Errorf("%s, %s: %v", name, p.Title, err)
				continue
			}
			err = s.Drain(t.Context())
			rows := s.Rows()
			s.Close()
			if err != nil {
				t.Errorf("%s, %s: %v", name, p.Title, err)
			} else if rows > 0 && empty[d.ID+"/"+p.Title] {
				t.Errorf("%s, %s: has rows; remove it from empty", name, p.Title)
			} else if rows == 0 && !mayBeEmpty(d.ID, p.Title, text) {
				t.Errorf("%s, %s: no rows from %s", name, p.Title, text)
			}
		}
	}
}
