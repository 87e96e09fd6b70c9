package event

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Field is a field that events have besides the leaves of their records. Each
// is registered once; the splitter, the stores, the reference page and all
// lookups by name use the registration.
//
// A derived field is set only on events of the sourcetype aws:cloudtrail, and
// takes precedence over a record leaf with the same name.
type Field struct {
	Name  string
	Group Group
	Type  Type
	// From are the record leaves that the field is computed from. A derived
	// field without Derive is a copy of the first.
	From []string
	Doc  string // one sentence or a few, in Markdown
	// OnRequest: the field is computed only for searches that name it, and a
	// record leaf with the same name takes precedence.
	OnRequest bool
	// Derive computes the field from the cells of From. It must depend on
	// nothing else and be safe for concurrent use.
	Derive func(in Inputs) Cell

	member  string            // instead of Derive: the JSON text of this member of the record
	made    func([]byte) Cell // with member: computes the field from the record's text
	value   defaultValue      // a default field, on events of every sourcetype
	timed   bool              // value depends on the record's time
	text    bool              // value depends on the record's text
	keepOwn bool              // value yields to a leaf if it is empty
	span    time.Duration     // see DatePart
	part    func(time.Time) string

	resolved bool // see Resolved
}

// Alias reports whether the field is a plain copy of From[0].
func (f *Field) Alias() bool { return f.Derive == nil && f.member == "" && f.value == nil }

// Group is the section of the reference page that lists a field.
type Group string

// The groups of fields, in the order of the reference page.
const (
	GroupDefault Group = "Default fields"
	GroupAddon   Group = "Fields of the AWS add-on"
	GroupRecord  Group = "Fields about the record"
	GroupActor   Group = "Who is behind an event"
	// GroupEnriched is filled by package enrich.
	GroupEnriched Group = "What is known of addresses and accounts"
	GroupLake     Group = "Names of Security Lake"
)

// Type is the type of a field's values. Searches treat all values as text; the
// type says what they can be compared with.
type Type string

// Types of fields.
const (
	Text    Type = "text"
	Number  Type = "number"
	Moment  Type = "time"    // seconds since 1970, or as RFC 3339
	Boolean Type = "boolean" // true or false
	Address Type = "address" // an IP address; for a caller also the name of a service
	Network Type = "network" // addresses as CIDR
)

// Inputs are the cells of a Field's From, in their order.
type Inputs []*Cell

// Text returns the first value of input i, "" when it is missing.
func (in Inputs) Text(i int) string { return in[i].first() }

// Set reports whether input i has a value.
func (in Inputs) Set(i int) bool { return in[i].Set }

// catalogue holds all fields that are registered.
var catalogue struct {
	byName   map[string]*Field
	derived  []*Field // fields that every CloudTrail event has, by name
	defaults []*Field // fields that every event has, in registration order
	inUse    bool     // a splitter was made: registration is closed
}

// Register adds fields to the catalogue. It is for init functions; it panics if
// a name is taken or a field is incomplete.
func Register(fields ...Field) {
	c := &catalogue
	if c.byName == nil {
		c.byName = map[string]*Field{}
	}
	for _, f := range fields {
		switch {
		case f.Name == "" || f.Group == "" || f.Type == "" || f.Doc == "" || f.Alias() && len(f.From) != 1:
			panic(fmt.Sprintf("event: the registration of field %q lacks something", f.Name))
		case c.byName[f.Name] != nil:
			panic(fmt.Sprintf("event: field %q is registered twice", f.Name))
		case c.inUse:
			panic(fmt.Sprintf("event: field %q is registered after the first event was read", f.Name))
		}
		c.byName[f.Name] = &f
		switch {
		case f.OnRequest:
		case f.value != nil:
			c.defaults = append(c.defaults, &f)
		default:
			at, _ := slices.BinarySearchFunc(c.derived, f.Name, func(d *Field, name string) int { return strings.Compare(d.Name, name) })
			c.derived = slices.Insert(c.derived, at, &f)
		}
	}
}

// Fields returns the whole catalogue, by group and name.
func Fields() []*Field {
	var list []*Field
	for _, f := range catalogue.byName {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *Field) int {
		return cmp.Or(cmp.Compare(groupRank(a.Group), groupRank(b.Group)), strings.Compare(string(a.Group), string(b.Group)), strings.Compare(a.Name, b.Name))
	})
	return list
}

// groupRank sorts groups from other packages after those of this one.
func groupRank(g Group) int {
	order := []Group{GroupDefault, GroupAddon, GroupRecord, GroupActor, GroupEnriched, GroupLake}
	if i := slices.Index(order, g); i >= 0 {
		return i
	}
	return len(order)
}

// Lookup returns the field with a name, nil when the name can only be a leaf's.
func Lookup(name string) *Field {
	if f := catalogue.byName[name]; f != nil {
		return f
	}
	return unmappedField(name)
}

// Addon is Lookup for derived fields alone.
func Addon(name string) *Field {
	if f := Lookup(name); f != nil && f.value == nil {
		return f
	}
	return nil
}

// OnRequest reports whether a field is computed only for searches that name it.
func OnRequest(name string) bool {
	f := Lookup(name)
	return f != nil && f.OnRequest
}

// IsDefault reports whether a field is one that every event has.
func IsDefault(name string) bool {
	f := catalogue.byName[name]
	return f != nil && f.value != nil
}

// FromText reports whether a field is computed from the text of a record rather
// than from its leaves.
func FromText(name string) bool {
	f := Lookup(name)
	return f != nil && (f.text || f.member != "")
}

// DatePart returns the time span within which a field computed from the
// record's time stays the same. It divides every longer span. ok is false for
// other fields.
func DatePart(name string) (span time.Duration, ok bool) {
	if f := catalogue.byName[name]; f != nil && f.span != 0 {
		return f.span, true
	}
	return 0, false
}

// firstSet returns the first of the inputs that has a value.
func firstSet(in Inputs) Cell {
	for _, c := range in {
		if c.Set {
			return *c
		}
	}
	return Cell{}
}

func constant(s string) func(Inputs) Cell { return func(Inputs) Cell { return one(s) } }
