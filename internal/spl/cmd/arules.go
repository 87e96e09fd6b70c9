package cmd

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Arules finds values of fields that imply values of other fields.
type Arules struct {
	Support    int
	Confidence float64
	Fields     []string
}

// maxRuleFields bounds the fields whose combinations are counted. maxRules
// bounds the rules that are returned.
const (
	maxRuleFields = 10
	maxRules      = 10000
)

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "arules", Kind: syntax.KindSerial,
		Summary: "Find field values that imply a value of another field.",
		Syntax:  "arules [sup=<n>] [conf=<share>] <field-list>",
		Doc: "A rule says how often rows with the given values of some fields have the implied value of one more field. `Strength`\n" +
			"is that share. The support of a side is the number of rows that have its values. The strongest rules come first; among\n" +
			"rules of equal strength, those that hold for more rows.",
		Args: []syntax.Arg{
			{Name: "sup", Default: "3", Doc: "Minimum number of rows for which a rule must hold."},
			{Name: "conf", Default: "0.5", Doc: "Minimum strength, above 0 and up to 1."},
			{Name: "<field-list>", Doc: "Two to ten fields."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="user,call
ann,List
ann,List
ann,Get
bob,List" | arules sup=2 conf=0.7 user call`,
			Want: []string{},
		}, {
			Search: `| makeresults format=csv data="user,call
ann,List
ann,List
ann,Get
bob,Put" | arules sup=2 user call`,
			Want: []string{`{"Given fields":"call=\"List\"","Implied fields":"user=\"ann\"","Strength":"1.000000","Given fields support":"2","Implied fields support":"3"}`, `{"Given fields":"user=\"ann\"","Implied fields":"call=\"List\"","Strength":"0.666667","Given fields support":"3","Implied fields support":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Arules{Support: 3, Confidence: 0.5}
			start := p.Peek().Span
			options := func() error {
				return p.Options([]string{"sup", "conf"}, func(o syntax.Option) (err error) {
					if o.Name == "sup" {
						c.Support, err = o.Int(1)
						return err
					}
					if c.Confidence, err = op.Fraction(o); err == nil && c.Confidence == 0 {
						err = diag.At(o.Value.Span, "conf must be above 0")
					}
					return err
				})
			}
			err := options()
			if err == nil {
				c.Fields, err = p.Fields()
			}
			if err == nil {
				err = options()
			}
			if n := len(c.Fields); err == nil && (n < 2 || n > maxRuleFields) {
				err = diag.At(start, "arules needs from two to %d fields, not %d", maxRuleFields, n)
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Arules) Print() string {
	return fmt.Sprintf("arules sup=%d conf=%v %s", c.Support, c.Confidence, syntax.PrintFields(c.Fields))
}

// Needs implements syntax.Command.
func (c *Arules) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.Fields...) }

// Tabulates says that the rows are no longer events.
func (c *Arules) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Arules) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		t, err := codeRows(env, "arules", rows, c.Fields)
		defer t.held.Release()
		if err != nil {
			return nil, err
		}
		r := &ruleSet{c: c, env: env, t: t, counts: map[string]int{}}
		all := make([]int32, t.rows)
		for i := range all {
			all[i] = int32(i)
		}
		items := make([]int32, len(t.fields))
		for i := range items {
			items[i] = -1
		}
		if err := r.extend(ctx, 0, all, items); err != nil {
			return nil, err
		}
		return r.rules(ctx)
	}), nil
}

// ruleSet counts the combinations of values that occur in enough rows.
type ruleSet struct {
	c      *Arules
	env    *exec.Env
	t      *coded
	counts map[string]int // by the value of each field, -1 for fields outside the combination
	sets   [][]int32      // those with two or more values
}

func itemKey(items []int32) string {
	b := make([]byte, 0, 4*len(items))
	for _, id := range items {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}

// extend adds a value of each field from n on to a combination that occurs in
// rows.
func (r *ruleSet) extend(ctx context.Context, n int, rows []int32, items []int32) error {
	for ; n < len(items); n++ {
		f := r.t.fields[n]
		parts := map[int32][]int32{}
		size := 80 * len(rows) // upper bound for the parts
		if err := r.take(size); err != nil {
			return err
		}
		for _, i := range rows {
			if id := f.ids[i]; id >= 0 && f.counts[id] >= r.c.Support {
				parts[id] = append(parts[id], i)
			}
		}
		for id, part := range parts {
			if len(part) < r.c.Support {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.take(64 + 8*len(items)); err != nil {
				return err
			}
			items[n] = id
			r.counts[itemKey(items)] = len(part)
			if itemCount(items) > 1 {
				r.sets = append(r.sets, slices.Clone(items))
			}
			if err := r.extend(ctx, n+1, part, items); err != nil {
				return err
			}
		}
		items[n] = -1
		r.t.held.Add(-size)
	}
	return nil
}

func itemCount(items []int32) int {
	n := 0
	for _, id := range items {
		if id >= 0 {
			n++
		}
	}
	return n
}

// rule says that rows with the given values also have the implied value.
type rule struct {
	given, implied string
	strength       float64
	has, hasAll    int // rows with the given values, and with all values
	hasImplied     int
}

// rules derives rules from the combinations.
func (r *ruleSet) rules(ctx context.Context) (exec.Operator, error) {
	pulse := exec.NewPulse(ctx)
	var list []rule
	for _, set := range r.sets {
		if err := pulse.Err(); err != nil {
			return nil, err
		}
		hasAll := r.counts[itemKey(set)]
		for n, id := range set {
			if id < 0 {
				continue
			}
			given := slices.Clone(set)
			given[n] = -1
			has := r.counts[itemKey(given)]
			strength := float64(hasAll) / float64(has)
			if strength < r.c.Confidence {
				continue
			}
			f := r.t.fields[n]
			l := rule{r.text(given), filter.PrintTest(f.name, f.values[id]), strength, has, hasAll, f.counts[id]}
			if err := r.take(len(l.given) + len(l.implied) + 72); err != nil {
				return nil, err
			}
			list = append(list, l)
		}
	}
	exec.Sort(r.env, list, func(a, b rule) int {
		return cmp.Or(cmp.Compare(b.strength, a.strength), cmp.Compare(b.hasAll, a.hasAll), cmp.Compare(a.given, b.given), cmp.Compare(a.implied, b.implied))
	})
	if len(list) > maxRules {
		r.env.Warn("arules returns the strongest %d of %d rules; raise sup or conf", maxRules, len(list))
		list = list[:maxRules]
	}
	out := vector.NewBuilder("Given fields", "Implied fields", "Strength", "Given fields support", "Implied fields support")
	for _, l := range list {
		out.Add()
		out.SetAt(0, vector.String(l.given))
		out.SetAt(1, vector.String(l.implied))
		out.SetAt(2, vector.Formatted(l.strength, strconv.FormatFloat(l.strength, 'f', 6, 64)))
		out.SetAt(3, vector.Int(l.has))
		out.SetAt(4, vector.Int(l.hasImplied))
	}
	return exec.Rows(out.Batch()), nil
}

// take charges bytes to the memory budget of the search.
func (r *ruleSet) take(size int) error {
	return r.t.held.Add(size)
}

// text formats a combination as a search expression.
func (r *ruleSet) text(items []int32) string {
	var parts []string
	for n, id := range items {
		if id >= 0 {
			parts = append(parts, filter.PrintTest(r.t.fields[n].name, r.t.fields[n].values[id]))
		}
	}
	return strings.Join(parts, " ")
}
