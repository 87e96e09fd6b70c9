package tune

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
)

// exception is a selection of a filter: an event that passes all of its tests is left
// out.
type exception []atom

// free reports whether everything that the exception tests is written by callers.
func (x exception) free() bool {
	return !slices.ContainsFunc(x, func(a atom) bool { return a.class != free })
}

// loose says how little it is tied to: 0 = to an identity, 1 = to a place only, 2 = to
// neither.
func (x exception) loose() int {
	least := broad
	for _, a := range x {
		least = min(least, a.class)
	}
	return int(least)
}

// set is a set of small numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) and(o set) set {
	out := make(set, len(s))
	for i := range s {
		out[i] = s[i] & o[i]
	}
	return out
}

func (s set) len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// group is the events of one finding that is not false, by their places among others.
type group struct {
	confirmed bool // people say that it is true
	events    []int
}

// rival is what a proposal must spare.
type rival struct {
	events   []*event
	findings []group
}

// cost says what an exception would hide; the less the better, the first figure first.
type cost struct {
	confirmed int // findings marked true, as a whole or in part
	findings  int // other findings as a whole
	loose     int // see exception.loose
	events    int // of other findings
	atoms     int
	values    int
	rank      int
	text      string // so that the choice is always the same
}

func (c cost) compare(o cost) int {
	return cmp.Or(cmp.Compare(c.confirmed, o.confirmed), cmp.Compare(c.findings, o.findings), cmp.Compare(c.loose, o.loose), cmp.Compare(c.events, o.events),
		cmp.Compare(c.atoms, o.atoms), cmp.Compare(c.values, o.values), cmp.Compare(c.rank, o.rank), cmp.Compare(c.text, o.text))
}

func (r *rival) cost(x exception, hidden set) cost {
	c := cost{loose: x.loose(), events: hidden.len(), atoms: len(x)}
	var text []string
	for _, a := range x {
		c.values += len(a.values)
		c.rank += a.rank
		text = append(text, a.field+"|"+a.op)
	}
	c.text = strings.Join(text, " ")
	if c.events == 0 {
		return c
	}
	for _, g := range r.findings {
		n := 0
		for _, i := range g.events {
			if hidden.has(i) {
				n++
			}
		}
		if n > 0 && g.confirmed {
			c.confirmed++
		}
		if n > 0 && n == len(g.events) {
			c.findings++
		}
	}
	return c
}

// mostAtoms is how many fields an exception tests.
const mostAtoms = 3

// best returns the exception that all events pass and that hides the least of others,
// nil if the events have nothing in common. with limits the choice to exceptions with
// that atom; nil = any.
func (r *rival) best(e *evidence, events []*event, with *atom) (exception, cost) {
	atoms := e.atoms(events)
	if with != nil {
		atoms = slices.DeleteFunc(atoms, func(a atom) bool { return a.field == with.field })
	}
	hides := make([]set, len(atoms))
	for i, a := range atoms {
		hides[i] = r.hidden(e, a)
	}
	var found exception
	var least cost
	try := func(x exception, hidden set) {
		if c := r.cost(x, hidden); found == nil || c.compare(least) < 0 {
			found, least = slices.Clone(x), c
		}
	}
	var grow func(x exception, hidden set, from int)
	grow = func(x exception, hidden set, from int) {
		if len(x) == mostAtoms {
			return
		}
		for i := from; i < len(atoms); i++ {
			if slices.ContainsFunc(x, func(a atom) bool { return a.field == atoms[i].field }) {
				continue
			}
			both := hides[i]
			if hidden != nil {
				both = hidden.and(both)
			}
			try(append(x, atoms[i]), both)
			grow(append(x, atoms[i]), both, i+1)
		}
	}
	if with == nil {
		grow(nil, nil, 0)
		return found, least
	}
	hidden := r.hidden(e, *with)
	try(exception{*with}, hidden)
	grow(exception{*with}, hidden, 0)
	return found, least
}

func (r *rival) hidden(e *evidence, a atom) set {
	s := newSet(len(r.events))
	for i, ev := range r.events {
		if e.has(ev, a.field, a.holds) {
			s.add(i)
		}
	}
	return s
}

// mostExceptions is how many selections a filter has.
const mostExceptions = 5

// propose returns the exceptions that together leave out all events and hide the least
// of others, none if there are no such.
func (r *rival) propose(e *evidence, events []*event) []exception {
	one, least := r.best(e, events, nil)
	if one == nil {
		return nil
	}
	if least.confirmed == 0 && least.findings == 0 && least.events == 0 {
		return []exception{one}
	}
	// One test of several fields takes all combinations of their values; several
	// exceptions, one for each identity or place, take those that occur.
	out := []exception{one}
	for _, f := range named {
		if f.class > place {
			break
		}
		values, ok := e.distinct(events, f.name)
		if !ok || len(values) < 2 || len(values) > mostExceptions {
			continue
		}
		var split []exception
		sum := cost{}
		for _, v := range values {
			a := newAtom(f.name, "", []string{v})
			part := slices.DeleteFunc(slices.Clone(events), func(ev *event) bool { return !e.has(ev, f.name, a.holds) })
			x, c := r.best(e, part, &a)
			split = append(split, x)
			sum.confirmed += c.confirmed
			sum.findings += c.findings
			sum.events += c.events
			sum.loose = max(sum.loose, c.loose)
			sum.atoms += c.atoms
			sum.values += c.values
			sum.rank += c.rank
		}
		if sum.compare(least) < 0 {
			out, least = split, sum
		}
	}
	return out
}
