package cmd

import (
	"context"
	"io"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Appendcols joins the n-th row of a subsearch to the n-th main row.
type Appendcols struct {
	Override bool
	options  subOptions
	Query    *syntax.Query
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "appendcols", Kind: syntax.KindSerial,
		Summary: "Add the fields of a subsearch's rows to the current rows, row by row.",
		Syntax:  "appendcols [override=<bool>] [maxout=<n>] [maxtime=<seconds>] [<subsearch>]",
		Doc: "The first row of the subsearch is merged into the first row, and so on. Extra rows of the subsearch are appended.\n" +
			"Internal fields of the subsearch (`_time`, …) are omitted.",
		Args: append([]syntax.Arg{
			{Name: "<subsearch>", Doc: "A search in brackets."},
			{Name: "override", Default: "false", Doc: "Whether fields of the subsearch replace existing fields."},
		}, subOptionArgs...),
		Examples: []syntax.Example{{
			Search: `| makeresults count=2 | eval a=1 | appendcols [| makeresults | eval b=2] | table a b`,
			Want:   []string{`{"a":"1","b":"2"}`, `{"a":"1"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Appendcols{}
			options := func() error {
				return p.Options(append([]string{"override"}, subOptionNames...), func(o syntax.Option) (err error) {
					if o.Name != "override" {
						return c.options.set(o)
					}
					c.Override, err = o.Bool()
					return err
				})
			}
			err := options()
			if err == nil {
				c.Query, err = p.Subsearch()
			}
			if err == nil {
				err = options()
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Appendcols) Print() string {
	s := "appendcols "
	if c.Override {
		s += "override=true "
	}
	return s + c.options.print() + "[" + c.Query.String() + "]"
}

// Needs implements syntax.Command.
func (c *Appendcols) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements syntax.WithQueries.
func (c *Appendcols) Queries() []*syntax.Query { return []*syntax.Query{c.Query} }

// Open implements exec.Serial.
func (c *Appendcols) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &appendcols{in: in, side: c.options.open(env, c.Query, "appendcols"), override: c.Override}, nil
}

type appendcols struct {
	in, side exec.Operator
	override bool
	rest     *vector.Batch // rows of the subsearch that are not joined yet
	at       int
}

// more ensures that rest has a row at index at. It returns false at the end of
// the subsearch.
func (a *appendcols) more(ctx context.Context) (bool, error) {
	for a.rest == nil || a.at == a.rest.Len {
		b, err := a.side.Next(ctx)
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		a.rest, a.at = b.Keep(func(name string) bool { return !op.Internal(name) }), 0
	}
	return true, nil
}

func (a *appendcols) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := a.in.Next(ctx)
	if err == io.EOF {
		if ok, err := a.more(ctx); err != nil || !ok {
			return nil, endOr(err)
		}
		left := a.rest.Slice(a.at, a.rest.Len)
		a.at = a.rest.Len
		return left, nil
	}
	if err != nil {
		return nil, err
	}
	side := vector.NewBuilder()
	for range b.Len {
		ok, err := a.more(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			side.Add()
			continue
		}
		side.AddRow(a.rest, a.at)
		a.at++
	}
	return beside(b, side.Batch(), a.override), nil
}

func (a *appendcols) Close() {
	a.in.Close()
	a.side.Close()
}

// endOr returns err, or the end of rows if err is nil.
func endOr(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// beside returns b with the columns of side, which has the same number of rows.
// Where both have a value, the value of side wins only if override is set.
func beside(b, side *vector.Batch, override bool) *vector.Batch {
	set := op.Set(b)
	for _, col := range side.Cols {
		old := set.Col(col.Name)
		if old == nil {
			set.With(col)
			continue
		}
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			first, second := old.At(i), col.At(i)
			if override {
				first, second = second, first
			}
			if vals[i] = first; first.IsNull() {
				vals[i] = second
			}
		}
		set.With(vector.NewColumn(col.Name, vals))
	}
	return set.Batch()
}
