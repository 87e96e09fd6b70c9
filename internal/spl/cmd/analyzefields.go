package cmd

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Analyzefields measures how well numeric fields predict the value of a field.
type Analyzefields struct{ Class string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "analyzefields", Aliases: []string{"af"}, Kind: syntax.KindSerial,
		Summary: "Report how well each numeric field predicts another field.",
		Syntax:  "analyzefields classfield=<field>",
		Doc: "Returns one row for each field whose values are all numbers, best predictor first: `field`; `count`, the number of\n" +
			"rows that have both the field and the class; `cocur`, their share of the rows that have a class; `acc`, the share of\n" +
			"them whose class is predicted correctly; and `balacc`, the mean of that share over the classes. The predicted class is\n" +
			"the one whose mean is nearest to the number. At most 100 fields are compared.",
		Args: []syntax.Arg{{Name: "classfield", Doc: "The field to predict. It should have few distinct values, ideally two."}},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="result,bytes,port
ok,10,443
ok,12,80
denied,0,443
denied,1,443" | analyzefields classfield=result`,
			Want: []string{`{"field":"bytes","count":"4","cocur":"1.000000","acc":"1.000000","balacc":"1.000000"}`, `{"field":"port","count":"4","cocur":"1.000000","acc":"0.750000","balacc":"0.750000"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Analyzefields{}
			start := p.Peek().Span
			err := p.Options([]string{"classfield"}, func(o syntax.Option) error {
				c.Class = o.Value.Text
				return nil
			})
			if err == nil && c.Class == "" {
				err = diag.At(start, "analyzefields needs classfield=<field>")
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Analyzefields) Print() string {
	return "analyzefields classfield=" + syntax.PrintOption(c.Class)
}

// Needs implements syntax.Command.
func (c *Analyzefields) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Analyzefields) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Analyzefields) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		class, err := codeRows(env, "analyzefields", rows, []string{c.Class})
		defer class.held.Release()
		if err != nil {
			return nil, err
		}
		var found []foretelling
		names := slices.DeleteFunc(op.ColumnNames(rows), func(name string) bool {
			some, all := numeric(env, rows, name)
			return op.Internal(name) || name == c.Class || !some || !all
		})
		slices.Sort(names)
		if len(names) > maxCoded {
			env.Warn("analyzefields compares the first %d of %d fields; select the important ones with fields", maxCoded, len(names))
			names = names[:maxCoded]
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if f := foretell(env, rows, name, class.fields[0]); f.count > 0 {
				found = append(found, f)
			}
		}
		slices.SortStableFunc(found, func(a, b foretelling) int {
			return cmp.Or(cmp.Compare(b.balanced, a.balanced), cmp.Compare(b.accurate, a.accurate))
		})
		out := vector.NewBuilder("field", "count", "cocur", "acc", "balacc")
		six := func(f float64) vector.Value { return vector.Formatted(f, strconv.FormatFloat(f, 'f', 6, 64)) }
		for _, f := range found {
			out.Add()
			out.SetAt(0, vector.String(f.name))
			out.SetAt(1, vector.Int(f.count))
			out.SetAt(2, six(f.beside))
			out.SetAt(3, six(f.accurate))
			out.SetAt(4, six(f.balanced))
		}
		return exec.Rows(out.Batch()), nil
	}), nil
}

// numeric reports whether any value of a field is a single number, and whether
// all are.
func numeric(env *exec.Env, rows []*vector.Batch, name string) (some, all bool) {
	all = true
	op.EachValue(env, rows, name, func(v vector.Value) {
		_, ok := v.Num()
		some, all = some || ok, all && ok
	})
	return some, all
}

// foretelling measures how well a field predicts a class.
type foretelling struct {
	name                       string
	count                      int
	beside, accurate, balanced float64
}

func foretell(env *exec.Env, rows []*vector.Batch, name string, class *codedField) foretelling {
	f := foretelling{name: name}
	each := func(fn func(id int32, x float64)) {
		at := 0
		var every exec.Every
		for _, b := range rows {
			col := b.Col(name)
			for i := 0; col != nil && i < b.Len; i++ {
				every.Poll(env, 1024)
				if x, ok := col.At(i).Num(); ok && class.ids[at+i] >= 0 && !math.IsNaN(x) && !math.IsInf(x, 0) {
					fn(class.ids[at+i], x)
				}
			}
			at += b.Len
		}
	}
	type mean struct {
		id    int32
		value float64
	}
	sums, counts := make([]float64, len(class.values)), make([]int, len(class.values))
	each(func(id int32, x float64) {
		sums[id] += x
		counts[id]++
		f.count++
	})
	if f.count == 0 {
		return f
	}
	var means []mean // sorted by value, for binary search
	for id, n := range counts {
		if n > 0 {
			means = append(means, mean{int32(id), sums[id] / float64(n)})
		}
	}
	exec.SortStable(env, means, func(a, b mean) int { return cmp.Compare(a.value, b.value) })
	right := make([]int, len(counts))
	each(func(id int32, x float64) {
		i, _ := slices.BinarySearchFunc(means, x, func(m mean, x float64) int { return cmp.Compare(m.value, x) })
		if i == len(means) || i > 0 && x-means[i-1].value <= means[i].value-x {
			i--
		}
		if means[i].id == id {
			right[id]++
		}
	})
	all := 0
	for id, n := range counts {
		if n > 0 {
			all += right[id]
			f.balanced += float64(right[id]) / float64(n) / float64(len(means))
		}
	}
	f.beside = float64(f.count) / float64(class.set)
	f.accurate = float64(all) / float64(f.count)
	return f
}
