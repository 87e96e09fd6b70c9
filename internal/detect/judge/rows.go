package judge

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/match"
)

// UnitRow is the state of a unit at the horizon, as a database keeps it.
type UnitRow struct {
	Unit []byte // names it: different units differ
	Body []byte // nil = delete the row
}

// ErrForeign says that a row belongs to a rule that is gone or has changed. It can be
// deleted.
var ErrForeign = errors.New("the state is that of another rule")

// Rows name rules by their IDs and fields by their names, so that they can be restored
// where the same rules lie at other positions.
type savedUnit struct {
	Print  string         `json:"print"`
	Folded bool           `json:"folded"`
	Last   mark           `json:"last"`
	Came   int64          `json:"came"`
	Expire int64          `json:"expire"`
	Open   []savedFinding `json:"open,omitempty"`
	Groups [][]savedGroup `json:"groups,omitempty"` // by node
	Events []savedEvent   `json:"events,omitempty"`
	names
}

// names say what the numbers in encoded matches stand for.
type names struct {
	Rules  []string `json:"rules,omitempty"`
	Fields []string `json:"fields,omitempty"`
}

type savedFinding struct {
	Finding *finding.Finding `json:"finding"`
	Slot    []byte           `json:"slot,omitempty"`
	First   []byte           `json:"first,omitempty"`
	Until   int64            `json:"until"`
	Active  bool             `json:"active,omitempty"`
}

type savedGroup struct {
	Key    []byte      `json:"key"` // of its values
	Raised bool        `json:"raised,omitempty"`
	Until  int64       `json:"until,omitempty"`
	Items  []savedItem `json:"items,omitempty"`
}

type savedItem struct {
	Time   int64     `json:"time"`
	Refs   []int32   `json:"refs"`
	N      int       `json:"n"`
	Tuples [][]byte  `json:"tuples,omitempty"`
	Nums   []float64 `json:"nums,omitempty"`
	Events []int     `json:"events"` // positions in savedUnit.Events
}

type savedEvent struct {
	Match []byte      `json:"match"` // see match.Append, with positions in names
	Who   finding.Who `json:"who"`
}

// name returns the name of a life.
func (r *Replayer) name(l *life) []byte {
	return []byte(seen.Pack([]string{r.trees[l.tree].info.ID, l.key, string(binary.AppendUvarint(nil, uint64(l.era)))}))
}

// RuleOf returns the ID of the rule that a row belongs to, by the name of its unit; "" =
// the name is damaged.
func RuleOf(unit []byte) string {
	if parts := seen.Unpack(string(unit)); len(parts) == 3 {
		return parts[0]
	}
	return ""
}

// lifeOf returns the life with a name. It begins if it is not there.
func (r *Replayer) lifeOf(name []byte) (*life, error) {
	parts := seen.Unpack(string(name))
	if len(parts) != 3 {
		return nil, fmt.Errorf("damaged name of a unit: %q", name)
	}
	era, n := binary.Uvarint([]byte(parts[2]))
	if n <= 0 || era > maxEras {
		return nil, fmt.Errorf("damaged name of a unit: %q", name)
	}
	at, ok := r.ids[parts[0]]
	if !ok {
		return nil, ErrForeign
	}
	p := place{at, parts[1]}
	if t := r.trees[at]; t.root == nil && (len(p.key) < 8 || len(seen.Unpack(p.key[8:])) != 2) {
		return nil, ErrForeign
	}
	for _, l := range r.lives[p] {
		if l.era == int(era) {
			return l, nil
		}
	}
	return r.begin(p, int(era)), nil
}

func (r *Replayer) print(l *life) string {
	if pos := r.trees[l.tree].pos; int(pos) < len(r.o.Prints) {
		return r.o.Prints[pos]
	}
	return ""
}

// rows tells what has to be written.
func (r *Replayer) rows(d *Delta) {
	for _, l := range r.stale {
		l.stale = false
		row := UnitRow{Unit: r.name(l)}
		if !l.gone {
			row.Body = r.encode(l)
		}
		d.Units = append(d.Units, row)
	}
	r.stale = r.stale[:0]
	d.Waiting = r.waitingRows()
}

// Rows returns all that is to be stored, for a Replayer of other rules to restore.
func (r *Replayer) Rows() (units []UnitRow, waiting []WaitingRow) {
	for _, ls := range r.lives {
		for _, l := range ls {
			if l.folded || len(l.base.open) > 0 {
				units = append(units, UnitRow{r.name(l), r.encode(l)})
			}
		}
	}
	return units, r.allWaiting()
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and finite numbers
	}
	return data
}

// append encodes a match with positions in n, of its rules only those that are used.
func (n *names) append(dst []byte, r *Replayer, m *match.Match, used func(rule int32) bool) []byte {
	position := func(list *[]string, name string) int32 {
		i := slices.Index(*list, name)
		if i < 0 {
			i = len(*list)
			*list = append(*list, name)
		}
		return int32(i)
	}
	c := *m
	c.Rules, c.Values = nil, nil
	for _, at := range m.Rules {
		if used(at) {
			c.Rules = append(c.Rules, position(&n.Rules, r.o.Rules[at].Info.ID))
		}
	}
	for _, v := range m.Values {
		c.Values = append(c.Values, match.Value{Field: position(&n.Fields, r.o.Wanted[v.Field]), Texts: v.Texts})
	}
	return c.Append(dst)
}

