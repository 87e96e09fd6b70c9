package tune

import (
	"net/netip"
	"slices"
	"strings"
)

// class says how much a field can be trusted.
type class int

const (
	// identity: AWS sets it, and only one caller has it.
	identity class = iota
	// place: AWS sets it, and callers from elsewhere cannot have it.
	place
	// broad: AWS sets it, but many callers share it.
	broad
	// free: the caller writes what he likes.
	free
)

// named are the fields beside requestParameters that a filter may use, with the
// preferred first.
var named = []struct {
	name  string
	class class
}{
	{"userIdentity.sessionContext.sessionIssuer.arn", identity},
	{"userIdentity.arn", identity},
	{"userIdentity.onBehalfOf.userId", identity},
	{"vpcEndpointId", place},
	{"sourceIPAddress", place},
	{"userIdentity.principalId", identity},
	{"userIdentity.invokedBy", broad},
	{"userIdentity.accountId", broad},
	{"recipientAccountId", broad},
	{"userIdentity.type", broad},
	{"eventSource", broad},
	{"eventName", broad},
	{"awsRegion", broad},
	{"errorCode", broad},
	{"userIdentity.sessionContext.sourceIdentity", free},
	{"userAgent", free},
}

// rank returns the class of a field and its place in the order of preference.
func rank(field string) (class, int) {
	for i, f := range named {
		if f.name == field {
			return f.class, i
		}
	}
	return free, len(named)
}

// atom is a test of one field: it has one of the values.
type atom struct {
	field  string
	op     string // Sigma's modifier: "", startswith or cidr
	values []string
	class  class
	rank   int
	holds  func(value string) bool
}

// Bounds of atoms.
const (
	maxValues = 10 // of an atom
	maxAtoms  = 40
	minPrefix = 3 // bytes that a prefix has beyond what is fixed
)

func newAtom(field, op string, values []string) atom {
	a := atom{field: field, op: op, values: values}
	a.class, a.rank = rank(field)
	if field == "sourceIPAddress" && op == "" && slices.ContainsFunc(values, func(v string) bool { _, err := netip.ParseAddr(v); return err != nil }) {
		a.class = broad // the name of a service
	}
	lower := make([]string, len(values))
	var nets []netip.Prefix
	for i, v := range values {
		lower[i] = strings.ToLower(v) // Sigma compares so
		if op == "cidr" {
			nets = append(nets, netip.MustParsePrefix(v))
		}
	}
	switch op {
	case "startswith":
		a.holds = func(v string) bool {
			v = strings.ToLower(v)
			return slices.ContainsFunc(lower, func(p string) bool { return strings.HasPrefix(v, p) })
		}
	case "cidr":
		a.holds = func(v string) bool {
			ip, err := netip.ParseAddr(v)
			return err == nil && slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) })
		}
	default:
		a.holds = func(v string) bool { return slices.Contains(lower, strings.ToLower(v)) }
	}
	return a
}

