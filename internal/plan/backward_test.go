package plan_test

import (
	"fmt"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// TestHeadReadsBackward: a search for the newest events gives the same result
// as when the store is read at once, but reads only as far back as necessary.
func TestHeadReadsBackward(t *testing.T) {
	const events, begin = 2000, 1700000000
	st := &spanning{Store: memory.New(), first: begin * 1e9, last: (begin + 60*events) * 1e9}
	for i := range events {
		raw := fmt.Sprintf(`{"eventID":"%d","_time":%d,"n":%d}`, i, begin+60*i, i)
		if _, err := st.Add([]byte(raw), &event.Meta{Sourcetype: event.JSON, Index: "main"}); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(search string, st store.Store) []map[string]string {
		q, err := plan.Parse(search, nil)
		if err != nil {
			t.Fatal(err)
		}
		return rowsOf(t, q, st, exec.NewEnv(time.Unix(begin+60*events, 0)))
	}
	for _, tc := range []struct {
		search string
		slices int // slices read
	}{
		{`* | head 15`, 1},
		{`* | head 16`, 2}, // of 15, 30, … minutes
		{`* | sort 100 - _time`, 3},
		{`n=1950 OR n=3 | head 1`, 3},
		{`n=1950 OR n=3 | head 2`, 8}, // the last slice extends to the beginning
		{`n=3 | head 2 | table n`, 8},
		{`n=none | head 2`, 8},
	} {
		t.Run(tc.search, func(t *testing.T) {
			st.asked = nil
			got, want := rows(tc.search, st), rows(tc.search, st.Store)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows differ (-at once +backward):\n%s", diff)
			}
			slices := st.asked[1:] // the first request is the whole range, for the plan
			if len(slices) != tc.slices {
				t.Errorf("read %d slices, want %d", len(slices), tc.slices)
			}
			end := int64(store.End)
			for _, q := range slices {
				if q.Latest != end || q.Earliest >= q.Latest {
					t.Errorf("a slice from %d to %d follows one that begins at %d", q.Earliest, q.Latest, end)
				}
				end = q.Earliest
			}
		})
	}
}
