package splrule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func checked(t *testing.T, s Schedule) *Schedule {
	t.Helper()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestPlannedTimes(t *testing.T) {
	for _, c := range []struct {
		name     string
		s        Schedule
		from, to string
		want     string
	}{
		{"default", Schedule{}, "2026-03-01T00:30:00Z", "2026-03-01T03:00:00Z", "01:00Z 02:00Z 03:00Z"},
		{"every", Schedule{Every: 20 * time.Minute}, "2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "00:20Z 00:40Z 01:00Z"},
		{"cron", Schedule{Cron: "5,35 1-2 * * *"}, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "01:05Z 01:35Z 02:05Z 02:35Z"},
		// In Berlin the clock goes from 02:00 to 03:00 on 29 March 2026 and back from
		// 03:00 to 02:00 on 25 October.
		{"skipped hour", Schedule{Cron: "30 2 * * *", Zone: "Europe/Berlin"}, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", "03:30+02:00 02:30+02:00"},
		{"repeated hour", Schedule{Cron: "30 2 * * *", Zone: "Europe/Berlin"}, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", "02:30+02:00 02:30+01:00"},
		{"hourly over the repeated hour", Schedule{Cron: "0 * * * *", Zone: "Europe/Berlin"}, "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z", "02:00+02:00 02:00+01:00 03:00+01:00"},
	} {
		s := checked(t, c.s)
		var got []string
		for next := s.Next(at(t, c.from), nil); !next.After(at(t, c.to)); next = s.Next(next, nil) {
			got = append(got, next.Format("15:04Z07:00"))
			if last := s.Last(next.Add(time.Second), nil); !last.Equal(next) {
				t.Errorf("%s: the last planned time before %s is %s", c.name, next, last)
			}
		}
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestWindowOfPlannedTime(t *testing.T) {
	planned := at(t, "2026-03-01T04:00:00Z")
	for _, c := range []struct {
		s    Schedule
		want string
	}{
		{Schedule{}, "03:00 04:00"},
		{Schedule{Cron: "0 */4 * * *"}, "00:00 04:00"},
		{Schedule{Earliest: "-70m@m", Latest: "-10m@m"}, "02:50 03:50"},
		{Schedule{Earliest: "-1h@h"}, "03:00 04:00"},
		{Schedule{Latest: "-5m"}, "- 03:55"},
		{Schedule{Earliest: "0"}, "- 04:00"},
		{Schedule{Earliest: "@d", Zone: "Asia/Tokyo"}, "15:00 04:00"},
	} {
		w := checked(t, c.s).Window(planned, nil)
		earliest := "-"
		if !w.Earliest.IsZero() {
			earliest = w.Earliest.UTC().Format("15:04")
		}
		if got := earliest + " " + w.Latest.UTC().Format("15:04"); got != c.want {
			t.Errorf("%+v: %s, want %s", c.s, got, c.want)
		}
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		s    Schedule
		want string
	}{
		{Schedule{}, "01:00 02:00 03:00"},
		{Schedule{Earliest: "-70m@m", Latest: "-10m@m"}, "01:00 02:00 03:00"},
		{Schedule{Earliest: "-3h@h", Latest: "@h"}, "01:00 02:00 03:00"},
		{Schedule{Earliest: "-2h", Latest: "-1h"}, "02:00 03:00 04:00"},
	} {
		var got []string
		for w := range checked(t, c.s).Windows(at(t, "2026-03-01T00:15:00Z"), at(t, "2026-03-01T02:45:00Z"), nil) {
			got = append(got, w.Planned.Format("15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.s, got, c.want)
		}
	}
}

// TestWindowsCover checks that every event lies in a window, and in one only where
// windows follow one another.
func TestWindowsCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.IntRange(1, 300).Draw(t, "minutes")
		s := Schedule{Every: time.Duration(minutes) * time.Minute}
		if rapid.Bool().Draw(t, "cron") {
			s = Schedule{Cron: fmt.Sprintf("%d */%d * * *", rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(1, 7).Draw(t, "hours"))}
		}
		lag := rapid.IntRange(0, 90).Draw(t, "lag")
		if lag > 0 && s.Every != 0 {
			s.Earliest, s.Latest = fmt.Sprintf("-%dm", minutes+lag), fmt.Sprintf("-%dm", lag)
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		first := time.Unix(1_700_000_000+rapid.Int64Range(0, 1e7).Draw(t, "first"), 0).UTC()
		last := first.Add(time.Duration(rapid.IntRange(0, 200_000).Draw(t, "length")) * time.Second)
		events := []time.Time{first, last, first.Add(last.Sub(first) / 2)}
		windows := slices.Collect(s.Windows(first, last, nil))
		for _, e := range events {
			n := 0
			for _, w := range windows {
				if !e.Before(w.Earliest) && e.Before(w.Latest) {
					n++
				}
			}
			if n != 1 {
				t.Fatalf("%v lies in %d windows of %d", e, n, len(windows))
			}
		}
	})
}
