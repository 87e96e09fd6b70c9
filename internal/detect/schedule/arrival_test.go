package schedule

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
)

// TestArrivalIsTheStoresWork: a run asks the store itself for what arrived since the
// run before, rather than for everything.
func TestArrivalIsTheStoresWork(t *testing.T) {
	now, upto := midnight, int64(1000)
	mem := memory.New()
	add := func(seconds float64) {
		raw := fmt.Appendf(nil, `{"eventVersion":"1.08","eventTime":%q,"eventName":"E"}`, now.Add(-time.Minute).Format(time.RFC3339))
		if _, err := mem.Add(raw, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, IndexTime: seconds}); err != nil {
			t.Fatal(err)
		}
	}
	var asked []store.Arrival
	st := &slow{Store: mem, takes: func(q *store.Query) (time.Duration, error) {
		if q.Arrived != (store.Arrival{}) {
			asked = append(asked, q.Arrived)
		}
		return 0, nil
	}}
	s := New(Config{
		State: openState(t, t.TempDir()), Emit: Keep{}, Clock: func() time.Time { return now }, Arrived: func() (int64, error) { return upto, nil },
		Open: func([]string) (search.Options, error) { return search.Options{Store: st}, nil },
	})
	setRules(t, s, nil, rulesOf(t, "eventName=E | stats count by eventName")...)
	add(0.5)
	if err := s.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	asked, now, upto = nil, now.Add(10*time.Minute), 2000
	add(1.5)
	if err := s.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	if want := (store.Arrival{After: 1000, Upto: 2000}); len(asked) != 1 || asked[0] != want {
		t.Errorf("the store is asked for %v, want once %v", asked, want)
	}
}
