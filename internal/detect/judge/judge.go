// Package judge evaluates everything with state: it makes findings of matches that
// come in order of event time. See DESIGN.md.
package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/match"
)

// ruleset is the compiled rules, with what evaluating them needs.
type ruleset struct {
	trees   []*tree
	uses    map[int32][]use // by the rule that an event matches
	resolve func(string) finding.Who
	environment
}

// use says that a rule's events concern a tree.
type use struct {
	tree int
	key  []field
}

// Fault says why a rule cannot run. The others do.
type Fault struct {
	Rule int32
	Err  error
}

func compileAll(o *Options) (*ruleset, []Fault) {
	s := &ruleset{uses: map[int32][]use{}, resolve: o.Resolve}
	s.limits, s.memory, s.stats, s.cache = o.Limits.withDefaults(), o.Seen, &Stats{}, newCache()
	if s.memory == nil {
		s.memory = seen.New(0, false)
	}
	if s.resolve == nil {
		s.resolve = func(string) finding.Who { return finding.Who{} }
	}
	var faults []Fault
	for pos := range o.Rules {
		if o.Rules[pos].Silent {
			continue
		}
		t, err := compile(o, int32(pos))
		if err != nil {
			faults = append(faults, Fault{int32(pos), err})
			continue
		}
		at := len(s.trees)
		s.trees = append(s.trees, t)
		switch {
		case t.root == nil:
			s.uses[int32(pos)] = append(s.uses[int32(pos)], use{tree: at})
		default:
			leaves, _ := t.root.leaves()
			for _, l := range leaves {
				if t.whole {
					l.key = nil
				}
				s.uses[l.rule] = append(s.uses[l.rule], use{at, l.key})
			}
		}
	}
	return s, faults
}

// place names a unit.
type place struct {
	tree int
	key  string
}

// places appends the units that an event concerns, each once.
func (s *ruleset) places(out []place, e *event, stats *Stats) []place {
	add := func(p place) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, r := range e.Rules {
		for _, u := range s.uses[r] {
			t := s.trees[u.tree]
			switch {
			case t.root == nil:
				for _, key := range t.eventKeys(e, stats) {
					add(place{u.tree, key})
				}
			case t.whole || len(u.key) == 0:
				add(place{tree: u.tree})
			default:
				lists := make([][]string, len(u.key))
				for i, get := range u.key {
					lists[i] = get(e)
				}
				keys := s.cache.tuples(lists, stats)
				if keys == nil {
					stats.NoGroup++
				}
				for _, key := range keys {
					add(place{u.tree, key})
				}
			}
		}
	}
	return out
}

// Judge makes findings of matches that come in order. It is for one goroutine.
type Judge struct {
	*ruleset
	found func(*finding.Finding) error
	units map[place]*unit
	queue queue
	held  int // events in all units
	size  int // groups in all units
	last  match.Match
	began bool

	concerned []place // by the match under way
}

// New returns a Judge for the rules. Those that cannot run are returned as faults.
func New(o Options) (*Judge, []Fault) {
	s, faults := compileAll(&o)
	return &Judge{ruleset: s, found: o.Found, units: map[place]*unit{}}, faults
}

// Stats returns what was counted so far.
func (j *Judge) Stats() Stats { return *j.stats }

// ErrOrder reports a match that came before one that was fed already.
var ErrOrder = errors.New("matches are not in order of time")

// Feed takes the next match, in the order of match.Compare. The Judge keeps m. The
// error is ErrOrder, that of the context, or that of Found.
func (j *Judge) Feed(ctx context.Context, m *match.Match) error {
	if j.began {
		switch c := match.Compare(m, &j.last); {
		case c < 0:
			return fmt.Errorf("%w: event %q", ErrOrder, m.Event.ID)
		case c == 0:
			j.stats.Doubles++
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j.began, j.last.Time, j.last.ID = true, m.Time, m.ID
	if err := j.expire(m.Time); err != nil {
		return err
	}
	e := &event{m, j.resolve(m.Caller)}
	j.concerned = j.places(j.concerned[:0], e, j.stats)
	for _, p := range j.concerned {
		u, known := j.units[p]
		if !known {
			u = newUnit(j.trees[p.tree], p.key)
			j.units[p] = u
			j.size++
		}
		held, size := u.held, u.size()
		u.step(&j.environment, e)
		j.held += u.held - held
		j.size += u.size() - size
		if !known {
			j.queue.push(due{u.expire, p})
		}
	}
	for (j.size > j.limits.Groups || j.held > j.limits.Held) && len(j.queue) > 0 {
		d := j.queue.pop()
		j.stats.Evicted++
		if err := j.hand(j.drop(d.place).cut()); err != nil {
			return err
		}
	}
	return nil
}

// expire closes what cannot change after a time.
func (j *Judge) expire(now int64) error {
	for len(j.queue) > 0 && j.queue[0].at < now {
		p := j.queue[0].place
		u := j.units[p]
		if u.expire < now {
			j.queue.pop()
			if err := j.finish(p); err != nil {
				return err
			}
			continue
		}
		held, size := u.held, u.size()
		done := u.close(now)
		u.prune(now)
		j.held += u.held - held
		j.size += u.size() - size
		j.queue[0].at = u.expire
		j.queue.sink()
		if err := j.hand(done); err != nil {
			return err
		}
	}
	return nil
}

// finish hands out what a unit found and drops it.
func (j *Judge) finish(p place) error { return j.hand(j.drop(p).close(forever)) }

// drop takes a unit out of the state.
func (j *Judge) drop(p place) *unit {
	u := j.units[p]
	delete(j.units, p)
	j.held -= u.held
	j.size -= u.size()
	return u
}

// forever is after all times.
const forever = 1<<63 - 1

func (j *Judge) hand(found []*finding.Finding) error {
	for _, f := range found {
		if j.found != nil {
			if err := j.found(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// Finish closes all windows.
func (j *Judge) Finish() error {
	for len(j.queue) > 0 {
		if err := j.finish(j.queue.pop().place); err != nil {
			return err
		}
	}
	return nil
}

// Learn notes a match of the past for the first_seen rules, without findings. Matches
// may come in any order; how long a tuple is forgotten in between is not seen.
func (s *ruleset) Learn(m *match.Match) {
	e := &event{m, s.resolve(m.Caller)}
	for _, p := range s.places(nil, e, &Stats{}) {
		t := s.trees[p.tree]
		if !slices.ContainsFunc(t.nodes, func(n *node) bool { return n.Type == FirstSeen }) {
			continue
		}
		scratch := newUnit(t, p.key)
		for _, n := range t.nodes {
			if n.Type == FirstSeen {
				env := environment{memory: s.memory, limits: s.limits, stats: &Stats{}, cache: s.cache}
				for _, h := range n.hits(scratch, &env, e) {
					n.fresh(&env, h)
				}
			}
		}
	}
}

func utc(ns int64) time.Time { return time.Unix(0, ns).UTC() }
