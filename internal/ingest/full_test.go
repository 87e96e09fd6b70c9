package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"bluetrail/internal/store/vlogs"
)

// TestFullDisk fills a small disk to its last byte while a batch waits. Searches go on, the
// batch is kept, and once there is room every event is stored once.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("tmpfs is of Linux")
	}
	dir := t.TempDir()
	data, trail := filepath.Join(dir, "data"), filepath.Join(dir, "trail")
	for _, path := range []string{data, trail} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer syscall.Unmount(data, syscall.MNT_DETACH)
	want := writeTrail(t, trail, 4, 50)
	o := childOptions(dir)
	p, err := Open(t.Context(), Config{Data: o.Data, Sink: o.Sink, batch: o.batch})
	if err != nil {
		t.Fatal(err)
	}
	files := func() (Summary, error) {
		again := o
		return p.Files(t.Context(), again)
	}
	ballast := filepath.Join(data, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		block := make([]byte, 1<<20)
		for err == nil {
			_, err = f.Write(block)
		}
		if f.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	var full *vlogs.FullError
	// Nothing more is read while the disk is full.
	fill()
	if _, err := files(); !errors.As(err, &full) || full.Need != vlogs.LeastFree {
		t.Fatalf("a full disk takes in events: %v", err)
	}
	if err := p.Err(); err != nil {
		t.Fatalf("the pipeline is broken: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// It fills between reading and the commit.
	p.turn.Lock()
	ended := make(chan error, 1)
	go func() {
		_, err := files()
		ended <- err
	}()
	for events := 0; events < len(want); {
		p.mu.Lock()
		events = p.batch.events
		p.mu.Unlock()
	}
	fill()
	p.turn.Unlock()
	if err := <-ended; !errors.As(err, &full) || full.Need == vlogs.LeastFree {
		t.Fatalf("a full disk takes in a batch: %v", err)
	}
	if n := p.Store().Info().Events; n != 0 || p.Err() != nil {
		t.Fatalf("%d events, %v", n, p.Err())
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := files(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, dir, want)
}
