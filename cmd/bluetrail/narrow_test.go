package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/control"

	"github.com/mattn/go-runewidth"
)

// TestRecordingsOnATerminal searches the recorded attacks as on a terminal of 80
// and of 160 columns: no line is wider, every time is whole, and what is cut
// says so.
func TestRecordingsOnATerminal(t *testing.T) {
	data := os.Getenv("BLUETRAIL_TESTDATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(data, "stratus", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the folder of real records is absent (set BLUETRAIL_TESTDATA)")
	}
	for _, file := range files {
		for _, width := range []int{80, 160} {
			t.Run(fmt.Sprintf("%s/%d", filepath.Base(file), width), func(t *testing.T) {
				full := columnsOf(t, file, 0)
				cut := columnsOf(t, file, width)
				if len(cut) != len(full) || len(cut) < 3 {
					t.Fatalf("%d lines, %d in a pipe", len(cut), len(full))
				}
				for i, line := range cut {
					if n := runewidth.StringWidth(line); n > width {
						t.Errorf("%d columns: %s", n, line)
					}
					if i < 2 {
						continue
					}
					if _, err := time.Parse(time.DateTime, line[:len(time.DateTime)]); err != nil {
						t.Errorf("a cut time: %s", line)
					}
					for cell := range strings.SplitSeq(line[len(time.DateTime):], "  ") {
						if cell = strings.TrimSpace(cell); cell != "" && !strings.Contains(cell, "…") && !strings.Contains(full[i]+"  ", "  "+cell+"  ") {
							t.Errorf("%q is cut without a sign; it comes from\n%s", cell, full[i])
						}
					}
				}
			})
		}
	}
}

// columnsOf returns the lines of a table of all events in a file.
func columnsOf(t *testing.T, file string, width int) []string {
	t.Helper()
	var out strings.Builder
	a := &app{ctx: context.Background(), out: &out, err: io.Discard, cfg: config.Default(), shares: &shares{}, started: time.Now(), outTerm: control.Terminal{TTY: width > 0, Width: width}}
	if err := (&searchCmd{Search: "*", source: source{Files: []string{file}, TZ: "UTC"}, Output: "table"}).Run(a); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
}

// TestHuntOnATerminal: at 80 columns, findings and summaries are tables, no line is
// wider, and what is left out is told once.
func TestHuntOnATerminal(t *testing.T) {
	var records []string
	for i := range 6 {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2026-03-0%dT10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-central-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.17.32","requestParameters":{"name":"arn:aws:cloudtrail:eu-central-1:111122223333:trail/organization-wide"},"eventID":"00000000-0000-4000-8000-00000000000%d","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE%d","arn":"arn:aws:iam::111122223333:user/somebody-with-a-long-name-%d","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE000000001","userName":"somebody-with-a-long-name-%d"}}`, i+1, i, i, i, i))
	}
	file := filepath.Join(t.TempDir(), "trail.json")
	if err := os.WriteFile(file, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, notes strings.Builder
	a := &app{ctx: context.Background(), out: &out, err: &notes, cfg: config.Default(), shares: &shares{}, started: time.Now(), outTerm: control.Terminal{TTY: true, Width: 80}}
	if err := (&huntCmd{Severity: "high", input: input{source: source{Files: []string{file}, TZ: "UTC"}}, Output: "table"}).Run(a); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for _, line := range lines {
		if n := runewidth.StringWidth(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if got := strings.Join(strings.Fields(lines[0]), " "); got != "time severity rule entity outcome count" || !strings.HasPrefix(lines[2], "2026-03-01T10:00:00Z  high ") {
		t.Errorf("the table begins with\n%s", strings.Join(lines[:3], "\n"))
	}
	if n := strings.Count(out.String(), "worst"); n != 4 {
		t.Errorf("%d summaries are tables, want 4:\n%s", n, out.String())
	}
	if n := strings.Count(notes.String(), "message, id left out for lack of width"); n != 1 {
		t.Errorf("what is left out is told %d times:\n%s", n, notes.String())
	}
}

func TestNoColour(t *testing.T) {
	if os.Getenv("NO_COLOR") != "" {
		t.Setenv("NO_COLOR", "")
	}
	for _, tc := range []struct {
		variable, value string
		colour          bool
	}{{"NO_COLOR", "1", false}, {"TERM", "dumb", false}, {"TERM", "xterm", true}} {
		t.Run(tc.variable, func(t *testing.T) {
			t.Setenv("TERM", "xterm")
			t.Setenv(tc.variable, tc.value)
			if got := wantsColour(); got != tc.colour {
				t.Errorf("%s=%s: %v", tc.variable, tc.value, got)
			}
		})
	}
}
