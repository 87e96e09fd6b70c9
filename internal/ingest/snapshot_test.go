package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bluetrail/internal/backup"
	"bluetrail/internal/integrity"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
)

// TestBackupDuringIngest makes backups while an ingest runs. Each one, restored, is a
// whole data directory: an ingest of the same trail adds what came later, and every event
// is stored once and seen once by the sink.
func TestBackupDuringIngest(t *testing.T) {
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	want := writeTrail(t, trail, 12, 60)
	o := childOptions(dir)
	o.batch.events = 100
	const backups = 2
	from, made := filepath.Join(dir, "backups"), 0
	var events []int64
	p, err := Open(t.Context(), Config{Data: o.Data, Sink: o.Sink, batch: o.batch})
	if err != nil {
		t.Fatal(err)
	}
	src, run, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.Run(t.Context(), src, run)
		ended <- err
	}()
	for made < backups {
		p.turn.Lock()
		n := p.point.Events
		p.turn.Unlock()
		if n < int64(1+made*200) {
			continue
		}
		path := filepath.Join(from, fmt.Sprint(made))
		events = append(events, backUp(t, p, path))
		made++
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, dir, want)
	for i := range backups {
		restored := filepath.Join(dir, fmt.Sprint("restored", i))
		if err := os.Mkdir(restored, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(trail, filepath.Join(restored, "trail")); err != nil {
			t.Fatal(err)
		}
		o := childOptions(restored)
		path, err := backup.Find(filepath.Join(from, fmt.Sprint(i)), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := backup.Restore(t.Context(), path, o.Data, &backup.Meter{}); err != nil {
			t.Fatal(err)
		}
		if n := deep(t, o.Data); n != events[i] {
			t.Errorf("backup %d has %d events, want %d", i, n, events[i])
		}
		o.Paths = []string{trail}
		sum, err := Run(t.Context(), o)
		if err != nil || sum.Before != events[i] || len(sum.Alarms)+len(sum.Renewed) > 0 {
			t.Fatalf("%d events before instead of %d, %v, %v: %v", sum.Before, events[i], sum.Alarms, sum.Renewed, err)
		}
		check(t, restored, want)
	}
	if events[0] == events[backups-1] || events[0] == 0 {
		t.Errorf("the backups do not differ: %v events", events)
	}
}

// backUp makes a backup as the command does and returns how many events it has.
func backUp(t *testing.T, p *Pipeline, dir string) int64 {
	t.Helper()
	f, err := backup.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := f.Begin(p.cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	shot, err := p.Snapshot(t.Context(), m.StatePath())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Snapshot(t.Context(), filepath.Join(dir, "second")); err == nil {
		t.Error("two snapshots at once")
	}
	if _, err := m.Finish(t.Context(), shot.Dir, backup.Head{Data: p.cfg.Data, Events: shot.Events}, &backup.Meter{}); err != nil {
		t.Fatal(err)
	}
	if err := shot.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(p.cfg.Data, SnapshotDir)); err == nil {
		t.Error("the snapshot is still there")
	}
	return shot.Events
}

// deep compares all that a data directory holds and returns how many events there are.
func deep(t *testing.T, data string) int64 {
	t.Helper()
	st, alarms, err := integrity.Open(context.Background(), data, vlogs.Options{ReadOnly: true, Deep: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	differ, err := integrity.Deep(t.Context(), st, db)
	if err != nil || len(differ)+len(alarms) > 0 {
		t.Fatalf("%v, %v: %v", differ, alarms, err)
	}
	bad, err := CheckIDs(data, db, true)
	if err != nil || len(bad) > 0 {
		t.Fatalf("ids: %v: %v", bad, err)
	}
	return int64(st.Info().Events)
}
