package lookupevents

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/ingest"
	"bluetrail/internal/state"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
)

// history answers LookupEvents as CloudTrail does: the newest events first, a page at a
// time, in JSON.
type history struct {
	mu     sync.Mutex
	events []time.Time // by number
	page   int
	asked  int
	fail   int // so many calls are throttled
	stale  int // so many tokens are refused
	from   []time.Time
}

func (h *history) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		StartTime, EndTime float64
		MaxResults         int
		NextToken          string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Amz-Target") != "CloudTrail_20131101.LookupEvents" {
		http.Error(w, "not this API", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(kind string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, kind)
	}
	switch {
	case h.fail > 0:
		h.fail--
		refuse("ThrottlingException")
		return
	case in.NextToken != "" && h.stale > 0:
		h.stale--
		refuse("InvalidNextTokenException")
		return
	}
	if in.NextToken == "" {
		h.from = append(h.from, time.Unix(int64(in.StartTime), 0).UTC())
	}
	var found []int
	for n, at := range h.events {
		if sec := float64(at.Unix()); sec >= in.StartTime && sec <= in.EndTime {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(a, b int) int {
		return cmp.Or(h.events[b].Compare(h.events[a]), cmp.Compare(a, b))
	})
	skip, _ := strconv.Atoi(in.NextToken)
	type ev struct{ EventId, CloudTrailEvent string }
	out := struct {
		Events    []ev
		NextToken string `json:",omitempty"`
	}{Events: []ev{}}
	found = found[min(skip, len(found)):]
	for _, n := range found[:min(len(found), h.page)] {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
		out.Events = append(out.Events, ev{id, fmt.Sprintf("{\"eventVersion\":\"1.11\",\n\"eventID\":%q,\"eventTime\":%q,\"eventSource\":\"iam.amazonaws.com\",\"eventName\":\"CreateUser\"}", id, h.events[n].Format(time.RFC3339))})
	}
	if len(found) > h.page {
		out.NextToken = strconv.Itoa(skip + h.page)
	}
	json.NewEncoder(w).Encode(out)
}

// TestEachEventOnce reads the past and what comes of two regions, is stopped and begun
// again on the way, is throttled, loses its token, and meets an event that comes late.
func TestEachEventOnce(t *testing.T) {
	begin := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	now := begin
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	regions := map[string]*history{"us-east-1": {page: 3, fail: 1, stale: 1}, "eu-west-1": {page: 3}}
	for _, h := range regions {
		for n := range 40 {
			h.events = append(h.events, begin.Add(-time.Duration(n)*3*time.Hour-time.Minute))
		}
		h.events = append(h.events, begin.Add(-History-time.Hour)) // CloudTrail does not keep it
	}
	offset := len(regions["us-east-1"].events)
	// The other region's events have other IDs: they are numbered on.
	regions["eu-west-1"].events = append(make([]time.Time, offset), regions["eu-west-1"].events...)
	clients := map[string]API{}
	for region, h := range regions {
		srv := httptest.NewServer(h)
		defer srv.Close()
		clients[region] = cloudtrail.New(cloudtrail.Options{Region: region, BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), Retryer: aws.NopRetryer{}})
	}
	data := t.TempDir()
	run := func(until int64, change func()) {
		t.Helper()
		p, err := ingest.Open(t.Context(), ingest.Config{Data: data, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		s, err := New(Options{
			Name: "history", Regions: []string{"us-east-1", "eu-west-1"}, Client: func(region string) API { return clients[region] }, Positions: p.State(),
			Every: 10 * time.Millisecond, now: clock, Problem: func(_ string, err error) { t.Log(err) }, pace: time.Millisecond, pause: time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if _, err := p.Run(ctx, s, ingest.RunOptions{Live: true}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		change()
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			c, err := p.State().Checkpoint()
			if err != nil {
				t.Fatal(err)
			}
			if c.Events == until {
				break
			}
			if c.Events > until || time.Now().After(end) {
				t.Fatalf("%d events are stored, want %d", c.Events, until)
			}
		}
		stop()
		running.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	run(80, func() {})
	for region, h := range regions {
		if h.mu.Lock(); h.asked > 400 {
			t.Errorf("%s was asked %d times", region, h.asked)
		}
		h.from = nil
		h.mu.Unlock()
	}
	// An event comes, and one of two hours ago.
	run(82, func() {
		h := regions["us-east-1"]
		h.mu.Lock()
		h.events = append(append(make([]time.Time, 200), begin.Add(90*time.Minute)), begin.Add(-30*time.Minute))
		h.mu.Unlock()
		mu.Lock()
		now = begin.Add(2 * time.Hour)
		mu.Unlock()
	})
	h := regions["us-east-1"]
	h.mu.Lock()
	defer h.mu.Unlock()
	if oldest := slices.MinFunc(h.from, time.Time.Compare); oldest.Before(begin.Add(2*time.Hour - lateSpan)) {
		t.Errorf("the past was read again from %s", oldest)
	}
}

// TestPositionWaits has a later page become durable before an earlier one.
func TestPositionWaits(t *testing.T) {
	w := &walker{}
	mark := func(n int) position { return position{Mark: time.Unix(int64(n), 0)} }
	w.at = mark(1)
	first := w.add()
	w.at = mark(2)
	w.done(w.add())
	if text, ok := w.unsaved(); ok {
		t.Errorf("the position moved to %s over a page that is not durable", text)
	}
	w.done(first)
	if _, ok := w.unsaved(); !ok || w.durable != mark(2) || len(w.pending) > 0 {
		t.Errorf("the position is %v", w.durable)
	}
}

var _ Positions = (*state.DB)(nil)
