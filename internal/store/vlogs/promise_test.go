package vlogs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"
)

// addEvents adds one event for each time, each in its own batch, and returns
// what was promised.
func addEvents(t *testing.T, s *Store, batch int64, times ...time.Time) Promise {
	t.Helper()
	w := s.NewWriter()
	defer w.Close()
	for i, at := range times {
		id := fmt.Sprintf("%08x-0000-4000-8000-%012d", batch, i)
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":%q}`, at.Format(time.RFC3339), id)
		known := event.Identify([]byte(raw))
		meta := event.Meta{Index: "aws", Sourcetype: event.CloudTrail}
		err := w.Add(&Record{Raw: []byte(raw), Meta: &meta, Time: known.Time, Timed: known.Timed, Batch: batch, Seq: uint64(batch)*1000 + uint64(i), ID: known.ID, Given: known.Given})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	return w.Promised()
}

func TestVerify(t *testing.T) {
	ctx := context.Background()
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	old := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // displaced
	first := addEvents(t, s, 1, day, day.Add(time.Hour), day.AddDate(0, 0, 1), old)
	if err := s.Verify(ctx, 1, &first, nil); err != nil {
		t.Fatalf("nothing was lost: %v", err)
	}
	if n := first.Tallies[tally.Key{Day: DisplacedDay, Index: "aws"}].Events; n != 1 {
		t.Errorf("%d displaced events were promised, want 1", n)
	}
	second := addEvents(t, s, 2, day.Add(2*time.Hour))
	if err := s.Verify(ctx, 2, &second, first.Tallies.ByDay()); err != nil {
		t.Fatalf("nothing was lost: %v", err)
	}

	lost := [16]byte{0xab, 0xcd}
	second.Tallies.Add(tally.Key{Day: tally.DayOf(day.UnixNano()), Index: "aws"}, lost)
	second.ids = append(second.ids, promised{lost, tally.DayOf(day.UnixNano())})
	err = s.Verify(ctx, 2, &second, first.Tallies.ByDay())
	var loss *LossError
	if !errors.As(err, &loss) || len(loss.Days) != 1 || !strings.Contains(err.Error(), "2026-03-01: 1 events instead of 2 (missing: abcd") {
		t.Errorf("a lost event of the batch: %v", err)
	}

	second = Promise{Tallies: tally.Tallies{}, first: second.first, last: second.last}
	second.Tallies.Add(tally.Key{Day: tally.DayOf(day.UnixNano()), Index: "aws"}, [16]byte{1})
	before := first.Tallies.ByDay()
	gone := before[tally.DayOf(day.UnixNano())]
	gone.Events++
	before[tally.DayOf(day.UnixNano())] = gone
	if err = s.Verify(ctx, 2, &second, before); !errors.As(err, &loss) || !strings.Contains(err.Error(), "2026-03-01: 3 events instead of 4") {
		t.Errorf("a lost event of an earlier batch: %v", err)
	}
}

// TestVerifyLostAndDoubled: one lost row and one duplicate leave the number of
// rows unchanged, but are still found.
func TestVerifyLostAndDoubled(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	add := func(w *Writer, n byte) {
		t.Helper()
		raw := fmt.Sprintf(`{"eventTime":%q,"eventName":"GetObject","n":%d}`, at.Format(time.RFC3339), n)
		r := Record{Raw: []byte(raw), Meta: &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}, Time: at.UnixNano() + int64(n), Timed: true, Batch: 7, Seq: uint64(n), ID: [16]byte{n}}
		if err := w.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	promised, stored := s.NewWriter(), s.NewWriter()
	for n := byte(1); n <= 4; n++ {
		add(promised, n)
		add(stored, max(n, 2)) // 2 twice, 1 never
	}
	promise := promised.Promised()
	promised.Close()
	if err := errors.Join(stored.Flush(), s.Sync()); err != nil {
		t.Fatal(err)
	}
	defer stored.Close()
	err = s.Verify(t.Context(), 7, &promise, nil)
	if err == nil || !strings.Contains(err.Error(), "2026-03-01: 3 events instead of 4 (missing: 01000000") {
		t.Error(err)
	}
}
