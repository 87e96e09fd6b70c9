package coverage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// stored is a store of records, each taken in delay after its time.
type stored struct {
	t  *testing.T
	st *memory.Store
	n  int
}

func (s *stored) add(account, region, category string, at time.Time, delay time.Duration) {
	s.t.Helper()
	s.n++
	extra := ""
	if category != "" {
		extra = fmt.Sprintf(`,"eventCategory":%q`, category)
	}
	raw := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":%q,"eventName":"GetX","eventSource":"s3.amazonaws.com","awsRegion":%q,"recipientAccountId":%q%s}`,
		s.n, at.Format(time.RFC3339), region, account, extra)
	if _, err := s.st.Add([]byte(raw), &event.Meta{Index: "aws", Sourcetype: "aws:cloudtrail", IndexTime: float64(at.Add(delay).Unix())}); err != nil {
		s.t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	s := &stored{t: t, st: memory.New()}
	now := monday.Add(10*24*time.Hour + 15*time.Minute)
	for h := range 10 * 24 {
		at := monday.Add(time.Duration(h) * time.Hour)
		s.add("111122223333", "eu-west-1", "Management", at, 3*time.Minute)
		if h < 9*24 {
			s.add("111122223333", "us-east-1", "", at, time.Minute)
		}
		if h%24 == 5 {
			s.add("444455556666", "us-east-1", "Data", at, 10*time.Minute)
		}
	}
	if _, err := s.st.Add([]byte(`{"eventVersion":"1.08","eventTime":"2026-03-11T00:00:00Z","eventName":"GetX","eventSource":"s3.amazonaws.com","eventCategory":"NetworkActivity"}`), &event.Meta{Index: "aws", Sourcetype: "aws:cloudtrail", IndexTime: 1}); err != nil {
		t.Fatal(err)
	}
	s.add("444455556666", "us-east-1", "Invented", now.Add(-2*time.Hour), 50*time.Minute)

	r := &Reader{
		Live: true, Now: func() time.Time { return now },
		Search:  func() (search.Options, error) { return search.Options{Store: s.st, Clock: now}, nil },
		Arrived: func() (int64, error) { return now.UnixMilli(), nil },
		Members: func(context.Context) ([]Member, error) {
			return []Member{{ID: "444455556666", Name: "shop"}, {ID: "777788889999", Name: "lost"}, {ID: "000011112222", Suspended: true}}, errors.New("half of them")
		},
	}
	got, err := r.Read(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 3 || got.Problem != "half of them" || !got.Live {
		t.Fatalf("%+v", got)
	}
	if d := cmp.Diff(Categories{"Management": 240 + 216, "Data": 10, "NetworkActivity": 1, Other: 1}, got.Categories); d != "" {
		t.Error(d)
	}
	eu, us := got.Rows[0], got.Rows[1]
	if eu.Region != "eu-west-1" || eu.Events != 240 || eu.Rhythm.State != Fine || !eu.Last.Equal(monday.Add(239*time.Hour)) || !eu.Arrived.Equal(eu.Last.Add(3*time.Minute)) {
		t.Errorf("eu-west-1: %+v", eu)
	}
	if us.Rhythm.State != Silent || len(got.Silent()) != 1 {
		t.Errorf("us-east-1: %+v", us)
	}
	near := func(what string, got, want time.Duration) {
		if got < want || got > want+want/20+time.Second {
			t.Errorf("%s is %s, not %s or up to 5%% more", what, got, want)
		}
	}
	near("p50 of eu-west-1", eu.Delay.P50, 3*time.Minute)
	near("p50 of all", got.Delay.P50, 3*time.Minute)
	near("p99 of all", got.Delay.P99, 50*time.Minute)
	if us.Delay.Events != 0 {
		t.Errorf("us-east-1 brought nothing for a day, yet %d delays count", us.Delay.Events)
	}
	missing := got.Missing()
	if len(missing) != 1 || missing[0].ID != "777788889999" || missing[0].Name != "lost" {
		t.Errorf("missing: %+v", missing)
	}
	i := slices.IndexFunc(got.Accounts, func(a Account) bool { return a.ID == "111122223333" })
	if a := got.Accounts[i]; a.Regions != 2 || a.Silent != 1 || a.Rhythms != 2 || a.Events != 456 {
		t.Errorf("account: %+v", a)
	}
	// What was counted is not counted again, and a later hour makes eu-west-1 silent, too.
	now = now.Add(4 * time.Hour)
	again, err := r.Read(t.Context(), time.Minute)
	if err != nil || again.Rows[0].Events != 240 || len(again.Silent()) != 2 {
		t.Errorf("four hours later: %v %+v", err, again)
	}
}

// TestReadHistory: without sources, silences are measured to the newest event.
func TestReadHistory(t *testing.T) {
	s := &stored{t: t, st: memory.New()}
	for h := range 10 * 24 {
		s.add("111122223333", "eu-west-1", "", monday.Add(time.Duration(h)*time.Hour), time.Hour)
	}
	r := &Reader{
		Now:     func() time.Time { return monday.AddDate(1, 0, 0) },
		Search:  func() (search.Options, error) { return search.Options{Store: s.st}, nil },
		Arrived: func() (int64, error) { return monday.AddDate(1, 0, 0).UnixMilli(), nil },
	}
	got, err := r.Read(t.Context(), time.Minute)
	if err != nil || len(got.Rows) != 1 || got.Rows[0].Rhythm.State != Fine || got.Delay.Events != 0 {
		t.Errorf("%v %+v", err, got)
	}
}
