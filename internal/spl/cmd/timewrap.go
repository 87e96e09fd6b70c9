package cmd

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Timewrap overlays the periods of a timechart.
type Timewrap struct {
	Span   *op.Span
	Now    bool   // align=now
	Series string // relative, short or exact
	Format string // time_format of exact
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "timewrap", Kind: syntax.KindSerial,
		Summary: "Overlay the periods of a timechart, such as days, with separate columns for each period.",
		Syntax:  "timewrap <span> [align=end|now] [series=relative|short|exact] [time_format=<text>]",
		Doc: "Use it after timechart. The periods end where the search does, or with the last bucket of the chart if the search has\n" +
			"no end. Rows have the times of the latest period. Columns go from the oldest period to the latest:\n" +
			"`count_1day_before`, `count_latest_day`. At most 1,000 periods are made; earlier rows are left out, with a warning.",
		Args: []syntax.Arg{
			{Name: "<span>", Doc: "The length of a period: 1d, w, 1mon; without a number it is one."},
			{Name: "align", Default: "end", Doc: "Where the latest period ends: at the end of the search, or now."},
			{Name: "series", Default: "relative", Doc: "`short` names periods s0 (the latest), s1 …; `exact` names them by their start."},
			{Name: "time_format", Default: "%Y-%m-%d", Doc: "The time format of exact names."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"u":"a"}`, `{"_time":1700086400,"u":"b"}`, `{"_time":1700086401,"u":"b"}`},
			Search: `* | timechart span=1d count | timewrap 1d | table count_*`,
			Want:   []string{`{"count_1day_before":"1","count_latest_day":"2"}`},
		}},
		Parse: parseTimewrap,
	})
}

func parseTimewrap(p *syntax.Parser) (syntax.Command, error) {
	c := &Timewrap{Series: "relative", Format: "%Y-%m-%d"}
	start := p.Peek().Span
	for !p.AtEnd() {
		err := p.Options([]string{"align", "series", "time_format"}, func(o syntax.Option) error {
			text := strings.ToLower(o.Value.Text)
			switch o.Name {
			case "time_format":
				c.Format = o.Value.Text
			case "align":
				if c.Now = text == "now"; !c.Now && text != "end" {
					return diag.At(o.Value.Span, "align must be end or now, not %q", o.Value.Text)
				}
			default:
				if c.Series = text; !slices.Contains([]string{"relative", "short", "exact"}, text) {
					return diag.At(o.Value.Span, "series must be relative, short or exact, not %q", o.Value.Text)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		if c.Span != nil {
			return nil, p.Unexpected(tok, "an option")
		}
		if c.Span, err = op.ParseSpan(syntax.Option{Name: "span", Value: tok, Span: tok.Span}); err != nil {
			return nil, err
		}
		if wrapUnits[c.Span.Unit] == "" || c.Span.Snap != "" || c.Span.N > 1e6 {
			return nil, diag.At(tok.Span, "%q is not a period", tok.Text).WithHint("use a length such as 1h, 1d, 1w or 1mon")
		}
	}
	if c.Span == nil {
		return nil, diag.At(start, "timewrap needs a period such as 1d")
	}
	return c, nil
}

// wrapUnits maps units to their words in column names.
var wrapUnits = map[string]string{"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mon": "month", "q": "quarter", "y": "year"}

// Print implements syntax.Command.
func (c *Timewrap) Print() string {
	s := "timewrap " + c.Span.Text
	if c.Now {
		s += " align=now"
	}
	if c.Series != "relative" {
		s += " series=" + c.Series
	}
	if c.Format != "%Y-%m-%d" {
		s += " time_format=" + syntax.PrintOption(c.Format)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Timewrap) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Timewrap) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Timewrap) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return exec.Rows(c.table(env, rows)), nil
	}), nil
}

// maxPeriods bounds the overlaid periods.
const maxPeriods = 1000

func (c *Timewrap) table(env *exec.Env, rows []*vector.Batch) *vector.Batch {
	end, ok := c.end(env, rows)
	if !ok {
		if slices.ContainsFunc(rows, func(b *vector.Batch) bool { return b.Len > 0 }) {
			env.Warn("timewrap: rows have no _time; put timechart before it")
		}
		return vector.NewBuilder("_time").Batch()
	}
	type cell struct {
		field  string
		period int
	}
	byTime := map[float64]map[cell]vector.Value{}
	var fields []string
	for _, name := range op.ColumnNames(rows) {
		if !op.Internal(name) {
			fields = append(fields, name)
		}
	}
	oldest := 0
	for _, b := range rows {
		env.Poll()
		for i := range b.Len {
			env.Poll()
			f, ok := b.At("_time", i).Num()
			if !ok || !inCalendar(f) {
				continue
			}
			at := splunktime.FromEpoch(f).In(env.Zone)
			period := c.period(at, end)
			if period < 0 {
				continue
			}
			if period >= maxPeriods {
				env.Warn("timewrap overlays at most %d periods; earlier rows are left out", maxPeriods)
				continue
			}
			oldest = max(oldest, period)
			shown := splunktime.Epoch(c.shift(at, period))
			if byTime[shown] == nil {
				byTime[shown] = map[cell]vector.Value{}
			}
			for _, name := range fields {
				if v := b.At(name, i); !v.IsNull() {
					byTime[shown][cell{name, period}] = v
				}
			}
		}
	}
	names := []string{"_time"}
	taken := map[string]bool{"_time": true}
	for _, name := range fields {
		for k := oldest; k >= 0; k-- {
			title := name + "_" + c.title(k, end)
			if taken[title] { // for example the same day of another year
				title += "_s" + strconv.Itoa(k)
			}
			taken[title] = true
			names = append(names, title)
		}
	}
	var times []float64
	for t := range byTime {
		times = append(times, t)
	}
	exec.Sort(env, times, cmp.Compare)
	out := vector.NewBuilder(names...)
	for _, t := range times {
		out.Add()
		out.SetAt(0, vector.Float(t))
		at := 1
		for _, name := range fields {
			for k := oldest; k >= 0; k-- {
				if v, ok := byTime[t][cell{name, k}]; ok {
					out.Set(names[at], v)
				}
				at++
			}
		}
	}
	return out.Batch()
}

// inCalendar reports whether f, in seconds since the epoch, is within the years
// 1 to 9999.
func inCalendar(f float64) bool { return f > -62135596800 && f < 253402300800 }

// end returns the end of the latest period. ok is false if there are no times.
func (c *Timewrap) end(env *exec.Env, rows []*vector.Batch) (end time.Time, ok bool) {
	var times []float64
	op.EachValue(env, rows, "_time", func(v vector.Value) {
		if f, ok := v.Num(); ok && inCalendar(f) {
			times = append(times, f)
		}
	})
	switch {
	case len(times) == 0:
		return end, false
	case c.Now:
		return env.Now.In(env.Zone), true
	case !env.Latest.IsZero():
		return env.Latest.In(env.Zone), true
	}
	exec.Sort(env, times, cmp.Compare)
	step := math.Inf(1)
	for i := 1; i < len(times); i++ {
		if d := times[i] - times[i-1]; d > 0 {
			step = min(step, d)
		}
	}
	if math.IsInf(step, 1) {
		step = 1
	}
	return splunktime.FromEpoch(times[len(times)-1] + step).In(env.Zone), true
}

// shift moves t forward by a number of periods.
func (c *Timewrap) shift(t time.Time, periods int) time.Time {
	n := periods * int(c.Span.N)
	switch c.Span.Unit {
	case "mon":
		return t.AddDate(0, n, 0)
	case "q":
		return t.AddDate(0, 3*n, 0)
	case "y":
		return t.AddDate(n, 0, 0)
	case "w":
		return t.AddDate(0, 0, 7*n)
	case "d":
		return t.AddDate(0, 0, n)
	}
	return t.Add(time.Duration(n) * time.Duration(op.UnitSeconds(c.Span.Unit)) * time.Second)
}

// period returns how many periods t lies before the latest one, or a negative
// number if t is after it.
func (c *Timewrap) period(t, end time.Time) int {
	if !t.Before(end) {
		return -1
	}
	k := int(min((splunktime.Epoch(end)-splunktime.Epoch(t))/(c.Span.Seconds()*1.2), maxPeriods))
	for k < maxPeriods && t.Before(c.shift(end, -k-1)) {
		k++
	}
	return k
}

// title returns the name of a period.
func (c *Timewrap) title(k int, end time.Time) string {
	switch c.Series {
	case "short":
		return "s" + strconv.Itoa(k)
	case "exact":
		return splunktime.FormatTime(c.shift(end, -k-1), c.Format)
	}
	n := int(c.Span.N)
	unit := wrapUnits[c.Span.Unit]
	plural := func(n int) string {
		if n == 1 {
			return unit
		}
		return unit + "s"
	}
	if k == 0 {
		if n == 1 {
			return "latest_" + unit
		}
		return "latest_" + strconv.Itoa(n) + plural(n)
	}
	return strconv.Itoa(k*n) + plural(k*n) + "_before"
}
