package op

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Span is the width of the buckets of bin and its kin: a time such as 1h, a
// number, or a logarithm such as log10.
type Span struct {
	Text string
	N    float64 // of Unit, or the number
	Unit string  // "" = a number, log = logarithmic
	Snap string  // w1 of 1w@w1
	Base float64 // of log
	// Align is a moment, in seconds, at which a bucket begins when the unit is
	// hours or shorter.
	Align float64
}

// ParseSpan reads a span: a number, a time such as 5m, or a logarithm such as log10.
func ParseSpan(o syntax.Option) (*Span, error) {
	text := strings.ToLower(o.Value.Text)
	s := &Span{Text: o.Value.Text, N: 1}
	fail := func() (*Span, error) {
		return nil, diag.At(o.Value.Span, "%q is not a span", o.Value.Text).WithHint("use a span such as 30s, 5m, 1h, 1d or 1mon, a number, or log10")
	}
	digits := 0
	for digits < len(text) && (text[digits] >= '0' && text[digits] <= '9' || text[digits] == '.') {
		digits++
	}
	if digits > 0 {
		var ok bool
		if s.N, ok = vector.ParseNumber(text[:digits]); !ok || s.N <= 0 {
			return fail()
		}
	}
	rest := text[digits:]
	switch {
	case rest == "" && digits > 0:
		return s, nil
	case strings.HasPrefix(rest, "log"):
		s.Unit, s.Base = "log", 10
		if rest != "log" {
			var ok bool
			if s.Base, ok = vector.ParseNumber(rest[3:]); !ok || s.Base <= 1 {
				return fail()
			}
		}
		if s.N >= s.Base {
			return fail()
		}
		return s, nil
	}
	unit, snap, _ := strings.Cut(rest, "@")
	if s.Unit, s.Snap = splunktime.Unit(unit), snap; s.Unit == "" || s.N != math.Trunc(s.N) {
		return fail()
	}
	if snap != "" {
		if _, err := splunktime.RelativeTime("@"+snap, time.Unix(0, 0).UTC()); err != nil {
			return fail()
		}
	}
	return s, nil
}

// ParsePause reads a length of time, which may be 0.
func ParsePause(o syntax.Option) (*Span, error) {
	digits := strings.TrimLeft(o.Value.Text, "0")
	if unit := splunktime.Unit(strings.ToLower(digits)); digits == "" || digits != o.Value.Text && unit != "" {
		return &Span{Text: o.Value.Text, Unit: "s"}, nil
	}
	return ParseSpan(o)
}

// Floor returns the start of the bucket that t lies in.
func (s *Span) Floor(t time.Time) time.Time {
	n := int(s.N)
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	switch s.Unit {
	case "mon", "q", "y":
		months := n * map[string]int{"mon": 1, "q": 3, "y": 12}[s.Unit]
		k := t.Year()*12 + int(t.Month()) - 1
		k -= ((k % months) + months) % months
		return time.Date(k/12, time.Month(k%12+1), 1, 0, 0, 0, 0, t.Location())
	case "d", "w":
		days := n
		if s.Unit == "w" {
			days = 7 * n
		}
		if s.Snap != "" && n == 1 {
			if snapped, err := splunktime.RelativeTime("@"+s.Snap, t); err == nil {
				return snapped
			}
		}
		if days == 1 {
			return midnight
		}
		// Counted from 1970-01-01 by the calendar of the zone.
		k := int(math.Floor(float64(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix()) / 86400))
		return midnight.AddDate(0, 0, -(((k % days) + days) % days))
	case "":
		return splunktime.FromEpoch(s.Align + math.Floor((splunktime.Epoch(t)-s.Align)/s.N)*s.N).In(t.Location())
	}
	width := UnitSeconds(s.Unit) * s.N
	if s.Align != 0 {
		return splunktime.FromEpoch(s.Align + math.Floor((splunktime.Epoch(t)-s.Align)/width+1e-9)*width).In(t.Location())
	}
	_, offset := t.Zone()
	local := splunktime.Epoch(t) + float64(offset)
	if width > 86400 {
		local -= math.Mod(local, width)
	} else {
		local = math.Floor(local/width+1e-9) * width
	}
	return splunktime.FromEpoch(local - float64(offset)).In(t.Location())
}

