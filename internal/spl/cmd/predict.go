package cmd

import (
	"cmp"
	"context"
	"errors"
	"math"
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

// Predict forecasts the values of time series.
type Predict struct {
	Fields    []predicted
	Algorithm string // LL, LLT, LLP or LLP5
	Ahead     int    // future_timespan
	Holdback  int
	Period    int // 0 = detect
	Upper     bound
	Lower     bound
}

// predicted is a series and the name of its forecast.
type predicted struct{ Field, As string }

// bound is one end of the interval that contains a percentage of the values.
type bound struct {
	Percent float64
	Name    string // column name, followed by the name of the forecast in parentheses
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "predict", Kind: syntax.KindSerial,
		Summary: "Forecast the values of a timechart's columns.",
		Syntax:  "predict <field> [AS <name>] … [algorithm=LL|LLT|LLP|LLP5] [future_timespan=<n>] [holdback=<n>] [period=<n>] [upper<n>=<name>] [lower<n>=<name>]",
		Doc: "Use it after timechart. Each series gets `prediction(field)`, the value expected before each actual value was seen,\n" +
			"and the bounds of the 95 percent interval, `upper95(prediction(field))` and `lower95(prediction(field))`. Rows for the\n" +
			"future are added. The models are Kalman filters whose noise parameters make the series most likely: `LL` has a level\n" +
			"that wanders, `LLT` a level and a slope, `LLP` a level for each position in a period, and `LLP5` is the mean of LLT\n" +
			"and LLP, weighted at each step by how certain they are. Without a period, LLP is LL and LLP5 is LLT. All rows are held\n" +
			"in memory.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The series to forecast; several may be named."},
			{Name: "AS", Default: "prediction(<field>)", Doc: "The name of its prediction."},
			{Name: "algorithm", Default: "LLP5", Doc: "The model."},
			{Name: "future_timespan", Default: "5", Doc: "Number of values to forecast after the last value used."},
			{Name: "holdback", Default: "0", Doc: "Number of trailing values to ignore."},
			{Name: "period", Doc: "Number of values in a period; detected from the series if not given."},
			{Name: "upper<n>, lower<n>", Default: "upper95, lower95", Doc: "The confidence percentage, and the names of the interval columns: `upper90=high` makes `high(prediction(field))`."},
		},
		Examples: []syntax.Example{{
			Doc:    "A series that grows by ten each hour continues to do so.",
			Search: `| makeresults count=8 | streamstats count AS n | eval _time=1700000000+n*3600, x=n*10 | table _time x | predict x algorithm=LLT future_timespan=2 | eval p=round('prediction(x)') | tail 2 | reverse | table _time p`,
			Want:   []string{`{"_time":"1700032400","p":"90"}`, `{"_time":"1700036000","p":"100"}`},
		}},
		Parse: parsePredict,
	})
}

func parsePredict(p *syntax.Parser) (syntax.Command, error) {
	c := &Predict{Algorithm: "LLP5", Ahead: 5, Upper: bound{95, "upper95"}, Lower: bound{95, "lower95"}}
	for !p.AtEnd() {
		for p.Accept(",") {
		}
		tok := p.Peek()
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if ok {
			if err := c.option(o, tok); err != nil {
				return nil, err
			}
			continue
		}
		if len(c.Fields) > 0 && p.AcceptWord("as") {
			if c.Fields[len(c.Fields)-1].As, err = p.Field(); err != nil {
				return nil, err
			}
			continue
		}
		f := predicted{}
		if f.Field, err = p.Field(); err != nil {
			return nil, err
		}
		f.As = "prediction(" + f.Field + ")"
		c.Fields = append(c.Fields, f)
	}
	if len(c.Fields) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "the field to forecast")
	}
	return c, nil
}

