package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Rangemap names the ranges that contain a number.
type Rangemap struct {
	Field   string
	Ranges  []NamedRange
	Default string
}

// NamedRange is a range of numbers, both ends inclusive.
type NamedRange struct {
	Name string
	Low  float64
	High float64
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "rangemap", Kind: syntax.KindStreaming,
		Summary: "Name the ranges that a number falls into, in the field range.",
		Syntax:  "rangemap field=<field> <name>=<low>-<high> … [default=<text>]",
		Doc:     "Both ends of a range are inclusive and may be negative. A number in several ranges gets all their names; a number in none of them, or a value that is not a number, gets the default.",
		Args: []syntax.Arg{
			{Name: "field", Doc: "The numeric field."},
			{Name: "<name>=<low>-<high>", Doc: "A range and its name."},
			{Name: "default", Default: "None", Doc: "The name for everything else."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
0
20
500" | rangemap field=n low=0-0 elevated=1-100 default=severe`,
			Want: []string{`{"n":"0","range":"low"}`, `{"n":"20","range":"elevated"}`, `{"n":"500","range":"severe"}`},
		}},
		Parse: parseRangemap,
	})
}

func parseRangemap(p *syntax.Parser) (syntax.Command, error) {
	c := &Rangemap{Default: "None"}
	start := p.Peek().Span
	for !p.AtEnd() {
		name := p.Peek()
		o, ok, err := rangeOption(p)
		if err != nil {
			return nil, err
		}
		if !ok {
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			return nil, p.Unexpected(tok, "field=, default= or a range such as low=0-10")
		}
		switch o.Name {
		case "field":
			c.Field = o.Value.Text
		case "default":
			c.Default = o.Value.Text
		default:
			r := NamedRange{Name: name.Text}
			if r.Low, r.High, ok = parseRange(o.Value.Text); !ok {
				return nil, diag.At(o.Value.Span, "%q is not a range", o.Value.Text).WithHint("use a form such as 0-10 or -5--1, the lower number first")
			}
			c.Ranges = append(c.Ranges, r)
		}
		p.Accept(",")
	}
	if c.Field == "" {
		return nil, diag.At(start, "rangemap needs field=<field>")
	}
	return c, nil
}

// rangeOption is Option, but the name may be quoted.
func rangeOption(p *syntax.Parser) (o syntax.Option, ok bool, err error) {
	if p.Peek().Kind != syntax.Quoted {
		return p.Option()
	}
	name, err := p.Take()
	if err != nil {
		return o, false, err
	}
	if err := p.Expect("="); err != nil {
		return o, false, err
	}
	value, err := p.Take()
	return syntax.Option{Name: "\x00" + name.Text, Value: value}, true, err
}

// parseRange reads two numbers separated by a hyphen.
func parseRange(s string) (low, high float64, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	i := strings.IndexByte(s[1:], '-') + 1
	if i == 0 {
		return 0, 0, false
	}
	low, okLow := vector.ParseNumber(s[:i])
	high, okHigh := vector.ParseNumber(s[i+1:])
	return low, high, okLow && okHigh && low <= high
}

// Print implements syntax.Command.
func (c *Rangemap) Print() string {
	s := "rangemap field=" + syntax.PrintOption(c.Field)
	for _, r := range c.Ranges {
		s += " " + syntax.PrintOption(r.Name) + "=" + vector.FormatNumber(r.Low) + "-" + vector.FormatNumber(r.High)
	}
	if c.Default != "None" {
		s += " default=" + syntax.PrintOption(c.Default)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Rangemap) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Without("range").Add(c.Field)
}

// NewMapper implements exec.Streaming.
func (c *Rangemap) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Rangemap) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := op.Present(b, c.Field)
	pulse := exec.NewPulse(ctx)
	for i, v := range vals {
		pulse.Work(v.Size())
		vals[i] = c.names(v)
	}
	return b.With(vector.NewColumn("range", vals)), nil
}

// names returns the names of all ranges that contain one of the values, in the
// order written.
func (c *Rangemap) names(v vector.Value) vector.Value {
	var list []string
	for _, r := range c.Ranges {
		in := slices.ContainsFunc(v.All(), func(s string) bool {
			f, ok := vector.ParseNumber(s)
			return ok && f >= r.Low && f <= r.High
		})
		if in && !slices.Contains(list, r.Name) {
			list = append(list, r.Name)
		}
	}
	if len(list) == 0 {
		return vector.String(c.Default)
	}
	return vector.Strings(list)
}
