package vlogs

import (
	"context"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"
)

func TestRemove(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	first := addEvents(t, s, 1, day, day.Add(time.Hour), day.AddDate(0, 0, 1))
	if err := s.Verify(ctx, 1, &first, nil); err != nil {
		t.Fatal(err)
	}
	w := s.NewWriter()
	raw := []byte(`{"eventVersion":"1.08","eventID":"x","eventTime":"2026-03-01T10:00:00Z","eventName":"A"}`)
	if err := w.Add(&Record{Raw: raw, Meta: &event.Meta{Index: `od"d`, Sourcetype: event.CloudTrail}, Time: day.UnixNano(), Timed: true, Batch: 2, ID: [16]byte{1}}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	second := w.Promised()
	w.Close()
	if err := s.Verify(ctx, 2, &second, first.Tallies.ByDay()); err != nil {
		t.Fatal(err)
	}

	one := tally.DayOf(day.UnixNano())
	if err := s.RemoveIndex(ctx, one, "aws", one+1); err != nil {
		t.Fatal(err)
	}
	got, err := s.Tally(ctx, one)
	if err != nil || len(got) != 1 || got[tally.Key{Day: one, Index: `od"d`}].Events != 1 {
		t.Errorf("after an index was removed the day has %v: %v", got, err)
	}
	if err := s.RemoveDay(one + 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if counts := s.Counts(); len(counts) != 1 || counts[one] != 1 || len(s.Damaged()) != 0 {
		t.Errorf("a store opened again has %v, damaged are %v", counts, s.Damaged())
	}
	third := addEvents(t, s, 3, day.AddDate(0, 0, 1)) // a removed day can be added again
	if err := s.Verify(ctx, 3, &third, nil); err != nil {
		t.Error(err)
	}
}
