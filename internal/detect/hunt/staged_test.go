package hunt

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/detect/scorecard"
	"bluetrail/internal/enrich"
	"bluetrail/internal/generate"
)

// notYet are the staged attacks that no rule catches yet, and the look-alikes that
// rules are loud about. Whoever writes the rule takes its name out.
var notYet = []string{
	"terraform-destroy", "ordinary-instances", "snapshot-shared-inside", "image-shared-inside", "role-trusts-own-account",
	"bucket-policy-inside", "provider-for-workflows", "scanner-reads-user-data",
}

// TestStagedAttacks hunts with the shipped rules through a small generated trail:
// every staged attack must be caught above low, and no harmless twin of one.
func TestStagedAttacks(t *testing.T) {
	t.Parallel()
	cfg := generate.Config{Seed: 1, Events: 4000, End: time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts}
	labels, err := generate.Labels(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "trail.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(f)
	err = generate.Stream(t.Context(), cfg, func(record []byte, _ time.Time) error {
		out.Write(record)
		return out.WriteByte('\n')
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	rs := shipped(t)
	geo, err := enrich.OpenGeo(nil)
	if err != nil {
		t.Fatal(err)
	}
	with := withSearches(t, rs)
	res := run(t, rs, path, 1, func(o *Options) { with(o); o.Search.Geo = geo })
	var alarms []scorecard.Alarm
	for _, f := range res.Findings {
		alarms = append(alarms, scorecard.Of(f))
	}
	card := scorecard.New(labels, alarms)
	if len(card.Attacks) < 45 || len(card.Lookalikes) < 40 {
		t.Errorf("%d attacks and %d look-alikes are staged", len(card.Attacks), len(card.Lookalikes))
	}
	wrong := map[string]bool{}
	for _, l := range card.Missed() {
		wrong[l.Name] = true
		if !slices.Contains(notYet, l.Name) {
			t.Errorf("no rule catches %s (%s): %s; low: %q", l.Name, l.Technique, l.Note, l.LowRules)
		}
	}
	for _, l := range card.Loud() {
		wrong[l.Name] = true
		if !slices.Contains(notYet, l.Name) {
			t.Errorf("%q are loud about %s: %s", l.Rules, l.Name, l.Note)
		}
	}
	for _, name := range notYet {
		if !wrong[name] {
			t.Logf("%s is as it must be: take it out of notYet", name)
		}
	}
}
