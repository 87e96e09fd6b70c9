package plan_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// spanning is a store for which reading in time slices pays off; it records its
// queries.
type spanning struct {
	*memory.Store
	first, last int64
	mu          sync.Mutex
	asked       []store.Query
}

func (s *spanning) Span() (first, last int64) { return s.first, s.last }

func (s *spanning) Prepare(q *store.Query) (store.Scan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, *q)
	return s.Store.Prepare(q)
}

// TestLate: a command that keeps few of many events gets the same result as
// from all of them, but only some are read completely.
func TestLate(t *testing.T) {
	const events, begin = 9000, 1700000000
	st := &spanning{Store: memory.New(), first: begin * 1e9, last: (begin + events) * 1e9}
	for i := range events {
		raw := fmt.Sprintf(`{"eventID":"%d","_time":%d.5,"n":%d,"few":"k%d","many":"m%d","rare":%d}`, i, begin+i/3*2, i*7919%events, i*i%29, i%4000, i/8990)
		if _, err := st.Add([]byte(raw), &event.Meta{Sourcetype: event.JSON, Index: "main"}); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(search string, st store.Store) []map[string]string {
		q, err := plan.Parse(search, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rowsOf(t, q, st, exec.NewEnv(time.Unix(begin+events, 0)))
	}
	for _, tc := range []struct {
		search string
		late   bool
	}{
		{`* | sort 5 n`, true},
		{`* | sort 20 - few, n`, true},
		{`n>10 | sort 3 -n | table _raw`, true},
		{`earliest=1700000100 latest=1700005000 * | sort 7 few -n`, true},
		{`* | dedup few`, true},
		{`* | dedup 2 few sortby n`, true},
		{`* | dedup many | head 3`, true},
		{`* | dedup many`, true}, // gives up
		{`rare=1 | sort 5 n`, false},
		{`* | sort 5 - _time`, false},
		{`* | sort 0 - _time | head 4`, false},
		{`* | sort - _time | head 4`, false},
		{`* | sort - _time`, false},
		{`* | dedup few consecutive=true`, false},
	} {
		t.Run(tc.search, func(t *testing.T) {
			st.asked = nil
			got, want := rows(tc.search, st), rows(tc.search, st.Store)
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("%d rows, want %d: %s", len(got), len(want), diff)
			}
			keys := false
			for _, q := range st.asked {
				keys = keys || !q.Fields.All() && !q.Fields.Has(event.Raw)
			}
			if keys != tc.late {
				t.Errorf("chosen by keys is %v, want %v", keys, tc.late)
			}
		})
	}
}
