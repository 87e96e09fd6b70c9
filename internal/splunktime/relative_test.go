package splunktime

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2023, 11, 14, 22, 13, 20, 500e6, time.UTC) // a Tuesday
	for _, tc := range []struct{ in, want string }{
		{"now", "2023-11-14T22:13:20.5Z"},
		{"now()", "2023-11-14T22:13:20.5Z"},
		{"-1h", "2023-11-14T21:13:20.5Z"},
		{"-h", "2023-11-14T21:13:20.5Z"},
		{"-5m", "2023-11-14T22:08:20.5Z"},
		{"-1mon", "2023-10-14T22:13:20.5Z"},
		{"+2days", "2023-11-16T22:13:20.5Z"},
		{"@d", "2023-11-14T00:00:00Z"},
		{"-1d@d+2h", "2023-11-13T02:00:00Z"},
		{"@w", "2023-11-12T00:00:00Z"},
		{"@w0", "2023-11-12T00:00:00Z"},
		{"@w1", "2023-11-13T00:00:00Z"},
		{"@w3", "2023-11-08T00:00:00Z"},
		{"@w7", "2023-11-12T00:00:00Z"},
		{"-7d@h", "2023-11-07T22:00:00Z"},
		{"@mon", "2023-11-01T00:00:00Z"},
		{"@q", "2023-10-01T00:00:00Z"},
		{"-1y@y", "2022-01-01T00:00:00Z"},
		{"@m", "2023-11-14T22:13:00Z"},
		{"-500ms", "2023-11-14T22:13:20Z"},
		{"now-1d", "2023-11-13T22:13:20.5Z"},
		{"1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.25", "2023-11-14T22:13:20.25Z"},
		{"11/14/2023:22:15:00", "2023-11-14T22:15:00Z"},
		{"11/14/2023", "2023-11-14T00:00:00Z"},
		{"1/4/2023:2:5:9", "2023-01-04T02:05:09Z"},
		{"1/4/2023:02:05", "2023-01-04T02:05:00Z"},
		{"1/4/2023:22", "2023-01-04T22:00:00Z"},
		{"2023-11-14T22:15:00+01:00", "2023-11-14T21:15:00Z"},
		{"2023-11-14T22:15:00", "2023-11-14T22:15:00Z"},
		{"2023-11-14", "2023-11-14T00:00:00Z"},
	} {
		got, err := ParseTime(tc.in, now)
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if s := got.UTC().Format(time.RFC3339Nano); s != tc.want {
			t.Errorf("%s = %s, want %s", tc.in, s, tc.want)
		}
	}
	for _, bad := range []string{"x", "-", "@", "-1", "-1parsec", "@w9", "-1d@", "13/45/2023", "99999999999999", "-99999999999h", "--1d"} {
		if got, err := ParseTime(bad, now); err == nil {
			t.Errorf("%q was read as %s", bad, got)
		}
	}
}

// TestMonthsClamp: a month that is too short gives its last day.
func TestMonthsClamp(t *testing.T) {
	got, err := RelativeTime("-1mon", time.Date(2024, 3, 31, 12, 0, 0, 0, time.UTC))
	if err != nil || got.Format(time.DateOnly) != "2024-02-29" {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestDaysFollowTheCalendar: a day over a change of clocks keeps its hour.
func TestDaysFollowTheCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone database on this machine")
	}
	got, err := RelativeTime("-1d", time.Date(2024, 3, 31, 12, 0, 0, 0, berlin))
	if err != nil || got.Format("01-02 15:04") != "03-30 12:00" {
		t.Errorf("got %s, %v", got, err)
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("-1d@d+2h")
	f.Add("99999999999999999999")
	f.Fuzz(func(t *testing.T, s string) {
		ParseTime(s, time.Unix(1700000000, 0).UTC())
	})
}