// read decodes a match that append encoded.
func (n *names) read(r *Replayer, data []byte) (*match.Match, error) {
	m := &match.Match{}
	if err := m.Decode(data); err != nil {
		return nil, err
	}
	rules, values := m.Rules[:0], m.Values[:0]
	for _, at := range m.Rules {
		if int(at) >= len(n.Rules) {
			return nil, match.ErrEncoding
		}
		if pos, ok := r.positions[n.Rules[at]]; ok {
			rules = append(rules, pos)
		}
	}
	for _, v := range m.Values {
		if int(v.Field) >= len(n.Fields) {
			return nil, match.ErrEncoding
		}
		if pos := slices.Index(r.o.Wanted, n.Fields[v.Field]); pos >= 0 {
			values = append(values, match.Value{Field: int32(pos), Texts: v.Texts})
		}
	}
	slices.Sort(rules)
	slices.SortFunc(values, func(a, b match.Value) int { return cmp.Compare(a.Field, b.Field) })
	m.Rules, m.Values = rules, values
	return m, nil
}

// uses reports whether a tree asks for the events of a rule.
func (t *tree) uses(at int32) bool {
	return at == t.pos || slices.ContainsFunc(t.nodes, func(n *node) bool { return slices.Contains(n.Rules, at) })
}

// encode writes the base of a life.
func (r *Replayer) encode(l *life) []byte {
	u := l.base
	s := savedUnit{Print: r.print(l), Folded: l.folded, Last: l.last, Came: l.arrived, Expire: u.expire}
	for id, o := range u.open {
		s.Open = append(s.Open, savedFinding{o.Finding, []byte(o.slot), []byte(o.first), o.until, u.active[o.slot] == id})
	}
	at := map[*event]int{}
	for _, groups := range u.groups {
		var list []savedGroup
		for key, g := range groups {
			x := savedGroup{Key: []byte(key), Raised: g.raised, Until: g.until}
			for _, it := range g.items {
				y := savedItem{Time: it.time, Refs: it.refs, N: it.n, Nums: it.nums}
				for _, t := range it.tuples {
					y.Tuples = append(y.Tuples, []byte(t))
				}
				for _, e := range it.events {
					i, ok := at[e]
					if !ok {
						i = len(s.Events)
						at[e] = i
						s.Events = append(s.Events, savedEvent{s.names.append(nil, r, e.Match, u.tree.uses), e.who})
					}
					y.Events = append(y.Events, i)
				}
				x.Items = append(x.Items, y)
			}
			list = append(list, x)
		}
		s.Groups = append(s.Groups, list)
	}
	return marshal(&s)
}

// Restore takes a row of a unit. The Replayer is fresh. The error is ErrForeign or says
// what is damaged.
func (r *Replayer) Restore(row *UnitRow) error {
	var s savedUnit
	if err := json.Unmarshal(row.Body, &s); err != nil {
		return fmt.Errorf("damaged state of a unit: %w", err)
	}
	l, err := r.lifeOf(row.Unit)
	if err != nil {
		return err
	}
	if s.Print != r.print(l) {
		r.discard(l)
		return ErrForeign
	}
	if err := r.restore(l, &s); err != nil {
		r.discard(l)
		return fmt.Errorf("damaged state of a unit: %w", err)
	}
	r.weigh(l)
	return nil
}

// discard undoes begin.
func (r *Replayer) discard(l *life) {
	r.lives[l.place] = slices.DeleteFunc(r.lives[l.place], func(x *life) bool { return x == l })
	if len(r.lives[l.place]) == 0 {
		delete(r.lives, l.place)
	}
}

func (r *Replayer) restore(l *life, s *savedUnit) error {
	u := l.base
	l.folded, l.last, l.arrived, u.expire = s.Folded, s.Last, s.Came, s.Expire
	var events []*event
	for i := range s.Events {
		m, err := s.names.read(r, s.Events[i].Match)
		if err != nil {
			return err
		}
		events = append(events, &event{m, s.Events[i].Who})
	}
	if len(s.Groups) != len(u.groups) {
		return ErrForeign
	}
	for i, list := range s.Groups {
		n := u.tree.nodes[i]
		for _, x := range list {
			g := &group{values: seen.Unpack(string(x.Key)), raised: x.Raised, until: x.Until}
			for _, y := range x.Items {
				it := &item{time: y.Time, refs: y.Refs, n: y.N, nums: y.Nums}
				for _, ref := range y.Refs {
					if ref < 0 || int(ref) >= len(n.refs) {
						return ErrForeign
					}
				}
				for _, t := range y.Tuples {
					it.tuples = append(it.tuples, string(t))
				}
				for _, at := range y.Events {
					if at < 0 || at >= len(events) {
						return match.ErrEncoding
					}
					it.events = append(it.events, events[at])
				}
				u.held += len(it.events)
				g.add(n, it)
			}
			u.groups[i][string(x.Key)] = g
		}
	}
	for _, f := range s.Open {
		if f.Finding == nil {
			return match.ErrEncoding
		}
		o := &opened{Finding: f.Finding, slot: string(f.Slot), first: string(f.First), until: f.Until}
		u.add(o, f.Active)
		u.held += len(o.Events)
	}
	return nil
}
