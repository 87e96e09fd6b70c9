package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/scorecard"
	"bluetrail/internal/generate"
)

// TestStorySummary: a person reads what was attacked, caught and quiet, and how to go on.
func TestStorySummary(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	label := func(name, story string, expect generate.Expectation, id string, after time.Duration) generate.Label {
		return generate.Label{Name: name, Story: story, Expect: expect, Technique: "T1490", Note: "note of " + name, Source: "198.51.100.7", First: at.Add(after), Last: at.Add(after), EventIDs: []string{id}}
	}
	alarm := func(id string, after time.Duration, event string) scorecard.Alarm {
		return scorecard.Alarm{ID: id, Rule: "rule-" + id, Severity: rule.High, Time: at.Add(after), EventIDs: []string{event}}
	}
	card := scorecard.New([]generate.Label{
		label("stripped", "ransom", generate.Caught, "1", 0), label("destroyed", "ransom", generate.Caught, "2", time.Minute), label("unseen", "theft", generate.Caught, "3", time.Hour),
		label("deployment", "", generate.Quiet, "4", 0), label("teardown", "", generate.Quiet, "5", 0),
	}, []scorecard.Alarm{alarm("a", 30*time.Second, "1"), alarm("b", 2*time.Minute, "2"), alarm("c", 0, "5"), alarm("d", 0, "9")})
	var out strings.Builder
	a := &app{ctx: context.Background(), out: &out, err: io.Discard, cfg: config.Default(), shares: &shares{}, started: time.Now()}
	if err := a.storySummary(&story{trail: "demo/trail", data: "demo/data", card: card, alerts: 4, worst: "17"}, 2500); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"2 intrusions took 3 steps among 2,500 events. bluetrail raised 4 alerts.", "ransom 2 Mar 10:00 2 2 30s high 198.51.100.7", "theft 2 Mar 11:00 1 0 never", "2 of 3 steps.",
		"missed: unseen (T1490): note of unseen", "1 of 2 look-alikes of 2 kinds", "loud: teardown: rule-c", "2 alerts of ordinary traffic",
		"bluetrail alerts --data demo/data --severity high", "bluetrail alerts show 17 --data demo/data", "bluetrail trace 198.51.100.7 --data demo/data", "bluetrail hunt demo/trail/AWSLogs --labels demo/trail",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
