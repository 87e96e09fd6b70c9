package cmd

import (
	"cmp"
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Outlier caps numbers that lie far from the others, or removes their rows.
type Outlier struct {
	Remove bool // action=remove; otherwise transform
	Param  float64
	Lower  bool // uselower
	Mark   bool
	Fields []string // none = all but internal fields

	command string // anomalydetection method=iqr also runs as this
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "outlier", Kind: syntax.KindSerial,
		Summary: "Clip numbers that lie far from the others to a bound, or drop their rows.",
		Syntax:  "outlier [action=transform|remove] [param=<n>] [uselower=<bool>] [mark=<bool>] [<field-list>]",
		Doc: "A number is an outlier when it lies more than `param` times the interquartile range above the upper quartile or, with\n" +
			"`uselower`, that far below the lower one. It is replaced with the bound (with `mark`, as text prefixed with `000`), or\n" +
			"its row is dropped. All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "action", Default: "transform", Doc: "`transform` (tf) replaces the number with the bound, `remove` (rm) drops the row."},
			{Name: "param", Default: "2.5", Doc: "How many interquartile ranges a number may lie outside the quartiles."},
			{Name: "uselower", Default: "false", Doc: "Whether small numbers can be outliers too."},
			{Name: "mark", Default: "false", Doc: "Whether to prefix clipped numbers with `000`."},
			{Name: "type", Default: "iqr", Doc: "The only supported value."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to examine; wildcards are allowed."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2
3
4
500" | outlier n`,
			Want: []string{`{"n":"1"}`, `{"n":"2"}`, `{"n":"3"}`, `{"n":"4"}`, `{"n":"9"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Outlier{Param: 2.5, command: "outlier"}
			var err error
			c.Fields, err = p.OptionsAndFields([]string{"action", "param", "uselower", "mark", "type"}, c.option)
			return c, err
		},
	})
}

func (c *Outlier) option(o syntax.Option) (err error) {
	switch o.Name {
	case "action":
		switch strings.ToLower(o.Value.Text) {
		case "remove", "rm":
			c.Remove = true
		case "transform", "tf":
			c.Remove = false
		default:
			return diag.At(o.Value.Span, "action must be transform or remove, not %q", o.Value.Text)
		}
	case "param":
		if c.Param, err = op.Number(o); err == nil && c.Param < 0 {
			err = diag.At(o.Value.Span, "param must not be negative")
		}
	case "uselower":
		c.Lower, err = o.Bool()
	case "mark":
		c.Mark, err = o.Bool()
	case "type":
		if !strings.EqualFold(o.Value.Text, "iqr") {
			err = diag.At(o.Value.Span, "type must be iqr, not %q", o.Value.Text)
		}
	}
	return err
}

// Print implements syntax.Command.
func (c *Outlier) Print() string {
	s := c.command
	if c.command != "outlier" {
		s += " method=iqr"
	}
	if c.Remove {
		s += " action=remove"
	}
	if c.Param != 2.5 {
		s += " param=" + vector.FormatNumber(c.Param)
	}
	if c.Lower {
		s += " uselower=true"
	}
	if c.Mark {
		s += " mark=true"
	}
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Outlier) Needs(out filter.FieldSet) filter.FieldSet {
	if c.Remove {
		if len(c.Fields) == 0 {
			return filter.AllFields()
		}
		return out.Add(c.Fields...)
	}
	return out.Naming(c.Fields...)
}

// Open implements exec.Serial.
func (c *Outlier) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		for _, name := range op.ColumnNames(rows) {
			if op.Listed(c.Fields, name) {
				rows = c.trim(env, rows, name)
			}
		}
		return exec.Rows(rows...), nil
	}), nil
}

// trim handles the outliers of one field.
func (c *Outlier) trim(env *exec.Env, rows []*vector.Batch, name string) []*vector.Batch {
	low, high, ok := c.bounds(env, rows, name)
	if !ok {
		return rows
	}
	out := make([]*vector.Batch, len(rows))
	var every exec.Every
	for n, b := range rows {
		vals := op.Present(b, name)
		var stay []int32
		for i, v := range vals {
			every.Poll(env, 256)
			f, ok := v.Num()
			if ok && (f > high || c.Lower && f < low) {
				if c.Remove {
					continue
				}
				vals[i] = c.taken(max(min(f, high), low))
			}
			stay = append(stay, int32(i))
		}
		switch {
		case c.Remove:
			out[n] = b.Pick(stay)
		case b.Col(name) == nil:
			out[n] = b
		default:
			out[n] = b.With(vector.NewColumn(name, vals))
		}
	}
	return out
}

func (c *Outlier) taken(bound float64) vector.Value {
	if c.Mark {
		return vector.String("000" + vector.FormatNumber(bound))
	}
	return vector.Float(bound)
}

// bounds returns the range outside of which numbers are outliers. ok is false
// for a field without numbers.
func (c *Outlier) bounds(env *exec.Env, rows []*vector.Batch, name string) (low, high float64, ok bool) {
	var all []float64
	var every exec.Every
	for _, b := range rows {
		for _, v := range op.Present(b, name) {
			every.Poll(env, 256)
			if f, ok := v.Num(); ok {
				all = append(all, f)
			}
		}
	}
	if len(all) == 0 {
		return 0, 0, false
	}
	exec.Sort(env, all, cmp.Compare)
	lower, upper := quantile(all, 0.25), quantile(all, 0.75)
	reach := c.Param * (upper - lower)
	return lower - reach, upper + reach, true
}

// quantile returns the value at a share of sorted numbers, interpolated between
// neighbours. sorted must not be empty.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (sorted[i+1]-sorted[i])*(at-float64(i))
}
