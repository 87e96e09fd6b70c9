package idset

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCutAddsMeanwhile adds ids while others are written, with a run and
// without.
func TestCutAddsMeanwhile(t *testing.T) {
	for _, most := range []int{4, runIDs} {
		dir := t.TempDir()
		s, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.most = most
		n := 0
		for range 40 {
			for range 3 {
				mustAdd(t, s, n, true)
				n++
			}
			c := s.Cut()
			written := make(chan error, 1)
			go func() { written <- c.Write() }()
			for i := range 3 {
				mustAdd(t, s, n-1-i, false) // ids being written are known
			}
			mustAdd(t, s, n, true)
			n++
			if err := <-written; err != nil {
				t.Fatal(err)
			}
			if err := c.Finish(); err != nil {
				t.Fatal(err)
			}
			for i := range n {
				mustAdd(t, s, i, false)
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		counts := s.Changed()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if bad, err := Check(dir, counts, true, true); err != nil || len(bad) > 0 {
			t.Errorf("logs of %d: %v %v", most, bad, err)
		}
	}
}

// TestCutFails: ids that could not be written wait for the next commit.
func TestCutFails(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, 1, true)
	log := filepath.Join(dir, NameOf(cutKey)+".log")
	if err := os.Mkdir(log, 0o700); err != nil { // makes writing fail
		t.Fatal(err)
	}
	c := s.Cut()
	mustAdd(t, s, 2, true)
	if err := c.Write(); err == nil {
		t.Fatal("wrote ids into a folder")
	}
	if err := c.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	counts := s.Changed()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if counts[NameOf(cutKey)].Events != 2 {
		t.Errorf("%v are counted, want 2 ids", counts)
	}
	if bad, err := Check(dir, counts, true, true); err != nil || len(bad) > 0 {
		t.Error(bad, err)
	}
}

var cutKey = KeyOf(1_770_000_000_000_000_000, true)

func mustAdd(t *testing.T, s *Set, n int, isNew bool) {
	t.Helper()
	id := ID{byte(n >> 8), byte(n), 7}
	if got, err := s.Add(id, cutKey); err != nil || got != isNew {
		t.Fatalf("adding id %d: new %v, want %v; %v", n, got, isNew, err)
	}
}
