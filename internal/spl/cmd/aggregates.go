package cmd

import (
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Aggregation is one aggregate of a stats list: count, dc(user) AS n.
type Aggregation struct {
	Def     *spl.AggregateDef
	Percent float64
	Call    string   // as written, the default name of the column
	Field   string   // "" = none; may hold wildcards
	Expr    spl.Expr // of eval(…)
	As      string
}

// Name returns the column's name.
func (a *Aggregation) Name() string {
	if a.As != "" {
		return a.As
	}
	return a.Call
}

func (a *Aggregation) wild() bool { return strings.Contains(a.Field, "*") }

func (a *Aggregation) print() string {
	s := a.Call
	switch {
	case a.Expr != nil:
		s = s[:strings.IndexByte(s, '(')] + "(eval(" + spl.PrintExpr(a.Expr) + "))"
	case a.Field != "":
		s = s[:strings.IndexByte(s, '(')] + "(" + spl.PrintField(a.Field) + ")"
	}
	if a.As != "" || a.Expr != nil {
		s += " AS " + spl.PrintField(a.Name())
	}
	return s
}

// fields returns what the aggregate reads.
func (a *Aggregation) fields() []string {
	var list []string
	if a.Field != "" {
		list = append(list, a.Field)
	}
	if a.Expr != nil {
		list = append(list, spl.ExprFields(a.Expr)...)
	}
	if a.Def.NeedTime {
		list = append(list, "_time")
	}
	return list
}

func printAggregations(list []*Aggregation) string {
	parts := make([]string, len(list))
	for i, a := range list {
		parts[i] = a.print()
	}
	return strings.Join(parts, " ")
}

// parseAggregations reads a list of aggregates up to the end or a stop word;
// at least one.
func parseAggregations(p *spl.Parser, stop ...string) ([]*Aggregation, error) {
	var list []*Aggregation
	for {
		for p.Accept(",") {
		}
		tok := p.Peek()
		if p.AtEnd() || tok.Kind == spl.Word && slices.ContainsFunc(stop, func(s string) bool { return strings.EqualFold(s, tok.Text) }) {
			break
		}
		if next := p.Pos(); tok.Kind == spl.Word {
			_, isOption, err := p.Option()
			p.Reset(next)
			if err == nil && isOption {
				break
			}
		}
		a, err := parseAggregation(p)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	if len(list) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "an aggregate such as count or dc(field)")
	}
	return list, nil
}

func parseAggregation(p *spl.Parser) (*Aggregation, error) {
	tok, err := p.Take()
	if err != nil {
		return nil, err
	}
	if tok.Kind != spl.Word {
		return nil, p.Unexpected(tok, "an aggregate such as count or dc(field)")
	}
	a := &Aggregation{Call: tok.Text}
	if a.Def, a.Percent = spl.LookupAggregate(tok.Text); a.Def == nil {
		var known []string
		for _, d := range spl.Aggregates() {
			known = append(append(known, d.Name), d.Aliases...)
		}
		e := diag.At(tok.Span, "unknown aggregate %q", tok.Text).WithHint("%s", diag.DidYouMean(tok.Text, known))
		if e.Hint == "" {
			e.Hint = "the aggregates: bluetrail spl commands stats"
		}
		return nil, e
	}
	if p.Accept("(") {
		end, err := a.argument(p)
		if err != nil {
			return nil, err
		}
		a.Call = strings.Join(strings.Fields(p.Text(diag.Span{Start: tok.Span.Start, End: end})), " ")
	} else if !a.Def.NoField {
		return nil, diag.At(tok.Span, "%s needs a field", tok.Text).WithHint("write %s", a.Def.Syntax)
	}
	if strings.EqualFold(a.Call, "c") {
		a.Call = "count"
	}
	if p.AcceptWord("as") {
		if a.As, err = p.Field(); err != nil {
			return nil, err
		}
		if a.wild() && strings.Count(a.As, "*") != strings.Count(a.Field, "*") {
			return nil, diag.At(tok.Span, "%q and %q must hold the same number of *", a.Field, a.As)
		}
	}
	return a, nil
}

