package vlogs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPackedTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(firstTime/1000, lastTime/1000-1).Draw(t, "a") * 1000
		b := rapid.Int64Range(firstTime/1000, lastTime/1000-1).Draw(t, "b") * 1000
		if got := ownTime(pack(a)); got != a {
			t.Fatalf("%d comes back as %d", a, got)
		}
		if pack(a) >= firstTime {
			t.Fatalf("%d is packed to a time that rows have", a)
		}
		if (a < b) != (pack(a) < pack(b)) {
			t.Fatalf("%d and %d change their order", a, b)
		}
	})
}

// TestManyDays stores events of many days: few partitions hold them, and
// searches find the right ones.
func TestManyDays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var records [][]byte
	start := time.Date(2019, 11, 3, 0, 0, 0, 0, time.UTC)
	for i := range 600 {
		at := start.AddDate(0, 0, i*4).Add(time.Duration(rnd.IntN(86_400_000)) * time.Millisecond)
		if i%100 == 99 {
			at = at.Add(123) // nanoseconds cannot be packed
		}
		extra := ""
		if i%10 == 0 {
			extra = fmt.Sprintf(`,"requestParameters":{"":%d,"tags":{"*":"x"},"n":%d}`, i, i)
		}
		if i%50 == 3 {
			extra = `,"eventCategory":""` // of an odd row
		}
		records = append(records, fmt.Appendf(nil, `{"eventVersion":"1.08","eventID":"d%d","eventTime":%q,"eventSource":"s","eventName":"n%d","awsRegion":"r%d"%s}`, i, at.Format(time.RFC3339Nano), i%3, i%5, extra))
	}
	mem, st := both(t, records)
	if n := st.Info().Days; n > freeDays+10+7 {
		t.Errorf("there are %d partitions", n)
	}
	first, last := st.Span()
	if first > start.AddDate(0, 0, 1).UnixNano() || last < start.AddDate(0, 0, 599*4).UnixNano() || last > start.AddDate(0, 0, 600*4).UnixNano() {
		t.Errorf("the span is %v to %v", time.Unix(0, first), time.Unix(0, last))
	}
	for n := range 60 {
		text := []string{`*`, `eventName=N1`, `NOT awsRegion=r2`, `requestParameters.n=*`, `requestParameters.n=10 OR eventID=d7*`, `date_wday=monday`, `requestParameters.tags.*=x`}[n%7]
		where, err := syntax.ParseSearchExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		fields := []filter.FieldSet{filter.Fields("eventName", "eventID", "_time", "date_hour"), filter.AllFields(), filter.Fields("eventID")}[n%3]
		q := store.Query{Filter: where, Fields: store.Wanted(fields, where), Earliest: store.Beginning, Latest: store.End, Ordered: n%2 == 0, Now: time.Unix(1_768_000_000, 0)}
		if n > 6 {
			q.Earliest = start.AddDate(0, 0, rnd.IntN(2400)).UnixNano() + rnd.Int64N(1e15)
			q.Latest = q.Earliest + rnd.Int64N(1e17)
		}
		if diff := cmp.Diff(answer(t, mem, q), answer(t, st, q)); diff != "" {
			t.Fatalf("%s from %d to %d (-memory +vlogs):\n%.2000s", text, q.Earliest, q.Latest, diff)
		}
	}
	st.Merge()
	if n := st.Info().Events; n != uint64(len(records)) {
		t.Errorf("%d events after a merge, want %d", n, len(records))
	}
}

// TestBusyDayGetsPartition packs a day's events until there are many.
func TestBusyDayGetsPartition(t *testing.T) {
	var p packing
	p.init(nil)
	for day := range int64(freeDays) {
		if p.place(20_000 + day) {
			t.Fatalf("day %d is packed", day)
		}
	}
	n := 1
	for ; p.place(30_000); n++ {
	}
	if n != eventsForDay(freeDays) {
		t.Errorf("a day gets its partition with event %d, want %d", n, eventsForDay(freeDays))
	}
	var again packing
	again.init([]string{"20010126", "20260105", "20100101"})
	if !again.any() || again.place(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).Unix()/86400) {
		t.Errorf("partitions are not known after a restart: %v", again.days)
	}
}
