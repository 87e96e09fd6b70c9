package cmd

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fieldsummary describes each field of the rows.
type Fieldsummary struct {
	MaxVals int      // 0 = all
	Fields  []string // names and patterns; none = all but internal ones
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fieldsummary", Kind: syntax.KindTransforming,
		Summary: "Describe each field: number of rows and distinct values, range, and most frequent values.",
		Syntax:  "fieldsummary [maxvals=<n>] [<field-list>]",
		Doc: "Returns one row for each field that any row has, in alphabetical order: `field`, `count` (rows that have it),\n" +
			"`distinct_count`, `is_exact`, and for its numeric values `max`, `mean`, `min`, `numeric_count`, `stdev`; `values`\n" +
			"lists the most frequent values as JSON. For a field with more than 10,000 values, no list is kept, the distinct count\n" +
			"is accurate to about two percent, and `is_exact` is 0.",
		Args: []syntax.Arg{
			{Name: "maxvals", Default: "100", Doc: "Maximum number of values to list; 0 means all."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to describe; wildcards are allowed."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,3
a," | fieldsummary`,
			Want: []string{
				`{"field":"n","count":"2","distinct_count":"2","is_exact":"1","max":"3","mean":"2","min":"1","numeric_count":"2","stdev":"1.4142135623730951","values":"[{\"value\":\"1\",\"count\":1},{\"value\":\"3\",\"count\":1}]"}`,
				`{"field":"u","count":"3","distinct_count":"2","is_exact":"1","numeric_count":"0","values":"[{\"value\":\"a\",\"count\":2},{\"value\":\"b\",\"count\":1}]"}`,
			},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Fieldsummary{MaxVals: 100}
			var err error
			c.Fields, err = p.OptionsAndFields([]string{"maxvals"}, func(o syntax.Option) (err error) {
				c.MaxVals, err = o.Int(0)
				return err
			})
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Fieldsummary) Print() string {
	s := "fieldsummary"
	if c.MaxVals != 100 {
		s += " maxvals=" + strconv.Itoa(c.MaxVals)
	}
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Fieldsummary) Needs(filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return filter.AllFields()
	}
	return filter.Fields(c.Fields...)
}

// Ordered implements exec.Transforming.
func (c *Fieldsummary) Ordered() bool { return false }

// NewReducer implements exec.Transforming.
func (c *Fieldsummary) NewReducer(env *exec.Env) (exec.Reducer, error) {
	return &fieldsummary{c: c, env: env, held: env.Memory.Hold(), fields: map[string]*summary{}}, nil
}

type fieldsummary struct {
	c      *Fieldsummary
	env    *exec.Env
	fields map[string]*summary
	held   *exec.Held
	every  exec.Every
}

// summary holds the statistics of one field.
type summary struct {
	rows    int
	numbers int
	aggs    []exec.Aggregate // parallel to summaryAggs
	values  map[string]*int  // nil if there are too many
	many    *sketch          // replaces values when there are too many
}

// summaryAggs are computed over the numeric values.
var summaryAggs = []string{"max", "mean", "min", "stdev"}

// maxSummaryValues is how many distinct values of a field are counted exactly.
const maxSummaryValues = 10000

func (f *fieldsummary) of(name string) *summary {
	s := f.fields[name]
	if s == nil {
		s = &summary{values: map[string]*int{}}
		for _, n := range summaryAggs {
			def, _ := syntax.LookupAggregate(n)
			s.aggs = append(s.aggs, exec.NewAggregate(def, f.env, 0))
		}
		f.fields[strings.Clone(name)] = s
	}
	return s
}

// Add implements exec.Reducer.
func (f *fieldsummary) Add(_ context.Context, b *vector.Batch) error {
	grown := 0
	for _, col := range b.Cols {
		if !op.Listed(f.c.Fields, col.Name) {
			continue
		}
		s := f.of(col.Name)
		for i := range b.Len {
			f.every.Poll(f.env, 64)
			grown += s.add(col.At(i))
		}
	}
	return f.held.Add(grown)
}

// add adds the value of one row and returns how many bytes it allocated.
func (s *summary) add(v vector.Value) (grown int) {
	if v.IsNull() {
		return 0
	}
	s.rows++
	for j := range v.Len() {
		text := v.At(j)
		if f, ok := vector.ParseNumber(text); ok {
			s.numbers++
			for _, a := range s.aggs {
				a.Update(vector.Float(f), op.NaN)
			}
		}
		grown += s.count(text, 1)
	}
	return grown
}

func (s *summary) count(text string, n int) (grown int) {
	if s.many != nil {
		s.many.add(text)
		return 0
	}
	if known := s.values[text]; known != nil { // do not assign through s.values: that would also store the borrowed key
		*known += n
		return 0
	}
	if len(s.values) == maxSummaryValues {
		s.many = &sketch{}
		for v := range s.values {
			s.many.add(v)
			grown -= len(v) + 64
		}
		s.many.add(text)
		s.values = nil
		return grown + sketchBytes
	}
	s.values[strings.Clone(text)] = &n
	return len(text) + 64
}

// Merge implements exec.Reducer.
func (f *fieldsummary) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*fieldsummary)
	grown := 0
	for name, t := range o.fields {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := f.of(name)
		s.rows += t.rows
		s.numbers += t.numbers
		for i, a := range s.aggs {
			a.Merge(t.aggs[i])
		}
		if t.many != nil {
			if s.many == nil {
				s.many = &sketch{}
				for v := range s.values {
					s.many.add(v)
				}
				s.values = nil
			}
			s.many.merge(t.many)
		}
		f.every.Poll(f.env, 16)
		for v, n := range t.values {
			grown += s.count(v, *n)
		}
	}
	o.Close()
	return f.held.Add(grown)
}

