package cmd

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Associate finds values of fields that carry information about other fields.
type Associate struct {
	MinCount int
	MinShare float64
	MinGain  float64
	Fields   []string // empty = all
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "associate", Kind: syntax.KindSerial,
		Summary: "Find field values that say a lot about the values of other fields.",
		Syntax:  "associate [supcnt=<n>] [supfreq=<share>] [improv=<bits>] [<field-list>]",
		Doc: "Among the rows with one value of the reference key, the target key is more certain than among all rows: its entropy in\n" +
			"bits drops by `Entropy_Improvement`. `Top_Conditional_Value` is its most frequent value there, with its share among\n" +
			"all rows and among those rows. `Support` is the share of rows that have the reference value. Only rows that have the\n" +
			"target key count. The greatest improvement comes first. At most 100 fields are compared.",
		Args: []syntax.Arg{
			{Name: "supcnt", Default: "100", Doc: "Minimum number of rows that must have a reference value."},
			{Name: "supfreq", Default: "0.1", Doc: "Minimum share of the rows that must have it."},
			{Name: "improv", Default: "0.5", Doc: "Minimum drop in entropy, in bits."},
			{Name: "<field-list>", Default: "all fields", Doc: "The fields to compare; internal fields only if they are named."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="call,result
Get,denied
Get,denied
List,ok
List,denied
List,ok
Put,ok" | associate supcnt=2 call result | fields - Description`,
			Want: []string{`{"Reference_Key":"call","Reference_Value":"Get","Target_Key":"result","Top_Conditional_Value":"denied (50.00% -> 100.00%)","Unconditional_Entropy":"1.000","Conditional_Entropy":"0.000","Entropy_Improvement":"1.000","Support":"0.333"}`, `{"Reference_Key":"result","Reference_Value":"denied","Target_Key":"call","Top_Conditional_Value":"Get (33.33% -> 66.67%)","Unconditional_Entropy":"1.459","Conditional_Entropy":"0.918","Entropy_Improvement":"0.541","Support":"0.500"}`, `{"Reference_Key":"result","Reference_Value":"ok","Target_Key":"call","Top_Conditional_Value":"List (50.00% -> 66.67%)","Unconditional_Entropy":"1.459","Conditional_Entropy":"0.918","Entropy_Improvement":"0.541","Support":"0.500"}`},
		}},
		Parse: parseAssociate,
	})
}

func parseAssociate(p *syntax.Parser) (syntax.Command, error) {
	c := &Associate{MinCount: 100, MinShare: 0.1, MinGain: 0.5}
	var err error
	c.Fields, err = p.OptionsAndFields([]string{"supcnt", "supfreq", "improv"}, func(o syntax.Option) (err error) {
		switch o.Name {
		case "supcnt":
			c.MinCount, err = o.Int(1)
		case "supfreq":
			c.MinShare, err = op.Fraction(o)
		default:
			if c.MinGain, err = op.Number(o); err == nil && c.MinGain < 0 {
				err = diag.At(o.Value.Span, "improv must be at least 0, not %q", o.Value.Text)
			}
		}
		return err
	})
	return c, err
}

// Print implements syntax.Command.
func (c *Associate) Print() string {
	s := fmt.Sprintf("associate supcnt=%d supfreq=%v improv=%v", c.MinCount, c.MinShare, c.MinGain)
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Associate) Needs(filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return filter.AllFields()
	}
	return filter.Fields(c.Fields...)
}

// Tabulates says that the rows are no longer events.
func (c *Associate) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Associate) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		t, err := codeRows(env, "associate", rows, c.Fields)
		defer t.held.Release()
		if err != nil {
			return nil, err
		}
		return c.compare(ctx, env, t)
	}), nil
}

// association is one row of the result.
type association struct {
	ref, target  *codedField
	value, top   int32
	before, then float64 // entropy
	all, some    float64 // share of the top value
	support      float64
}

func (c *Associate) compare(ctx context.Context, env *exec.Env, t *coded) (exec.Operator, error) {
	var found []association
	before := make([]float64, len(t.fields))
	for i, f := range t.fields {
		before[i] = entropyOf(f.counts)
	}
	for _, ref := range t.fields {
		for value, rows := range ref.rowsOf(max(c.MinCount, int(math.Ceil(c.MinShare*float64(t.rows))))) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for i, target := range t.fields {
				if target == ref || before[i] < c.MinGain {
					continue
				}
				list := target.count(env, rows)
				counts, n, top := make([]int, len(list)), 0, tally{}
				for k, v := range list {
					counts[k] = v.n
					n += v.n
					if v.n > top.n || v.n == top.n && target.values[v.id] < target.values[top.id] {
						top = v
					}
				}
				a := association{ref: ref, target: target, value: value, top: top.id, before: before[i], then: entropyOf(counts)}
				if n == 0 || a.before-a.then < c.MinGain || a.before == a.then {
					continue
				}
				a.some, a.all = float64(top.n)/float64(n), float64(target.counts[top.id])/float64(target.set)
				a.support = float64(len(rows)) / float64(t.rows)
				found = append(found, a)
			}
		}
	}
	exec.SortStable(env, found, func(a, b association) int {
		return cmp.Or(cmp.Compare(b.before-b.then, a.before-a.then), cmp.Compare(b.support, a.support), cmp.Compare(a.ref.name, b.ref.name),
			cmp.Compare(a.ref.values[a.value], b.ref.values[b.value]), cmp.Compare(a.target.name, b.target.name))
	})
	out := vector.NewBuilder("Reference_Key", "Reference_Value", "Target_Key", "Top_Conditional_Value", "Unconditional_Entropy", "Conditional_Entropy", "Entropy_Improvement", "Description", "Support")
	three := func(f float64) vector.Value { return vector.String(strconv.FormatFloat(f, 'f', 3, 64)) }
	for _, a := range found {
		out.Add()
		ref, value, target := a.ref.name, a.ref.values[a.value], a.target.name
		for i, text := range []string{ref, value, target, fmt.Sprintf("%s (%.2f%% -> %.2f%%)", a.target.values[a.top], 100*a.all, 100*a.some)} {
			out.SetAt(i, vector.String(text))
		}
		out.SetAt(4, three(a.before))
		out.SetAt(5, three(a.then))
		out.SetAt(6, three(a.before-a.then))
		out.SetAt(7, vector.String(fmt.Sprintf("When %q has the value %q, the entropy of %q decreases from %.3f to %.3f.", ref, value, target, a.before, a.then)))
		out.SetAt(8, three(a.support))
	}
	return exec.Rows(out.Batch()), nil
}

// entropyOf returns the entropy of the counts in bits, 0 if there are none.
func entropyOf(counts []int) float64 {
	n, sum := 0, 0.0
	for _, count := range counts {
		if count > 0 {
			n += count
			sum += float64(count) * math.Log2(float64(count))
		}
	}
	if n == 0 {
		return 0
	}
	return math.Log2(float64(n)) - sum/float64(n)
}
