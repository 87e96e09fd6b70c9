// Package sigma reads Sigma documents, version 2.1 of the specification, and
// evaluates their event rules on CloudTrail records as AWS wrote them.
//
// A Collection holds the documents of some files, with what is wrong with them. A
// Set compiles its event rules: it offers an event only to the rules whose eventName
// and eventSource can match, and reads the rest of the record only when one of these
// asks. Correlations are read and resolved here, and evaluated elsewhere.
package sigma

import "iter"

// Rule is a detection rule for CloudTrail: it looks at one event at a time.
type Rule struct {
	Header
	cond  expr
	sels  []*selection // by position, as cond names them
	table *fieldTable
	// filters must hold, too.
	filters []*Filter
}

// Filters returns the filters that narrow the rule.
func (r *Rule) Filters() []*Filter { return r.filters }

// fields calls yield with the number of each field that the rule and its filters test,
// some of them more than once.
func (r *Rule) fields(yield func(id int)) {
	selections := func(sels []*selection) {
		for _, s := range sels {
			for _, tests := range s.any {
				for _, t := range tests {
					if t.keyword {
						continue
					}
					yield(t.id)
					for _, m := range t.vals {
						if other, ok := m.(sameAs); ok {
							yield(other.id)
						}
					}
				}
			}
		}
	}
	selections(r.sels)
	for _, f := range r.filters {
		selections(f.sels)
	}
}

// used lists the fields of the rule with their numbers.
func (r *Rule) used() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		more := true
		r.fields(func(id int) { more = more && yield(id, r.table.names[id]) })
	}
}

// Filter is a document that narrows rules: their events must match its condition,
// too.
type Filter struct {
	Header
	Rules []string // ids, names or titles; nil = all rules
	cond  expr
	sels  []*selection
}

// Other is a document that is read but not evaluated, because it is for another log.
type Other struct{ Header }
