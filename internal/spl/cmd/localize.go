package cmd

import (
	"cmp"
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Localize returns the time ranges that contain events.
type Localize struct {
	MaxPause, Before, After *op.Span
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "localize", Kind: syntax.KindTransforming,
		Summary: "Return the time ranges that contain events.",
		Syntax:  "localize [maxpause=<span>] [timebefore=<span>] [timeafter=<span>]",
		Doc:     "Events at most `maxpause` apart form one range, `starttime` to `endtime`, which is then extended at both ends. The latest range comes first. Use map to search each range.",
		Args: []syntax.Arg{
			{Name: "maxpause", Default: "1m", Doc: "The longest gap inside a range."},
			{Name: "timebefore", Default: "30s", Doc: "How far to extend the start."},
			{Name: "timeafter", Default: "30s", Doc: "How far to extend the end."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000}`, `{"_time":1700000050}`, `{"_time":1700003600}`},
			Search: `* | localize timeafter=0s`,
			Want:   []string{`{"starttime":"1700003570","endtime":"1700003600"}`, `{"starttime":"1699999970","endtime":"1700000050"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Localize{}
			err := p.Options([]string{"maxpause", "timebefore", "timeafter"}, func(o syntax.Option) (err error) {
				dst := map[string]**op.Span{"maxpause": &c.MaxPause, "timebefore": &c.Before, "timeafter": &c.After}[o.Name]
				*dst, err = op.ParsePause(o)
				return err
			})
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Localize) Print() string {
	s := "localize"
	for _, o := range []struct {
		name string
		span *op.Span
	}{{"maxpause", c.MaxPause}, {"timebefore", c.Before}, {"timeafter", c.After}} {
		if o.span != nil {
			s += " " + o.name + "=" + o.span.Text
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Localize) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields("_time") }

// Ordered implements exec.Transforming.
func (c *Localize) Ordered() bool { return false }

// NewReducer implements exec.Transforming.
func (c *Localize) NewReducer(env *exec.Env) (exec.Reducer, error) {
	return &localize{c: c, env: env, held: env.Memory.Hold()}, nil
}

type localize struct {
	c     *Localize
	env   *exec.Env
	held  *exec.Held
	times []float64
}

// Add implements exec.Reducer.
func (l *localize) Add(ctx context.Context, b *vector.Batch) error {
	before := len(l.times)
	pulse := exec.NewPulse(ctx)
	for _, v := range op.Present(b, "_time") {
		pulse.Work(0)
		if f, ok := v.Num(); ok {
			l.times = append(l.times, f)
		}
	}
	return l.held.Add(8 * (len(l.times) - before))
}

// Merge implements exec.Reducer.
func (l *localize) Merge(_ context.Context, other exec.Reducer) error {
	o := other.(*localize)
	l.times = append(l.times, o.times...)
	o.times = nil
	l.held.TakeOver(o.held)
	return nil
}

// Close implements exec.Reducer.
func (l *localize) Close() {
	l.held.Release()
	l.times = nil
}

// Results implements exec.Reducer.
func (l *localize) Results(context.Context) (exec.Operator, error) {
	length := func(s *op.Span, otherwise float64) float64 {
		if s == nil {
			return otherwise
		}
		return s.Seconds()
	}
	pause, before, after := length(l.c.MaxPause, 60), length(l.c.Before, 30), length(l.c.After, 30)
	exec.Sort(l.env, l.times, cmp.Compare)
	b := vector.NewBuilder("starttime", "endtime")
	for end := len(l.times) - 1; end >= 0; {
		start := end
		for start > 0 && l.times[start]-l.times[start-1] <= pause {
			start--
		}
		b.Add()
		b.SetAt(0, vector.Float(l.times[start]-before))
		b.SetAt(1, vector.Float(l.times[end]+after))
		end = start - 1
	}
	return exec.Rows(b.Batch()), nil
}
