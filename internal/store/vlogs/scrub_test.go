package vlogs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"
)

// smallStore makes a store of 30 events of three days, the last of which has a
// record that is too large for a row.
func smallStore(t *testing.T) (dir string, st *Store) {
	t.Helper()
	dir = t.TempDir()
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := st.NewWriter()
	for i := range 30 {
		at := time.Date(2026, 1, 5+i%3, 8, 0, 0, 0, time.UTC)
		fill := ""
		if i == 29 {
			fill = strings.Repeat("x", maxRaw)
		}
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","n":%d,"fill":%q}`, at.Format(time.RFC3339), i, fill)
		r := Record{Raw: []byte(raw), Meta: &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}, Time: at.UnixNano(), Timed: true, Batch: 1, Seq: uint64(i), ID: [16]byte{byte(i)}}
		if err := w.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := errors.Join(st.Sync(), st.updateManifest(nil)); err != nil {
		t.Fatal(err)
	}
	return dir, st
}

// flipByte changes a byte of a file and keeps its size and time.
func flipByte(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// TestScrub finds a flipped bit of an open store, and the next open sets its day
// aside.
func TestScrub(t *testing.T) {
	dir, st := smallStore(t)
	const period = 7 * 24 * time.Hour
	turns := map[string]time.Duration{}
	now := time.Unix(0, 0).Add(1000 * period)
	for end := now.Add(period); now.Before(end); {
		name, e, rest := st.partAt(now, period)
		if name == "" {
			t.Fatal("no part has its turn at", now)
		}
		if damage, err := st.scrubPart(t.Context(), name, e); damage != nil || err != nil {
			t.Fatalf("%+v, %v", damage, err)
		}
		turns[name] += rest
		now = now.Add(rest)
	}
	if len(turns) != len(st.manifest.parts) {
		t.Fatalf("%d of %d parts had a turn", len(turns), len(st.manifest.parts))
	}
	files, err := filepath.Glob(filepath.Join(st.partition(dayOf(2026, 1, 6)), "datadb", "*", "message_values.bin*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no file of values", err)
	}
	flipByte(t, files[0])
	ctx, stop := context.WithCancel(t.Context())
	var found []Damage
	for name, e := range st.manifest.parts {
		damage, err := st.scrubPart(ctx, name, e)
		if err != nil {
			t.Fatal(err)
		}
		if damage != nil {
			found = append(found, *damage)
		}
	}
	stop()
	if len(found) != 1 || found[0].Day != dayOf(2026, 1, 6) {
		t.Fatalf("found %+v", found)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if d := st.Damaged(); len(d) != 1 || d[0].Day != found[0].Day {
		t.Errorf("set aside: %+v", d)
	}
}

// TestBigDamaged: a large record whose file was changed is an error, and its day
// is set aside by the next open.
func TestBigDamaged(t *testing.T) {
	dir, st := smallStore(t)
	files, err := filepath.Glob(filepath.Join(dir, bigDir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	read := func() error { return st.Day(t.Context(), dayOf(2026, 1, 7), func(Stored) {}) }
	if err := read(); err != nil {
		t.Fatal(err)
	}
	flipByte(t, files[0])
	if err := read(); err == nil || !strings.Contains(err.Error(), "not what was written") {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if st, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if d := st.Damaged(); len(d) != 1 || d[0].Day != dayOf(2026, 1, 7) || !strings.Contains(d[0].Reason, "large record") {
		t.Errorf("set aside: %+v", d)
	}
}

func dayOf(year int, month time.Month, day int) tally.Day {
	return tally.DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).UnixNano())
}

// TestDamagedDeletions: an unreadable list of deletions, or one that names rows
// nobody asked to delete, has no effect.
func TestDamagedDeletions(t *testing.T) {
	for _, text := range []string{"[{", `[{"task_id":"x","tenant_ids":[{"account_id":0,"project_id":0}],"filter":"*","start_time":1}]`} {
		dir, st := smallStore(t)
		if err := errors.Join(st.Close(), os.WriteFile(filepath.Join(dir, engineDir, deleteTasksFile), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		st, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if tasks, err := st.db.DeleteActiveTasks(t.Context()); err != nil || len(tasks) > 0 {
			t.Errorf("%s: %d deletions are under way (%v)", text, len(tasks), err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFlippedIndex: the next open finds a flipped bit in a file that says where
// rows are, although the file's size and time are unchanged.
func TestFlippedIndex(t *testing.T) {
	for name := range indexFiles {
		t.Run(name, func(t *testing.T) {
			dir, st := smallStore(t)
			files, err := filepath.Glob(filepath.Join(st.partition(dayOf(2026, 1, 6)), "datadb", "*", name))
			if err != nil || len(files) == 0 {
				t.Fatal("no such file", err)
			}
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			flipByte(t, files[0])
			if st, err = Open(dir, Options{}); err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			if d := st.Damaged(); len(d) != 1 || d[0].Day != dayOf(2026, 1, 6) {
				t.Errorf("set aside: %+v", d)
			}
		})
	}
}
