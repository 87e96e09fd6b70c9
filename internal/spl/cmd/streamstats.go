package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Streamstats puts beside each row the aggregates of the rows up to it.
type Streamstats struct {
	stats         Stats // not embedded: it is no Transforming command
	Current       bool
	Window        int
	Global        bool
	TimeWindow    float64 // seconds, 0 = none
	ResetOnChange bool
	Before, After spl.Expr
	span          string
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "streamstats", Kind: spl.KindSerial,
		Summary: "Add running aggregates to every row.",
		Syntax:  "streamstats [current=<bool>] [window=<n>] [global=<bool>] [time_window=<span>] [reset_on_change=<bool>] [reset_before=(<test>)] [reset_after=(<test>)] <aggregate> … [BY <field-list>]",
		Doc: "Like stats over the rows so far, in their order. With `window` only the last rows count; with `global=false` the\n" +
			"window is kept for each group. `time_window` counts rows not further away in time. A row that lacks a field of BY stays as\n" +
			"it is and does not count. Windows hold at most 10,000 rows.",
		Args: []spl.Arg{
			{Name: "current", Default: "true", Doc: "Whether the row itself counts."},
			{Name: "window", Default: "0", Doc: "How many rows count; 0 is all."},
			{Name: "global", Default: "true", Doc: "Whether the window is over all rows or over those of the group."},
			{Name: "time_window", Doc: "How far back in time rows count, such as 5m."},
			{Name: "reset_on_change", Default: "false", Doc: "Begin anew when the group changes from row to row."},
			{Name: "reset_before, reset_after", Doc: "Begin anew before or after a row for which the test holds."},
			{Name: "allnum", Doc: "Taken for the sake of searches that have it."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults format=csv data="n
1
2
3" | streamstats sum(n) as total`,
			Want: []string{`{"n":"1","total":"1"}`, `{"n":"2","total":"3"}`, `{"n":"3","total":"6"}`},
		}, {
			Search: `| makeresults count=3 | streamstats count as n | table n`,
			Want:   []string{`{"n":"1"}`, `{"n":"2"}`, `{"n":"3"}`},
		}},
		Parse: parseStreamstats,
	})
}

// maxWindow is how many rows a window may hold.
const maxWindow = 10000

func parseStreamstats(p *spl.Parser) (spl.Command, error) {
	c := &Streamstats{Current: true, Global: true}
	for {
		if tok := p.Peek(); tok.IsWord("reset_before") || tok.IsWord("reset_after") {
			e, err := resetTest(p)
			if err != nil {
				return nil, err
			}
			if tok.IsWord("reset_before") {
				c.Before = e
			} else {
				c.After = e
			}
			continue
		}
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if ok {
			if err := c.option(o); err != nil {
				return nil, err
			}
			continue
		}
		switch {
		case p.AcceptWord("by"):
			if c.stats.By, err = p.Fields(); err != nil {
				return nil, err
			}
		case p.AtEnd():
			if len(c.stats.Aggs) == 0 {
				tok, err := p.Take()
				if err != nil {
					return nil, err
				}
				return nil, p.Unexpected(tok, "an aggregate such as count or sum(field)")
			}
			return c, nil
		default:
			list, err := parseAggregations(p, "by", "reset_before", "reset_after")
			if err != nil {
				return nil, err
			}
			c.stats.Aggs = append(c.stats.Aggs, list...)
		}
	}
}

// resetTest reads =(test), also in the spelling with quotes.
func resetTest(p *spl.Parser) (spl.Expr, error) {
	if _, err := p.Take(); err != nil {
		return nil, err
	}
	if err := p.Expect("="); err != nil {
		return nil, err
	}
	if tok := p.Peek(); tok.Kind == spl.Quoted {
		p.Take()
		text := tok.Text
		if p.Peek().Is("(") { // "("match(…)")"
			return nil, diag.At(tok.Span, "write the test as reset_before=(test)")
		}
		return spl.ParseExpr(strings.Trim(text, "()"))
	}
	return p.Expr()
}

func (c *Streamstats) option(o spl.Option) (err error) {
	switch o.Name {
	case "current":
		c.Current, err = o.Bool()
	case "window":
		if c.Window, err = o.Int(0); err == nil && c.Window > maxWindow {
			err = diag.At(o.Value.Span, "a window holds at most %d rows", maxWindow)
		}
	case "global":
		c.Global, err = o.Bool()
	case "reset_on_change":
		c.ResetOnChange, err = o.Bool()
	case "allnum":
	case "time_window":
		t, terr := spl.RelativeTime("+"+o.Value.Text, spl.FromEpoch(0))
		if terr != nil {
			return diag.At(o.Value.Span, "%q is no span of time", o.Value.Text).WithHint("write it like 30s, 5m or 1h")
		}
		c.TimeWindow, c.span = spl.Epoch(t), o.Value.Text
	default:
		return diag.At(o.Span, "unknown option %q", o.Name).WithHint("options: current, window, global, time_window, reset_on_change, reset_before, reset_after")
	}
	return err
}

// Print implements spl.Command.
func (c *Streamstats) Print() string {
	var b strings.Builder
	b.WriteString("streamstats")
	if !c.Current {
		b.WriteString(" current=false")
	}
	if c.Window > 0 {
		b.WriteString(" window=" + strconv.Itoa(c.Window))
	}
	if !c.Global {
		b.WriteString(" global=false")
	}
	if c.TimeWindow > 0 {
		b.WriteString(" time_window=" + c.span)
	}
	if c.ResetOnChange {
		b.WriteString(" reset_on_change=true")
	}
	if c.Before != nil {
		b.WriteString(" reset_before=(" + spl.PrintExpr(c.Before) + ")")
	}
	if c.After != nil {
		b.WriteString(" reset_after=(" + spl.PrintExpr(c.After) + ")")
	}
	b.WriteString(c.stats.print(""))
	return b.String()
}

