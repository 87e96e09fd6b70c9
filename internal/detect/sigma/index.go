package sigma

import (
	"slices"
	"strings"
)

// index finds the rules that an event may match, by its eventName or eventSource.
type index struct {
	names    map[string][]int // by folded eventName
	sources  map[string][]int // by folded eventSource
	prefixes map[string][]int // by the folded beginning of eventName
	lengths  []int            // of the prefixes
	fields   []fieldIndex     // by another field, which costs a walk through the record
	always   []int
}

// fieldIndex finds rules by the folded texts of a field.
type fieldIndex struct {
	id    int
	texts map[string][]int
}

func newIndex(rules []*Rule) index {
	x := index{names: map[string][]int{}, sources: map[string][]int{}, prefixes: map[string][]int{}}
	for i, r := range rules {
		n := need(r.cond, r.sels)
		if n == nil {
			x.always = append(x.always, i)
			continue
		}
		for _, k := range n.keys {
			switch k.of {
			case byName:
				x.names[k.text] = append(x.names[k.text], i)
			case bySource:
				x.sources[k.text] = append(x.sources[k.text], i)
			case byPrefix:
				if x.prefixes[k.text] == nil {
					x.length(len(k.text))
				}
				x.prefixes[k.text] = append(x.prefixes[k.text], i)
			case byField, byDetail:
				x.byField(k.field)[k.text] = append(x.byField(k.field)[k.text], i)
			}
		}
	}
	return x
}

func (x *index) byField(id int) map[string][]int {
	for i := range x.fields {
		if x.fields[i].id == id {
			return x.fields[i].texts
		}
	}
	x.fields = append(x.fields, fieldIndex{id, map[string][]int{}})
	return x.fields[len(x.fields)-1].texts
}

func (x *index) length(n int) {
	for _, have := range x.lengths {
		if have == n {
			return
		}
	}
	x.lengths = append(x.lengths, n)
}

// candidates calls try for each rule that may match, some of them twice. name and
// source are folded.
func (x *index) candidates(r *record, name, source string, try func(int)) {
	for _, i := range x.names[name] {
		try(i)
	}
	for _, i := range x.sources[source] {
		try(i)
	}
	for _, n := range x.lengths {
		if n <= len(name) {
			for _, i := range x.prefixes[name[:n]] {
				try(i)
			}
		}
	}
	for _, f := range x.fields {
		c := r.cell(f.id)
		for i := range c.values {
			for _, rule := range f.texts[c.values[i].lower(r)] {
				try(rule)
			}
		}
	}
	for _, i := range x.always {
		try(i)
	}
}

// keyKind is what a key of the index compares, the most selective first.
type keyKind uint8

const (
	byName keyKind = iota
	byPrefix
	bySource
	byField
	byDetail // a field of what the call was given or answered
)

type indexKey struct {
	of    keyKind
	text  string // folded
	field int    // of byField and byDetail
}

// needs are keys of which an event must have at least one. nil needs are none: any
// event may match. needs without keys match no event.
type needs struct{ keys []indexKey }

// maxKeys bounds the keys of a rule; rules with more are always tried.
const maxKeys = 5000

// worth orders needs: the fewer and the more selective keys, the less. To find a detail,
// every record is walked, so anything else is better.
func (n *needs) worth() int {
	w := len(n.keys)
	for _, k := range n.keys {
		if w += 1000 * int(k.of) * int(k.of); k.of == byDetail {
			w += 1_000_000
		}
	}
	return w
}

// better returns the one that fewer events fulfil.
func better(a, b *needs) *needs {
	if a == nil || b != nil && b.worth() < a.worth() {
		return b
	}
	return a
}

// either returns the needs of which one must be fulfilled.
func either(list []*needs) *needs {
	out := &needs{}
	for _, n := range list {
		if n == nil || len(out.keys)+len(n.keys) > maxKeys {
			return nil
		}
		out.keys = append(out.keys, n.keys...)
	}
	return out
}

// need returns what an event must have for a condition to hold.
func need(e expr, sels []*selection) *needs {
	switch e := e.(type) {
	case ref:
		return sels[e].need()
	case and:
		var best *needs
		for _, x := range e {
			best = better(best, need(x, sels))
		}
		return best
	case or:
		list := make([]*needs, len(e))
		for i, x := range e {
			list[i] = need(x, sels)
		}
		return either(list)
	case some:
		list := make([]*needs, len(e.of))
		for i, x := range e.of {
			list[i] = sels[x].need()
		}
		if !e.all {
			return either(list)
		}
		var best *needs
		for _, n := range list {
			best = better(best, n)
		}
		return best
	}
	return nil // not
}

func (s *selection) need() *needs {
	list := make([]*needs, len(s.any))
	for i, tests := range s.any {
		for _, t := range tests {
			list[i] = better(list[i], t.need())
		}
	}
	return either(list)
}

func (t *test) need() *needs {
	if len(t.texts) > maxKeys || t.negated || t.exists != nil || t.numbers != nil || t.block != nil || t.keyword || t.derived {
		return nil
	}
	out := &needs{}
	for text := range t.texts {
		out.keys = append(out.keys, t.indexKey(text))
	}
	for _, m := range t.vals {
		one := t.needOf(m)
		if one == nil && !t.all {
			return nil
		}
		if t.all && one != nil {
			return &needs{keys: one} // any value that must match will do
		}
		out.keys = append(out.keys, one...)
	}
	if t.all || len(out.keys) > maxKeys {
		return nil
	}
	return out
}

// needOf returns the keys of one matcher, nil if it has none.
func (t *test) needOf(m matcher) []indexKey {
	l, ok := m.(like)
	if !ok || len(l.p) == 0 || l.p[0].wild != 0 {
		return nil
	}
	text := l.p[0].lit
	if l.cased {
		text = fold(text)
	}
	switch {
	case len(l.p) == 1:
		return []indexKey{t.indexKey(text)}
	case t.field == eventName && len(text) <= 64:
		return []indexKey{{of: byPrefix, text: text}}
	}
	return nil
}

// indexKey returns the key of events whose field has a text.
func (t *test) indexKey(text string) indexKey {
	switch t.field {
	case eventName:
		return indexKey{of: byName, text: text}
	case eventSource:
		return indexKey{of: bySource, text: text}
	}
	of := byField
	if detail(t.field) {
		of = byDetail
	}
	return indexKey{of: of, text: text, field: t.id}
}

// detail reports whether a field belongs to what a call was given or answered.
func detail(field string) bool {
	return slices.ContainsFunc([]string{"requestParameters.", "responseElements.", "additionalEventData.", "serviceEventDetails."}, func(p string) bool { return strings.HasPrefix(field, p) })
}
