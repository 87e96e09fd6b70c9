package state

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func save(db *DB, p RuleProgress, runs []Run, told []Told, forget time.Time) error {
	return db.Write(func(t *Tx) error { return t.SaveRuns(p, runs, told, forget) })
}

func TestRunsLast(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	at := func(minutes int) time.Time {
		return time.UnixMilli(1_700_000_000_000).UTC().Add(time.Duration(minutes) * time.Minute)
	}
	if p, ok, err := db.RuleProgress("r"); ok || err != nil || p.Rule != "r" {
		t.Errorf("%+v, %v: a rule that never ran has come somewhere", p, err)
	}
	want := RuleProgress{Rule: "r", Planned: at(5), Arrived: 7, Failures: 2, Rows: 9}
	run := Run{Rule: "r", Reason: "due", Planned: at(5), Earliest: at(0), Latest: at(5), Started: at(6), Took: time.Second, Rows: 9, Findings: 2, Muted: 1, Status: RunDone, Said: strings.Repeat("x", 2*maxSaid)}
	if err := save(db, want, []Run{run}, []Told{{"a", at(5)}, {"b", at(5)}}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = open(t, dir)
	if p, ok, err := db.RuleProgress("r"); !ok || err != nil || p != want {
		t.Errorf("%+v, want %+v: %v", p, want, err)
	}
	runs, err := db.Runs("r", 10)
	run.ID, run.Said = 1, run.Said[:maxSaid]
	if diff := cmp.Diff([]Run{run}, runs); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, c := range []struct {
		alike         string
		after, before int
		want          bool
	}{{"a", 4, 6, true}, {"a", 5, 6, false}, {"a", 4, 5, false}, {"c", 4, 6, false}} {
		if got, err := db.WasTold("r", c.alike, at(c.after), at(c.before)); got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	if told, err := db.ToldAt("r", at(5)); len(told) != 2 || err != nil {
		t.Errorf("%v, %v", told, err)
	}
	if err := save(db, want, []Run{{Planned: at(5), Status: RunDone}}, []Told{{"b", at(5)}}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if told, err := db.ToldAt("r", at(5)); len(told) != 1 || told[0] != "b" || err != nil {
		t.Errorf("%v, %v", told, err)
	}
	for n := range mostRuns + 50 {
		run := Run{Planned: at(n), Status: RunSkipped}
		if err := save(db, want, []Run{run}, nil, at(6)); err != nil {
			t.Fatal(err)
		}
	}
	if err := save(db, RuleProgress{Rule: "other"}, []Run{{Status: RunDone}}, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	runs, err = db.Runs("r", 10_000)
	if len(runs) != mostRuns || err != nil || !runs[0].Planned.Equal(at(mostRuns+49)) {
		t.Errorf("%d runs are kept: %v", len(runs), err)
	}
	if told, err := db.WasTold("r", "b", at(0), at(9)); told || err != nil {
		t.Errorf("what was told long ago is not forgotten: %v", err)
	}
	all, err := db.RulesProgress()
	if len(all) != 2 || err != nil || all[0].Rule != "other" {
		t.Errorf("%+v, %v", all, err)
	}
	if runs, err := db.Runs("", 10); len(runs) != 10 || err != nil || runs[0].Rule != "other" {
		t.Errorf("%+v, %v", runs, err)
	}
}
