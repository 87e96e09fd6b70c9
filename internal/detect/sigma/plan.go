package sigma

import (
	"cmp"
	"slices"
	"strings"

	"bluetrail/internal/event"
)

// plan is a rule as a Set evaluates it. Its conditions name selections by their places
// in Set.sels, and ask first for what is cheap and seldom holds.
type plan struct {
	cond    expr
	filters []expr
}

// planner makes the plans of a Set. Selections that several rules have are planned
// once, so that an event is compared with them once.
type planner struct {
	sels  []*selection
	costs []weight           // of sels
	known map[[32]byte]int   // places in sels, by selection.sum
	own   map[*selection]int // of those without a sum
	slots map[int]uint8      // numbered tests, by field
}

func (p *planner) plan(r *Rule) plan {
	var out plan
	out.cond, _ = p.expr(r.cond, r.sels)
	for _, f := range r.filters {
		cond, _ := p.expr(f.cond, f.sels)
		out.filters = append(out.filters, cond)
	}
	return out
}

// expr plans a condition over the selections of one rule.
func (p *planner) expr(e expr, sels []*selection) (expr, weight) {
	switch e := e.(type) {
	case ref:
		i := p.selection(sels[e])
		return ref(i), p.costs[i]
	case not:
		of, w := p.expr(e.of, sels)
		return not{of}, weight{w.cost, 1 - w.pass}
	case and:
		list, w := p.list(e, sels, conjunction)
		return and(list), w
	case or:
		list, w := p.list(e, sels, disjunction)
		return or(list), w
	case some:
		list := make([]expr, len(e.of))
		for i, x := range e.of {
			list[i] = ref(x)
		}
		if e.all {
			return p.expr(and(list), sels)
		}
		return p.expr(or(list), sels)
	}
	return e, weight{}
}

func (p *planner) list(in []expr, sels []*selection, how junction) ([]expr, weight) {
	type operand struct {
		expr
		weight
	}
	list := make([]operand, len(in))
	for i, x := range in {
		list[i].expr, list[i].weight = p.expr(x, sels)
	}
	slices.SortStableFunc(list, func(a, b operand) int { return how.compare(a.weight, b.weight) })
	out, weights := make([]expr, len(list)), make([]weight, len(list))
	for i, x := range list {
		out[i], weights[i] = x.expr, x.weight
	}
	return out, how.join(weights)
}

// selection plans a selection and returns its place.
func (p *planner) selection(s *selection) int {
	i, ok := p.own[s]
	if !ok && s.sum != [32]byte{} {
		i, ok = p.known[s.sum]
	}
	if ok {
		return i
	}
	i = len(p.sels)
	p.own[s] = i
	p.known[s.sum] = i
	p.sels = append(p.sels, p.numbered(s))
	p.costs = append(p.costs, s.weight())
	return i
}

// recurring reports whether the texts of a field are mostly those of earlier events.
func recurring(field string) bool {
	return field == "userAgent" || field == "sourceIPAddress" || strings.HasPrefix(field, "userIdentity.")
}

// maxSlots is how many tests of a field have verdicts that are remembered by text.
const maxSlots = 64

// numbered returns a copy of a selection whose slow tests of recurring fields have slots.
func (p *planner) numbered(s *selection) *selection {
	out := &selection{name: s.name, any: s.any, fast: slices.Clone(s.fast)}
	for i, tests := range out.fast {
		for k, t := range tests {
			if !t.slow() || p.slots[t.id] == maxSlots {
				continue
			}
			p.slots[t.id]++
			one := *t
			one.slot = p.slots[t.id]
			out.fast[i] = slices.Clone(out.fast[i])
			out.fast[i][k] = &one
		}
	}
	return out
}

// slow reports whether a test takes longer than finding out that its text was met before,
// and depends on nothing but this text.
func (t *test) slow() bool {
	if t.keyword || t.block != nil || t.exists != nil || t.derived || !recurring(t.field) {
		return false
	}
	slow := false
	for _, m := range t.vals {
		switch m := m.(type) {
		case sameAs, nothing:
			return false
		case like:
			slow = slow || len(m.p) > 0 && m.p[0].wild != 0
		default:
			slow = true
		}
	}
	return slow || len(t.vals) > 2
}

// weight estimates what a condition costs, and how often it holds. The unit of cost is
// about a comparison of short texts.
type weight struct{ cost, pass float64 }

// junction is how conditions are joined: all of them must hold, or any.
type junction bool

const (
	conjunction junction = true
	disjunction junction = false
)

// compare orders conditions so that the joined one is cheapest.
func (j junction) compare(a, b weight) int { return cmp.Compare(a.rank(j), b.rank(j)) }

func (w weight) rank(j junction) float64 {
	ends := w.pass // how often nothing more has to be asked
	if j == conjunction {
		ends = 1 - w.pass
	}
	return w.cost / max(ends, 0.01)
}

// join returns the weight of conditions that are asked in this order.
func (j junction) join(list []weight) weight {
	out, asked := weight{}, 1.0
	for _, w := range list {
		out.cost += asked * w.cost
		if j == conjunction {
			asked *= w.pass
		} else {
			asked *= 1 - w.pass
		}
	}
	if out.pass = asked; j == disjunction {
		out.pass = 1 - asked
	}
	return out
}

func (s *selection) weight() weight {
	list := make([]weight, len(s.fast))
	for i, tests := range s.fast {
		list[i] = weigh(tests)
	}
	return disjunction.join(list)
}

func weigh(tests []*test) weight {
	list := make([]weight, len(tests))
	for i, t := range tests {
		list[i] = t.weight()
	}
	return conjunction.join(list)
}

// weight says what a test costs. Looking for a field below requestParameters costs a
// search in the record, or a walk through it.
func (t *test) weight() weight {
	w := weight{cost: 2, pass: 0.2}
	switch {
	case t.keyword:
		return weight{cost: 200, pass: 0.1}
	case t.derived && event.FromText(strings.TrimPrefix(t.field, derivedPrefix)):
		w.cost = 60
	case t.derived:
		w.cost = 8
	case t.field == eventName || t.field == eventSource:
		w = weight{cost: 1, pass: 0.05}
	case detail(t.field):
		w.cost = 30
	}
	if t.block != nil {
		w.cost += 30
	}
	for _, m := range t.vals {
		switch m := m.(type) {
		case nothing:
			w.pass = 0.9
		case like:
			if w.cost++; len(m.p) > 0 && m.p[0].wild != 0 {
				w.cost += 2
			}
		default:
			w.cost += 10
		}
	}
	if t.slow() {
		w.cost = min(w.cost, 5)
	}
	if t.exists != nil {
		if w.pass = 0.1; !*t.exists {
			w.pass = 0.9
		}
	}
	if t.negated {
		w.pass = 1 - w.pass
	}
	return w
}
