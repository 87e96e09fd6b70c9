package incident

import (
	"cmp"
	"time"
)

// Origin is who made a thing: a step of the way up from the start of a trace.
type Origin struct {
	Kind    string // key, session, arn or address, as of a Node
	Name    string
	Call    string // by which it made what comes before
	At      time.Time
	Address string // it called from
}

// maxOrigins bounds the way up, which in hostile records may be a circle.
const maxOrigins = 16

// Origins returns who made the start of the trace, who made them and so on, the nearest
// first. Of several that made the same, such as sessions of one name, the last counts.
// It may be called once all links are known.
func (t *Trace) Origins() (list []Origin) {
	kind, name := t.Root.Kind, t.Root.Name
	seen := map[string]bool{}
	for len(list) < maxOrigins && !seen[kind+" "+name] {
		seen[kind+" "+name] = true
		var found *link
		for i := range t.links {
			l := &t.links[i]
			made := l.arn != "" && l.arn == name
			for _, m := range l.made {
				made = made || m.kind == kind && m.name == name
			}
			if made && (found == nil || l.at.After(found.at)) {
				found = l
			}
		}
		if found == nil {
			return list
		}
		c := &found.caller
		o := Origin{Call: found.name, At: found.at, Address: c.address}
		switch {
		case c.arn != "":
			o.Kind, o.Name = "arn", c.arn
		case c.key != "":
			o.Kind, o.Name = "key", c.key
		default:
			o.Kind, o.Name = "address", c.address
		}
		list = append(list, o)
		// A key says more exactly than an ARN who that was.
		if kind, name = "key", c.key; !t.made(c.key) {
			kind, name = "arn", cmp.Or(c.arn, c.issuer)
		}
		if name == "" {
			return list
		}
	}
	return list
}

// made reports whether a link made a key.
func (t *Trace) made(key string) bool {
	if key == "" {
		return false
	}
	for i := range t.links {
		for _, m := range t.links[i].made {
			if m.kind == "key" && m.name == key {
				return true
			}
		}
	}
	return false
}

// Nodes returns how many things the trace has.
func (t *Trace) Nodes() int { return len(t.order) }
