package cmd

import (
	"context"
	"math/bits"
	"slices"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Correlate measures how often fields occur together.
type Correlate struct{}

// maxCorrelated bounds the fields of the correlation table.
const maxCorrelated = 1000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "correlate", Kind: syntax.KindSerial,
		Summary: "Show how often each pair of fields occurs in the same rows.",
		Syntax:  "correlate",
		Doc: "Returns a row for each field, named in `RowField`, and a column for each field: of the rows that have either field,\n" +
			"the share that has both. Internal fields are left out; at most 1,000 fields are compared. All rows are held in memory.",
		Examples: []syntax.Example{{
			Search: `| makeresults format=json data="[{\"a\":1,\"b\":2},{\"a\":1}]" | fields a b | correlate`,
			Want:   []string{`{"RowField":"a","a":"1.00","b":"0.50"}`, `{"RowField":"b","a":"0.50","b":"1.00"}`},
		}},
		Parse: func(*syntax.Parser) (syntax.Command, error) { return &Correlate{}, nil },
	})
}

// Print implements syntax.Command.
func (c *Correlate) Print() string { return "correlate" }

// Needs implements syntax.Command.
func (c *Correlate) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Correlate) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Correlate) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return c.table(ctx, env, rows)
	}), nil
}

func (c *Correlate) table(ctx context.Context, env *exec.Env, rows []*vector.Batch) (exec.Operator, error) {
	names := slices.DeleteFunc(op.ColumnNames(rows), op.Internal)
	slices.Sort(names)
	if len(names) > maxCorrelated {
		env.Warn("correlate compares at most %d fields; the last %d in alphabetical order are left out", maxCorrelated, len(names)-maxCorrelated)
		names = names[:maxCorrelated]
	}
	total := 0
	for _, b := range rows {
		env.Poll()
		total += b.Len
	}
	size := (total + 63) / 64
	held := env.Memory.Hold()
	defer held.Release()
	if err := held.Add(8 * size * len(names)); err != nil {
		return nil, err
	}
	has := make([][]uint64, len(names)) // by field, one bit per row
	for n, name := range names {
		has[n] = make([]uint64, size)
		at := 0
		for _, b := range rows {
			env.Poll()
			if col := b.Col(name); col != nil {
				for i := range b.Len {
					env.Poll()
					if !col.At(i).IsNull() {
						has[n][(at+i)/64] |= 1 << ((at + i) % 64)
					}
				}
			}
			at += b.Len
		}
	}
	out := vector.NewBuilder(append([]string{"RowField"}, names...)...)
	for x, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.Add()
		for y := range names {
			both, either := 0, 0
			for w, word := range has[x] {
				both += bits.OnesCount64(word & has[y][w])
				either += bits.OnesCount64(word | has[y][w])
			}
			if either > 0 {
				f := float64(both) / float64(either)
				out.Set(names[y], vector.Formatted(f, strconv.FormatFloat(f, 'f', 2, 64)))
			}
		}
		out.Set("RowField", vector.String(name))
	}
	return exec.Rows(out.Batch()), nil
}
