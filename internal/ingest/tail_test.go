package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/source/dir"
)

// numbered returns lines without time and eventID.
func numbered(n, m int) string {
	var b strings.Builder
	for ; n <= m; n++ {
		fmt.Fprintf(&b, `{"msg":"line","n":%d}`+"\n", n)
	}
	return b.String()
}

// putOld writes a file that nobody has changed for a while; each write is later
// than the one before.
func putOld(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// watchUntil opens the data directory, takes a folder in as a server does until
// so many events are stored and acknowledged, and closes it. It returns how many
// events the run found known already.
func watchUntil(t *testing.T, data, folder string, events int) (duplicates int) {
	t.Helper()
	p := openPipeline(t, Config{Data: data})
	tails, err := p.State().Tails(folder, dir.MaxTails)
	if err != nil {
		t.Fatal(err)
	}
	w := dir.New(dir.Options{Dir: folder, Tails: tails})
	defer w.Close()
	stopping, stop := context.WithCancel(ctx)
	ended := make(chan Summary, 1)
	go func() {
		sum, _ := p.Run(stopping, w, RunOptions{Live: true})
		ended <- sum
	}()
	for deadline := time.Now().Add(time.Minute); counted(t, p.Store()) < events; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d events are stored, want %d", counted(t, p.Store()), events)
		}
	}
	stop()
	sum := <-ended
	if n := counted(t, p.Store()); n != events {
		t.Errorf("%d events are stored, want %d", n, events)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return sum.Duplicates
}

// TestTailIsKept: a log without times and eventIDs that grows and is rotated
// between runs is read on from where it was, and each line is stored once.
func TestTailIsKept(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	log := filepath.Join(folder, "app.log")
	known := 0
	putOld(t, log, numbered(1, 100), 9*time.Hour)
	known += watchUntil(t, data, folder, 100)
	putOld(t, log, numbered(1, 150), 8*time.Hour)
	known += watchUntil(t, data, folder, 150)

	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	putOld(t, log+".1", numbered(1, 160), 7*time.Hour)
	putOld(t, log, numbered(1, 30), 6*time.Hour) // begins with the same lines
	known += watchUntil(t, data, folder, 190)
	putOld(t, log, numbered(1, 40), 5*time.Hour)
	known += watchUntil(t, data, folder, 200)

	putOld(t, log, numbered(1, 20), 4*time.Hour) // cut off and filled again
	known += watchUntil(t, data, folder, 220)
	if known != 0 {
		t.Errorf("%d lines were read again", known)
	}
	// The command knows them, too.
	sum, err := Run(ctx, Options{Data: data, Paths: []string{folder}})
	if err != nil || sum.Events != 0 {
		t.Errorf("ingest of the same folder: %+v, %v", sum, err)
	}
}

// TestRenamedFile: a file whose records have no eventID does not come again under
// another name, but a copy of it does: whether it is one cannot be told.
func TestRenamedFile(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	ingested := func(want int) {
		t.Helper()
		sum, err := Run(ctx, Options{Data: data, Paths: []string{folder}})
		if err != nil || sum.Events != want {
			t.Errorf("%d new events, want %d; %v", sum.Events, want, err)
		}
	}
	one, two, three := filepath.Join(folder, "one.json"), filepath.Join(folder, "two.json"), filepath.Join(folder, "three.json")
	putOld(t, one, numbered(1, 50), 2*time.Hour)
	ingested(50)
	if err := os.Rename(one, two); err != nil {
		t.Fatal(err)
	}
	ingested(0)
	ingested(0)
	if err := os.Rename(two, three); err != nil {
		t.Fatal(err)
	}
	ingested(0)
	putOld(t, one, numbered(1, 50), time.Hour)
	ingested(0) // the file at this path was taken in
	putOld(t, two, numbered(1, 60), time.Hour)
	ingested(10)
}
