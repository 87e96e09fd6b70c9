package leftover

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

func TestRemove(t *testing.T) {
	data := t.TempDir()
	collect, lookups := filepath.Join(data, "collect"), filepath.Join(data, "knowledge", "lookups")
	for _, dir := range []string{collect, lookups} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	inUse, err := Create(collect, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	ended, err := Create(collect, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	ended.Close()
	const noProcess = 1 << 30
	dead := filepath.Join(lookups, ".a.csv."+strconv.Itoa(noProcess)+".0.tmp")
	living := filepath.Join(lookups, ".a.csv."+strconv.Itoa(os.Getpid())+".0.tmp")
	lookup := filepath.Join(lookups, "a.csv")
	for _, path := range []string{dead, living, lookup} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := Remove(data)
	if want := []string{ended.Name(), dead}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v: %v", removed, want, err)
	}
	for _, path := range []string{inUse.Name(), living, lookup} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
