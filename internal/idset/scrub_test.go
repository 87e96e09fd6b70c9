package idset

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestScrub finds a flipped bit of a run while the set is open; the next check
// says that its part is damaged.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	s.most = 500
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		if _, err := s.Add(random(rnd), KeyOf(start.UnixNano(), true)); err != nil {
			t.Fatal(err)
		}
		if rnd.IntN(600) == 0 {
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	runs, err := filepath.Glob(filepath.Join(dir, "*.run"))
	if err != nil || len(runs) == 0 {
		t.Fatal("there are no runs", err)
	}
	scrub := func(turn func(string) bool) (found []Damage) {
		t.Helper()
		if err := Scrub(dir, turn, func(int) error { return nil }, func(d Damage) { found = append(found, d) }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	all := func(string) bool { return true }
	if found := scrub(all); found != nil {
		t.Errorf("a good set: %v", found)
	}
	data, err := os.ReadFile(runs[0])
	if err != nil {
		t.Fatal(err)
	}
	data[headerSize+100] ^= 1
	if err := os.WriteFile(runs[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if found := scrub(func(string) bool { return false }); found != nil {
		t.Errorf("it is not its turn: %v", found)
	}
	if found := scrub(all); len(found) != 1 || !strings.HasPrefix(filepath.Base(runs[0]), found[0].Name+".") {
		t.Errorf("found %v", found)
	}
	if bad, err := Check(dir, s.counts, false, true); err != nil || len(bad) != 1 {
		t.Errorf("the next check finds %v, %v", bad, err)
	}
	stop := errors.New("stop")
	if err := os.WriteFile(runs[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = Scrub(dir, all, func(int) error { return stop }, func(Damage) {})
	if len(data) > headerSize+verifyPiece*16 && !errors.Is(err, stop) {
		t.Error(err)
	}
}
