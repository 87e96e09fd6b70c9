package judge

import (
	"bluetrail/internal/detect/judge/seen"
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
)

// unit is the state of a tree for the events of one group. Units do not influence
// each other.
type unit struct {
	tree   *tree
	key    string
	groups []map[string]*group // by node.at
	open   map[string]*opened  // findings that are not yet handed out, by ID
	active map[string]string   // IDs of the findings to which events may be added, by slot
	expire int64               // the unit is as good as new after this time
	held   int                 // events in windows and findings
}

// opened is a finding that may grow.
type opened struct {
	*finding.Finding
	slot  string
	first string // ID of the first event
	until int64  // inclusive

	changed bool // since a Replayer handed it out
}

// environment is what a step needs beside the unit.
type environment struct {
	memory Memory
	limits Limits
	stats  *Stats
	cache  *cache
}

// raise says that a correlation fired.
type raise struct {
	group  []string // values of its GroupBy
	events []*event
}

// maxRaised bounds the events that a correlation hands on to another one.
const maxRaised = 1000

func newUnit(t *tree, key string) *unit {
	u := &unit{tree: t, key: key}
	if t.root != nil {
		u.groups = make([]map[string]*group, len(t.nodes))
		for i := range u.groups {
			u.groups[i] = map[string]*group{}
		}
	}
	return u
}

// size is how many groups the unit has.
func (u *unit) size() int {
	n := 0
	for _, groups := range u.groups {
		n += len(groups)
	}
	return max(n, 1)
}

// step takes the next event.
func (u *unit) step(env *environment, e *event) {
	if u.tree.root == nil {
		u.eventRule(e)
		return
	}
	u.expire = max(u.expire, e.Time+u.tree.span())
	u.tree.root.step(u, env, e)
}

// span is how long an event matters at most.
func (t *tree) span() int64 {
	longest := time.Duration(0)
	for _, n := range t.nodes {
		longest = max(longest, n.Timespan)
	}
	return int64(max(longest, t.window()))
}

// window is how far the events of a finding lie apart at most, where the rule's
// timespan does not say.
func (t *tree) window() time.Duration {
	if t.root != nil && t.root.sliding() {
		return t.root.Timespan
	}
	return cmp.Or(t.info.Window, rule.DefaultWindow)
}

// sliding reports whether the type has a window that slides.
func (n *node) sliding() bool { return n.Type != FirstSeen && n.Type != Absent }

// eventKey returns the units of an event rule for an event: one, but several if the
// entity's fields have several values.
func (t *tree) eventKeys(e *event, stats *Stats) []string {
	var keys []string
	start := finding.WindowAt(e.Time, t.window())
	for _, entity := range t.entities(e, stats) {
		key := binary.BigEndian.AppendUint64(nil, uint64(start))
		keys = append(keys, string(key)+seen.Pack([]string{entity, outcome(e)}))
	}
	return keys
}

// entities says whom a finding of the event is about.
func (t *tree) entities(e *event, stats *Stats) []string {
	if t.entity == nil {
		return []string{cmp.Or(e.who.Actor, shorten(e.Event.User), "unknown")}
	}
	var lists [][]string
	for _, get := range t.entity {
		values := get(e)
		if len(values) == 0 {
			values = []string{"unknown"}
		}
		lists = append(lists, values)
	}
	var out []string
	for _, tuple := range combine(lists, stats) {
		out = append(out, join(tuple))
	}
	return out
}

// eventRule adds an event to the unit's only finding. The key says entity, outcome
// and window.
func (u *unit) eventRule(e *event) {
	id, ok := u.active[""]
	if !ok {
		id = u.openEvent().ID
	}
	u.put(u.open[id], e)
}

// openEvent opens the finding of an event rule.
func (u *unit) openEvent() *opened {
	key := u.eventKey()
	o := u.begin("", key)
	o.until = key.Window + int64(u.tree.window()) - 1
	u.expire = o.until
	return o
}

