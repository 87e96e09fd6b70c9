package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bluetrail/internal/control"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/files"
)

func TestRated(t *testing.T) {
	for _, tc := range []struct {
		done, total int64
		took        time.Duration
		want        string
	}{
		{50 << 20, 200 << 20, 10 * time.Second, " 25%  50 MiB of 200 MiB, 5.0 MiB/s, 30s left"},
		{1 << 30, 20 << 30, 100 * time.Second, "  5%  1.0 GiB of 20 GiB, 10 MiB/s, 31m40s left"},
		{200 << 20, 200 << 20, 10 * time.Second, "100%  200 MiB of 200 MiB, 20 MiB/s, 0s left"},
		{210 << 20, 200 << 20, 10 * time.Second, "100%  210 MiB of 200 MiB, 21 MiB/s, 0s left"}, // a file grew
		{0, 200 << 20, 10 * time.Second, "0 B, 0 B/s"},                                          // nothing to go by yet
		{50 << 20, 0, 10 * time.Second, "50 MiB, 5.0 MiB/s"},                                    // of a stream
	} {
		read := func() (int64, int64) { return tc.done, tc.total }
		if got := rated(read, bytes, tc.took); got != tc.want {
			t.Errorf("%d of %d: %q, want %q", tc.done, tc.total, got, tc.want)
		}
	}
}

// TestMeter: the line appears on a terminal once work takes a while, and goes with the work.
func TestMeter(t *testing.T) {
	for _, tc := range []struct {
		name  string
		tty   bool
		quiet bool
		work  time.Duration
		want  string
	}{
		{"long", true, false, time.Second, " 25%  50 MiB of 200 MiB, 71 MiB/s, 2s left"},
		{"short", true, false, meterDelay / 2, ""},
		{"quiet", true, true, time.Second, ""},
		{"no terminal", false, false, time.Second, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				a := &app{err: &out, quiet: tc.quiet, errTerm: control.Terminal{TTY: tc.tty, Width: 80}}
				stop := a.meter(func() (int64, int64) { return 50 << 20, 200 << 20 }, bytes)
				time.Sleep(tc.work)
				stop()
				stop()
				first, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "\r"), "\r")
				if got := strings.TrimRight(first, " "); got != tc.want {
					t.Errorf("the line is %q, want %q", got, tc.want)
				}
				if tc.want != "" && !strings.HasSuffix(out.String(), "\r"+strings.Repeat(" ", 79)+"\r") {
					t.Errorf("the line stays: %q", out.String())
				}
			})
		})
	}
}

// TestHuntProgress: a hunt over files counts all their bytes, from none.
func TestHuntProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.json")
	text := strings.Repeat(`{"eventVersion":"1.08","eventTime":"2026-01-05T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`+"\n", 1000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := files.Open([]string{path}, files.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if done, _ := st.Progress(); done != 0 {
		t.Errorf("%d bytes are done before the hunt", done)
	}
	res, err := hunt.Run(t.Context(), hunt.Options{Rules: rs, Records: st, Space: spill.NewSpace(t.TempDir(), 1<<20)})
	if err != nil || res.Events != 1000 {
		t.Fatal(res, err)
	}
	if done, total := st.Progress(); done != int64(len(text)) || total != done {
		t.Errorf("%d of %d bytes are done, want all %d", done, total, len(text))
	}
}
