package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/vector"
)

// Bounds on what a summary remembers. What is over them is counted.
const (
	maxIdentities = 100_000
	maxValues     = 64        // distinct values of one kind for one identity
	maxText       = 256       // bytes of one value
	maxBytes      = 256 << 20 // of all values of a summary or a trace
	valueCost     = 64        // bytes of a value beside its text, about
)

// Counts are the numbers of events by value. Above maxValues values, events of
// further ones are only counted.
type Counts struct {
	by   map[string]int64
	more int64
	left *int // bytes that may still be remembered, shared by several; nil = no bound
}

func (c *Counts) add(value string) {
	if value == "" {
		return
	}
	if len(value) > maxText {
		value = strings.ToValidUTF8(value[:maxText], "") + "…"
	}
	if n, ok := c.by[value]; ok {
		c.by[value] = n + 1
		return
	}
	cost := len(value) + valueCost
	if len(c.by) >= maxValues || c.left != nil && *c.left < cost {
		c.more++
		return
	}
	if c.left != nil {
		*c.left -= cost
	}
	if c.by == nil {
		c.by = map[string]int64{}
	}
	c.by[strings.Clone(value)] = 1
}

// Count is a value and its number of events.
type Count struct {
	Value string
	N     int64
}

// Top returns the values, most frequent first.
func (c *Counts) Top() []Count {
	list := make([]Count, 0, len(c.by))
	for v, n := range c.by {
		list = append(list, Count{v, n})
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Value, b.Value)) })
	return list
}

// More is the number of events whose values were not remembered.
func (c *Counts) More() int64 { return c.more }

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

// Score says how much an identity deserves a look: the weight of the favoured
// calls, each name once, and refusals.
func (d *Identity) Score() int64 {
	var n int64
	for name := range d.Favoured.by {
		n += int64(favoured[baseName(name)].weight)
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

// Summary collects identities. It belongs to one goroutine.
type Summary struct {
	by       map[string]*Identity
	Events   int64
	Overflow Overflow

	left int // bytes of values that may still be remembered
}

// Overflow is what identities beyond the bound did, which are not told apart.
type Overflow struct {
	Events, Denied int64
	Favoured       Counts
}

// Add takes the rows of a SummarySearch.
func (s *Summary) Add(b *vector.Batch) {
	r := rowsOf(b)
	for r.i = range b.Len {
		name := r.get("eventName")
		if name == "" {
			continue
		}
		s.Events++
		id := r.identity()
		if len(id) > maxText {
			id = strings.ToValidUTF8(id[:maxText], "") + "…"
		}
		d := s.by[id]
		if d == nil {
			if len(s.by) >= maxIdentities {
				s.Overflow.add(r, name)
				continue
			}
			if s.by == nil {
				s.by = map[string]*Identity{}
				s.left = maxBytes
			}
			id = strings.Clone(id)
			d = &Identity{Name: id, Type: strings.Clone(r.get("userIdentity.type"))}
			for _, c := range []*Counts{&d.Regions, &d.Addresses, &d.Agents, &d.Keys, &d.Services, &d.Favoured} {
				c.left = &s.left
			}
			s.by[id] = d
		}
		d.add(r, name)
	}
}

func (o *Overflow) add(r row, name string) {
	o.Events++
	if r.get("outcome") == event.Denied {
		o.Denied++
	}
	if Why(name) != "" {
		o.Favoured.add(name)
	}
}

func (d *Identity) add(r row, name string) {
	at := r.time()
	if d.Calls == 0 || at.Before(d.First) {
		d.First = at
	}
	if at.After(d.Last) {
		d.Last = at
	}
	d.Calls++
	switch r.get("outcome") {
	case event.Denied:
		d.Denied++
	case event.Failed:
		d.Errors++
	}
	d.Regions.add(r.get("awsRegion"))
	d.Addresses.add(r.get("sourceIPAddress"))
	tool := r.get("ua_tool")
	if version := r.get("ua_version"); version != "" {
		tool += " " + version
	}
	d.Agents.add(tool)
	if key := r.get("userIdentity.accessKeyId"); strings.HasPrefix(key, "AKIA") {
		d.Keys.add(key)
	}
	d.Services.add(strings.TrimSuffix(r.get("eventSource"), ".amazonaws.com"))
	if Why(name) != "" {
		d.Favoured.add(name)
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
