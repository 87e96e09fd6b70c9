package cmd

import (
	"context"
	"strconv"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Reltime describes how long ago a row occurred.
type Reltime struct{ Field, Prefix string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "reltime", Kind: syntax.KindStreaming,
		Summary: "Describe how long ago a row was, in the field reltime.",
		Syntax:  "reltime [timefield=<field>] [prefix=<text>]",
		Doc:     "The time is compared with the start of the search: `5 minutes ago`, `1 day ago`. Rows without a time get no value.",
		Args: []syntax.Arg{
			{Name: "timefield", Default: "_time", Doc: "The field with the time, in seconds since 1970."},
			{Name: "prefix", Doc: "Write to the field named by this prefix and the time field's name, instead of reltime."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _time=_time-7200 | reltime | table reltime`,
			Want:   []string{`{"reltime":"2 hours ago"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Reltime{Field: "_time"}
			return c, p.Options([]string{"timefield", "prefix"}, func(o syntax.Option) error {
				if o.Name == "prefix" {
					c.Prefix = o.Value.Text
				} else {
					c.Field = o.Value.Text
				}
				return nil
			})
		},
	})
}

// Print implements syntax.Command.
func (c *Reltime) Print() string {
	s := "reltime"
	if c.Field != "_time" {
		s += " timefield=" + syntax.PrintOption(c.Field)
	}
	if c.Prefix != "" {
		s += " prefix=" + syntax.PrintOption(c.Prefix)
	}
	return s
}

func (c *Reltime) output() string {
	if c.Prefix == "" {
		return "reltime"
	}
	return c.Prefix + c.Field
}

// Needs implements syntax.Command.
func (c *Reltime) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Without(c.output()).Add(c.Field)
}

// NewMapper implements exec.Streaming.
func (c *Reltime) NewMapper(env *exec.Env) (exec.Mapper, error) { return reltime{c, env.Now}, nil }

type reltime struct {
	c   *Reltime
	now time.Time
}

// Map implements exec.Mapper.
func (m reltime) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := op.Present(b, m.c.Field)
	pulse := exec.NewPulse(ctx)
	for i, v := range vals {
		pulse.Work(0)
		vals[i] = vector.Value{}
		if f, ok := v.Num(); ok {
			vals[i] = vector.String(ago(splunktime.Epoch(m.now) - f))
		}
	}
	return b.With(vector.NewColumn(m.c.output(), vals)), nil
}

// ago describes a number of seconds in the largest unit that fits at least
// once.
func ago(seconds float64) string {
	suffix := " ago"
	if seconds < 0 {
		seconds, suffix = -seconds, " from now"
	}
	for _, u := range []struct {
		name string
		len  float64
	}{{"year", 365 * 86400}, {"month", 30 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if n := int(min(seconds/u.len, 1e9)); n > 1 {
			return strconv.Itoa(n) + " " + u.name + "s" + suffix
		} else if n == 1 {
			return "1 " + u.name + suffix
		}
	}
	return "now"
}
