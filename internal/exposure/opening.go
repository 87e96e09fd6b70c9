package exposure

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Reach says whether the internet gets to something.
type Reach string

// The answers.
const (
	Reachable Reach = "reachable" // nothing that is known blocks it
	Unknown   Reach = "unknown"   // the trail does not say enough
	Blocked   Reach = "blocked"
	WasOpen   Reach = "closed" // the opening is closed
)

// rank orders answers, the worst first.
func (r Reach) rank() int { return slices.Index([]Reach{Reachable, Unknown, Blocked, WasOpen}, r) }

// Kinds of openings.
const (
	OfGroup = "security group"
	OfACL   = "network ACL"
)

// MaxInstances is how many instances an opening lists. More are counted.
const MaxInstances = 1000

// Opening is a rule that lets in the whole internet.
type Opening struct {
	Kind      string     `json:"kind"`
	ID        string     `json:"id"` // of the group or ACL
	Name      string     `json:"name,omitempty"`
	Account   string     `json:"account"`
	Region    string     `json:"region"`
	VPC       string     `json:"vpc,omitempty"`
	Rule      string     `json:"rule"` // its ID or number, or else its traffic
	Traffic   Traffic    `json:"traffic"`
	Opened    *Change    `json:"opened"`
	Closed    *Change    `json:"closed,omitempty"`
	Reach     Reach      `json:"reach"`
	Why       string     `json:"why"`
	Instances []Instance `json:"instances"`
	More      int        `json:"more_instances,omitempty"`
}

// Instance is an instance behind an opening.
type Instance struct {
	ID      string `json:"id"`
	Type    string `json:"type,omitempty"`
	State   string `json:"state,omitempty"`          // running, stopped; "" = unknown
	Address string `json:"public_address,omitempty"` // "yes" = it has one that is not known
	Reach   Reach  `json:"reach"`
	Why     string `json:"why,omitempty"`
}

// Openings returns all openings: those that reach most and the ports that attackers look
// for come first.
func (m *Model) Openings() []Opening {
	x := m.index()
	var list []Opening
	for id, g := range m.groups {
		m.groupOpenings(id, g, func(o Opening) { list = append(list, x.judged(o)) })
	}
	for id, a := range m.acls {
		aclOpenings(id, a, func(o Opening) { list = append(list, x.judged(o)) })
	}
	slices.SortFunc(list, func(a, b Opening) int {
		return cmp.Or(a.Reach.rank()-b.Reach.rank(), a.Traffic.rank()-b.Traffic.rank(), b.Opened.Time.Compare(a.Opened.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Traffic.Source, b.Traffic.Source))
	})
	return list
}

// groupOpenings calls yield for each time that a group was open to the world.
func (m *Model) groupOpenings(id string, g *group, yield func(Opening)) {
	for rule, h := range g.Rules {
		spans(*h, (*Traffic).world, func(t *Traffic, opened, closed *Change) {
			if shut := g.Closed[t.String()]; shut != nil {
				for _, c := range *shut {
					if c.At.after(opened) {
						closed = sooner(closed, c.At)
						break
					}
				}
			}
			if g.Gone.after(opened) {
				closed = sooner(closed, g.Gone)
			}
			yield(Opening{Kind: OfGroup, ID: id, Name: g.Name, Account: g.Account, Region: g.Region, VPC: g.VPC, Rule: rule, Traffic: *t, Opened: opened, Closed: closed})
		})
	}
}

// aclOpenings calls yield for each time that an ACL let in the world.
func aclOpenings(id string, a *acl, yield func(Opening)) {
	for number, h := range a.Entries {
		spans(*h, func(e *entry) bool { return e.Allow && e.world() }, func(e *entry, opened, closed *Change) {
			if a.Gone.after(opened) {
				closed = sooner(closed, a.Gone)
			}
			yield(Opening{Kind: OfACL, ID: id, Account: a.Account, Region: a.Region, VPC: a.VPC, Rule: number, Traffic: e.Traffic, Opened: opened, Closed: closed})
		})
	}
}

// spans calls yield for each value of a history that is open, with what made it so and
// what ended it, nil = nothing yet. The same value again changes nothing.
func spans[T comparable](h history[T], open func(*T) bool, yield func(value *T, opened, closed *Change)) {
	same := func(a, b *T) bool { return a != nil && b != nil && *a == *b }
	for i, x := range h {
		if x.Value == nil || !open(x.Value) || i > 0 && same(h[i-1].Value, x.Value) {
			continue
		}
		var closed *Change
		for _, next := range h[i+1:] {
			if !same(next.Value, x.Value) {
				closed = next.At
				break
			}
		}
		yield(x.Value, x.At, closed)
	}
}

func sooner(a, b *Change) *Change {
	if a == nil || a.after(b) {
		return b
	}
	return a
}