// Needs implements spl.Command.
func (c *Streamstats) Needs(out spl.FieldSet) spl.FieldSet {
	out = c.stats.reads(out)
	if c.TimeWindow > 0 {
		out = out.Add("_time")
	}
	for _, e := range []spl.Expr{c.Before, c.After} {
		if e != nil {
			out = out.Add(spl.ExprFields(e)...)
		}
	}
	return out
}

// Open implements spl.Serial.
func (c *Streamstats) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	s := &streamstats{c: c, env: env, in: in}
	var err error
	if c.Before != nil {
		if s.before, err = spl.Compile(c.Before, env); err != nil {
			return nil, err
		}
	}
	if c.After != nil {
		if s.after, err = spl.Compile(c.After, env); err != nil {
			return nil, err
		}
	}
	s.g, err = newGrouper(env, c.stats.Aggs, c.stats.By)
	return s, err
}

type streamstats struct {
	c             *Streamstats
	env           *spl.Env
	in            spl.Operator
	g             *grouper
	before, after *spl.Program
	window        []windowRow
	lastKeys      []vector.Value
}

// windowRow is a row that may still count.
type windowRow struct {
	b    *vector.Batch
	row  int
	keys []vector.Value
	time float64
}

func (s *streamstats) Close() {
	s.in.Close()
	s.g.release()
	s.window = nil
}

func (s *streamstats) reset() error {
	s.g.release()
	s.window = nil
	var err error
	s.g, err = newGrouper(s.env, s.c.stats.Aggs, s.c.stats.By)
	return err
}

func (s *streamstats) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := s.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	s.g.expand(b)
	vals := make([][]vector.Value, len(s.g.slots))
	for n, sl := range s.g.slots {
		vals[n] = make([]vector.Value, b.Len)
		if old := b.Col(sl.name); old != nil {
			for i := range b.Len {
				vals[n][i] = old.At(i)
			}
		}
	}
	for i := range b.Len {
		if err := s.row(b, i, vals); err != nil {
			return nil, err
		}
	}
	out := make([]*vector.Column, len(vals))
	for n, sl := range s.g.slots {
		out[n] = vector.NewColumn(sl.name, vals[n])
	}
	return b.With(out...), nil
}

func (s *streamstats) row(b *vector.Batch, i int, vals [][]vector.Value) error {
	keys := make([]vector.Value, len(s.c.stats.By))
	for n, name := range s.c.stats.By {
		if keys[n] = b.At(name, i); keys[n].IsNull() {
			return nil
		}
	}
	if s.c.ResetOnChange && s.lastKeys != nil && !sameKeys(keys, s.lastKeys) || s.before != nil && s.before.Value(b, i).True() {
		if err := s.reset(); err != nil {
			return err
		}
	}
	s.lastKeys = keys
	grp, err := s.groupFor(b, i, keys)
	if err != nil {
		return err
	}
	s.g.fill(grp)
	for n, a := range grp.aggs {
		vals[n][i] = a.Result()
	}
	if !s.c.Current && s.c.Window == 0 && s.c.TimeWindow == 0 {
		if err := s.add(grp, b, i); err != nil {
			return err
		}
	}
	if s.after != nil && s.after.Value(b, i).True() {
		return s.reset()
	}
	return nil
}

func (s *streamstats) add(grp *group, b *vector.Batch, i int) error {
	cols := make([]*vector.Column, len(s.g.slots))
	for n, sl := range s.g.slots {
		if sl.field != "" {
			cols[n] = b.Col(sl.field)
		}
	}
	return s.g.update(grp, b, cols, b.Col("_time"), i)
}

// groupFor returns the aggregates that row i shows.
func (s *streamstats) groupFor(b *vector.Batch, i int, keys []vector.Value) (*group, error) {
	if s.c.Window == 0 && s.c.TimeWindow == 0 {
		grp := s.g.total
		if grp == nil {
			var err error
			if grp, err = s.g.group(keys); err != nil {
				return nil, err
			}
		}
		if s.c.Current {
			return grp, s.add(grp, b, i)
		}
		return grp, nil
	}
	now, _ := b.At("_time", i).Num()
	s.window = append(s.window, windowRow{b, i, keys, now})
	grp := &group{keys: keys}
	left := s.c.Window
	if s.c.Window > 0 && !s.c.Current {
		left++ // the row itself takes a place that does not count
	}
	var used []windowRow
	for n := len(s.window) - 1; n >= 0; n-- {
		r := s.window[n]
		mine := sameKeys(r.keys, keys)
		if s.c.TimeWindow > 0 && (now-r.time >= s.c.TimeWindow || r.time-now >= s.c.TimeWindow) {
			continue
		}
		if s.c.Window > 0 && (s.c.Global || mine) {
			if left == 0 {
				break
			}
			left--
		}
		if mine && (s.c.Current || n < len(s.window)-1) {
			used = append(used, r)
		}
	}
	slices.Reverse(used)
	for _, r := range used {
		if err := s.add(grp, r.b, r.row); err != nil {
			return nil, err
		}
	}
	if len(s.window) > 2*maxWindow {
		s.window = slices.Clone(s.window[len(s.window)-maxWindow:])
	}
	return grp, nil
}
