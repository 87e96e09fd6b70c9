package filter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/splunktime"
)

// modifier describes a time modifier: the bound that it sets, and how its value
// is written.
type modifier struct {
	bound string // earliest, latest, _index_earliest, _index_latest; "" = none by itself
	unit  string // unit of the value: back from now, or the length with span; s = epoch seconds
	span  bool
}

var modifiers = map[string]modifier{
	"earliest": {bound: "earliest"}, "latest": {bound: "latest"},
	"_index_earliest": {bound: "_index_earliest"}, "_index_latest": {bound: "_index_latest"},
	"starttime": {bound: "earliest"}, "endtime": {bound: "latest"},
	"starttimeu": {bound: "earliest", unit: "s"}, "endtimeu": {bound: "latest", unit: "s"},
	"daysago": {bound: "earliest", unit: "d"}, "startdaysago": {bound: "earliest", unit: "d"}, "enddaysago": {bound: "latest", unit: "d"},
	"hoursago": {bound: "earliest", unit: "h"}, "starthoursago": {bound: "earliest", unit: "h"}, "endhoursago": {bound: "latest", unit: "h"},
	"minutesago": {bound: "earliest", unit: "m"}, "startminutesago": {bound: "earliest", unit: "m"}, "endminutesago": {bound: "latest", unit: "m"},
	"monthsago": {bound: "earliest", unit: "mon"}, "startmonthsago": {bound: "earliest", unit: "mon"}, "endmonthsago": {bound: "latest", unit: "mon"},
	"searchtimespandays": {unit: "d", span: true}, "searchtimespanhours": {unit: "h", span: true},
	"searchtimespanminutes": {unit: "m", span: true}, "searchtimespanmonths": {unit: "mon", span: true},
	timeFormat: {},
}

// timeFormat is the modifier that sets the format of starttime, endtime and
// absolute values of the others.
const timeFormat = "timeformat"

// IsTimeModifier reports whether a field of a search expression is a time
// modifier rather than a field.
func IsTimeModifier(name string) bool {
	_, ok := modifiers[strings.ToLower(name)]
	return ok
}

// TimeRange is the combined effect of time modifiers that apply together, by
// the names of the bounds that they set. earliest and _index_earliest are
// inclusive, latest and _index_latest exclusive.
type TimeRange map[string]time.Time

// ResolveTimes returns the range of modifiers that apply together; the last one
// for a bound wins. Errors are *diag.Error.
func ResolveTimes(bounds []*TimeBound, now time.Time) (TimeRange, error) {
	r := TimeRange{}
	var spans []*TimeBound
	for _, b := range bounds {
		m := modifiers[b.Name]
		switch {
		case m.span:
			spans = append(spans, b)
		case m.bound != "":
			t, err := b.at(m, now)
			if err != nil {
				return nil, diag.At(b.Span, "%s", err)
			}
			r[m.bound] = t
		}
	}
	for _, b := range spans {
		n, err := b.count()
		if err != nil {
			return nil, diag.At(b.Span, "%s", err)
		}
		unit := modifiers[b.Name].unit
		if start, ok := r["earliest"]; ok {
			if _, ok := r["latest"]; !ok {
				r["latest"], _ = splunktime.Shift(start, n, unit)
			}
			continue
		}
		end, ok := r["latest"]
		if !ok {
			end = now
		}
		r["earliest"], _ = splunktime.Shift(end, -n, unit)
	}
	return r, nil
}

// at returns the time that b denotes.
func (b *TimeBound) at(m modifier, now time.Time) (time.Time, error) {
	switch m.unit {
	case "":
		if b.Format != "" {
			if t, err := splunktime.ParseTimeFormat(b.Value, b.Format, now); err == nil {
				return t, nil
			}
		}
		return splunktime.ParseTime(b.Value, now)
	case "s":
		if !splunktime.EpochLike(b.Value) {
			return time.Time{}, fmt.Errorf("%s must be epoch seconds, not %q", b.Name, b.Value)
		}
		return splunktime.ParseTime(b.Value, now)
	}
	n, err := b.count()
	if err != nil {
		return time.Time{}, err
	}
	t, _ := splunktime.Shift(now, -n, m.unit)
	return t, nil
}

// count parses the value of a modifier that counts units.
func (b *TimeBound) count() (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(b.Value))
	if err != nil || n < 0 || n > 1e6 {
		return 0, fmt.Errorf("%s must be a whole number up to 1,000,000, not %q", b.Name, b.Value)
	}
	return n, nil
}

// SettleTimes converts the bounds of a whole search expression according to its
// timeformat, and checks that they can be parsed.
func SettleTimes(e Expr) error {
	var bounds []*TimeBound
	form := ""
	walk(e, func(e Expr) {
		if b, ok := e.(*TimeBound); ok {
			bounds = append(bounds, b)
			if b.Name == timeFormat {
				form = b.Value
			}
		}
	})
	for _, b := range bounds {
		if m := modifiers[b.Name]; m.unit == "" && m.bound != "" {
			b.Format = form
		}
		if _, err := ResolveTimes([]*TimeBound{b}, time.Unix(0, 0).UTC()); err != nil {
			return err
		}
	}
	return nil
}

// walk calls fn for e and every expression inside.
func walk(e Expr, fn func(Expr)) {
	fn(e)
	switch e := e.(type) {
	case *And:
		for _, a := range e.Args {
			walk(a, fn)
		}
	case *Or:
		for _, a := range e.Args {
			walk(a, fn)
		}
	case *Not:
		walk(e.Arg, fn)
	}
}