// Next returns the start of the bucket behind the one that starts at t.
func (s *Span) Next(t time.Time) time.Time {
	n := int(s.N)
	switch s.Unit {
	case "mon":
		return t.AddDate(0, n, 0)
	case "q":
		return t.AddDate(0, 3*n, 0)
	case "y":
		return t.AddDate(n, 0, 0)
	case "d":
		return t.AddDate(0, 0, n)
	case "w":
		return t.AddDate(0, 0, 7*n)
	case "":
		return splunktime.FromEpoch(splunktime.Epoch(t) + s.N).In(t.Location())
	}
	return splunktime.FromEpoch(splunktime.Epoch(t) + UnitSeconds(s.Unit)*s.N).In(t.Location())
}

// UnitSeconds returns the length of a unit of time, roughly for months and longer.
func UnitSeconds(unit string) float64 {
	t, err := splunktime.RelativeTime("+1"+unit, splunktime.FromEpoch(0))
	if err != nil {
		return 1
	}
	return splunktime.Epoch(t)
}

// Seconds is the width of a bucket, roughly for calendar units.
func (s *Span) Seconds() float64 {
	switch s.Unit {
	case "":
		return s.N
	case "mon":
		return s.N * 30 * 86400
	}
	return s.N * UnitSeconds(s.Unit)
}

// Index numbers the bucket of a number, which is positive for logarithms.
func (s *Span) Index(f float64) float64 {
	k := f / s.N
	if s.Unit == "log" {
		k = math.Log(k) / math.Log(s.Base)
	}
	// The quotient of a bound may lie right below the whole number it stands for.
	if whole := math.Round(k); math.Abs(k-whole) < 1e-9*max(1, math.Abs(whole)) {
		return whole
	}
	return math.Floor(k)
}

// Bucket is the name of a bucket by its number: low-high.
func (s *Span) Bucket(k float64) vector.Value {
	lo, hi := k*s.N, k*s.N+s.N
	if s.Unit == "log" {
		lo, hi = s.N*math.Pow(s.Base, k), s.N*math.Pow(s.Base, k+1)
	}
	return vector.String(trimmed(lo) + "-" + trimmed(hi))
}

// Label is the bucket of a number: low-high.
func (s *Span) Label(f float64) vector.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) || s.Unit == "log" && f <= 0 {
		return vector.Float(f)
	}
	return s.Bucket(s.Index(f))
}

// trimmed writes a bound without the noise of binary fractions.
func trimmed(f float64) string {
	g, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	if err != nil {
		return vector.FormatNumber(f)
	}
	return vector.FormatNumber(g)
}

// NiceSpan returns the least round width that cuts the range from lo to hi into
// at most bins buckets.
func NiceSpan(lo, hi float64, bins int) *Span {
	width := hi - lo
	if !(width > 0) || math.IsInf(width, 0) || bins < 1 {
		return &Span{N: 1}
	}
	power := math.Pow(10, math.Floor(math.Log10(width/float64(bins))))
	for {
		for _, m := range []float64{1, 2, 2.5, 5} {
			s := &Span{N: m * power}
			if s.Index(hi)-s.Index(lo) < float64(bins) || s.N > 4*width {
				return s // two buckets are left where 0 lies within the range
			}
		}
		power *= 10
	}
}

// Bucketer finds the buckets of times that are mostly near each other.
type Bucketer struct {
	Span     *Span
	Zone     *time.Location
	from, to float64 // the bucket found last
}

// holds reports whether t lies in the bucket found last.
func (b *Bucketer) holds(t float64) bool { return t >= b.from && t < b.to }

// Start returns the start of the bucket that t lies in, both in seconds. Times
// beyond the year 9999 are their own buckets.
func (b *Bucketer) Start(t float64) float64 {
	if b.holds(t) {
		return b.from
	}
	if !(math.Abs(t) < 253402300799) {
		b.from, b.to = t, t // which holds nothing
		return t
	}
	at := b.Span.Floor(splunktime.FromEpoch(t).In(b.Zone))
	b.from, b.to = splunktime.Epoch(at), splunktime.Epoch(b.Span.Next(at))
	return b.from
}

