package state

import (
	"testing"
	"time"

	"bluetrail/internal/tally"

	"github.com/google/go-cmp/cmp"
)

func TestReread(t *testing.T) {
	db := open(t, t.TempDir())
	aws, other := tally.Key{Day: 5, Index: "aws"}, tally.Key{Day: 6, Index: "aws"}
	added := tally.Tallies{aws: {Events: 2, Sum: 1 << 63}, other: {Events: 1, Sum: 7}}
	a := File{Path: "/a", Size: 1, Done: true, First: 4, Last: 5, Origin: "{}"}
	b := File{Path: "/b", Size: 1, Done: true, First: 6, Last: 6}
	for range 2 {
		if err := db.Commit(Checkpoint{}, []File{a, b}, nil, added, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Tallies()
	want := tally.Tallies{aws: {Events: 4}, other: {Events: 2, Sum: 14}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	files, err := db.Reread(5, 5)
	a.Done = false
	if diff := cmp.Diff([]File{a}, files); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, _, err := db.File("/a"); got != a || err != nil {
		t.Errorf("%+v is known of a file to be read again: %v", got, err)
	}
}

func TestAlarms(t *testing.T) {
	db := open(t, t.TempDir())
	a := Alarm{Day: 5, Events: 3, Since: time.UnixMilli(1_700_000_000_000), Reason: "first"}
	key := tally.Key{Day: 5, Index: "aws"}
	if err := db.Commit(Checkpoint{}, nil, nil, tally.Tallies{key: {Events: 10, Sum: 3}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	left := tally.Tallies{key: {Events: 7, Sum: 1}}
	more := a
	more.Reason = "second"
	for _, a := range []Alarm{a, more} {
		if err := db.Lose(a, left); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Alarms()
	a.Events = 6
	if diff := cmp.Diff([]Alarm{a}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if have, err := db.Tallies(); !cmp.Equal(have, left) || err != nil {
		t.Errorf("the counts are %v, want %v: %v", have, left, err)
	}
	if err := db.Clear(5); err != nil {
		t.Fatal(err)
	}
	if got, err = db.Alarms(); len(got) != 0 || err != nil {
		t.Errorf("%v after it was cleared: %v", got, err)
	}
}
