package job

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/vector"
)

// TestPage: a page has the rows that sorting and filtering all of them gives, in
// memory or on disk.
func TestPage(t *testing.T) {
	l := jobs(t, stored(t, 1500))
	l.memory.Store(allMemory - 64<<10) // some blocks are in memory, the others on disk
	j := ended(t, l, Ask{Search: "index=* | eval m=n%7 | fields n m userName", User: "u"})
	l.memory.Add(64<<10 - allMemory)
	if j.rows.pages == nil || j.rows.memory == 0 {
		t.Fatal("the rows are all in one place")
	}
	all, err := j.Page(t.Context(), View{Count: 1500})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []View{
		{Count: 5},
		{Count: 50, Sort: []string{"m"}},
		{Count: 10, Offset: 1495, Sort: []string{"userName", "-m"}},
		{Count: 10, Offset: 700, Sort: []string{"-userName", "nothing", "n"}},
		{Count: 10, Offset: 5000, Sort: []string{"n"}},
		{Count: 40, Offset: 30, Filter: "bob"},
		{Count: 1500, Filter: "username=ann", Sort: []string{"n"}},
		{Filter: "bob"},
	} {
		var want []string
		var found []place
		match := v.matcher()
		row := func(b *vector.Batch, i int) string {
			return fmt.Sprint(b.At("n", i).Text(), b.At("m", i).Text(), b.At("userName", i).Text())
		}
		var texts []string
		for _, b := range all.Rows {
			for i := range b.Len {
				if match != nil && !match(b, i) {
					continue
				}
				var keys []vector.Value
				for _, s := range v.Sort {
					keys = append(keys, b.At(strings.TrimPrefix(s, "-"), i))
				}
				found = append(found, place{len(texts), keys})
				texts = append(texts, row(b, i))
			}
		}
		slices.SortStableFunc(found, v.compare)
		for _, at := range found[min(v.Offset, len(found)):min(v.Offset+v.Count, len(found))] {
			want = append(want, texts[at.row])
		}
		p, err := j.Page(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range p.Rows {
			for i := range b.Len {
				got = append(got, row(b, i))
			}
		}
		if p.Total != len(found) || !slices.Equal(got, want) {
			t.Errorf("%+v: %d rows in all, want %d; %v, want %v", v, p.Total, len(found), got, want)
		}
	}
}

// TestPageBounds: a page holds the keys of the rows down to its end, and not more than
// fit.
func TestPageBounds(t *testing.T) {
	v := View{Sort: []string{"-x"}}
	large := strings.Repeat("x", 4<<10)
	for _, most := range []int{3, 20} {
		f := leading{compare: v.compare, most: most, limit: 64 << 10}
		var err error
		for i := 0; i < 60 && err == nil; i++ { // each row comes before those so far
			err = f.add(place{i, []vector.Value{vector.String(fmt.Sprintf("%02d%s", i, large))}})
			if f.bytes > f.limit+5<<10 {
				t.Fatalf("%d bytes for %d rows", f.bytes, most)
			}
		}
		if fits := most == 3; fits != (err == nil) || !fits && !errors.Is(err, ErrDeep) {
			t.Errorf("%d rows: %v", most, err)
		}
	}
}

// TestReading: rows on disk can be read while others are written, and the job can go
// meanwhile.
func TestReading(t *testing.T) {
	l := jobs(t, stored(t, 1500))
	l.memory.Store(allMemory)
	defer l.memory.Add(-allMemory)
	j, err := l.Start(Ask{Search: "index=*", User: "u"}, false)
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for over := false; !over; {
		in := j.Info()
		over = in.State.Ended()
		if err := j.Each(next, func(first int, b *vector.Batch) error {
			if first != next {
				t.Fatalf("row %d, want %d", first, next)
			}
			next += b.Len
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !over {
			<-in.Changed
		}
	}
	if next != 1500 {
		t.Errorf("%d rows", next)
	}
	for i := range 1500 / 7 {
		if at, found := j.rows.holding(7 * i); !found || at.first > 7*i || at.first+at.len <= 7*i {
			t.Fatalf("row %d is in %d+%d: %v", 7*i, at.first, at.len, found)
		}
	}
	if _, found := j.rows.holding(1500); found {
		t.Error("there is a row behind the last")
	}
	err = j.Each(0, func(int, *vector.Batch) error {
		l.Drop(j)
		l.Close()
		return nil
	})
	if !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}