// Starts turns a column of times into the starts of their buckets; what is no
// time is missing.
func (b *Bucketer) Starts(name string, times *vector.Column, n int) *vector.Column {
	var starts []vector.Value
	codes := make([]int32, n)
	last, missing := -1, -1
	for i := range n {
		f, ok := times.At(i).Num()
		if !ok {
			if missing < 0 {
				missing, starts = len(starts), append(starts, vector.Value{})
			}
			codes[i] = int32(missing)
			continue
		}
		if !b.holds(f) || last < 0 {
			last, starts = len(starts), append(starts, vector.Float(b.Start(f)))
		}
		codes[i] = int32(last)
	}
	return vector.Coded(name, starts, codes)
}

// AtLeast returns span, or least when that is longer.
func AtLeast(span, least *Span) *Span {
	if least != nil && span.Seconds() < least.Seconds() {
		return least
	}
	return span
}

// alignTime reads aligntime: earliest, latest or a moment in time.
func alignTime(o syntax.Option) (string, error) {
	text := strings.ToLower(o.Value.Text)
	if text == "earliest" || text == "latest" {
		return text, nil
	}
	if _, ok := vector.ParseNumber(text); ok {
		return text, nil
	}
	if _, err := splunktime.RelativeTime(o.Value.Text, time.Unix(0, 0).UTC()); err != nil {
		return "", diag.At(o.Value.Span, "%q is not a time to align to", o.Value.Text).WithHint("use earliest, latest, seconds since 1970, or a modifier such as -1h@h")
	}
	return o.Value.Text, nil
}

// Aligned returns the span with buckets that begin at the moment that aligntime
// names. Spans of days and longer stay with the calendar.
func (s *Span) Aligned(text string, env *exec.Env) *Span {
	if text == "" || !slices.Contains([]string{"", "us", "ms", "cs", "ds", "s", "m", "h"}, s.Unit) {
		return s
	}
	var at time.Time
	switch text {
	case "earliest":
		at = env.Earliest
	case "latest":
		at = env.Latest
	default:
		if f, ok := vector.ParseNumber(text); ok {
			at = splunktime.FromEpoch(f)
		} else if t, err := splunktime.RelativeTime(text, env.Now.In(env.Zone)); err == nil {
			at = t
		}
	}
	if at.IsZero() {
		return s
	}
	out := *s
	out.Align = splunktime.Epoch(at)
	return &out
}

// Number reads an option as a number.
func Number(o syntax.Option) (float64, error) {
	f, ok := vector.ParseNumber(o.Value.Text)
	if !ok {
		return 0, diag.At(o.Value.Span, "%s must be a number, not %q", o.Name, o.Value.Text)
	}
	return f, nil
}

// niceTimes are the spans that are chosen for a range of time.
var niceTimes = []Span{
	{Text: "1s", N: 1, Unit: "s"}, {Text: "5s", N: 5, Unit: "s"}, {Text: "10s", N: 10, Unit: "s"}, {Text: "30s", N: 30, Unit: "s"},
	{Text: "1m", N: 1, Unit: "m"}, {Text: "5m", N: 5, Unit: "m"}, {Text: "10m", N: 10, Unit: "m"}, {Text: "30m", N: 30, Unit: "m"},
	{Text: "1h", N: 1, Unit: "h"}, {Text: "1d", N: 1, Unit: "d"}, {Text: "1mon", N: 1, Unit: "mon"},
}

// TimeSpan returns the span for a range of seconds and a number of buckets.
func TimeSpan(width float64, bins int) *Span {
	for i := range niceTimes {
		if width/niceTimes[i].Seconds() <= float64(bins) {
			return &niceTimes[i]
		}
	}
	return &niceTimes[len(niceTimes)-1]
}

// TimeSpanOf is timeSpan for the times of events, the last of which has a place
// in a bucket too: from lo to hi there are at most that many.
func TimeSpanOf(lo, hi float64, bins int) *Span {
	for i := range niceTimes {
		s := niceTimes[i].Seconds()
		if math.Floor(hi/s)-math.Floor(lo/s) < float64(bins) {
			return &niceTimes[i]
		}
	}
	return &niceTimes[len(niceTimes)-1]
}

// Fraction reads an option from 0 to 1.
func Fraction(o syntax.Option) (float64, error) {
	f, err := Number(o)
	if err == nil && !(f >= 0 && f <= 1) {
		err = diag.At(o.Value.Span, "%s must be a share from 0 to 1, not %q", o.Name, o.Value.Text)
	}
	return f, err
}