// Close implements exec.Reducer.
func (f *fieldsummary) Close() {
	f.held.Release()
	f.fields = nil
}

// Results implements exec.Reducer.
func (f *fieldsummary) Results(context.Context) (exec.Operator, error) {
	out := vector.NewBuilder("field", "count", "distinct_count", "is_exact", "max", "mean", "min", "numeric_count", "stdev", "values")
	for _, name := range exec.SortedKeys(f.env, f.fields) {
		s := f.fields[name]
		if s.rows == 0 {
			continue
		}
		distinct, exact := len(s.values), 1
		if s.many != nil {
			distinct, exact = s.many.estimate(), 0
		}
		f.every.Poll(f.env, 8)
		out.Add()
		out.SetAt(0, vector.String(name))
		out.SetAt(1, vector.Int(s.rows))
		out.SetAt(2, vector.Int(distinct))
		out.SetAt(3, vector.Int(exact))
		out.SetAt(7, vector.Int(s.numbers))
		for i, n := range summaryAggs {
			if s.numbers > 0 {
				out.Set(n, s.aggs[i].Result())
			}
		}
		if s.many == nil {
			out.SetAt(9, vector.String(s.list(f.env, f.c.MaxVals)))
		}
	}
	return exec.Rows(out.Batch()), nil
}

// list formats the most frequent values as JSON, at most limit, 0 = all.
func (s *summary) list(env *exec.Env, limit int) string {
	values := slices.Collect(maps.Keys(s.values))
	exec.Sort(env, values, func(a, b string) int {
		return cmp.Or(cmp.Compare(*s.values[b], *s.values[a]), strings.Compare(a, b))
	})
	if limit > 0 && len(values) > limit {
		values = values[:limit]
	}
	buf := []byte{'['}
	for i, v := range values {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, `{"value":`...)
		buf = append(jsonscan.AppendQuoted(buf, v), `,"count":`...)
		buf = append(strconv.AppendInt(buf, int64(*s.values[v]), 10), '}')
	}
	return string(append(buf, ']'))
}
