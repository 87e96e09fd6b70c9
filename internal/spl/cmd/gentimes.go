package cmd

import (
	"context"
	"io"
	"regexp"
	"strconv"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Gentimes generates rows of consecutive time ranges.
type Gentimes struct {
	Start, End string   // "" = the midnight before the search
	Increment  *op.Span // s, m, h or d; nil = a day
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "gentimes", Kind: syntax.KindGenerating,
		Summary: "Generate rows of consecutive time ranges.",
		Syntax:  "gentimes start=<day> [end=<day>] [increment=<n>s|m|h|d]",
		Doc: "Each row has `starttime` and `endtime` in seconds and `starthuman` and `endhuman` as readable text. A range ends one\n" +
			"second before the next one starts. The day given as `end` is excluded. A day is written `12/31/2026`, with a time\n" +
			"`12/31/2026:18:30:00`, or as a number of days from today: `-7`. At most 1,000,000 rows are generated.",
		Args: []syntax.Arg{
			{Name: "start", Doc: "The start of the first range."},
			{Name: "end", Default: "0", Doc: "The end of the last range."},
			{Name: "increment", Default: "1d", Doc: "The length of a range."},
		},
		Examples: []syntax.Example{{
			Search: `| gentimes start=10/1/2026 end=10/3/2026`,
			Want: []string{
				`{"starttime":"1790812800","endtime":"1790899199","starthuman":"Thu Oct 01 00:00:00 2026","endhuman":"Thu Oct 01 23:59:59 2026"}`,
				`{"starttime":"1790899200","endtime":"1790985599","starthuman":"Fri Oct 02 00:00:00 2026","endhuman":"Fri Oct 02 23:59:59 2026"}`,
			},
		}},
		Parse: parseGentimes,
	})
}

func parseGentimes(p *syntax.Parser) (syntax.Command, error) {
	c := &Gentimes{}
	start := p.Peek().Span
	err := p.Options([]string{"start", "end", "increment"}, func(o syntax.Option) (err error) {
		switch o.Name {
		case "increment":
			if c.Increment, err = op.ParseSpan(o); err == nil && (len(c.Increment.Unit) != 1 || c.Increment.Snap != "" || c.Increment.Unit == "w") {
				err = diag.At(o.Value.Span, "%q is not an increment", o.Value.Text).WithHint("use a length such as 30s, 5m, 1h or 1d")
			}
			return err
		case "start":
			c.Start = o.Value.Text
		default:
			c.End = o.Value.Text
		}
		if _, ok := dayOf(o.Value.Text, time.Unix(0, 0).UTC()); !ok {
			return diag.At(o.Value.Span, "%q is not a day", o.Value.Text).WithHint("use a form such as 12/31/2026, 12/31/2026:18:30:00 or -7")
		}
		return nil
	})
	if err == nil && c.Start == "" {
		err = diag.At(start, "gentimes needs start=<day>")
	}
	return c, err
}

var dayForm = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?::(\d{1,2}):(\d{1,2}):(\d{1,2}))?$`)

// dayOf reads a date with an optional time, or a number of days relative to the
// last midnight before now.
func dayOf(s string, now time.Time) (time.Time, bool) {
	if days, err := strconv.Atoi(s); err == nil && days > -1e6 && days < 1e6 {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, now.Location()), true
	}
	m := dayForm.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	var n [6]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	if len(m[3]) == 2 {
		n[2] += 2000
		if n[2] >= 2069 {
			n[2] -= 100
		}
	}
	t := time.Date(n[2], time.Month(n[0]), n[1], n[3], n[4], n[5], 0, now.Location())
	return t, int(t.Month()) == n[0] && t.Day() == n[1] && n[3] < 24 && n[4] < 60 && n[5] < 60
}

// Print implements syntax.Command.
func (c *Gentimes) Print() string {
	s := "gentimes start=" + syntax.PrintOption(c.Start)
	if c.End != "" {
		s += " end=" + syntax.PrintOption(c.End)
	}
	if c.Increment != nil {
		s += " increment=" + c.Increment.Text
	}
	return s
}

// Needs implements syntax.Command.
func (c *Gentimes) Needs(filter.FieldSet) filter.FieldSet { return filter.FieldSet{} }

// Generate implements exec.Generating.
func (c *Gentimes) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	now := env.Now.In(env.Zone)
	g := &gentimes{env: env, span: c.Increment}
	g.at, _ = dayOf(c.Start, now)
	g.end, _ = dayOf("0", now)
	if c.End != "" {
		g.end, _ = dayOf(c.End, now)
	}
	if g.span == nil {
		g.span = &op.Span{N: 1, Unit: "d"}
	}
	return g, nil
}

// maxTimes bounds the rows of gentimes.
const maxTimes = 1000000

type gentimes struct {
	env     *exec.Env
	span    *op.Span
	at, end time.Time
	made    int
	done    bool
}

func (g *gentimes) Close() { g.done = true }

func (g *gentimes) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	const human = "Mon Jan 02 15:04:05 2006"
	b := vector.NewBuilder("starttime", "endtime", "starthuman", "endhuman")
	for !g.done && b.Len() < vector.DefaultRows && g.at.Before(g.end) {
		if g.made++; g.made > maxTimes {
			g.env.Warn("gentimes makes at most %d rows", maxTimes)
			g.done = true
			break
		}
		next := g.span.Next(g.at)
		last := next.Add(-time.Second)
		b.Add()
		b.SetAt(0, vector.Float(splunktime.Epoch(g.at)))
		b.SetAt(1, vector.Float(splunktime.Epoch(last)))
		b.SetAt(2, vector.String(g.at.Format(human)))
		b.SetAt(3, vector.String(last.Format(human)))
		g.at = next
	}
	if b.Len() == 0 {
		return nil, io.EOF
	}
	return b.Batch(), nil
}
