package sigma

import (
	"maps"
	"slices"
	"time"

	"bluetrail/internal/jsonscan"
)

// The fields that rules are indexed by.
const (
	eventName   = "eventName"
	eventSource = "eventSource"
)

// Set is compiled event rules. It is constant and may be shared by goroutines, each
// with an Evaluator of its own.
type Set struct {
	rules  []*Rule
	table  *fieldTable // of the rules' collection, which numbers their fields
	extra  fieldTable  // further fields, numbered behind those of table
	used   map[int]string
	tree   *path
	index  index
	plans  []plan
	sels   []*selection // of the plans
	name   int          // field numbers
	source int
}

// NewSet compiles event rules of one linked Collection. want lists further fields,
// such as those of correlations, that Evaluator.Values will be asked for.
func NewSet(rules []*Rule, want ...string) *Set {
	s := &Set{rules: rules, table: &fieldTable{}, used: map[int]string{}}
	if len(rules) > 0 {
		s.table = rules[0].table
	}
	for _, r := range rules {
		r.fields(func(id int) { s.used[id] = s.table.names[id] })
	}
	for _, name := range want {
		s.use(name)
	}
	s.name, s.source = s.use(eventName), s.use(eventSource)
	s.tree = tree(maps.All(s.used))
	s.index = newIndex(rules)
	p := planner{known: map[[32]byte]int{}, own: map[*selection]int{}, slots: map[int]uint8{}}
	for _, r := range rules {
		s.plans = append(s.plans, p.plan(r))
	}
	s.sels = p.sels
	return s
}

// use numbers a field and makes the set find it.
func (s *Set) use(name string) int {
	id, ok := s.table.ids[name]
	if !ok {
		id = len(s.table.names) + s.extra.id(name)
	}
	s.used[id] = name
	return id
}

// number returns the number of a field that the set finds.
func (s *Set) number(name string) (id int, ok bool) {
	if id, ok = s.table.ids[name]; !ok {
		id, ok = s.extra.ids[name]
		id += len(s.table.names)
	}
	_, used := s.used[id]
	return id, ok && used
}

// newRecord returns a record for the fields of the set.
func (s *Set) newRecord() *record {
	r := newRecord(len(s.table.names)+len(s.extra.names), s.tree)
	r.derived = newDeriver(s.used)
	r.keys = make([]string, len(r.cells))
	for id, name := range s.used {
		r.keys[id] = rareKey(name)
	}
	return r
}

// Len returns how many rules the set has.
func (s *Set) Len() int { return len(s.rules) }

// Fields returns the fields that the set reads, sorted: those of its rules, those that
// are wanted, eventName and eventSource.
func (s *Set) Fields() []string { return slices.Sorted(maps.Values(s.used)) }

// Evaluator evaluates the rules of a Set on one event after the other. It is for one
// goroutine.
type Evaluator struct {
	set    *Set
	record *record
	turn   uint64
	tried  []uint64 // the turn in which a rule was tried
	match  []int
	memo   memo

	skipped []bool
	every   uint64 // events between samples, 0 = none
	observe func(rule int, took time.Duration)
}

// Skip leaves a rule out of the following evaluations, or takes it in again.
func (e *Evaluator) Skip(rule int, skip bool) {
	if e.skipped == nil {
		e.skipped = make([]bool, len(e.set.rules))
	}
	e.skipped[rule] = skip
}

// Sample times the rules that are tried on every n-th event and calls observe for each
// of them. Finding the event's fields counts for none. n = 0 stops it.
func (e *Evaluator) Sample(n int, observe func(rule int, took time.Duration)) {
	e.every, e.observe = uint64(max(0, n)), observe
}

// NewEvaluator returns an Evaluator of s.
func (s *Set) NewEvaluator() *Evaluator {
	e := &Evaluator{set: s, record: s.newRecord(), tried: make([]uint64, len(s.rules))}
	e.memo = memo{record: e.record, sels: s.sels, known: make([]verdict, len(s.sels))}
	for _, sel := range s.sels {
		for _, tests := range sel.fast {
			for _, t := range tests {
				if t.slot > 0 {
					e.record.remember(t.id)
				}
			}
		}
	}
	return e
}

