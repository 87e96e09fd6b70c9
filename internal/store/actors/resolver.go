package actors

import (
	"strings"

	"bluetrail/internal/actor"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/vector"
)

// maxKnown bounds the callers that a resolver remembers.
const maxKnown = 4096

// resolver computes the fields, for one worker.
type resolver struct {
	trail  *identity.Trail
	class  func(name, kind string) string
	asked  [len(fields)]bool
	leaves []*vector.Column // of the batch, by identity.Leaves
	i      int              // the row
	facts  identity.Facts
	known  map[string]values
	key    []byte
}

func newResolver(trail *identity.Trail, asked [len(fields)]bool) *resolver {
	return &resolver{trail: trail, asked: asked, leaves: make([]*vector.Column, len(identity.Leaves)), known: map[string]values{}}
}

// add returns a batch with the fields. Events that are not CloudTrail's keep their own.
func (r *resolver) add(b *vector.Batch) *vector.Batch {
	for i, name := range identity.Leaves {
		r.leaves[i] = b.Col(name)
	}
	sourcetype := b.Col(event.Sourcetype)
	var own [len(fields)]*vector.Column
	var cells [len(fields)][]vector.Value
	for f, name := range fields {
		if r.asked[f] {
			own[f], cells[f] = b.Col(name), make([]vector.Value, b.Len)
		}
	}
	for r.i = range b.Len {
		var vals values
		trail := sourcetype != nil && sourcetype.At(r.i).Text() == event.CloudTrail
		if trail {
			identity.FromLeaves(r.leaf, &r.facts)
			vals = r.resolve(r.facts.Caller)
		}
		for f := range fields {
			switch {
			case !r.asked[f]:
			case trail:
				cells[f][r.i] = vals[f]
			case own[f] != nil:
				cells[f][r.i] = own[f].At(r.i)
			}
		}
	}
	var cols []*vector.Column
	for f, name := range fields {
		if r.asked[f] {
			cols = append(cols, vector.NewColumn(name, cells[f]))
		}
	}
	return b.With(cols...)
}

// leaf returns a leaf of the row; of a key that the record has twice the last, as
// identity.Read does.
func (r *resolver) leaf(i int) string {
	c := r.leaves[i]
	if c == nil {
		return ""
	}
	v := c.At(r.i)
	if n := v.Len(); n > 1 {
		return v.At(n - 1)
	}
	return v.Text()
}

// resolve returns the fields of a caller.
func (r *resolver) resolve(c identity.Caller) values {
	// What the result does not depend on does not make callers differ. Only who
	// has no temporary credentials has idle windows, of whole minutes.
	c.Agent = ""
	if c.Type != "AWSService" {
		c.Address = ""
	}
	if c.Time -= c.Time % 60e9; !r.asked[sessionField] || c.Temporary() {
		c.Time = 0
	}
	r.key, _ = c.AppendBinary(r.key[:0]) // never fails
	if vals, ok := r.known[string(r.key)]; ok {
		return vals
	}
	w := r.trail.Resolve(&c)
	texts := [len(fields)]string{w.Actor, w.Type, w.Session, w.String()}
	switch {
	case !r.asked[classField]:
	case c.InvokedBy == identity.MCPServer:
		texts[classField] = string(actor.Agent)
	default:
		texts[classField] = r.class(w.Actor, w.Type)
	}
	var vals values
	for f, text := range texts {
		if r.asked[f] && text != "" {
			vals[f] = vector.String(strings.Clone(text))
		}
	}
	if len(r.known) >= maxKnown {
		clear(r.known)
	}
	r.known[string(r.key)] = vals
	return vals
}
