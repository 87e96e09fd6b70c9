package coverage

import (
	"testing"
	"time"
)

// monday is when the tests' trails begin.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// trail counts 14 days of hours up to silent hours ago, where active says so.
func trail(silent int, active func(t time.Time) bool) []int64 {
	hours := make([]int64, 14*24)
	for i := range len(hours) - silent {
		if active(monday.Add(time.Duration(i) * time.Hour)) {
			hours[i] = 7
		}
	}
	return hours
}

func TestRhythm(t *testing.T) {
	always := func(time.Time) bool { return true }
	office := func(t time.Time) bool {
		return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && t.Hour() >= 8 && t.Hour() < 18
	}
	nightly := func(t time.Time) bool { return t.Hour() == 2 }
	everyOther := func(t time.Time) bool { return t.YearDay()%2 == 0 }
	outage := func(from, n int) func(time.Time) bool {
		return func(t time.Time) bool { h := int(t.Sub(monday).Hours()); return h < from || h >= from+n }
	}
	end := monday.Add(14 * 24 * time.Hour) // a Monday, 0:00
	for _, c := range []struct {
		name   string
		hours  []int64
		now    time.Time
		want   State
		within time.Duration // of Limit after the end of the last hour with records; 0 = no limit
	}{
		{"it never stops", trail(0, always), end.Add(10 * time.Minute), Fine, 3 * time.Hour},
		{"a busy region is missed after two hours", trail(0, always), end.Add(2*time.Hour + late), Silent, 3 * time.Hour},
		{"but not while records may still come", trail(0, always), end.Add(2 * time.Hour), Fine, 3 * time.Hour},
		{"office hours: the weekend and the night are silent", trail(0, office), end.Add(8 * time.Hour), Fine, 3 * 24 * time.Hour},
		{"office hours: Monday's are missed", trail(0, office), end.Add(14 * time.Hour), Silent, 3 * 24 * time.Hour},
		{"every other day", trail(0, everyOther), end.Add(20 * time.Hour), Fine, 4 * 24 * time.Hour},
		{"one outage is no rhythm", trail(0, outage(100, 30)), end.Add(4 * time.Hour), Silent, 6 * time.Hour},
		{"one event a night is too little", trail(0, nightly), end.Add(20 * time.Hour), Learning, 0},
		{"two days are too little", trail(0, func(t time.Time) bool { return t.Sub(monday) > 12*24*time.Hour }), end.Add(50 * time.Hour), Learning, 0},
		{"nothing at all", trail(0, func(time.Time) bool { return false }), end, Learning, 0},
		{"two events a night are missed after two nights", trail(0, func(t time.Time) bool { return t.Hour() == 2 || t.Hour() == 3 }), end.Add(52 * time.Hour), Silent, 52 * time.Hour},
		{"rare", trail(0, func(t time.Time) bool { return t.Hour()%12 == 5 && t.Day()%5 != 1 }), end.Add(4 * time.Hour), Fine, 4 * 24 * time.Hour},
	} {
		r := rhythmOf(c.hours, monday, c.now)
		if r.State != c.want {
			t.Errorf("%s: %s with limit %s, not %s", c.name, r.State, r.Limit, c.want)
		}
		if got := r.Limit.Sub(end); c.within == 0 != r.Limit.IsZero() || !r.Limit.IsZero() && got > c.within {
			t.Errorf("%s: the limit is %s after the end, not within %s", c.name, got, c.within)
		}
	}
}
