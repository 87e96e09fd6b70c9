package splunktime_test

import (
	"testing"
	"time"

	"bluetrail/internal/splunktime"
)

func TestFormatTime(t *testing.T) {
	at := time.Date(2024, 1, 5, 3, 4, 9, 12345678, time.FixedZone("CET", 3600))
	for format, want := range map[string]string{
		"%Y-%m-%dT%H:%M:%S.%3N%:z": "2024-01-05T03:04:09.012+01:00",
		"%F %T %z %::z %Z":         "2024-01-05 03:04:09 +0100 +01:00:00 CET",
		"%y%e|%k|%l|%I%p":          "24 5| 3| 3|03AM",
		"%a %A %b %B %j %w %u":     "Fri Friday Jan January 005 5 5",
		"%U %W %V %G":              "00 01 01 2024",
		"%s %Q %6Q %N %f":          "1704420249 012 012345 012345678 012345",
		"%D %x %X %R %c %+":        "01/05/24 01/05/24 03:04:09 03:04 Fri Jan  5 03:04:09 2024 Fri Jan  5 03:04:09 CET 2024",
		"100%% %n%t| %K %":         "100% \n\t| %K %",
		"%-d.%-m. %-H":             "5.1. 3",
		"%-j|%_m|%0e|%^a %^B|%_H":  "5| 1|05|FRI JANUARY| 3",
		"%P %g %v %Ez %:::z":       "am 24  5-Jan-2024 +60 +01",
		"%Ey %Od %Ez":              "24 05 +60",
		"%E %O %-":                 "%E %O %-",
		"":                         "",
	} {
		if got := splunktime.FormatTime(at, format); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
}

func TestParseTimeFormat(t *testing.T) {
	now := time.Date(2023, 11, 14, 22, 13, 20, 0, time.FixedZone("", -5*3600))
	for _, tc := range []struct{ text, format, want string }{
		{"2022-12-15 17:42:02", "%Y-%m-%d %H:%M:%S", "2022-12-15T17:42:02-05:00"},
		{"2022-12-15T17:42:02.5Z and more", "%Y-%m-%dT%H:%M:%S.%Q%z", "2022-12-15T17:42:02.5Z"},
		{"2022-12-15T17:42:02+0130", "%FT%T%z", "2022-12-15T17:42:02+01:30"},
		{"Dec 3 5:07 PM, 99", "%b %d %I:%M %p, %y", "1999-12-03T17:07:00-05:00"},
		{"12 AM", "%I %p", "2023-11-14T00:00:00-05:00"},
		{"31 March", "%d %B", "2023-03-31T00:00:00-05:00"},
		{"2024 060", "%Y %j", "2024-02-29T00:00:00-05:00"},
		{"1700000000.250", "%s.%3N", "2023-11-14T17:13:20.25-05:00"},
		{"Tue Nov 14 22:13:20 UTC 2023", "%a %b %d %T %Z %Y", "2023-11-14T22:13:20Z"},
		{"17:00", "%R", "2023-11-14T17:00:00-05:00"},
		{"100% 7", "100%% %d", "2023-01-07T00:00:00-05:00"},
		{"1700000000123", "%s%3N", "2023-11-14T17:13:20.123-05:00"},
		{"2023-W46-2", "%G-W%V-%u", "2023-11-14T00:00:00-05:00"},
		{"2020-W53-5", "%G-W%V-%u", "2021-01-01T00:00:00-05:00"},
		{"2023 46 Sun", "%Y %U %a", "2023-11-12T00:00:00-05:00"},
		{"2023 46 0", "%Y %W %w", "2023-11-19T00:00:00-05:00"},
		{"2023 01", "%Y %W", "2023-01-02T00:00:00-05:00"},
		{"12:00 AEST", "%H:%M %Z", "2023-11-15T12:00:00+10:00"},
		{"12:00 +0200", "%H:%M %Z", "2023-11-15T12:00:00+02:00"},
		{"12:00 GMT-0300", "%H:%M %Z", "2023-11-15T12:00:00-03:00"},
		{"12:00 +90", "%H:%M %Ez", "2023-11-15T12:00:00+01:30"},
	} {
		got, err := splunktime.ParseTimeFormat(tc.text, tc.format, now)
		if err != nil {
			t.Errorf("%q as %q: %v", tc.text, tc.format, err)
		} else if s := got.Format(time.RFC3339Nano); s != tc.want {
			t.Errorf("%q as %q: %s, want %s", tc.text, tc.format, s, tc.want)
		}
	}
	for _, tc := range [][2]string{
		{"2022-13-01", "%Y-%m-%d"}, {"2023-02-30", "%Y-%m-%d"}, {"x", "%Y"}, {"2022", "%Y-%m"}, {"25:00", "%H:%M"}, {"", "%s"}, {"1", "%K"}, {"1", ""}, {"+99:00", "%z"}, {"5 XM", "%I %p"},
	} {
		if got, err := splunktime.ParseTimeFormat(tc[0], tc[1], now); err == nil {
			t.Errorf("%q as %q: %s, want an error", tc[0], tc[1], got)
		}
	}
}

// FuzzTimeFormat checks that no format panics, and that what is written in a
// whole format reads as the same second.
func FuzzTimeFormat(f *testing.F) {
	f.Add("%Y-%m-%d %H:%M:%S %z", "2022-12-15 17:42:02 +0100", int64(1700000000))
	f.Add("%s.%9N%%%Q%E%:", "1.5", int64(-5))
	f.Fuzz(func(t *testing.T, format, text string, sec int64) {
		if sec < -62135596800 || sec > 253402300799 || len(format) > 200 {
			return
		}
		at := time.Unix(sec, 0).UTC()
		splunktime.FormatTime(at, format)
		splunktime.ParseTimeFormat(text, format, at)
		const whole = "%Y-%m-%d %H:%M:%S"
		if back, err := splunktime.ParseTimeFormat(splunktime.FormatTime(at, whole), whole, at); err != nil || !back.Equal(at) {
			t.Fatalf("%s: %s %v", at, back, err)
		}
	})
}

func TestTimeGrain(t *testing.T) {
	for format, want := range map[string]float64{
		"%F": 900, "%Y-%m-%d %H": 900, "%H:%M": 60, "%R": 60, "%T": 1, "%s": 1, "%c": 1, "%T.%3N": 0, "%Q": 0, "%F %f": 0, "%%S": 900, "": 900, "%": 900, "%Ez": 900,
	} {
		if got := splunktime.TimeGrain(format); got != want {
			t.Errorf("%q: %g, want %g", format, got, want)
		}
	}
}