// Merge returns openings without those that repeat others: of the same traffic into the
// same thing, while it was open already. The first one stays, until the last is closed.
func Merge(list []Opening) []Opening {
	type key struct {
		id      string
		traffic Traffic
	}
	of := map[key][]int{}
	for i := range list {
		k := key{list[i].ID, list[i].Traffic}
		of[k] = append(of[k], i)
	}
	repeats := make([]bool, len(list))
	merged := slices.Clone(list)
	for _, at := range of {
		slices.SortFunc(at, func(a, b int) int {
			return cmp.Or(list[a].Opened.Time.Compare(list[b].Opened.Time), cmp.Compare(list[a].Rule, list[b].Rule))
		})
		first := at[0]
		for _, i := range at[1:] {
			if c := merged[first].Closed; c != nil && !c.Time.After(list[i].Opened.Time) {
				first = i
				continue
			}
			repeats[i] = true
			if c := merged[first].Closed; c != nil && (list[i].Closed == nil || list[i].Closed.Time.After(c.Time)) {
				now := list[i]
				now.Opened, now.Rule = merged[first].Opened, merged[first].Rule
				merged[first] = now
			}
		}
	}
	out := merged[:0]
	for i := range merged {
		if !repeats[i] {
			out = append(out, merged[i])
		}
	}
	return out
}

// index is what belongs to what.
type index struct {
	*Model
	ofGroup  map[string][]string // instances
	ofSubnet map[string][]string // instances
	ofACL    map[string][]string // subnets
	holders  map[string]string   // elastic addresses of instances and interfaces
}

func (m *Model) index() *index {
	m.link()
	x := &index{Model: m, ofGroup: map[string][]string{}, ofSubnet: map[string][]string{}, ofACL: map[string][]string{}, holders: map[string]string{}}
	for _, a := range m.addresses {
		if h := a.Holder.Value; h != "" {
			x.holders[h] = cmp.Or(a.IP, asked)
		}
	}
	for id, i := range m.instances {
		if i.State.Value == terminated {
			continue
		}
		groups, _ := x.groupsOf(i)
		for _, g := range groups {
			x.ofGroup[g] = append(x.ofGroup[g], id)
		}
		for _, s := range x.subnetsOf(i) {
			x.ofSubnet[s] = append(x.ofSubnet[s], id)
		}
	}
	for id, s := range m.subnets {
		if s.ACL.known() {
			x.ofACL[s.ACL.Value] = append(x.ofACL[s.ACL.Value], id)
		}
	}
	return x
}

// groupsOf returns the groups of an instance.
func (m *Model) groupsOf(i *instance) (ids []string, known bool) {
	first := i.Groups
	for _, n := range i.nics {
		switch card := m.interfaces[n]; {
		case card.Primary || len(i.nics) == 1:
			if card.Groups.At.after(first.At) {
				first = card.Groups
			}
		default:
			ids = append(ids, card.Groups.Value...)
		}
	}
	ids = append(ids, first.Value...)
	slices.Sort(ids)
	return slices.Compact(ids), first.known()
}

