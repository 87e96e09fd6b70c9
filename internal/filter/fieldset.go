package filter

import (
	"maps"
	"slices"
	"strings"
)

// FieldSet is the set of fields that part of a search reads: all fields, or
// those that match the given names and wildcard patterns. The zero FieldSet is
// empty. A set of all fields still keeps the names that were added to it,
// because some fields are computed only on request. FieldSets are values;
// methods return new ones.
type FieldSet struct {
	all   bool
	names []string // sorted, distinct; may hold patterns with *
}

// AllFields returns the set of every field.
func AllFields() FieldSet { return FieldSet{all: true} }

// Fields returns the set of the named fields; a name with * is a pattern.
func Fields(names ...string) FieldSet { return FieldSet{}.Add(names...) }

// Add returns the set with the names added.
func (s FieldSet) Add(names ...string) FieldSet {
	out := append(slices.Clone(s.names), names...)
	slices.Sort(out)
	out = slices.Compact(out)
	if i, all := slices.BinarySearch(out, "*"); all {
		return FieldSet{all: true, names: slices.Delete(out, i, i+1)}
	}
	return FieldSet{all: s.all, names: out}
}

// Naming returns the set with those of the names that it has already, so that fields
// that are computed only on request are. Patterns are left out.
func (s FieldSet) Naming(names ...string) FieldSet {
	return s.Add(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.Contains(n, "*") || !s.Has(n) })...)
}

// Union returns the union of both sets.
func (s FieldSet) Union(t FieldSet) FieldSet {
	s.all = s.all || t.all
	return s.Add(t.names...)
}

// Without returns the set without the named fields. A set of all fields stays
// that.
func (s FieldSet) Without(names ...string) FieldSet {
	return FieldSet{all: s.all, names: slices.DeleteFunc(slices.Clone(s.names), func(n string) bool { return slices.Contains(names, n) })}
}

// Replacement puts the name With into a set in place of Name. Neither is a pattern.
type Replacement struct{ Name, With string }

// Replace returns the set after the replacements, one after the other. Those of names
// that are not in the set have no effect.
func (s FieldSet) Replace(list []Replacement) FieldSet {
	names := make(map[string]bool, len(s.names))
	var patterns []string
	for _, n := range s.names {
		if names[n] = true; strings.Contains(n, "*") {
			patterns = append(patterns, n)
		}
	}
	for _, r := range list {
		if s.all || names[r.Name] || slices.ContainsFunc(patterns, func(p string) bool { return MatchName(p, r.Name) }) {
			delete(names, r.Name)
			names[r.With] = true
		}
	}
	return FieldSet{all: s.all}.Add(slices.Collect(maps.Keys(names))...)
}

// All reports whether the set holds every field.
func (s FieldSet) All() bool { return s.all }

// Names returns the names and patterns, sorted; nil when All.
func (s FieldSet) Names() []string {
	if s.all {
		return nil
	}
	return s.names
}

// Named returns the names without wildcards, sorted, even if All.
func (s FieldSet) Named() []string {
	return slices.DeleteFunc(slices.Clone(s.names), func(n string) bool { return strings.Contains(n, "*") })
}

// HasPatterns reports whether some name contains a wildcard.
func (s FieldSet) HasPatterns() bool {
	return slices.ContainsFunc(s.names, func(n string) bool { return strings.Contains(n, "*") })
}

// Has reports whether the field is in the set.
func (s FieldSet) Has(name string) bool {
	if s.all {
		return true
	}
	if _, ok := slices.BinarySearch(s.names, name); ok {
		return true
	}
	for _, n := range s.names {
		if strings.Contains(n, "*") && MatchName(n, name) {
			return true
		}
	}
	return false
}

// MatchName reports whether a field name matches a pattern in which * stands
// for any run of characters. It is case-sensitive, like all field names.
func MatchName(pattern, name string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return len(name) >= len(part) && strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], more
	}
}