// argument reads what stands in the parentheses, and the closing one; it
// returns the offset behind it.
func (a *Aggregation) argument(p *spl.Parser) (int, error) {
	mark := p.Pos()
	if p.AcceptWord("eval") && p.Accept("(") {
		e, err := p.Expr()
		if err != nil {
			return 0, err
		}
		if err := p.Expect(")"); err != nil {
			return 0, err
		}
		a.Expr = e
	} else {
		p.Reset(mark)
		if p.Peek().Is(")") && a.Def.NoField {
			return p.Pos() + 1, p.Expect(")")
		}
		field, err := p.Field()
		if err != nil {
			return 0, err
		}
		a.Field = field
	}
	err := p.Expect(")")
	return p.Pos(), err
}

// slot is one column of results: an aggregation, or what one of its wildcards
// stands for.
type slot struct {
	of    *Aggregation
	field string
	name  string
	fixed bool // its size does not grow
}

// grouper gathers aggregates by the values of fields. It is what stats and its
// kin share.
type grouper struct {
	env      *spl.Env
	aggs     []*Aggregation
	by       []string
	split    bool // a value repeated in one row counts once
	slots    []slot
	expanded map[string]bool // wildcard slots there are
	progs    []*spl.Program  // by aggregation
	groups   map[string]*group
	order    []*group
	total    *group
	key      []byte
	held     int
}

type group struct {
	keys []vector.Value
	aggs []spl.Aggregate
}

func newGrouper(env *spl.Env, aggs []*Aggregation, by []string) (*grouper, error) {
	g := &grouper{env: env, aggs: aggs, by: by, groups: map[string]*group{}, expanded: map[string]bool{}, progs: make([]*spl.Program, len(aggs))}
	for i, a := range aggs {
		if a.Expr != nil {
			var err error
			if g.progs[i], err = spl.Compile(a.Expr, env); err != nil {
				return nil, err
			}
		}
		if !a.wild() {
			g.addSlot(a, a.Field, a.Name())
		}
	}
	if len(by) == 0 {
		g.total = &group{}
		g.order = append(g.order, g.total)
	}
	return g, nil
}

func (g *grouper) addSlot(a *Aggregation, field, name string) {
	probe := a.Def.New(g.env, a.Percent)
	probe.Update(vector.String("1"), 1)
	g.slots = append(g.slots, slot{of: a, field: field, name: name, fixed: probe.Size() == 0})
}

// expand gives wildcards the columns that fit them.
func (g *grouper) expand(b *vector.Batch) {
	for _, a := range g.aggs {
		if !a.wild() {
			continue
		}
		names := b.Names()
		slices.Sort(names)
		for _, n := range names {
			if !spl.MatchName(a.Field, n) || n[0] == '_' || slices.Contains(g.by, n) || g.expanded[a.Call+"\x00"+n] {
				continue
			}
			g.expanded[a.Call+"\x00"+n] = true
			name := strings.Replace(a.Call, a.Field, n, 1)
			if a.As != "" {
				name, _ = substitute(a.Field, a.As, n)
			}
			g.addSlot(a, n, name)
		}
	}
}

