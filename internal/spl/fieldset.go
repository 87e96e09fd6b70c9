package spl

import (
	"slices"
	"strings"
)

// FieldSet is the fields that some part of a search looks at: all of them, or
// those of the given names and wildcard patterns. The zero FieldSet is empty.
// FieldSets are values; methods return new ones.
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
	if s.all {
		return s
	}
	out := append(slices.Clone(s.names), names...)
	for _, n := range names {
		if n == "*" {
			return AllFields()
		}
	}
	slices.Sort(out)
	return FieldSet{names: slices.Compact(out)}
}

// Union returns the fields of both.
func (s FieldSet) Union(t FieldSet) FieldSet {
	if s.all || t.all {
		return AllFields()
	}
	return s.Add(t.names...)
}

// Without returns the set less the named fields. All stays all.
func (s FieldSet) Without(names ...string) FieldSet {
	if s.all {
		return s
	}
	return FieldSet{names: slices.DeleteFunc(slices.Clone(s.names), func(n string) bool { return slices.Contains(names, n) })}
}

// All reports whether every field is wanted.
func (s FieldSet) All() bool { return s.all }

// Names returns the names and patterns, sorted; nil when All.
func (s FieldSet) Names() []string { return s.names }

// HasPatterns reports whether some name holds a wildcard.
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

// MatchName reports whether a field name fits a pattern in which * stands for
// any run of characters. Case counts, as it does in all field names.
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
