package vlogs

import (
	"fmt"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// TestArrival asks both stores for events by when they came, of every kind of row and
// whether the answer comes from columns, records or counts.
func TestArrival(t *testing.T) {
	mem := memory.New()
	st, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	w := st.NewWriter()
	defer w.Close()
	const first = 1_768_000_000_998
	for i, raw := range testRecords(t, 4) {
		batch := int64(first + i%5) // across a second
		m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Source: "f", Host: "aws", IndexTime: float64(batch) / 1000, Fallback: 1_767_600_000_000_000_000}
		if added, err := mem.Add(raw, &m); err != nil || !added {
			continue
		}
		known := event.Identify(raw)
		r := &Record{Raw: raw, Meta: &m, Time: m.Fallback, Batch: batch, Seq: uint64(mem.Len() - 1), ID: known.ID, Given: known.Given}
		if known.Timed {
			r.Time, r.Timed = known.Time, true
		}
		if err := w.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
	st.Show(first + 3)
	everything := 0
	for _, a := range []store.Arrival{{}, {After: first - 1, Upto: first}, {After: first, Upto: first + 2}, {After: first + 1, Upto: first + 3}, {After: first + 3, Upto: first + 3}} {
		for n, text := range []string{"*", "eventName=A*", "bucketName OR curl", "errorCode=success"} {
			where, err := syntax.ParseSearchExpr(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, fields := range []filter.FieldSet{filter.Fields("eventName", "eventID", "_time", "_indextime"), filter.AllFields()} {
				q := store.Query{Filter: where, Fields: store.Wanted(fields, where), Earliest: store.Beginning, Latest: store.End, Arrived: a, Ordered: n%2 == 0, Now: time.Unix(1_768_000_000, 0)}
				shown := q
				if a.Any() { // the last batch is not shown
					shown.Arrived = store.Arrival{Upto: first + 3}
				}
				want := answer(t, mem, shown)
				if diff := cmp.Diff(want, answer(t, st, q)); diff != "" {
					t.Fatalf("%s, %+v (-memory +vlogs):\n%.2000s", text, a, diff)
				}
				if text == "*" && a.Any() {
					everything = len(want)
				} else if text == "*" && (len(want) == everything || (len(want) == 0) != (a.After == a.Upto)) {
					t.Errorf("%+v: %d rows of %d", a, len(want), everything)
				}
			}
		}
	}
	sc, err := st.Prepare(&store.Query{Filter: &filter.Everything{}, Arrived: store.Arrival{After: 5, Upto: 7}})
	if err != nil || fmt.Sprint(sc.Explain()) == "" || !cmp.Equal(sc.Explain()[1], "vlogs: only rows that arrived after 5 and up to 7 (0 = any)") {
		t.Errorf("%v %v", sc.Explain(), err)
	}
}