func (c *Predict) option(o syntax.Option, name syntax.Token) (err error) {
	switch o.Name {
	case "algorithm":
		switch c.Algorithm = strings.ToUpper(o.Value.Text); c.Algorithm {
		case "LL", "LLT", "LLP", "LLP5":
		case "LLB", "BILL":
			return diag.At(o.Value.Span, "%s, which follows a second series, is not supported", o.Value.Text).WithHint("LL, LLT, LLP and LLP5 forecast each series separately")
		default:
			return diag.At(o.Value.Span, "unknown algorithm %q", o.Value.Text).WithHint("LL, LLT, LLP or LLP5")
		}
	case "future_timespan":
		if c.Ahead, err = o.Int(0); err == nil && c.Ahead > maxBuckets {
			err = diag.At(o.Value.Span, "at most %d values can be forecast", maxBuckets)
		}
	case "holdback":
		c.Holdback, err = o.Int(0)
	case "period":
		c.Period, err = o.Int(1)
	case "correlate", "suppress":
		return diag.At(o.Span, "%s is for the algorithms LLB and BiLL, which are not supported", o.Name)
	default:
		end := &c.Upper
		digits, ok := strings.CutPrefix(o.Name, "upper")
		if !ok {
			end = &c.Lower
			digits, ok = strings.CutPrefix(o.Name, "lower")
		}
		if end.Percent, err = strconv.ParseFloat(digits, 64); !ok || err != nil {
			o.Span = name.Span
			return o.Unknown("algorithm", "future_timespan", "holdback", "period", "upper95", "lower95")
		}
		if !(end.Percent >= 0 && end.Percent < 100) {
			return diag.At(name.Span, "the interval must be at least 0 and less than 100 percent")
		}
		end.Name = o.Value.Text
	}
	return err
}

// Print implements syntax.Command.
func (c *Predict) Print() string {
	s := "predict"
	for _, f := range c.Fields {
		s += " " + syntax.PrintField(f.Field) + " AS " + syntax.PrintField(f.As)
	}
	s += " algorithm=" + c.Algorithm + " future_timespan=" + strconv.Itoa(c.Ahead) + " holdback=" + strconv.Itoa(c.Holdback)
	if c.Period > 0 {
		s += " period=" + strconv.Itoa(c.Period)
	}
	return s + " upper" + vector.FormatNumber(c.Upper.Percent) + "=" + syntax.PrintOption(c.Upper.Name) + " lower" + vector.FormatNumber(c.Lower.Percent) + "=" + syntax.PrintOption(c.Lower.Name)
}

// Needs implements syntax.Command.
func (c *Predict) Needs(out filter.FieldSet) filter.FieldSet {
	out = out.Add("_time")
	for _, f := range c.Fields {
		out = out.Add(f.Field)
	}
	return out
}

// Open implements exec.Serial.
func (c *Predict) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return c.run(ctx, env, rows)
	}), nil
}

func (c *Predict) run(ctx context.Context, env *exec.Env, rows []*vector.Batch) (exec.Operator, error) {
	order, times := inTime(env, rows)
	if len(order) == 0 {
		for _, b := range rows {
			env.Poll()
			if b.Len > 0 {
				return nil, errors.New("predict: rows have no _time; put timechart before it")
			}
		}
		return exec.Rows(rows...), nil
	}
	held := env.Memory.Hold()
	out, err := c.predicted(ctx, env, rows, order, times, held)
	if err != nil {
		held.Release()
	}
	return out, err
}

// predicted returns the rows in time order, followed by future rows. Closing
// the operator releases held.
func (c *Predict) predicted(ctx context.Context, env *exec.Env, rows []*vector.Batch, order []place, times []float64, held *exec.Held) (exec.Operator, error) {
	used := max(0, len(order)-c.Holdback)
	length := max(len(order), used+c.Ahead)
	if err := held.Add(8 * length * (2*len(c.Fields) + 8)); err != nil {
		return nil, err
	}
	forecasts := make([]*forecast, len(c.Fields))
	for i, f := range c.Fields {
		series := make([]float64, used)
		some := false
		for t, at := range order[:used] {
			v, ok := rows[at.batch].At(f.Field, at.row).Num()
			if series[t] = v; !ok || v-v != 0 {
				series[t] = op.NaN
			} else {
				some = true
			}
		}
		if !some {
			env.Warn("predict: %s has no number", f.Field)
			continue
		}
		var err error
		if forecasts[i], err = c.forecast(ctx, series); err != nil {
			return nil, err
		}
	}
	names := op.ColumnNames(rows)
	later := stepper(times, env.Zone)
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		b := op.NewEmitter(emit, names)
		for t := range length {
			if t < len(order) {
				b.AddRow(rows[order[t].batch], order[t].row)
			} else {
				b.Add()
				b.Set("_time", vector.Float(later(t-len(order)+1)))
			}
			for i, f := range c.Fields {
				if forecasts[i] != nil {
					c.show(b.Builder, f.As, forecasts[i], t)
				}
			}
			if err := b.Row(ctx); err != nil {
				return err
			}
		}
		return b.End()
	}, held.Release), nil
}

