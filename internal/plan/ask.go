package plan

import "bluetrail/internal/spl/syntax"

// The planner knows no command by its type. What it can make use of, a command
// answers by one of these.

// limited commands pass on the first rows only.
type limited interface {
	// Rows returns how many at most, 0 when that is not known.
	Rows() int
}

// choosing commands keep few of the events they are given, or may.
type choosing interface {
	// Chooses returns how many at most, 0 when that is not known.
	Chooses() (rows int, ok bool)
}

// ordering commands put rows in an order.
type ordering interface {
	// NewestFirst reports whether that is by _time, latest first, and how many
	// rows stay: 0 all, below 0 as many as the environment allows.
	NewestFirst() (limit int, ok bool)
}

// sourceless commands that begin a search start with one empty row.
type sourceless interface{ Sourceless() }

// formatting commands say how a field is shown in the result.
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
