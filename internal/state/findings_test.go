package state

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func someFindings(n int) (list []Finding) {
	for i := range n {
		list = append(list, Finding{ID: fmt.Sprintf("%04x", i*7919%n), Time: int64(i/3) * 1000, Rule: "r", Severity: i % 5, Entity: "alice", First: int64(i), Last: int64(i) * 1000, Arrived: int64(i % 7), Body: []byte(fmt.Sprintf(`{"n":%d}`, i)), Mark: Mark{Status: StatusOpen}})
	}
	return list
}

func TestFindings(t *testing.T) {
	db := open(t, t.TempDir())
	const n = 3*findingsAtOnce + 11
	all := someFindings(n)
	if err := db.Commit(Checkpoint{Batch: 5}, nil, nil, nil, nil, func(tx *Tx) error { return tx.PutFindings(all) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(func(tx *Tx) error { return tx.PutFindings(all[:50]) }); err != nil { // replaces
		t.Fatal(err)
	}
	sort := func(list []Finding) {
		slices.SortFunc(list, func(a, b Finding) int {
			if a.Time != b.Time {
				return int(a.Time - b.Time)
			}
			return map[bool]int{true: -1, false: 1}[a.ID < b.ID]
		})
	}
	for _, q := range []FindingQuery{
		{math.MinInt64, math.MaxInt64, 0, Arrival{}, false}, {math.MinInt64, math.MaxInt64, 0, Arrival{}, true}, {2000, 90_000, 3, Arrival{}, false},
		{2000, 90_000, 3, Arrival{}, true}, {5000, 5000, 0, Arrival{}, false}, {math.MinInt64, math.MaxInt64, 0, Arrival{2, 4}, false}, {0, math.MaxInt64, 1, Arrival{4, 0}, true},
	} {
		var want, got []Finding
		for _, f := range all {
			if f.Time >= q.Earliest && f.Time < q.Latest && f.Severity >= q.Severity && (q.Arrived == Arrival{} || f.Arrived > q.Arrived.After && (q.Arrived.Upto == 0 || f.Arrived <= q.Arrived.Upto)) {
				want = append(want, f)
			}
		}
		sort(want)
		if q.Newest {
			slices.Reverse(want)
		}
		if err := db.Findings(t.Context(), q, func(f *Finding) error { got = append(got, *f); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: %d, want %d (-want +got):\n%.2000s", q, len(got), len(want), diff)
		}
	}
	if err := db.Write(func(tx *Tx) error { return tx.DropFindings([]string{all[0].ID, "nothing"}) }); err != nil {
		t.Fatal(err)
	}
	if ids, err := db.FindingIDs(all[0].ID, 5); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
	if ids, err := db.FindingIDs("00", 5); err != nil || len(ids) != 5 {
		t.Errorf("%v, %v", ids, err)
	}
	gone, err := db.ExpireFindings(time.Unix(0, 100_000))
	if left, e := db.CountFindings(); err != nil || e != nil || gone != 99 || left != n-100 {
		t.Errorf("%d removed, %d left: %v, %v", gone, left, err, e)
	}
}

// TestCommitWhole fails behind the checkpoint: nothing of the commit may stay.
func TestCommitWhole(t *testing.T) {
	db := open(t, t.TempDir())
	broken := errors.New("broken")
	err := db.Commit(Checkpoint{Batch: 5}, []File{{Path: "/a"}}, nil, nil, nil, func(tx *Tx) error {
		if err := tx.PutFindings(someFindings(3)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	c, err := db.Checkpoint()
	n, nerr := db.CountFindings()
	if _, ok, ferr := db.File("/a"); err != nil || nerr != nil || ferr != nil || c.Batch != 0 || n != 0 || ok {
		t.Errorf("checkpoint %+v, %d findings, file %v: %v, %v, %v", c, n, ok, err, nerr, ferr)
	}
}

func TestDisabled(t *testing.T) {
	db := open(t, t.TempDir())
	d := Disabled{Rule: "r", Print: "abc", Since: time.UnixMilli(1234), Reason: "it failed"}
	if err := db.Write(func(tx *Tx) error { return errors.Join(tx.Disable(d), tx.Disable(Disabled{Rule: "a"}), tx.Enable("a")) }); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Disabled(); err != nil || !cmp.Equal(got, []Disabled{d}) {
		t.Errorf("%+v, %v", got, err)
	}
}
