package knowledge

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bluetrail/internal/leftover"
	"bluetrail/internal/lookup"
)

// fullDisk accepts some bytes and then fails; it counts the writes.
type fullDisk struct{ left, asked int }

func (d *fullDisk) Write(p []byte) (int, error) {
	d.asked++
	if d.left -= len(p); d.left < 0 {
		return 0, syscall.ENOSPC
	}
	return len(p), nil
}

func wideTable(rows int) *lookup.Table {
	t := &lookup.Table{Columns: []string{"a", "b"}}
	for range rows {
		t.Rows = append(t.Rows, []string{"some text", "and more of it"})
	}
	return t
}

// A full disk stops the writing of a table immediately.
func TestTableOnFullDisk(t *testing.T) {
	for _, file := range []string{"a.csv", "a.csv.gz"} {
		disk := &fullDisk{left: 1000}
		if err := writeCSV(disk, file, wideTable(100000)); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", file, err)
		}
		if disk.asked > 20 {
			t.Errorf("%s: written to %d times", file, disk.asked)
		}
	}
}

// A failed write leaves the old table, and nothing else.
func TestUnfinishedTable(t *testing.T) {
	dir := t.TempDir()
	const old = "a\nold\n"
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failures := map[string]func(io.Writer) error{
		"full": func(w io.Writer) error {
			if _, err := io.WriteString(w, "a\nhalf"); err != nil {
				return err
			}
			return syscall.ENOSPC
		},
		"cancelled": func(w io.Writer) error { return writeCSV(stopping{ctx, w}, "a.csv", wideTable(100000)) },
	}
	for name, write := range failures {
		if err := leftover.Replace(dir, "a.csv", write); err == nil {
			t.Errorf("%s: no error", name)
		}
		got, err := os.ReadFile(filepath.Join(dir, "a.csv"))
		if err != nil || string(got) != old {
			t.Errorf("%s: %q %v", name, got, err)
		}
		if files, _ := os.ReadDir(dir); len(files) != 1 {
			t.Errorf("%s: left %v", name, files)
		}
	}
}
