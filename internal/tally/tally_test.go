package tally

import (
	"testing"
	"time"
)

func TestTalliesDoNotDependOnOrder(t *testing.T) {
	a, b := Tallies{}, Tallies{}
	k := Key{Day: 3, Index: "aws"}
	for i := range byte(100) {
		a.Add(k, [16]byte{i})
		b.Add(k, [16]byte{99 - i})
	}
	if a[k] != b[k] || a[k].Events != 100 {
		t.Errorf("%+v and %+v", a[k], b[k])
	}
	b.Add(Key{Day: 3, Index: "other"}, [16]byte{1})
	if got := b.ByDay()[3].Events; got != 101 {
		t.Errorf("%d events of the day, want 101", got)
	}
	a.Merge(b)
	if got := a[k].Events; got != 200 {
		t.Errorf("%d events merged, want 200", got)
	}
}

func TestDayOf(t *testing.T) {
	for _, tc := range []struct{ at, want string }{
		{"1969-12-31T23:59:59.999999999Z", "1969-12-31"}, {"1970-01-01T00:00:00Z", "1970-01-01"}, {"2026-03-01T23:59:59Z", "2026-03-01"},
	} {
		at, err := time.Parse(time.RFC3339Nano, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := DayOf(at.UnixNano()).String(); got != tc.want {
			t.Errorf("%s is of %s, want %s", tc.at, got, tc.want)
		}
	}
}
