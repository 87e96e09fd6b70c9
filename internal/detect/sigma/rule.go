// Package sigma reads Sigma documents, version 2.1 of the specification, and
// evaluates their event rules on CloudTrail records as AWS wrote them.
//
// A Collection holds the documents of some files, with what is wrong with them. A
// Set compiles its event rules: it offers an event only to the rules whose eventName
// and eventSource can match, and reads the rest of the record only when one of these
// asks. Correlations are read and resolved here, and evaluated elsewhere.
package sigma

// Rule is a detection rule for CloudTrail: it looks at one event at a time.
type Rule struct {
	Header
	cond  expr
	sels  []*selection // by position, as cond names them
	table *fieldTable
	// filters must hold, too.
	filters []*Filter
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