// show sets the columns of a forecast in row t.
func (c *Predict) show(b *vector.Builder, name string, f *forecast, t int) {
	if t >= len(f.mean) || math.IsNaN(f.mean[t]) {
		return
	}
	around := func(percent float64) float64 {
		return math.Sqrt2 * math.Erfinv(percent/100) * math.Sqrt(f.variance[t])
	}
	b.Set(name, vector.Float(f.mean[t]))
	b.Set(c.Upper.Name+"("+name+")", vector.Float(f.mean[t]+around(c.Upper.Percent)))
	b.Set(c.Lower.Name+"("+name+")", vector.Float(f.mean[t]-around(c.Lower.Percent)))
}

// forecast runs the model over a series scaled to a variance of one.
func (c *Predict) forecast(ctx context.Context, series []float64) (*forecast, error) {
	middle, size, n := 0.0, 0.0, 0.0
	for _, y := range series {
		if y == y {
			middle, n = middle+y, n+1
		}
	}
	middle /= n
	for _, y := range series {
		if y == y {
			size += (y - middle) * (y - middle)
		}
	}
	if size = math.Sqrt(size / n); !(size > 0) || math.IsInf(size, 0) {
		size = 1
	}
	scaled := make([]float64, len(series))
	for t, y := range series {
		scaled[t] = (y - middle) / size
	}
	f, err := c.model(ctx, scaled)
	if err != nil {
		return nil, err
	}
	for t := range f.mean {
		f.mean[t] = f.mean[t]*size + middle
		f.variance[t] *= size * size
	}
	return f, nil
}

func (c *Predict) model(ctx context.Context, series []float64) (*forecast, error) {
	period := min(c.Period, len(series)+c.Ahead) // beyond this length no position repeats
	if period == 0 && c.Algorithm != "LL" && c.Algorithm != "LLT" {
		period = periodOf(series)
	}
	switch c.Algorithm {
	case "LL":
		return bestLevels(ctx, series, c.Ahead, 1)
	case "LLP":
		return bestLevels(ctx, series, c.Ahead, max(period, 1))
	}
	f, err := bestTrend(ctx, series, c.Ahead)
	if err != nil || c.Algorithm == "LLT" || period < 2 {
		return f, err
	}
	other, err := bestLevels(ctx, series, c.Ahead, period)
	if err != nil {
		return nil, err
	}
	return blend(f, other), nil
}

// inTime returns the positions of the rows with a time, earliest first, and
// their times.
func inTime(env *exec.Env, rows []*vector.Batch) ([]place, []float64) {
	type timedPlace struct {
		place
		at float64
	}
	var list []timedPlace
	for n, b := range rows {
		for i, v := range op.Present(b, "_time") {
			if f, ok := v.Num(); ok && inCalendar(f) {
				list = append(list, timedPlace{place{n, i}, f})
			}
		}
	}
	exec.SortStable(env, list, func(a, b timedPlace) int { return cmp.Compare(a.at, b.at) })
	order, times := make([]place, len(list)), make([]float64, len(list))
	for i, p := range list {
		order[i], times[i] = p.place, p.at
	}
	return order, times
}

// stepper returns the times after the last one. The step is the distance
// between the last two times; days and months follow the calendar.
func stepper(times []float64, zone *time.Location) func(n int) float64 {
	last := times[len(times)-1]
	if len(times) < 2 {
		return func(n int) float64 { return last + float64(n) }
	}
	end, before := splunktime.FromEpoch(last).In(zone), splunktime.FromEpoch(times[len(times)-2]).In(zone)
	step := last - times[len(times)-2]
	months := (end.Year()-before.Year())*12 + int(end.Month()) - int(before.Month())
	days := int(math.Round(step / 86400))
	switch {
	case months > 0 && before.AddDate(0, months, 0).Equal(end) && end.Day() == 1:
		return func(n int) float64 { return splunktime.Epoch(end.AddDate(0, n*months, 0)) }
	case days > 0 && before.AddDate(0, 0, days).Equal(end):
		return func(n int) float64 { return splunktime.Epoch(end.AddDate(0, 0, n*days)) }
	}
	return func(n int) float64 { return last + float64(n)*step }
}
