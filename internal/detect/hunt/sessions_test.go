package hunt

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/generate"
)

const sessionRules = `
title: Any call
id: any
name: any
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: '*'}, condition: s}
---
title: Session
id: session
level: low
correlation:
  type: event_count
  rules: [any]
  group-by: [actor, actor_type, session_id]
  timespan: 20d
  condition: {gte: 1}
`

// TestHuntFindsTheLabelledSessions groups the calls of a generated trail by who is
// behind them: each labelled session is one group, with its events.
func TestHuntFindsTheLabelledSessions(t *testing.T) {
	dir := t.TempDir()
	cfg := generate.Config{Seed: 5, Events: generate.MinEvents, End: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts, Sessions: true}
	if _, err := generate.Write(t.Context(), dir, cfg, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, generate.SessionsFile))
	if err != nil {
		t.Fatal(err)
	}
	type group struct{ actor, kind, session string }
	want, names, open := map[group]int{}, map[group]string{}, map[string]bool{}
	chains, told := map[group][]string{}, map[group][]string{}
	for line := range bytes.Lines(text) {
		var s generate.Session
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		if s.ID == "" { // calls without labels decide where it begins and ends
			open[s.Actor] = true
			continue
		}
		g := group{s.Actor, s.ActorType, s.ID}
		want[g] += len(s.EventIDs)
		names[g] = s.Name
		if s.Chain != "" {
			chains[g] = append(chains[g], s.Chain)
		}
	}
	res := run(t, load(t, sessionRules), filepath.Join(dir, "AWSLogs"), 2, nil)
	got := map[group]int{}
	for _, f := range res.Findings {
		g := group{strings.Join(f.Actor, " "), strings.Join(f.ActorType, " "), strings.Join(f.Session, " ")}
		got[g] += int(f.Count)
		told[g] = append(told[g], f.Chain...)
	}
	for g, n := range want {
		if got[g] < n || got[g] > n && !open[g.actor] {
			t.Errorf("%s: %d events of %+v, want %d", names[g], got[g], g, n)
		}
	}
	for g, list := range chains {
		for _, chain := range list {
			if !slices.Contains(told[g], chain) {
				t.Errorf("%s: the chains are %q, want %q", names[g], told[g], chain)
			}
		}
	}
	if len(want) < 40 {
		t.Errorf("%d sessions are labelled", len(want))
	}
}
