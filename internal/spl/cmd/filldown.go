package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Filldown fills missing values with the last value of the field.
type Filldown struct {
	Fields []string // names and patterns; none = all fields that do not start with _
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "filldown", Kind: syntax.KindSerial,
		Summary: "Replace missing values with the field's last value.",
		Syntax:  "filldown [<field-list>]",
		Doc:     "Rows before the first value stay empty. Names may contain wildcards; without names, all fields are filled except those that start with `_`.",
		Args:    []syntax.Arg{{Name: "<field-list>", Default: "all", Doc: "The fields to fill."}},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n,u
1,
2,a
3,
4,b" | filldown u`,
			Want: []string{`{"n":"1"}`, `{"n":"2","u":"a"}`, `{"n":"3","u":"a"}`, `{"n":"4","u":"b"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Filldown{}
			if p.AtEnd() {
				return c, nil
			}
			var err error
			c.Fields, err = p.Fields()
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Filldown) Print() string {
	if len(c.Fields) == 0 {
		return "filldown"
	}
	return "filldown " + syntax.PrintFields(c.Fields)
}

// Needs implements syntax.Command.
func (c *Filldown) Needs(out filter.FieldSet) filter.FieldSet { return out.Naming(c.Fields...) }

// Open implements exec.Serial.
func (c *Filldown) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return exec.Mapped(in, &filldown{c: c, last: map[string]vector.Value{}}), nil
}

type filldown struct {
	c     *Filldown
	last  map[string]vector.Value
	names []string // keys of last, in order of first appearance
}

// Map implements exec.Mapper.
func (f *filldown) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	for _, name := range b.Names() {
		if _, known := f.last[name]; !known && op.Listed(f.c.Fields, name) {
			f.last[name] = vector.Value{}
			f.names = append(f.names, name)
		}
	}
	var cols []*vector.Column
	for _, name := range f.names {
		last := f.last[name]
		vals := op.Present(b, name)
		for i, v := range vals {
			if v.IsNull() {
				vals[i] = last
			} else {
				last = v
			}
		}
		f.last[name] = last.Clone()
		cols = append(cols, vector.NewColumn(name, vals))
	}
	return b.With(cols...), nil
}
