package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Mvcombine merges rows that differ in only one field.
type Mvcombine struct {
	Field string
	Delim string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "mvcombine", Kind: syntax.KindSerial,
		Summary: "Merge rows that differ in one field only; that field gets all their values.",
		Syntax:  "mvcombine [delim=<text>] <field>",
		Doc: "All other fields are compared, including internal ones, so remove `_time` and `_raw` first. The merged row takes the\n" +
			"place of its first row. Rows without the field are unchanged.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field whose values are merged."},
			{Name: "delim", Default: "a space", Doc: "The separator that a later nomv puts between the values."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="h,max
w1,4
w2,4
w3,5" | mvcombine h`,
			Want: []string{`{"h":["w1","w2"],"max":"4"}`, `{"h":"w3","max":"5"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Mvcombine{Delim: " "}
			set := func(o syntax.Option) error {
				c.Delim = unescapeDelims(o.Value.Text)
				return nil
			}
			err := p.Options([]string{"delim"}, set)
			if err == nil {
				c.Field, err = p.Field()
			}
			if err == nil {
				err = p.Options([]string{"delim"}, set)
			}
			if err == nil && c.Field == "" {
				err = diag.At(p.Peek().Span, "mvcombine needs a field")
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Mvcombine) Print() string {
	s := "mvcombine "
	if c.Delim != " " {
		s += "delim=" + quoteDelims(c.Delim) + " "
	}
	return s + syntax.PrintField(c.Field)
}

// Needs implements syntax.Command.
func (c *Mvcombine) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields().Add(c.Field) }

// Open implements exec.Serial.
func (c *Mvcombine) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return exec.Rows(c.combine(env, rows)), nil
	}), nil
}

func (c *Mvcombine) combine(env *exec.Env, rows []*vector.Batch) *vector.Batch {
	type place struct {
		b *vector.Batch
		i int
	}
	var firsts []place
	var gathered [][]string
	known := map[string]int{}
	keys := vector.NewRowKeys(c.Field)
	for _, b := range rows {
		env.Poll()
		keys.Use(b)
		for i := range b.Len {
			env.Poll()
			v := b.At(c.Field, i)
			if v.IsNull() {
				firsts, gathered = append(firsts, place{b, i}), append(gathered, nil)
				continue
			}
			key := keys.Key(i)
			n, ok := known[string(key)]
			if !ok {
				n = len(firsts)
				known[string(key)] = n
				firsts, gathered = append(firsts, place{b, i}), append(gathered, nil)
			}
			gathered[n] = append(gathered[n], v.All()...)
		}
	}
	out := vector.NewBuilder(op.ColumnNames(rows)...)
	for n, p := range firsts {
		env.Poll()
		out.AddRow(p.b, p.i)
		if gathered[n] != nil {
			out.Set(c.Field, vector.Strings(gathered[n]).WithDelim(c.Delim))
		}
	}
	return out.Batch()
}
