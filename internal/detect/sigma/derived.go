package sigma

import (
	"bytes"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/jsonscan"
)

// derivedPrefix marks fields of tests that are not in the record but follow from it, such
// as bluetrail.src_network_kind. It is our addition to Sigma; no member of a CloudTrail
// record begins with it.
const derivedPrefix = "bluetrail."

// derivedField returns the name of a derived field that a test names.
func derivedField(field string) (name string, ok bool) {
	return strings.CutPrefix(field, derivedPrefix)
}

// followsFromRecord reports whether a field can be computed from one record.
func followsFromRecord(name string) bool { return event.Addon(name) != nil && !event.Resolved(name) }

// wrongDerived says why tests cannot use a derived field, with what to do; "" if they can.
func wrongDerived(name string) (why, hint string) {
	switch {
	case followsFromRecord(name):
		return "", ""
	case event.Resolved(name):
		return derivedPrefix + name + " depends on other events than the one that a detection looks at",
			"use " + name + " in group-by, entity or the fields of a correlation"
	case event.IsDefault(name):
		return derivedPrefix + name + " is set when an event is stored; a detection sees only the record", ""
	case slices.Contains(knownFields, name) || slices.ContainsFunc(open, func(part string) bool { return name == part || strings.HasPrefix(name, part+".") }):
		return name + " is a field of the record, not a derived one", "write " + name
	}
	var names []string
	for _, f := range event.Fields() {
		if followsFromRecord(f.Name) {
			names = append(names, f.Name)
		}
	}
	why = "there is no derived field " + strings.TrimSpace(name)
	if near := diag.Nearest(name, names); near != "" {
		return why, "did you mean " + derivedPrefix + near + "?"
	}
	return why, "docs/fields.md lists them"
}

// deriver computes the derived fields that rules test, each when it is asked for. It
// belongs to a record, and reads that at most once.
type deriver struct {
	x      *event.Extractor
	row    *event.Row
	names  []string    // of the fields of x
	places map[int]int // of the derived fields among those of x, by number
	done   bool        // row has the leaves of the event under way
	lent   map[int]*lentField
}

// lentField is a derived field all of whose leaves a Lender has, so that the record need
// not be read for it.
type lentField struct {
	x      *event.Extractor // of this field alone
	row    *event.Row
	leaves []int // by their places in the Lender, ownLeaf = the record's own field of the name
	name   []byte
}

// ownLeaf marks a field of the record that would take the place of the derived one.
const ownLeaf = -2

// borrow looks for derived fields that follow from the fields of a Lender.
func (d *deriver) borrow(fields []string) {
	d.lent = map[int]*lentField{}
	for id, place := range d.places {
		name := d.names[place]
		if event.FromText(name) {
			continue
		}
		l := &lentField{x: event.NewExtractor([]string{name}), name: []byte(name)}
		for _, leaf := range l.x.Leaves() {
			place := slices.Index(fields, leaf)
			if place < 0 && leaf == name {
				place = ownLeaf
			}
			l.leaves = append(l.leaves, place)
		}
		if !slices.Contains(l.leaves, -1) {
			l.row = l.x.NewRow()
			d.lent[id] = l
		}
	}
}

// get computes a field from what is lent; ok is false if the record must be read.
func (l *lentField) get(raw []byte, lend Lender) (c *event.Cell, ok bool) {
	for i, place := range l.leaves {
		if place == ownLeaf {
			if bytes.Contains(raw, l.name) || bytes.Contains(raw, escaped) {
				return nil, false
			}
			continue // the cell is never set
		}
		text, state := lend(place)
		if state == NotLent {
			return nil, false
		}
		l.row.SetLeaf(i, event.Cell{Text: text, Set: state == Given})
	}
	l.x.Compute(&trail, l.row)
	return l.row.Cell(0), true
}

// newDeriver returns a deriver of the derived ones among numbered fields, nil if there
// are none.
func newDeriver(fields map[int]string) *deriver {
	d := &deriver{places: map[int]int{}}
	var names []string
	for id, field := range fields {
		if name, ok := derivedField(field); ok && followsFromRecord(name) {
			d.places[id] = len(names)
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	d.names, d.x = names, event.NewExtractor(names)
	d.row = d.x.NewRow()
	return d
}

// trail is what a record of CloudTrail is. Derived fields depend on nothing else of it.
var trail = event.Meta{Sourcetype: event.CloudTrail}

// derive computes a field; ok is false if it is not a derived one.
func (r *record) derive(id int) (c *cell, ok bool) {
	d := r.derived
	if d == nil {
		return nil, false
	}
	place, ok := d.places[id]
	if !ok {
		return nil, false
	}
	c = r.fresh(id)
	c.known = true
	var got *event.Cell
	if l := d.lent[id]; l != nil {
		got, _ = l.get(r.raw, r.lent)
	}
	if got == nil {
		if !d.done {
			if err := d.x.Read(r.raw, d.row); err != nil {
				return c, true
			}
			d.done = true
		}
		got = d.x.FinishOne(place, r.raw, &trail, d.row)
	}
	if !got.Set {
		return c, true
	}
	c.present = true
	texts := got.Many
	if len(texts) == 0 {
		texts = []string{got.Text}
	}
	for _, text := range texts {
		c.values = append(c.values, value{kind: jsonscan.String, text: text, ready: true})
	}
	return c, true
}

// checkDerived reports whether a field that a test names is derived, and refuses those
// that a detection cannot use.
func (c *compiler) checkDerived(at diag.Span, field string) (bool, *diag.Error) {
	name, ok := derivedField(field)
	if !ok {
		return false, nil
	}
	if c.depth > 0 {
		return true, diag.At(at, "%s belongs to the whole event, not to the elements of an array block", field).WithHint("test it in a selection of its own")
	}
	why, hint := wrongDerived(name)
	if why == "" {
		return true, nil
	}
	return true, diag.At(at, "%s", why).WithHint("%s", hint)
}
