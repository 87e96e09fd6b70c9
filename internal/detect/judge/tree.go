package judge

import (
	"cmp"
	"fmt"
	"slices"

	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/rule"
)

// tree is a rule that raises findings, with all the rules that it refers to. Its
// state is cut into units that do not influence each other.
type tree struct {
	info   *rule.Info
	pos    int32
	entity []field // nil = the actor, or the group of a correlation
	shown  []shownField
	root   *node // nil for an event rule
	nodes  []*node

	// whole is set where the group of the root does not follow from each event. Then
	// all groups make one unit.
	whole bool
}

type shownField struct {
	name string
	get  field
}

// node is a correlation in a tree. A correlation that is referred to twice is two
// nodes.
type node struct {
	*Correlation
	info *rule.Info
	at   int // in tree.nodes
	refs []ref
	name string // under which first_seen remembers
	key  []int  // where the values of the root's group are in GroupBy; for trees that are not whole
}

// ref is a rule that a node refers to.
type ref struct {
	rule   int32
	child  *node    // nil for an event rule
	group  []source // of node.GroupBy
	fields []source // of node.Fields
}

// source is where a value comes from: a field of the event, or the group of the
// referred correlation.
type source struct {
	get  field
	from int // in the child's GroupBy, -1 = the event
}

// maxNodes bounds a tree of correlations that refer to each other again and again.
const maxNodes = 1000

// compile makes the tree of a rule.
func compile(o *Options, pos int32) (*tree, error) {
	r := &o.Rules[pos]
	t := &tree{info: r.Info, pos: pos}
	for _, name := range r.Info.Entity {
		f, err := fieldOf(o.Wanted, name)
		if err != nil {
			return nil, err
		}
		t.entity = append(t.entity, f)
	}
	for _, name := range r.Info.Fields {
		if f, err := fieldOf(o.Wanted, name); err == nil { // others are in the event itself
			t.shown = append(t.shown, shownField{name, f})
		}
	}
	if r.Correlation == nil {
		return t, nil
	}
	var err error
	if t.root, err = t.node(o, pos, r.Info.ID, nil); err != nil {
		return nil, err
	}
	_, ok := t.root.leaves()
	if t.whole = !ok; ok {
		for i := range t.root.GroupBy {
			t.root.key = append(t.root.key, i)
		}
		t.root.keys()
	}
	return t, nil
}

// keys sets key of the nodes below.
func (n *node) keys() {
	for i := range n.refs {
		r := &n.refs[i]
		if r.child == nil {
			continue
		}
		for _, at := range n.key {
			r.child.key = append(r.child.key, r.group[at].from)
		}
		r.child.keys()
	}
}

// concerns reports whether a group lies in a unit. An event with several values for a
// field may belong to groups of several units.
func (n *node) concerns(u *unit, values []string) bool {
	if u.tree.whole {
		return true
	}
	root := make([]string, len(n.key))
	for i, at := range n.key {
		root[i] = values[at]
	}
	return seen.Pack(root) == u.key
}

func (t *tree) node(o *Options, pos int32, name string, above []int32) (*node, error) {
	if slices.Contains(above, pos) {
		return nil, fmt.Errorf("correlations refer to each other in a circle at %q", o.Rules[pos].Info.Title)
	}
	if len(t.nodes) == maxNodes {
		return nil, fmt.Errorf("the correlation refers to more than %d correlations", maxNodes)
	}
	c := o.Rules[pos].Correlation
	n := &node{Correlation: c, info: o.Rules[pos].Info, at: len(t.nodes), name: name}
	t.nodes = append(t.nodes, n)
	if err := c.check(len(o.Rules)); err != nil {
		return nil, err
	}
	for i, to := range c.Rules {
		r := ref{rule: to}
		if o.Rules[to].Correlation != nil {
			var err error
			if r.child, err = t.node(o, to, name+"/"+o.Rules[to].Info.ID, append(above, pos)); err != nil {
				return nil, err
			}
		}
		for _, list := range []struct {
			names []string
			to    *[]source
		}{{c.GroupBy, &r.group}, {c.Fields, &r.fields}} {
			for _, name := range list.names {
				if c.Field != nil {
					name = cmp.Or(c.Field(name, i), name)
				}
				s := source{from: -1}
				if r.child != nil {
					s.from = slices.Index(r.child.GroupBy, name)
				}
				if s.from < 0 {
					var err error
					if s.get, err = fieldOf(o.Wanted, name); err != nil {
						return nil, err
					}
				}
				*list.to = append(*list.to, s)
			}
		}
		n.refs = append(n.refs, r)
	}
	return n, nil
}

// check refuses what cannot be computed.
func (c *Correlation) check(rules int) error {
	least, fields, timespan, holds := 1, true, true, true
	switch c.Type {
	case EventCount:
		fields = false
	case ValueCount, ValueSum, ValueAvg, ValueMedian, ValuePercentile:
	case Temporal, TemporalOrdered:
		fields, holds = false, false
	case FirstSeen:
		timespan, holds = false, false
	case Absent:
		least, fields, holds = 2, false, false
	default:
		return fmt.Errorf("there is no correlation of type %q", c.Type)
	}
	switch {
	case len(c.Rules) < least:
		return fmt.Errorf("a correlation of type %s needs at least %d rules", c.Type, least)
	case fields && len(c.Fields) == 0:
		return fmt.Errorf("a correlation of type %s needs a field", c.Type)
	case timespan && c.Timespan <= 0:
		return fmt.Errorf("a correlation of type %s needs a timespan", c.Type)
	case holds && c.Holds == nil:
		return fmt.Errorf("a correlation of type %s needs a condition", c.Type)
	case c.Expr != nil && c.Type != Temporal && c.Type != TemporalOrdered:
		return fmt.Errorf("a correlation of type %s has no boolean condition", c.Type)
	}
	for _, to := range c.Rules {
		if to < 0 || int(to) >= rules {
			return fmt.Errorf("the correlation refers to rule %d of %d", to, rules)
		}
	}
	return nil
}

// leaf is an event rule under a node, and what makes the node's group of its events.
type leaf struct {
	rule int32
	key  []field
}

// leaves returns the event rules under a node, false if the group does not follow
// from each event: a correlation that it refers to is grouped by other fields.
func (n *node) leaves() ([]leaf, bool) {
	var out []leaf
	ok := true
	for i := range n.refs {
		r := &n.refs[i]
		if r.child == nil {
			l := leaf{rule: r.rule}
			for _, s := range r.group {
				l.key = append(l.key, s.get)
			}
			out = append(out, l)
			continue
		}
		below, fine := r.child.leaves()
		ok = ok && fine
		for _, b := range below {
			l := leaf{rule: b.rule}
			for _, s := range r.group {
				if s.from < 0 || !fine {
					ok = false
					break
				}
				l.key = append(l.key, b.key[s.from])
			}
			out = append(out, l)
		}
	}
	return out, ok
}

// outcome returns the outcome of an event, as findings have it.
func outcome(e *event) string { return cmp.Or(e.Event.Outcome, "success") }
