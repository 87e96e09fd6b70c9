package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRepairPackedDays loses a partition that the events of many days share.
func TestRepairPackedDays(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	start := time.Date(2024, 2, 1, 8, 0, 0, 0, time.UTC)
	const events = 50
	var lines []string
	for i := range events {
		lines = append(lines, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1"}`,
			i, start.AddDate(0, 0, i).Format(time.RFC3339)))
	}
	path := filepath.Join(dir, "trail.json")
	write(t, path, strings.Join(lines, "\n"))
	o := Options{Data: data, Paths: []string{path}}
	if sum, err := Run(ctx, o); err != nil || sum.Events != events {
		t.Fatal(sum.Events, err)
	}
	packed, err := filepath.Glob(filepath.Join(data, EventsDir, "victorialogs", "partitions", "2001*"))
	if err != nil || len(packed) != 1 {
		t.Fatalf("there are %d partitions of packed days: %v", len(packed), err)
	}
	if err := os.RemoveAll(packed[0]); err != nil {
		t.Fatal(err)
	}
	rep, err := Repair(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Days) != 1 || rep.Days[0].Missing() != 0 || rep.Days[0].Lost == 0 {
		t.Errorf("repaired: %+v", rep)
	}
	if got := len(slices.Compact(values(t, data, "eventID"))); got != events {
		t.Errorf("%d events are there after the repair, want %d", got, events)
	}
}
