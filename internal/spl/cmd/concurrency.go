package cmd

import (
	"cmp"
	"context"
	"slices"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Concurrency counts the rows that were in progress when each row started.
type Concurrency struct {
	Duration string
	Start    string
	Output   string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "concurrency", Kind: syntax.KindSerial,
		Summary: "Count the rows that were in progress when each row started.",
		Syntax:  "concurrency duration=<field> [start=<field>] [output=<field>]",
		Doc:     "A row is in progress from its start (inclusive) to its end (exclusive), and always at its start; it counts itself. Rows without a start get no count; a row without a duration has the duration 0. All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "duration", Doc: "The field with the duration in seconds."},
			{Name: "start", Default: "_time", Doc: "The field with the start time in seconds."},
			{Name: "output", Default: "concurrency", Doc: "The field for the count."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="t,d
0,10
5,10
10,1" | concurrency duration=d start=t`,
			Want: []string{`{"t":"0","d":"10","concurrency":"1"}`, `{"t":"5","d":"10","concurrency":"2"}`, `{"t":"10","d":"1","concurrency":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Concurrency{Start: "_time", Output: "concurrency"}
			place := p.Peek().Span
			err := p.Options([]string{"duration", "start", "output"}, func(o syntax.Option) error {
				switch o.Name {
				case "duration":
					c.Duration = o.Value.Text
				case "start":
					c.Start = o.Value.Text
				default:
					c.Output = o.Value.Text
				}
				return nil
			})
			if err == nil && c.Duration == "" {
				err = diag.At(place, "concurrency needs duration=<field>")
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Concurrency) Print() string {
	s := "concurrency duration=" + syntax.PrintOption(c.Duration)
	if c.Start != "_time" {
		s += " start=" + syntax.PrintOption(c.Start)
	}
	if c.Output != "concurrency" {
		s += " output=" + syntax.PrintOption(c.Output)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Concurrency) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Without(c.Output).Add(c.Duration, c.Start)
}

// Open implements exec.Serial.
func (c *Concurrency) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return exec.Rows(c.count(env, rows)...), nil
	}), nil
}

func (c *Concurrency) count(env *exec.Env, rows []*vector.Batch) []*vector.Batch {
	var starts, ends []float64 // of all rows with a positive duration
	same := map[float64]int{}  // rows without a positive duration, by start
	span := func(b *vector.Batch, i int) (start, end float64, ok bool) {
		start, ok = b.At(c.Start, i).Num()
		d, _ := b.At(c.Duration, i).Num()
		return start, start + d, ok
	}
	var every exec.Every
	for _, b := range rows {
		for i := range b.Len {
			every.Poll(env, 256)
			start, end, ok := span(b, i)
			switch {
			case !ok:
			case end > start:
				starts, ends = append(starts, start), append(ends, end)
			default:
				same[start]++
			}
		}
	}
	exec.Sort(env, starts, cmp.Compare)
	exec.Sort(env, ends, cmp.Compare)
	upTo := func(list []float64, at float64) int {
		n, _ := slices.BinarySearchFunc(list, at, func(x, at float64) int {
			if x <= at {
				return -1
			}
			return cmp.Compare(x, at)
		})
		return n
	}
	out := make([]*vector.Batch, len(rows))
	for n, b := range rows {
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			every.Poll(env, 64)
			if start, _, ok := span(b, i); ok {
				vals[i] = vector.Int(upTo(starts, start) - upTo(ends, start) + same[start])
			}
		}
		out[n] = b.With(vector.NewColumn(c.Output, vals))
	}
	return out
}
