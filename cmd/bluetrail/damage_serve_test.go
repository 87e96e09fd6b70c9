package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDamageUnderServer damages a day of a running server's store. A search of
// the day ends with an error that names it; the server goes on: it answers
// searches of other days, takes events in, and ends in order. After a repair all
// events are there.
func TestDamageUnderServer(t *testing.T) {
	dir := t.TempDir()
	trail, whole := filepath.Join(dir, "trail"), filepath.Join(dir, "whole")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	damageTrail(t, trail)
	if _, words, code := command(t, "ingest", "--data", whole, trail); code != 0 {
		t.Fatal(words)
	}
	more := filepath.Join(dir, "more.json")
	if err := os.WriteFile(more, []byte(`{"eventVersion":"1.08","eventTime":"2026-03-05T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","marker":"more"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"message_values.bin", "values.bin*", "index.bin", "columns_header.bin"} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(data, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			var log logged
			server := exec.Command("bluetrail", "serve", "--data", data, "--addr", "127.0.0.1:0")
			server.Stderr = &log
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- server.Wait() }()
			t.Cleanup(func() { server.Process.Kill() })
			for !strings.Contains(log.String(), "msg=ready") {
				select {
				case err := <-ended:
					t.Fatalf("the server ended: %v\n%s", err, &log)
				case <-time.After(5 * time.Millisecond):
				}
			}
			files, err := filepath.Glob(filepath.Join(data, "events/victorialogs/partitions/20260302/datadb/*", name))
			if err != nil || len(files) == 0 {
				t.Fatal("no such file", err)
			}
			for _, path := range files {
				spoilInPlace(t, path)
			}
			for range 4 { // more often than the engine searches at once
				out, words, code := command(t, "search", "--data", data, "-o", "json", "* | table _raw bucketName")
				if code != 1 || !strings.Contains(words, "2026-03-02") || !strings.Contains(words, "damaged") {
					t.Fatalf("the search of a damaged day ended with code %d, %d rows, and said %s", code, strings.Count(out, "\n"), words)
				}
			}
			out, words, code := command(t, "search", "--data", data, "-o", "json", "--earliest", "2026-03-01T00:00:00Z", "--latest", "2026-03-02T00:00:00Z", "* | stats count")
			if out != `{"count":"29"}`+"\n" || code != 0 && code != exitPartly {
				t.Errorf("a search of another day ended with code %d: %s%s", code, out, words)
			}
			if _, words, code := command(t, "ingest", "--data", data, more); code != 0 && code != exitPartly {
				t.Errorf("an ingest ended with code %d: %s", code, words)
			}
			if _, words, code := command(t, "doctor", "--data", data); code != 1 {
				t.Errorf("doctor ended with code %d: %s", code, words)
			}
			if err := server.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Errorf("the server ended with %v\n%s", err, &log)
			}
			if !strings.Contains(log.String(), "the store is damaged") {
				t.Errorf("the server does not report the damage:\n%s", &log)
			}
			if _, words, code := command(t, "repair", "--data", data); code != 0 {
				t.Errorf("the repair ended with code %d: %s", code, words)
			}
			full := fmt.Sprintf(`{"count":"%d","markers":"%[1]d"}`+"\n", damageEvents+1)
			if out, words, code := command(t, "search", "--data", data, "-o", "json", "* | stats count dc(marker) AS markers"); out != full || code != 0 {
				t.Errorf("after the repair a search ended with code %d: %s%s", code, out, words)
			}
		})
	}
}

// spoilInPlace overwrites a file, which a process may have mapped into memory.
func spoilInPlace(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write([]byte(strings.Repeat("\xff", int(info.Size()))))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