// Borrow makes Evaluate take fields from lend, by their places in fields, before it
// looks for them in the record.
func (e *Evaluator) Borrow(fields []string, lend Lender) {
	r := e.record
	r.lent, r.places = lend, make([]int32, len(r.cells))
	for id := range r.places {
		r.places[id] = -1
	}
	for i, name := range fields {
		if id, ok := e.set.number(name); ok {
			r.places[id] = int32(i)
		}
	}
	if r.derived != nil {
		r.derived.borrow(fields)
	}
}

// Evaluate calls yield with the position of each rule that the event matches, in
// ascending order. raw is the record, an object of valid JSON, and must not change
// before the next Evaluate. eventSource and eventName are its fields of these names,
// decoded; "" = the caller does not know.
func (e *Evaluator) Evaluate(raw []byte, eventSource, eventName string, yield func(rule int)) {
	r, s := e.record, e.set
	r.reset(raw)
	e.turn++
	e.memo.turn = e.turn
	e.match = e.match[:0]
	if eventName == "" || eventSource == "" {
		for i := range s.rules {
			e.try(i)
		}
	} else {
		r.know(s.name, eventName)
		r.know(s.source, eventSource)
		s.index.candidates(r, r.cells[s.name].values[0].lower(r), r.cells[s.source].values[0].lower(r), e.try)
	}
	if len(e.match) > 1 {
		slices.Sort(e.match)
	}
	for _, i := range e.match {
		yield(i)
	}
}

// try evaluates a rule, once an event.
func (e *Evaluator) try(i int) {
	if e.tried[i] == e.turn {
		return
	}
	e.tried[i] = e.turn
	if e.skipped != nil && e.skipped[i] {
		return
	}
	if e.every > 0 && e.turn%e.every == 0 {
		e.record.find()
		start := time.Now()
		e.evaluate(i)
		e.observe(i, time.Since(start))
		return
	}
	e.evaluate(i)
}

func (e *Evaluator) evaluate(i int) {
	p := &e.set.plans[i]
	if !p.cond.holds(&e.memo) {
		return
	}
	for _, f := range p.filters {
		if !f.holds(&e.memo) {
			return
		}
	}
	e.match = append(e.match, i)
}

// Values returns the values of a field in the event of the last Evaluate, as texts:
// the elements of an array, and the compact JSON of objects in it or of the field
// itself. Null is no value. The texts share the record's bytes and memory of e; they
// are valid until the next Evaluate. The field should be among Set.Fields; others are
// found more slowly.
func (e *Evaluator) Values(field string) []string {
	if id, ok := e.set.number(field); ok {
		return e.AppendValues(nil, id)
	}
	var one fieldTable
	r := newRecord(one.id(field)+1, one.tree())
	r.reset(e.record.raw)
	return r.appendValues(nil, 0)
}

// Number returns the number of a field that the Set reads, for AppendValues; ok is false
// for others.
func (e *Evaluator) Number(field string) (n int, ok bool) { return e.set.number(field) }

// AppendValues appends the Values of a field by its number.
func (e *Evaluator) AppendValues(dst []string, n int) []string {
	return e.record.appendValues(dst, n)
}

func (r *record) appendValues(dst []string, id int) []string {
	c := r.cell(id)
	for i := range c.values {
		if v := &c.values[i]; v.kind != jsonscan.Composite || v.json[0] == '{' {
			dst = append(dst, v.plain())
		}
	}
	return dst
}

// memo remembers the verdicts of selections, so that each is compared with an event at
// most once.
type memo struct {
	record *record
	sels   []*selection
	turn   uint64
	known  []verdict // of sels
}

// verdict says whether a selection holds in the event of a turn.
type verdict struct {
	turn  uint64
	holds bool
}

// holds implements verdicts.
func (m *memo) holds(i int) bool {
	v := &m.known[i]
	if v.turn != m.turn {
		*v = verdict{m.turn, m.sels[i].matches(m.record)}
	}
	return v.holds
}
