package vlogs

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTurns: each name has one turn per period, however often Upto is called.
func TestTurns(t *testing.T) {
	const period = 7 * 24 * time.Hour
	now := time.Unix(1_770_000_000, 0)
	turns := NewTurns(now, period)
	had := map[string]int{}
	for end := now.Add(period); now.Before(end); {
		now = now.Add(min(13*time.Hour, end.Sub(now)))
		turn := turns.Upto(now)
		for i := range 500 {
			if name := fmt.Sprintf("file %d", i); turn(name) {
				had[name]++
			}
		}
	}
	for name, n := range had {
		if n != 1 {
			t.Errorf("%s had %d turns", name, n)
		}
	}
	if len(had) != 500 {
		t.Errorf("%d of 500 had a turn", len(had))
	}
}

// TestScrubBig finds a changed large record.
func TestScrubBig(t *testing.T) {
	dir, st := smallStore(t)
	var found []Damage
	scrub := func(turn bool) {
		t.Helper()
		if err := st.scrubBig(t.Context(), func(string) bool { return turn }, func(d Damage) { found = append(found, d) }); err != nil {
			t.Fatal(err)
		}
	}
	if scrub(true); found != nil {
		t.Errorf("a good record: %+v", found)
	}
	files, err := filepath.Glob(filepath.Join(dir, bigDir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	flipByte(t, files[0])
	if scrub(false); found != nil {
		t.Errorf("it is not its turn: %+v", found)
	}
	if scrub(true); len(found) != 1 || !strings.Contains(found[0].Reason, "not what was written") {
		t.Errorf("found %+v", found)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if d := st.Damaged(); len(d) != 1 || d[0].Day != dayOf(2026, 1, 7) {
		t.Errorf("set aside: %+v", d)
	}
}
