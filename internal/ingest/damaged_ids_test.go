package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/state"
)

// TestDamagedIDs damages the known ids and takes a copy of the trail in: nothing
// is stored twice, and afterwards the ids are as they were.
func TestDamagedIDs(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 5, 22, 0, 0, 0, time.UTC)
	const events = 60
	var lines []string
	for i := range events {
		when := at.Add(time.Duration(i) * 5 * time.Minute)
		if i%20 == 7 {
			when = when.AddDate(-30, 0, 0) // a loose id
		}
		lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject"}`,
			i, when.Format(time.RFC3339)))
	}
	path, second := filepath.Join(dir, "trail.json"), filepath.Join(dir, "copy.json")
	write(t, path, strings.Join(lines, "\n"))
	write(t, second, strings.Join(lines, "\n"))

	onFile := func(name string, change func([]byte) []byte) func(string) error {
		return func(ids string) error {
			path := filepath.Join(ids, name)
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, change(data), 0o600))
		}
	}
	remove := func(name string) func(string) error {
		return func(ids string) error { return os.Remove(filepath.Join(ids, name)) }
	}
	flip := func(d []byte) []byte { d[len(d)-3] ^= 4; return d }
	cut := func(d []byte) []byte { return d[:len(d)-16] }
	for name, tc := range map[string]struct {
		damage func(ids string) error
		deep   bool // only doctor --deep tells it
	}{
		"a day flipped":       {onFile("2026-01-05.log", flip), true},
		"a day cut":           {onFile("2026-01-06.log", cut), false},
		"a day deleted":       {remove("2026-01-05.log"), false},
		"loose ids flipped":   {onFile("loose.log", flip), true},
		"loose ids deleted":   {remove("loose.log"), false},
		"the format deleted":  {remove("format"), false},
		"the format flipped":  {onFile("format", flip), false},
		"all of them deleted": {os.RemoveAll, false},
	} {
		for _, repair := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, repair %v", name, repair), func(t *testing.T) {
				data := t.TempDir()
				o := Options{Data: data, Paths: []string{path}}
				if sum, err := Run(ctx, o); err != nil || sum.Events != events {
					t.Fatal(sum.Events, err)
				}
				damaged := func(deep bool) bool {
					db, err := state.Open(data)
					if err != nil {
						t.Fatal(err)
					}
					defer db.Close()
					bad, err := CheckIDs(data, db, deep)
					if err != nil {
						t.Fatal(err)
					}
					return len(bad) > 0
				}
				if damaged(true) {
					t.Fatal("there is damage before any was done")
				}
				if err := tc.damage(filepath.Join(data, idsDir)); err != nil {
					t.Fatal(err)
				}
				if damaged(false) == tc.deep || !damaged(true) {
					t.Errorf("the damage is noticed quickly: %v, deep: %v", damaged(false), damaged(true))
				}
				renewed := 0
				if repair {
					rep, err := Repair(ctx, o)
					if err != nil {
						t.Fatal(err)
					}
					renewed = len(rep.IDs)
				}
				o.Paths = []string{second}
				sum, err := Run(ctx, o)
				if err != nil || sum.Events != 0 || renewed+len(sum.Renewed) == 0 {
					t.Errorf("the copy brought %d events, %d ids were renewed: %v", sum.Events, renewed+len(sum.Renewed), err)
				}
				if got := len(values(t, data, "eventID")); got != events {
					t.Errorf("%d events are stored, want %d", got, events)
				}
				if damaged(true) {
					t.Error("there is damage afterwards")
				}
			})
		}
	}
}
