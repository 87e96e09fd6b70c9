package generate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// event is what the tests read of a record.
type event struct {
	EventID            string
	EventTime          time.Time
	EventSource        string
	EventName          string
	EventCategory      string
	EventType          string
	AWSRegion          string
	SourceIPAddress    string
	ErrorCode          string
	ErrorMessage       string
	RecipientAccountID string
	AccountID          string // of a sum
}

func parse(t *testing.T, raw []byte) event {
	t.Helper()
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return e
}

// top is parse for a record that is decoded already, without what lies deeper.
func top(v map[string]any) event {
	text := func(key string) string { s, _ := v[key].(string); return s }
	at, _ := time.Parse(time.RFC3339, text("eventTime"))
	if window, ok := v["timeWindow"].(map[string]any); ok {
		at, _ = time.Parse(time.RFC3339, window["windowStart"].(string))
	}
	return event{EventID: text("eventID") + text("eventId"), EventTime: at, EventCategory: text("eventCategory"), ErrorCode: text("errorCode"), SourceIPAddress: text("sourceIPAddress")}
}

// leaves counts the scalar values of a record, null included.
func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += leaves(e)
		}
	case []any:
		for _, e := range v {
			n += leaves(e)
		}
	default:
		return 1
	}
	return n
}

// TestProfile holds the trail against real ones: compact JSON of 1.2 KB at the
// median, 1.8 KB at p90, 2.4 KB at p99, the largest 66 KB; 28 leaves at the
// median and 47 at p99; 12 of a hundred source addresses the name of a service.
func TestProfile(t *testing.T) {
	t.Parallel()
	// In a small trail the staged events would weigh too much.
	cfg := Config{Seed: 9, Events: 30_000, End: testEnd, Days: 10, Accounts: 6}
	var sizes, counts []int
	services, errorCodes, seen := 0, map[string]int{}, map[string]bool{}
	categories := map[string]int{}
	var last time.Time
	err := Stream(context.Background(), cfg, func(r []byte, at time.Time) error {
		var v map[string]any
		if err := json.Unmarshal(r, &v); err != nil {
			return fmt.Errorf("%w in %s", err, r)
		}
		e := top(v)
		if !e.EventTime.Equal(at) || at.Before(last) {
			t.Errorf("event of %v yielded as of %v after %v", e.EventTime, at, last)
		}
		last = at
		if seen[e.EventID] {
			t.Errorf("event %s comes twice", e.EventID)
		}
		seen[e.EventID] = true
		sizes, counts = append(sizes, len(r)), append(counts, leaves(v))
		categories[e.EventCategory]++
		errorCodes[e.ErrorCode]++
		if strings.HasSuffix(e.SourceIPAddress, ".amazonaws.com") {
			services++
		} else if _, err := netip.ParseAddr(e.SourceIPAddress); err != nil && e.EventCategory != "Insight" && e.EventCategory != "Aggregated" {
			t.Errorf("source address %q", e.SourceIPAddress)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(sizes)
	slices.Sort(counts)
	n := len(sizes)
	within := func(what string, got, want, tolerance int) {
		if got < want-tolerance || got > want+tolerance {
			t.Errorf("%s: %d, want %d give or take %d", what, got, want, tolerance)
		}
	}
	within("median size", sizes[n/2], 1200, 120)
	within("p90 of sizes", sizes[n*90/100], 1800, 120)
	within("p99 of sizes", sizes[n*99/100], 2400, 150)
	within("largest", sizes[n-1], 66_000, 4000)
	within("median leaves", counts[n/2], 28, 2)
	within("p99 of leaves", counts[n*99/100], 47, 3)
	within("service names per mille", services*1000/n, 120, 12)
	within("errors per mille", (n-errorCodes[""])*1000/n, 45, 20)
	for _, code := range []string{"AccessDenied", "Client.UnauthorizedOperation", "ThrottlingException", "NoSuchEntityException", "Client.VcpuLimitExceeded"} {
		if errorCodes[code] == 0 {
			t.Errorf("no %s", code)
		}
	}
	for _, category := range []string{"Management", "Data", "Insight", "NetworkActivity", "Aggregated"} {
		if categories[category] == 0 {
			t.Errorf("no %s events", category)
		}
	}
}

// TestWorkingDaysShow compares what people do at work, by night and at weekends.
func TestWorkingDaysShow(t *testing.T) {
	t.Parallel()
	cfg := Config{Seed: 2, Events: scaled(40_000), End: testEnd, Days: 14, Accounts: 4}
	people, machines := map[string]int{}, map[string]int{}
	err := Stream(context.Background(), cfg, func(r []byte, at time.Time) error {
		when := "night"
		switch {
		case weekday(at.Unix()) >= 5:
			when = "weekend"
		case at.Hour() >= 8 && at.Hour() < 16:
			when = "work"
		}
		if bytes.Contains(r, []byte(`"userName":"AWSReservedSSO_`)) {
			people[when]++
		} else {
			machines[when]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// A fortnight has 80 working hours, 160 other hours on those days and 96 of weekend.
	if work, weekend := people["work"]/80, people["weekend"]/96; work < 8*weekend {
		t.Errorf("people: %d an hour at work, %d at weekends", work, weekend)
	}
	if work, night := people["work"]/80, people["night"]/160; work < 2*night {
		t.Errorf("people: %d an hour at work, %d at night", work, night)
	}
	if work, weekend := machines["work"]/80, machines["weekend"]/96; weekend*3 < work {
		t.Errorf("machines: %d an hour at work, %d at weekends", work, weekend)
	}
}

func TestStreamStops(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	n := 0
	err := Stream(context.Background(), small(), func([]byte, time.Time) error {
		if n++; n == 100 {
			return stop
		}
		return nil
	})
	if err != stop || n != 100 {
		t.Errorf("after %d records: %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Stream(ctx, small(), func([]byte, time.Time) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled stream: %v", err)
	}
}
