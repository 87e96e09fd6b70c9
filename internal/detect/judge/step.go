package judge

import (
	"bluetrail/internal/detect/judge/seen"
	"slices"
	"strings"

	"bluetrail/internal/detect/finding"
)

// hit is what an event brings to one group of a node.
type hit struct {
	key    string
	values []string
	item
	direct bool // an event rule is among refs
}

// step takes the next event and returns what the node raises.
func (n *node) step(u *unit, env *environment, e *event) []raise {
	var out []raise
	for _, h := range n.hits(u, env, e) {
		groups := u.groups[n.at]
		g := groups[h.key]
		if g == nil {
			g = &group{values: h.values}
			groups[h.key] = g
		}
		switch n.Type {
		case FirstSeen:
			if fresh := n.fresh(env, h); len(fresh) > 0 {
				out = append(out, u.single(n, env, h, e, fresh)...)
			}
			delete(groups, h.key) // the memory has it all
		case Absent:
			last := int32(len(n.refs) - 1)
			if slices.Contains(h.refs, last) && (!g.raised || e.Time-g.until > int64(n.Timespan)) {
				out = append(out, u.single(n, env, h, e, nil)...)
			}
			if h.refs[0] != last {
				g.raised, g.until = true, e.Time
			} else if !g.raised {
				delete(groups, h.key)
			}
		default:
			out = append(out, n.slide(u, env, g, h, e)...)
		}
	}
	return out
}

// slide moves a group's window to an event.
func (n *node) slide(u *unit, env *environment, g *group, h *hit, e *event) []raise {
	root := n.at == 0
	if g.raised && e.Time <= g.until {
		if o := u.at(h.key, e.Time); root && o != nil {
			u.put(o, e)
		}
		return nil
	}
	g.raised = false
	u.evict(n, g, e.Time)
	if over := len(g.items) + 1 - env.limits.Window; over > 0 {
		env.stats.Shortened += int64(over)
		u.forget(n, g, over)
	}
	it := h.item
	u.held += len(it.events)
	g.add(n, &it)
	if !g.holds(n, &it) {
		return nil
	}
	events := g.events()
	first := g.items[0].time
	g.raised, g.until = true, first+int64(n.Timespan)
	if root {
		o := u.begin(h.key, finding.Key{Rule: n.info.ID, Entity: seen.Pack(append([]string{h.key}, u.tree.entities(e, env.stats)...)), Window: first})
		o.until = g.until
		o.Entity = u.whom(n, h, e, env.stats)
		o.Outcome = outcome(events[0])
		for _, x := range events {
			u.put(o, x)
		}
		o.Time = utc(e.Time)
		u.describeGroup(o, n, h)
		if name, values := g.figure(n); name != "" {
			o.Set(name, values...)
		}
	}
	u.forget(n, g, len(g.items))
	g.clear()
	if len(events) > maxRaised {
		env.stats.Shortened += int64(len(events) - maxRaised)
		events = events[len(events)-maxRaised:]
	}
	return []raise{{h.values, events}}
}

// single raises one event, of first_seen or absent. Events of one group, entity and
// outcome make a finding.
func (u *unit) single(n *node, env *environment, h *hit, e *event, fresh []string) []raise {
	if n.at == 0 {
		entity := u.whom(n, h, e, env.stats)
		slot := seen.Pack([]string{h.key, entity, outcome(e)})
		o := u.at(slot, e.Time)
		if o == nil {
			o = u.begin(slot, finding.Key{Rule: n.info.ID, Entity: slot, Outcome: outcome(e), Window: e.Time})
			o.until = e.Time + int64(u.tree.window())
			o.Entity = entity
			u.describeGroup(o, n, h)
		}
		u.put(o, e)
		for _, t := range fresh {
			o.Append("new", display(t))
		}
	}
	return []raise{{h.values, h.events}}
}

// whom says whom a correlation's finding is about: the rule's entity as the event
// has it, else its group, else the actor.
func (u *unit) whom(n *node, h *hit, e *event, stats *Stats) string {
	if u.tree.entity == nil && len(h.values) > 0 {
		return strings.Join(h.values, ", ")
	}
	return strings.Join(u.tree.entities(e, stats), ", ")
}

// describeGroup shows the values of group-by in a finding.
func (u *unit) describeGroup(o *opened, n *node, h *hit) {
	for i, name := range n.GroupBy {
		if o.Get(name) == nil {
			o.Set(name, h.values[i])
		}
	}
}

// hits sorts what an event brings by group.
func (n *node) hits(u *unit, env *environment, e *event) []*hit {
	if n.flat() && !u.tree.whole {
		return n.flatHits(u, env, e)
	}
	var hits []*hit
	for i := range n.refs {
		r := &n.refs[i]
		if r.child != nil {
			for _, x := range r.child.step(u, env, e) {
				hits = n.put(hits, u, env, e, i, &x)
			}
		} else if e.has(r.rule) {
			hits = n.put(hits, u, env, e, i, nil)
		}
	}
	return hits
}

// put adds what ref i brings to the hits; x is nil for an event rule.
func (n *node) put(hits []*hit, u *unit, env *environment, e *event, i int, x *raise) []*hit {
	r := &n.refs[i]
	var it item
	if len(n.Fields) > 0 && !n.read(&it, read(r.fields, e, x), env) {
		return hits
	}
	groups := combine(read(r.group, e, x), env.stats)
	if groups == nil {
		env.stats.NoGroup++
	}
	for _, values := range groups {
		if !n.concerns(u, values) {
			continue
		}
		key := seen.Pack(values)
		at := slices.IndexFunc(hits, func(h *hit) bool { return h.key == key })
		if at < 0 {
			at = len(hits)
			hits = append(hits, &hit{key: key, values: values, item: item{time: e.Time}})
		}
		h := hits[at]
		if len(h.refs) == 0 || h.refs[len(h.refs)-1] != int32(i) {
			h.refs = append(h.refs, int32(i))
		}
		for _, t := range it.tuples {
			if !slices.Contains(h.tuples, t) {
				h.tuples = append(h.tuples, t)
			}
		}
		switch {
		case x != nil:
			h.n++
			h.nums = append(h.nums, it.nums...)
			h.events = ordered(append(h.events, x.events...))
		case !h.direct:
			h.direct = true
			h.n++
			h.nums = append(h.nums, it.nums...)
			h.events = ordered(append(h.events, e))
		}
	}
	return hits
}

// read returns the values of sources, from the event or the group that raised.
func read(sources []source, e *event, x *raise) [][]string {
	lists := make([][]string, len(sources))
	for i, s := range sources {
		if s.from >= 0 {
			lists[i] = x.group[s.from : s.from+1]
		} else {
			lists[i] = s.get(e)
		}
	}
	return lists
}

// has reports whether the event matches a rule.
func (e *event) has(r int32) bool {
	_, ok := slices.BinarySearch(e.Rules, r)
	return ok
}