// add takes the rows of a batch in.
func (g *grouper) add(b *vector.Batch) error {
	g.expand(b)
	cols := make([]*vector.Column, len(g.slots))
	for i, s := range g.slots {
		if s.field != "" {
			cols[i] = b.Col(s.field)
		}
	}
	time := b.Col("_time")
	byCols := make([]*vector.Column, len(g.by))
	for i, name := range g.by {
		if byCols[i] = b.Col(name); byCols[i] == nil {
			return nil // no row has the field
		}
	}
	var codes []int32
	var known []*group
	if len(byCols) == 1 {
		var dict []vector.Value
		if dict, codes = byCols[0].Codes(); codes != nil && len(dict) <= b.Len {
			known = make([]*group, len(dict))
		} else if v, ok := byCols[0].Constant(); ok && v.Len() == 1 {
			codes, known = make([]int32, b.Len), make([]*group, 1)
		} else {
			codes = nil
		}
	}
	update := func(grp *group, i int) error { return g.update(grp, b, cols, time, i) }
	for i := range b.Len {
		var err error
		switch {
		case g.total != nil:
			err = update(g.total, i)
		case codes != nil && known[codes[i]] != nil:
			err = update(known[codes[i]], i)
		default:
			err = g.each(byCols, i, func(grp *group) error {
				if codes != nil && byCols[0].At(i).Len() == 1 {
					known[codes[i]] = grp
				}
				return update(grp, i)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls fn for every group that row i belongs to: one for each
// combination of its values.
func (g *grouper) each(cols []*vector.Column, i int, fn func(*group) error) error {
	vals := make([]vector.Value, len(cols))
	var walk func(n int) error
	walk = func(n int) error {
		if n == len(cols) {
			grp, err := g.group(vals)
			if err != nil {
				return err
			}
			return fn(grp)
		}
		v := cols[n].At(i)
		if v.Kind() != vector.List {
			if v.IsNull() {
				return nil
			}
			vals[n] = v
			return walk(n + 1)
		}
		list := v.All()
		if g.split {
			list = slices.Clone(list)
			slices.Sort(list)
			list = slices.Compact(list)
		}
		for _, s := range list {
			vals[n] = vector.String(s)
			if err := walk(n + 1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(0)
}

func (g *grouper) group(vals []vector.Value) (*group, error) {
	g.key = g.key[:0]
	for _, v := range vals {
		at := len(g.key)
		g.key = append(g.key, 0, 0, 0, 0)
		g.key = v.AppendText(g.key)
		n := len(g.key) - at - 4
		g.key[at], g.key[at+1], g.key[at+2], g.key[at+3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
	}
	if grp := g.groups[string(g.key)]; grp != nil {
		return grp, nil
	}
	grp := &group{keys: make([]vector.Value, len(vals))}
	for i, v := range vals {
		grp.keys[i] = v.Clone()
	}
	g.groups[string(g.key)] = grp
	g.order = append(g.order, grp)
	return grp, g.hold(2*len(g.key) + 96 + 64*len(vals) + 48*len(g.slots))
}

func (g *grouper) hold(n int) error {
	g.held += n
	return g.env.Memory.Take(n)
}

func (g *grouper) update(grp *group, b *vector.Batch, cols []*vector.Column, time *vector.Column, i int) error {
	g.fill(grp)
	at := nan
	if time != nil {
		if f, ok := time.At(i).Num(); ok {
			at = f
		}
	}
	for n := range g.slots {
		s := &g.slots[n]
		v := one
		switch {
		case s.of.Expr != nil:
			v = g.progs[slices.Index(g.aggs, s.of)].Value(b, i)
		case s.field != "":
			if cols[n] == nil {
				continue
			}
			v = cols[n].At(i)
		}
		a := grp.aggs[n]
		if s.fixed {
			a.Update(v, at)
			continue
		}
		before := a.Size()
		a.Update(v, at)
		if grown := a.Size() - before; grown != 0 {
			if err := g.hold(grown); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill makes the aggregates of a group, also those of slots that came later.
func (g *grouper) fill(grp *group) {
	for n := len(grp.aggs); n < len(g.slots); n++ {
		a := g.slots[n].of
		grp.aggs = append(grp.aggs, a.Def.New(g.env, a.Percent))
	}
}

// merge takes over what another grouper of the same list gathered.
func (g *grouper) merge(o *grouper) error {
	place := make([]int, len(o.slots))
	for i, s := range o.slots {
		place[i] = slices.IndexFunc(g.slots, func(t slot) bool { return t.of == s.of && t.field == s.field })
		if place[i] < 0 {
			place[i] = len(g.slots)
			g.slots = append(g.slots, s)
			g.expanded[s.of.Call+"\x00"+s.field] = true
		}
	}
	for _, from := range o.order {
		grp := g.total
		if grp == nil {
			var err error
			if grp, err = g.group(from.keys); err != nil {
				return err
			}
		}
		g.fill(grp)
		for i, a := range from.aggs {
			grp.aggs[place[i]].Merge(a)
		}
	}
	g.held += o.held // what was counted there is given back with the rest
	return nil
}

// sorted returns the groups in the order of their keys.
func (g *grouper) sorted() []*group {
	slices.SortFunc(g.order, func(a, b *group) int {
		for i := range a.keys {
			if c := spl.CompareValues(a.keys[i], b.keys[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return g.order
}

// columns returns the names of the result: by-fields, then aggregates.
func (g *grouper) columns() []string {
	names := slices.Clone(g.by)
	for _, s := range g.slots {
		names = append(names, s.name)
	}
	return names
}

// release gives the memory back to the budget.
func (g *grouper) release() {
	g.env.Memory.Take(-g.held)
	g.held = 0
	g.groups, g.order = nil, nil
}