// eventKey is what makes the finding of an event rule.
func (u *unit) eventKey() finding.Key {
	values := seen.Unpack(u.key[8:])
	return finding.Key{Rule: u.tree.info.ID, Entity: values[0], Outcome: values[1], Window: int64(binary.BigEndian.Uint64([]byte(u.key)))}
}

// begin opens a finding. The one that was in its slot gets no more events.
func (u *unit) begin(slot string, key finding.Key) *opened {
	o := &opened{Finding: finding.New(u.tree.info, key), slot: slot}
	u.add(o, true)
	return o
}

// add takes a finding in; an active one gets the events of its slot.
func (u *unit) add(o *opened, active bool) {
	if u.open == nil {
		u.open, u.active = map[string]*opened{}, map[string]string{}
	}
	u.open[o.ID] = o
	if active {
		u.active[o.slot] = o.ID
	}
}

// put adds an event to a finding.
func (u *unit) put(o *opened, e *event) {
	o.changed = true
	if o.Count == 0 {
		o.first = string(e.ID[:])
	}
	shown := len(o.Events)
	o.Add(e.Match, &e.who)
	u.held += len(o.Events) - shown
	for _, f := range u.tree.shown {
		o.Append(f.name, f.get(e)...)
	}
	if u.tree.root != nil && o.Outcome != outcome(e) {
		o.Outcome = mixed
	}
}

// mixed is the outcome of a finding whose events have several.
const mixed = "mixed"

// at returns the finding that takes events of a time in a slot, nil for none.
func (u *unit) at(slot string, ns int64) *opened {
	if id, ok := u.active[slot]; ok {
		if o := u.open[id]; o != nil && ns <= o.until {
			return o
		}
	}
	return nil
}

// cut hands out all findings of a unit that is given up early, in order. The unit may
// be opened again in the same window, and then the rest has the ID that the whole
// finding would have had. So what is handed out now gets another one, from its first event.
func (u *unit) cut() []*finding.Finding {
	for _, o := range u.open {
		key := finding.Key{Rule: o.RuleID, Entity: seen.Pack([]string{o.ID, o.first}), Outcome: "cut", Window: o.First.UnixNano()}
		o.ID = key.ID()
	}
	return u.close(forever)
}

// close hands out the findings that end before a time, in order.
func (u *unit) close(before int64) []*finding.Finding {
	var out []*finding.Finding
	for id, o := range u.open {
		if o.until >= before {
			continue
		}
		delete(u.open, id)
		if u.active[o.slot] == id {
			delete(u.active, o.slot)
		}
		u.held -= len(o.Events)
		o.Describe(u.tree.info.Message)
		out = append(out, o.Finding)
	}
	slices.SortFunc(out, finding.Compare)
	return out
}

// prune drops groups that are as good as new at a time.
func (u *unit) prune(now int64) {
	for i, groups := range u.groups {
		n := u.tree.nodes[i]
		for key, g := range groups {
			u.evict(n, g, now)
			if len(g.items) == 0 && (!g.raised || g.over(n, now)) {
				delete(groups, key)
			}
		}
	}
}

// over reports whether a raised window has ended at a time.
func (g *group) over(n *node, now int64) bool {
	if n.Type == Absent {
		return now-g.until > int64(n.Timespan)
	}
	return now > g.until
}

// evict drops what lies too far behind a time.
func (u *unit) evict(n *node, g *group, now int64) {
	if k := g.older(now - int64(n.Timespan)); k > 0 {
		u.forget(n, g, k)
	}
}

func (u *unit) forget(n *node, g *group, k int) {
	for _, it := range g.items[:k] {
		u.held -= len(it.events)
	}
	g.drop(n, k)
}

// display writes a tuple for people.
func display(key string) string { return join(seen.Unpack(key)) }

// join writes values as one text, so that different tuples differ: callers choose the
// values, and must not end up in the finding of another entity.
func join(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = v; v == "" || strings.ContainsAny(v, `,"`) {
			out[i] = strconv.Quote(v)
		}
	}
	return strings.Join(out, ", ")
}

// fieldName names what a node counts or compares.
func fieldName(n *node) string { return strings.Join(n.Fields, ", ") }
