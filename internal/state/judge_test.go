package state

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestJudge writes rows of each kind, more than a page of them, replaces and removes
// some, and reads them again.
func TestJudge(t *testing.T) {
	db := open(t, t.TempDir())
	defer db.Close()
	const n = 2*judgeAtOnce + 7
	body := []byte("body")
	write := func(from, to int, body []byte, last int64) {
		t.Helper()
		err := db.Write(func(tx *Tx) error {
			for i := from; i < to; i++ {
				key := fmt.Appendf(nil, "%05d", i)
				for _, err := range []error{
					tx.PutUnits([]Unit{{key, body}}), tx.PutWaiting([]Waiting{{int64(i - 500), body}}),
					tx.PutSeen([]Seen{{"r", fmt.Sprintf(`[["s"],["%d"]]`, i), 1, last}}), tx.PutIdentities([]Identity{{'k', key, body}}),
				} {
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() (units, waiting, seen, identities int) {
		t.Helper()
		last := int64(-501)
		for _, err := range []error{
			db.Units(func(u *Unit) error { units++; return nil }),
			db.Waiting(func(w *Waiting) error {
				if w.Number != last+1 || len(w.Body) == 0 {
					t.Errorf("%+v comes after %d", w, last)
				}
				last = w.Number
				waiting++
				return nil
			}),
			db.Seen(func(s *Seen) error { seen++; return nil }),
			db.Identities(func(i *Identity) error { identities++; return nil }),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	write(0, n, body, 5)
	write(0, n, []byte("other"), 6) // instead of the first ones
	if a, b, c, d := read(); a != n || b != n || c != n || d != n {
		t.Errorf("%d, %d, %d, %d rows, want %d of each", a, b, c, d, n)
	}
	names := map[string]bool{}
	if err := db.UnitNames(func(unit []byte) error { names[string(unit)] = true; return nil }); err != nil || len(names) != n || !names["00002"] {
		t.Errorf("%d units: %v", len(names), err)
	}
	write(3, n, nil, -1)
	if a, b, c, d := read(); a != 3 || b != 3 || c != 3 || d != 3 {
		t.Errorf("%d, %d, %d, %d rows, want 3 of each", a, b, c, d)
	}
	of := func(rule string) (n int) {
		err := db.Seen(func(s *Seen) error {
			if s.Rule == rule {
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := db.Write(func(tx *Tx) error {
		if err := tx.PutSeen([]Seen{{"r", `[["s"],[]]`, 1, 1}, {"other", `[["s"],["a"]]`, 1, 1}}); err != nil {
			return err
		}
		if r, ok, err := tx.OneSeen("r", `[["s"],[]]`); err != nil || !ok || r.First != 1 {
			t.Errorf("%+v, %v, %v", r, ok, err)
		}
		if _, ok, err := tx.OneSeen("r", "none"); ok || err != nil {
			t.Error(ok, err)
		}
		return tx.ForgetSeen("r", 6, false)
	})
	if err != nil || of("r") != 4 || of("other") != 1 || of("none") != 0 {
		t.Errorf("%d, %d: %v", of("r"), of("other"), err)
	}
	err = db.Write(func(tx *Tx) error {
		if err := tx.ForgetSeen("r", 7, false); err != nil {
			return err
		}
		return tx.PutLearning(Learning{"r", "p", 7, true})
	})
	if list, err2 := db.Learning(); err != nil || of("r") != 1 || err2 != nil || len(list) != 1 || list[0] != (Learning{"r", "p", 7, true}) {
		t.Errorf("%d stay, %v: %v, %v", of("r"), list, err, err2)
	}
}

// TestWaitingUpgrade: matches that each have a row of their own keep all of it.
func TestWaitingUpgrade(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/format16.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := raw(t, dir)
	if _, err := old.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	const unit, body = "\x00u\xff'", "s\x00\xfe\x00body"
	if _, err := old.Exec("INSERT INTO judge_tail VALUES (?, ?, ?)", []byte(unit), make([]byte, 24), []byte(body)); err != nil {
		t.Fatal(err)
	}
	old.Close()
	db := open(t, dir)
	var got []Waiting
	err = db.Waiting(func(w *Waiting) error { got = append(got, *w); return nil })
	if diff := cmp.Diff([]Waiting{{1, []byte("100000004" + unit + body)}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestForgetScopes keeps the scopes of a rule that runs, and not those of one that is gone.
func TestForgetScopes(t *testing.T) {
	db := open(t, t.TempDir())
	for _, gone := range []bool{false, true} {
		left := 0
		err := db.Write(func(tx *Tx) error {
			if err := tx.PutSeen([]Seen{{"r", `[["a"],[]]`, 1, 2}, {"r", `[["a"],["x"]]`, 1, 2}, {"r", `[["b"],[]]`, 1, 9}}); err != nil {
				return err
			}
			return tx.ForgetSeen("r", 5, gone)
		})
		if err == nil {
			err = db.Seen(func(*Seen) error { left++; return nil })
		}
		if want := map[bool]int{false: 2, true: 1}[gone]; err != nil || left != want {
			t.Errorf("gone %v: %d rows are left, want %d; %v", gone, left, want, err)
		}
	}
}

// TestStaged adds staged tuples to those that are remembered, all at once.
func TestStaged(t *testing.T) {
	db := open(t, t.TempDir())
	write := func(f func(tx *Tx) error) {
		t.Helper()
		if err := db.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *Tx) error { return tx.PutSeen([]Seen{{"r", "a", 10, 20}, {"r", "b", 10, 20}}) })
	write(func(tx *Tx) error { return tx.StageSeen([]Seen{{"r", "lost", 1, 2}}) })
	write((*Tx).DropStaged)
	write(func(tx *Tx) error { return tx.StageSeen([]Seen{{"r", "a", 15, 16}, {"r", "c", 1, 2}}) })
	write(func(tx *Tx) error { return tx.StageSeen([]Seen{{"r", "a", 5, 16}}) })
	all := func() (list []Seen) {
		if err := db.Seen(func(s *Seen) error { list = append(list, *s); return nil }); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if n := len(all()); n != 2 {
		t.Errorf("%d tuples are remembered before all are there, want 2", n)
	}
	for _, want := range [][]Seen{{{"r", "a", 5, 20}, {"r", "c", 1, 2}}, nil} {
		var told []Seen
		write(func(tx *Tx) error { return tx.TakeStaged(func(s *Seen) error { told = append(told, *s); return nil }) })
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]Seen{{"r", "a", 5, 20}, {"r", "b", 10, 20}, {"r", "c", 1, 2}}, all()); diff != "" {
			t.Error(diff)
		}
	}
}
