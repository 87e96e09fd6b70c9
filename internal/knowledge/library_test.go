package knowledge

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bluetrail/internal/filter"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLibraryReadsOnce: searches share cached contents until a file changes.
func TestLibraryReadsOnce(t *testing.T) {
	dir := t.TempDir()
	macros := filepath.Join(dir, "local", "macros.conf")
	write(t, macros, "[mine]\ndefinition = eventName=A\n")
	var l Library
	expand := func() string {
		t.Helper()
		k, err := l.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		m, ok := k.Macro("mine", 0)
		if !ok {
			return ""
		}
		return m.Definition
	}
	if got := expand(); got != "eventName=A" {
		t.Fatalf("expands to %q", got)
	}
	first := l.set([]string{dir})
	if expand(); l.set([]string{dir}) != first {
		t.Error("the folder was read again although nothing changed")
	}
	write(t, macros, "[mine]\ndefinition = eventName=Bcd\n")
	if got := expand(); got != "eventName=Bcd" {
		t.Errorf("after a change it expands to %q", got)
	}
	write(t, filepath.Join(dir, "macros", "other.yml"), "name: other\ndefinition: x\n")
	if l.set([]string{dir}) == first {
		t.Error("a file that was added goes unnoticed")
	}
	if err := os.Remove(macros); err != nil {
		t.Fatal(err)
	}
	if got := expand(); got != "" {
		t.Errorf("after its file was removed it expands to %q", got)
	}
	for range 3 * maxSets {
		if _, err := l.Open(t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.sets) > maxSets {
		t.Errorf("keeps %d lists of folders", len(l.sets))
	}
}

// TestLibraryProblems: a search is told about the problems of files that it
// used, not of those that only others used, however often they are used.
func TestLibraryProblems(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "macros.conf"), "[broken\n")
	write(t, filepath.Join(dir, "savedsearches.conf"), "[empty]\ncron = x\n")
	var l Library
	for range 2 {
		k, err := l.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if list := k.Problems(); len(list) != 0 {
			t.Errorf("problems before anything is read: %v", list)
		}
		k.SavedSearchNames()
		if list := k.Problems(); len(list) != 1 || !strings.Contains(list[0].Error(), "savedsearches.conf") {
			t.Errorf("problems of the saved searches: %v", list)
		}
	}
}

// TestLibraryRace reads everything from several searches while files change.
func TestLibraryRace(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "eventtypes.conf"), "[one]\nsearch = eventName=A `mine`\ntags = t\n")
	var l Library
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 20 {
				if i == 0 {
					write(t, filepath.Join(dir, "macros.conf"), "[mine]\ndefinition = user=b\n")
				}
				k, err := l.Open(dir)
				if err != nil {
					t.Error(err)
					return
				}
				k.Check()
				for _, e := range k.EventTypes() {
					_ = filter.Print(e.Search)
				}
			}
		})
	}
	all.Wait()
}
