package state

import (
	"testing"
	"time"

	"bluetrail/internal/tally"

	"github.com/google/go-cmp/cmp"
)

func TestForget(t *testing.T) {
	db := open(t, t.TempDir())
	aws, other := tally.Key{Day: 5, Index: "aws"}, tally.Key{Day: 6, Index: "aws"}
	added := tally.Tallies{aws: {Events: 2, Sum: 1 << 63}, other: {Events: 1, Sum: 7}}
	a := File{Path: "/a", Size: 1, Done: true, First: 4, Last: 5, Origin: "{}"}
	b := File{Path: "/b", Size: 1, Done: true, First: 6, Last: 6}
	for range 2 {
		if err := db.Commit(Checkpoint{}, []File{a, b}, nil, added); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Tallies()
	want := tally.Tallies{aws: {Events: 4}, other: {Events: 2, Sum: 14}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	files, err := db.Forget([]tally.Day{5})
	if diff := cmp.Diff([]File{a}, files); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, ok, err := db.File("/a"); ok || err != nil {
		t.Errorf("a forgotten file is known: %v", err)
	}
	got, err = db.Tallies()
	delete(want, aws)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAlarms(t *testing.T) {
	db := open(t, t.TempDir())
	a := Alarm{Day: 5, Events: 3, Since: time.UnixMilli(1_700_000_000_000), Reason: "first"}
	later := a
	later.Reason = "second"
	for _, a := range []Alarm{a, later} {
		if err := db.Raise(a); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Alarms()
	if diff := cmp.Diff([]Alarm{a}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if err := db.Clear(5); err != nil {
		t.Fatal(err)
	}
	if got, err = db.Alarms(); len(got) != 0 || err != nil {
		t.Errorf("%v after it was cleared: %v", got, err)
	}
}
