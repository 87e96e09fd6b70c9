package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/tally"
)

// writeDays writes a file with n events on each of the days from 1 March 2026.
func writeDays(t *testing.T, path string, prefix byte, days, n int) {
	t.Helper()
	var b strings.Builder
	for d := range days {
		for i := range n {
			fmt.Fprintf(&b, `{"eventVersion":"1.08","eventTime":"2026-03-%02dT10:00:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"%c0000000-0000-4000-8000-%012d","marker":"%[3]c%[4]d"}`+"\n", d+1, i, prefix, d*n+i)
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	dir := t.TempDir()
	data, aws, other := filepath.Join(dir, "data"), filepath.Join(dir, "aws.json"), filepath.Join(dir, "other.json")
	writeDays(t, aws, 'a', 6, 5)
	writeDays(t, other, 'b', 6, 5)
	now := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	take := func(path, index string, keep map[string]config.Retention) Summary {
		t.Helper()
		sum, err := Run(context.Background(), Options{Data: data, Paths: []string{path}, Index: index, Retention: keep, Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		if len(sum.Alarms) > 0 {
			t.Errorf("alarms %v", sum.Alarms)
		}
		return sum
	}
	if sum := take(aws, "aws", nil); sum.Events != 30 || len(sum.Removed) != 0 {
		t.Fatalf("%+v", sum)
	}
	if sum := take(other, "other", nil); sum.Events != 30 {
		t.Fatalf("%+v", sum)
	}

	// By age: the 1st to the 3rd are over of aws, which shares its days.
	keep := map[string]config.Retention{"aws": {Days: 3}}
	sum := take(aws, "aws", keep)
	if len(sum.Removed) != 1 || sum.Removed[0].Events != 15 || sum.Removed[0].Index != "aws" {
		t.Errorf("removed %+v, want 15 events of aws", sum.Removed)
	}
	if got := len(markers(t, data)); got != 45 {
		t.Errorf("%d events are left, want 45", got)
	}

	// What was removed does not come back with its file, or with a copy of it.
	if err := os.Rename(aws, aws+".copy.json"); err != nil {
		t.Fatal(err)
	}
	if sum = take(aws+".copy.json", "aws", keep); sum.Events != 0 || sum.Expired != 15 || sum.Duplicates != 15 {
		t.Errorf("a copy gave %d events, %d expired, %d duplicates", sum.Events, sum.Expired, sum.Duplicates)
	}

	// Both indexes: whole days go.
	keep["*"] = config.Retention{Days: 3}
	if sum = take(other, "other", keep); len(sum.Removed) != 1 || sum.Removed[0].Events != 15 {
		t.Errorf("removed %+v, want 15 events of other", sum.Removed)
	}
	left := markers(t, data)
	for m := range left {
		if m == "a0" || m == "b14" {
			t.Errorf("event %s is there", m)
		}
	}
	if len(left) != 30 {
		t.Errorf("%d events are left, want 30", len(left))
	}

	// An age that is raised lets the files in again.
	if sum = take(aws+".copy.json", "aws", nil); sum.Events != 15 || sum.Duplicates != 15 {
		t.Errorf("without retention a file gave %d events, %d duplicates", sum.Events, sum.Duplicates)
	}
	if sum = take(other, "other", nil); sum.Events != 15 {
		t.Errorf("without retention a file gave %d events", sum.Events)
	}
	if got := len(markers(t, data)); got != 60 {
		t.Errorf("%d events are there, want all 60", got)
	}
}

func TestRetentionBySize(t *testing.T) {
	p := &Pipeline{}
	if got := p.oldest(config.Retention{}); got != 0 {
		t.Errorf("without a limit the first day is %s", got)
	}
	dir := t.TempDir()
	data, path := filepath.Join(dir, "data"), filepath.Join(dir, "aws.json")
	writeDays(t, path, 'a', 6, 5)
	if _, err := Run(context.Background(), Options{Data: data, Paths: []string{path}}); err != nil {
		t.Fatal(err)
	}
	p, err := Open(context.Background(), Config{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	tallies, err := p.state.Tallies()
	if err != nil {
		t.Fatal(err)
	}
	first := tally.DayOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	var total int64
	for _, n := range p.store.Bytes() {
		total += n
	}
	for _, tc := range []struct {
		limit int64
		want  tally.Day
	}{{total, 0}, {total - 1, first + 1}, {1, first + 5}} {
		if got := p.fits(tallies, "aws", 0, tc.limit); got != tc.want {
			t.Errorf("with %d of %d bytes the first day is %s, want %s", tc.limit, total, got, tc.want)
		}
	}
}

// TestClockJump jumps the wall clock ahead of a pipeline: nothing is removed, and what
// comes in is stored.
func TestClockJump(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.json"), filepath.Join(dir, "second.json")
	writeDays(t, first, 'a', 3, 5)
	writeDays(t, second, 'b', 3, 5)
	const day = 24 * time.Hour
	age := int(time.Since(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) / day)
	jump := time.Duration(0)
	cfg := Config{
		Data: filepath.Join(dir, "data"), Clock: func() time.Time { return time.Now().Add(jump) },
		Retention: map[string]config.Retention{config.AnyIndex: {Days: age + 10}},
	}
	p := openPipeline(t, cfg)
	defer p.Close()
	take := func(path string) Summary {
		t.Helper()
		sum, err := p.Files(t.Context(), Options{Paths: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	take(first)
	jump = 40 * day
	removed, err := p.Retain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := take(second)
	if len(removed) > 0 || sum.Expired > 0 || sum.Stored != 30 {
		t.Errorf("removed %v, %d events expired, %d stored, want all 30", removed, sum.Expired, sum.Stored)
	}
	if ahead := p.ClockAhead(); ahead < jump-time.Minute || ahead > jump+time.Minute {
		t.Errorf("the clock is ahead by %s, want %s", ahead, jump)
	}
	for _, jump = range []time.Duration{maxClockAhead / 2, -40 * day} {
		if ahead := p.ClockAhead(); ahead != 0 {
			t.Errorf("a jump by %s is told as %s", jump, ahead)
		}
	}
}