func (m *Model) subnetsOf(i *instance) []string {
	var ids []string
	if i.Subnet.Value != "" {
		ids = append(ids, i.Subnet.Value)
	}
	for _, n := range i.nics {
		if s := m.interfaces[n].Subnet; s != "" {
			ids = append(ids, s)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// public returns an instance's public address; known is false if the trail does not tell
// whether it has one.
func (x *index) public(id string, i *instance) (ip string, known bool) {
	for _, holder := range append([]string{id}, i.nics...) {
		if ip := x.holders[holder]; ip != "" {
			return ip, true
		}
	}
	for _, n := range i.nics {
		if ip := x.interfaces[n].Public.Value; ip != "" {
			return ip, true
		}
	}
	if i.Public.known() {
		return i.Public.Value, true
	}
	if s := x.subnets[i.Subnet.Value]; s != nil && s.Public.known() {
		if s.Public.Value {
			return asked, true
		}
		return "", true
	}
	return "", false
}

// judged completes an opening with the instances behind it.
func (x *index) judged(o Opening) Opening {
	var ids []string
	if o.Kind == OfGroup {
		ids = x.ofGroup[o.ID]
	} else {
		for _, s := range x.ofACL[o.ID] {
			ids = append(ids, x.ofSubnet[s]...)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	counts := map[Reach]int{}
	o.Instances = []Instance{}
	for _, id := range ids {
		i := x.instances[id]
		in := Instance{ID: id, Type: i.Type, State: i.State.Value}
		in.Address, in.Reach, in.Why = x.reach(id, i, &o)
		counts[in.Reach]++
		if len(o.Instances) < MaxInstances {
			o.Instances = append(o.Instances, in)
		} else {
			o.More++
		}
	}
	slices.SortStableFunc(o.Instances, func(a, b Instance) int { return a.Reach.rank() - b.Reach.rank() })
	o.Reach, o.Why = x.verdict(&o, counts)
	return o
}

// verdict sums up the instances of an opening.
func (x *index) verdict(o *Opening, counts map[Reach]int) (Reach, string) {
	n := counts[Reachable] + counts[Unknown] + counts[Blocked]
	switch {
	case o.Closed != nil:
		return WasOpen, fmt.Sprintf("closed after %s by %s", o.Closed.Time.Sub(o.Opened.Time).Round(time.Second), cmp.Or(o.Closed.By, o.Closed.Event))
	case counts[Reachable] > 0:
		return Reachable, fmt.Sprintf("%d of %s reachable", counts[Reachable], plural(n, "instance"))
	case n == 0 && o.Kind == OfGroup:
		return Unknown, "no instance with this group is known" + x.horizon()
	case n == 0:
		return Unknown, "the trail does not say which subnets have this ACL"
	case counts[Unknown] > 0:
		return Unknown, o.Instances[0].Why
	}
	return Blocked, o.Instances[0].Why
}

// horizon says since when things are known.
func (m *Model) horizon() string {
	if m.Since.IsZero() {
		return ""
	}
	return "; those launched before " + m.Since.Format("2006-01-02 15:04") + " may have it"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// reach says whether an opening lets the internet reach an instance.
func (x *index) reach(id string, i *instance, o *Opening) (ip string, r Reach, why string) {
	ip, known := x.public(id, i)
	if i.State.Value == stopped {
		return ip, Blocked, "the instance is stopped"
	}
	if known && ip == "" && !o.Traffic.ipv6() {
		return ip, Blocked, "the instance has no public address"
	}
	var unsure string
	if o.Kind == OfGroup {
		r, why = x.throughACL(i, &o.Traffic)
	} else {
		r, why = x.throughGroups(i, &o.Traffic)
	}
	switch {
	case r == Blocked:
		return ip, r, why
	case r == Unknown:
		unsure = why
	case o.Traffic.ipv6():
		unsure = "whether the instance has an IPv6 address is unknown"
	case !known:
		unsure = "whether the instance has a public address is unknown"
	}
	if unsure != "" {
		return ip, Unknown, unsure
	}
	return ip, Reachable, why
}

// throughACL says whether the ACLs of an instance's subnets let traffic in.
func (x *index) throughACL(i *instance, t *Traffic) (Reach, string) {
	subnets := x.subnetsOf(i)
	if len(subnets) == 0 {
		return Unknown, "the instance's subnet is unknown"
	}
	for _, id := range subnets {
		s := x.subnets[id]
		if s == nil || !s.ACL.known() {
			return Unknown, "which network ACL subnet " + id + " has is unknown"
		}
		a := x.acls[s.ACL.Value]
		if a == nil {
			return Unknown, "what network ACL " + s.ACL.Value + " lets in is unknown"
		}
		if r, why := a.admits(s.ACL.Value, t); r != Reachable {
			return r, why
		}
	}
	return Reachable, ""
}

// admits says whether an ACL lets in traffic from the world.
func (a *acl) admits(id string, t *Traffic) (Reach, string) {
	some := ""
	for _, number := range slices.SortedFunc(maps.Keys(a.Entries), func(a, b string) int { return number(a) - number(b) }) {
		e := a.Entries[number].now()
		if e == nil || e.ipv6() != t.ipv6() || !e.meets(t) {
			continue
		}
		switch {
		case !e.world() && e.Allow:
			some = e.Source
		case !e.world():
		case e.Allow: // at least a part of it
			return Reachable, ""
		case e.covers(t):
			if some != "" {
				return Blocked, fmt.Sprintf("network ACL %s lets in %s only", id, some)
			}
			return Blocked, fmt.Sprintf("network ACL %s denies it (entry %s)", id, number)
		}
	}
	switch {
	case a.Created == nil && a.Whole == nil:
		return Unknown, "not all entries of network ACL " + id + " are known"
	case some != "":
		return Blocked, fmt.Sprintf("network ACL %s lets in %s only", id, some)
	}
	return Blocked, "network ACL " + id + " has no entry that lets it in"
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // it is one, see Model.number
	return n
}

// throughGroups says whether the groups of an instance let traffic in from the world.
func (x *index) throughGroups(i *instance, t *Traffic) (Reach, string) {
	ids, known := x.groupsOf(i)
	if !known {
		return Unknown, "the instance's security groups are unknown"
	}
	unsure := ""
	for _, id := range ids {
		g := x.groups[id]
		if g == nil || g.Created == nil && g.Whole == nil {
			unsure = id
		}
		if g == nil {
			continue
		}
		open := false
		x.groupOpenings(id, g, func(o Opening) {
			open = open || o.Closed == nil && o.Traffic.ipv6() == t.ipv6() && o.Traffic.meets(t)
		})
		if open {
			return Reachable, "security group " + id + " lets it in, too"
		}
	}
	if unsure != "" {
		return Unknown, "not all rules of security group " + unsure + " are known"
	}
	return Blocked, "no security group of the instance lets it in"
}

// sorted returns the keys of a map in their order.
func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
