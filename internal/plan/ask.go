package plan

import "bluetrail/internal/spl/syntax"

// The planner does not know commands by type. A command implements the
// interfaces below to tell the planner what it can exploit.

// limited commands pass on only the first rows.
type limited interface {
	// Rows returns the maximum number of rows, 0 if unknown.
	Rows() int
}

// choosing commands keep at most a few of the events they receive.
type choosing interface {
	// Chooses returns the maximum number of events kept, 0 if unknown.
	Chooses() (rows int, ok bool)
}

// ordering commands sort rows.
type ordering interface {
	// NewestFirst reports whether the order is by _time, latest first, and how
	// many rows are kept: 0 means all, a negative number means as many as the
	// environment allows.
	NewestFirst() (limit int, ok bool)
}

// sourceless commands that begin a search start with one empty row.
type sourceless interface{ Sourceless() }

// formatting commands control how a field is displayed in the result.
type formatting interface {
	syntax.Command
	Format() (field string, shown syntax.Expr)
}

// command parses one command of the planner's own.
func command(text string) syntax.Command {
	q, err := syntax.Parse("| " + text)
	if err != nil {
		panic(err)
	}
	return q.Stages[0].Cmd
}
