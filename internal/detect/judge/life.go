package judge

import (
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
)

// life is a unit whose matches come in any order. Its base has judged what arrived
// before the horizon, in order. The matches behind it lie in the tail; the head is a
// copy of the base that has judged them, too.
//
// A match behind what the base has judged begins another life of the same unit, an era: a
// folder of old files that is taken in while the trail goes on is judged like that.
type life struct {
	place
	era    int
	base   *unit
	folded bool
	last   mark // the last match that the base has judged
	tail   []*entry
	head   *unit           // nil = it has to be replayed
	over   overlay         // what first_seen rules remember beyond the base
	sent   map[string]sent // findings as they were handed out, by ID

	arrived int64 // when the newest match did
	size    int   // as counted by the Replayer
	held    int

	touched, waits, listed, due, stale, gone bool // see Replayer
}

// sent is a finding as it was handed out.
type sent struct {
	sum   uint64
	count int64
	at    time.Time
}

// takes reports whether a match may be judged by this life.
func (l *life) takes(at mark) bool {
	return l.base.tree.root == nil || !l.folded || at.compare(l.last) > 0
}

// find returns where a match lies in the tail, or belongs.
func (l *life) find(at mark) (int, bool) {
	return slices.BinarySearchFunc(l.tail, at, func(en *entry, at mark) int { return markOf(en.Match).compare(at) })
}

// insert puts an entry into the tail. The newest one goes to the head as well.
func (l *life) insert(en *entry, r *Replayer) {
	at := markOf(en.Match)
	i, known := l.find(at)
	if known {
		return
	}
	l.arrived = max(l.arrived, en.Arrival)
	newest := i == len(l.tail) && (!l.folded || at.compare(l.last) > 0)
	l.tail = slices.Insert(l.tail, i, en)
	switch {
	case !newest:
		l.head = nil
	case l.head != nil:
		l.step(en.event, r)
	}
}

// step lets the head judge the next event.
func (l *life) step(e *event, r *Replayer) {
	if l.over == nil {
		l.over = overlay{}
	}
	env := environment{memory: over{l.over, r.memory}, limits: r.limits, stats: &r.scratch, cache: r.cache}
	l.head.step(&env, e)
}

// reopen goes on with a finding that was handed out before, if there is one.
func (l *life) reopen(stored func(id string) (*finding.Finding, error)) (known bool, err error) {
	if l.base.tree.root != nil || stored == nil {
		return false, nil
	}
	key := l.base.eventKey()
	f, err := stored(key.ID())
	if f == nil || err != nil {
		return false, err
	}
	o := l.base.openEvent()
	o.Finding = f
	l.base.held = len(f.Events)
	return true, nil
}

// discard forgets an open finding.
func (u *unit) discard(id string) {
	if o := u.open[id]; o != nil {
		delete(u.open, id)
		if u.active[o.slot] == id {
			delete(u.active, o.slot)
		}
		u.held -= len(o.Events)
	}
}

// overlay is what the head of a life remembers for first_seen rules. The memory itself
// learns what has been folded.
type overlay map[seenPlace][2]int64

type seenPlace struct{ rule, scope, tuple string }

// over is a memory over another one, which stays as it is.
type over struct {
	overlay
	below Memory
}

func (o over) Get(rule, scope, tuple string) (first, last int64, ok bool) {
	if t, ok := o.overlay[seenPlace{rule, scope, tuple}]; ok {
		return t[0], t[1], true
	}
	return o.below.Get(rule, scope, tuple)
}

func (o over) Put(rule, scope, tuple string, first, last int64) {
	o.overlay[seenPlace{rule, scope, tuple}] = [2]int64{first, last}
}

// clone returns a unit with the same state that steps by itself.
func (u *unit) clone() *unit {
	c := *u
	c.open, c.active = nil, maps.Clone(u.active)
	if u.open != nil {
		c.open = make(map[string]*opened, len(u.open))
	}
	for id, o := range u.open {
		x := *o
		x.Finding = o.Finding.Clone()
		c.open[id] = &x
	}
	c.groups = make([]map[string]*group, len(u.groups))
	for i, groups := range u.groups {
		c.groups[i] = make(map[string]*group, len(groups))
		for key, g := range groups {
			x := *g
			x.items, x.tuples, x.sorted, x.rules = slices.Clone(g.items), maps.Clone(g.tuples), slices.Clone(g.sorted), slices.Clone(g.rules)
			c.groups[i][key] = &x
		}
	}
	return &c
}