// atoms returns the tests that all of some events pass.
func (e *evidence) atoms(events []*event) (list []atom) {
	var fields []string
	for _, n := range events[0].values {
		if f := e.pairs[n].field; !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b string) int {
		_, x := rank(a)
		_, y := rank(b)
		if x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	for _, f := range fields {
		if len(list) >= maxAtoms {
			break
		}
		values, ok := e.distinct(events, f)
		if !ok {
			continue
		}
		if len(values) <= maxValues && telling(f, values, len(events)) {
			list = append(list, newAtom(f, "", values))
		}
		list = append(list, wider(f, values)...)
	}
	return list
}

// mostOnce is how many values of an identity or place a test lists that occur in one event each.
const mostOnce = 5

// telling reports whether values of a field say something about the next false finding,
// too, and do not just enumerate the events: names of sessions, tokens of requests.
func telling(field string, values []string, events int) bool {
	if len(values) == 1 || 2*len(values) <= events {
		return true
	}
	session := strings.Contains(values[0], ":assumed-role/") || field == "userIdentity.principalId" && strings.Contains(values[0], ":")
	class, _ := rank(field)
	return class <= place && len(values) <= mostOnce && !session
}

// mostDistinct bounds the values from which a wider test is made.
const mostDistinct = 1000

// distinct returns the values of a field, sorted. ok is false if an event has none, or
// there are too many.
func (e *evidence) distinct(events []*event, field string) (all []string, ok bool) {
	seen := map[string]bool{}
	for _, ev := range events {
		values := e.of(ev, field)
		if len(values) == 0 {
			return nil, false
		}
		for _, v := range values {
			if !seen[v] {
				seen[v] = true
				all = append(all, v)
			}
		}
		if len(all) > mostDistinct {
			return nil, false
		}
	}
	slices.Sort(all)
	return all, true
}

// wider returns tests that say what several values of a field have in common.
func wider(field string, values []string) []atom {
	switch {
	case field == "sourceIPAddress":
		if nets := networks(values); nets != nil && len(values) > 1 {
			return []atom{newAtom(field, "cidr", nets)}
		}
	case field == "userIdentity.arn":
		if p := sessionPrefixes(values); p != nil {
			return []atom{newAtom(field, "startswith", p)}
		}
	case field == "userAgent":
		if p := tools(values); p != nil {
			return []atom{newAtom(field, "startswith", p)}
		}
	case strings.HasPrefix(field, "requestParameters.") && len(values) > 1:
		if p := cut(common(values)); len(p) >= minPrefix {
			return []atom{newAtom(field, "startswith", []string{p})}
		}
	}
	return nil
}

// mostNetworks is how many networks, tools or roles a test lists.
const mostNetworks = 3

// networks returns the /24 and /64 networks of addresses, nil if a value is none or
// there are too many.
func networks(values []string) (list []string) {
	for _, v := range values {
		ip, err := netip.ParseAddr(v)
		if err != nil || ip.Zone() != "" {
			return nil
		}
		bits := 24
		if ip.Is6() {
			bits = 64
		}
		p, err := ip.Prefix(bits)
		if err != nil {
			return nil
		}
		if s := p.String(); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if len(list) > mostNetworks {
		return nil
	}
	return list
}

// sessionPrefixes returns, for the ARNs of sessions, the roles with what the names of
// their sessions have in common; nil if that is nothing.
func sessionPrefixes(values []string) (list []string) {
	byRole := map[string][]string{}
	var roles []string
	for _, v := range values {
		i := strings.LastIndexByte(v, '/')
		if i < 0 || !strings.Contains(v, ":assumed-role/") {
			return nil
		}
		role := v[:i+1]
		if byRole[role] == nil {
			roles = append(roles, role)
		}
		byRole[role] = append(byRole[role], v[i+1:])
	}
	if len(roles) > mostNetworks {
		return nil
	}
	for _, role := range roles {
		names := byRole[role]
		if len(names) < 2 {
			return nil // the exact name says more
		}
		p := cut(common(names))
		if len(p) < minPrefix {
			return nil
		}
		list = append(list, role+p)
	}
	return list
}

// tools returns the names of tools at the beginning of user agents, nil if they have none.
func tools(values []string) (list []string) {
	for _, v := range values {
		i := strings.IndexByte(v, '/')
		if i < minPrefix || strings.ContainsAny(v[:i], " (") {
			return nil
		}
		if p := v[:i+1]; !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if len(list) > mostNetworks {
		return nil
	}
	return list
}

// common returns the longest common prefix.
func common(values []string) string {
	p := values[0]
	for _, v := range values[1:] {
		n := 0
		for n < len(p) && n < len(v) && p[n] == v[n] {
			n++
		}
		p = p[:n]
	}
	return strings.ToValidUTF8(p, "")
}

// cut shortens a prefix to its last separator, so that it does not end in the middle of
// a word.
func cut(p string) string { return p[:strings.LastIndexAny(p, "/:-_.@")+1] }
