package incident

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// maxBytes bounds what a summary or a trace remembers. What is beyond it is counted.
const maxBytes = 384 << 20

// identitySize is about what an identity takes beside its name and values.
const identitySize = 1100

// Identity is what is known about one caller.
type Identity struct {
	Name, Type            string
	First, Last           time.Time
	Calls, Denied, Errors int64
	Regions, Addresses    Counts
	Agents                Counts // tool and version, with a space between
	Keys, Services        Counts // Keys are long-lived ones only
	Favoured              Counts // calls that attackers favour
}

func (d *Identity) counts() [6]*Counts {
	return [...]*Counts{&d.Regions, &d.Addresses, &d.Agents, &d.Keys, &d.Services, &d.Favoured}
}

func (d *Identity) cost() int { return identitySize + 2*len(d.Name) + len(d.Type) }

// Score says how much an identity deserves a look: the weight of the favoured
// calls, each name once, and refusals.
func (d *Identity) Score() int64 {
	var n int64
	for _, v := range d.Favoured.list {
		n += int64(favoured[baseName(v.Value)].weight)
	}
	if d.Denied > 0 {
		n += 2 + min(d.Denied, 20)/2
	}
	if d.Type == "Root" {
		n += 10
	}
	if d.Type == "AWSService" {
		n /= 4 // services do such things for others
	}
	return n
}

// Summary collects identities. Each worker of a search has one of its own; they are
// merged. The order of the events does not matter as long as there is room.
type Summary struct {
	by       map[string]*Identity
	room     *room
	row      summaryRow
	Events   int64
	Overflow Overflow
}

// Overflow is what identities beyond the bound did, which are not told apart.
type Overflow struct {
	Events, Denied int64
	Favoured       Counts
}

// NewSummary returns an empty Summary.
func NewSummary() *Summary {
	return &Summary{by: map[string]*Identity{}, room: newRoom(maxBytes)}
}

// Gather returns reducers of a SummarySearch that add its events to s.
func (s *Summary) Gather() (exec.Reducer, error) {
	return &part{whole: s, Summary: Summary{by: map[string]*Identity{}, room: s.room}}, nil
}

// part is the summary of one worker.
type part struct {
	Summary
	whole *Summary
	some  bool
}

func (p *part) Add(_ context.Context, b *vector.Batch) error {
	p.some = p.some || b.Len > 0
	p.Summary.Add(b)
	return nil
}

func (p *part) Merge(_ context.Context, other exec.Reducer) error {
	o := other.(*part)
	p.some = p.some || o.some
	p.Summary.merge(&o.Summary)
	return nil
}

// Results adds the events to the whole summary. A row says that there were some.
func (p *part) Results(context.Context) (exec.Operator, error) {
	p.whole.merge(&p.Summary)
	if !p.some {
		return exec.Rows(), nil
	}
	return exec.Rows(&vector.Batch{Len: 1}), nil
}

func (p *part) Close() {}

// Add takes the rows of a SummarySearch.
func (s *Summary) Add(b *vector.Batch) {
	r := &s.row
	r.use(b)
	for r.i = range b.Len {
		name := r.get(fieldName)
		if name == "" {
			continue
		}
		s.Events++
		id := short(r.identity())
		d := s.by[id]
		if d == nil {
			d = &Identity{Name: id, Type: r.get(fieldType)}
			if !s.room.take(d.cost()) {
				s.Overflow.add(r, name)
				continue
			}
			d.Name, d.Type = strings.Clone(id), strings.Clone(d.Type)
			for _, c := range d.counts() {
				c.room = s.room
			}
			s.by[d.Name] = d
		}
		s.count(d, name)
	}
}

func (o *Overflow) add(r *summaryRow, name string) {
	o.Events++
	if r.get(fieldOutcome) == event.Denied {
		o.Denied++
	}
	if Why(name) != "" {
		o.Favoured.add(name)
	}
}

// count adds the event at the row to its identity.
func (s *Summary) count(d *Identity, name string) {
	r := &s.row
	at := r.time()
	if d.Calls == 0 {
		d.First = at
	}
	d.span(at, at, r.get(fieldType))
	d.Calls++
	switch r.get(fieldOutcome) {
	case event.Denied:
		d.Denied++
	case event.Failed:
		d.Errors++
	}
	d.Regions.add(r.get(fieldRegion))
	d.Addresses.add(r.get(fieldAddress))
	tool := r.get(fieldTool)
	if version := r.get(fieldVersion); version != "" {
		tool += " " + version
	}
	d.Agents.add(tool)
	if key := r.get(fieldKey); strings.HasPrefix(key, "AKIA") {
		d.Keys.add(key)
	}
	d.Services.add(strings.TrimSuffix(r.get(fieldSource), ".amazonaws.com"))
	if Why(name) != "" {
		d.Favoured.add(name)
	}
}

// span widens the time of an identity. Its type is that of the first event.
func (d *Identity) span(first, last time.Time, kind string) {
	if first.Before(d.First) || first.Equal(d.First) && kind < d.Type {
		d.First = first
		if kind != d.Type {
			d.Type = strings.Clone(kind)
		}
	}
	if last.After(d.Last) {
		d.Last = last
	}
}

// merge moves the identities of another summary of the same room here.
func (s *Summary) merge(o *Summary) {
	s.Events += o.Events
	s.Overflow.Events, s.Overflow.Denied = s.Overflow.Events+o.Overflow.Events, s.Overflow.Denied+o.Overflow.Denied
	s.Overflow.Favoured.merge(&o.Overflow.Favoured)
	if len(s.by) == 0 {
		s.by, o.by = o.by, nil
		return
	}
	for name, from := range o.by {
		delete(o.by, name)
		d := s.by[name]
		if d == nil {
			s.by[name] = from
			continue
		}
		s.room.free(from.cost())
		d.span(from.First, from.Last, from.Type)
		d.Calls, d.Denied, d.Errors = d.Calls+from.Calls, d.Denied+from.Denied, d.Errors+from.Errors
		ours := d.counts()
		for i, c := range from.counts() {
			ours[i].merge(c)
		}
	}
}

// Identities returns the identities, those that deserve a look first.
func (s *Summary) Identities() []*Identity {
	list := make([]*Identity, 0, len(s.by))
	scores := make(map[*Identity]int64, len(s.by))
	for _, d := range s.by {
		list = append(list, d)
		scores[d] = d.Score()
	}
	slices.SortFunc(list, func(a, b *Identity) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(b.Denied, a.Denied), cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Name, b.Name))
	})
	return list
}

// Place names the country and network of an address, "" = unknown.
func Place(geo *enrich.Geo, address string) string {
	if geo == nil {
		return ""
	}
	loc, ok := geo.Lookup(address)
	if !ok {
		return ""
	}
	place := loc.CountryCode
	if loc.ASN != "" {
		place += " AS" + loc.ASN + " " + loc.Org
	}
	return strings.TrimSpace(place)
}
