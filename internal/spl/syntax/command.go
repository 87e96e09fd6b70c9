package syntax

import "bluetrail/internal/filter"

// Command is the parsed form of one command of a search. It also is exactly
// one of Streaming, Transforming, Serial or Generating.
type Command interface {
	// Print returns the command as text that parses to the same, its name first.
	Print() string
	// Needs returns the fields the command reads when of its output only out is wanted.
	Needs(out filter.FieldSet) filter.FieldSet
}

// WithQueries is implemented by commands that hold subsearches which the
// command itself runs (append, join, …), so that they are checked and planned.
type WithQueries interface {
	Queries() []*Query
}

// Resolving is implemented by commands whose subsearches become part of their
// text before they run (search, where).
type Resolving interface {
	Subsearches() []*Query
	// Resolve returns the command with text(q) in the place of each subsearch q.
	Resolve(text func(q *Query) (string, error)) (Command, error)
}
