package syntax

import (
	"errors"

	"bluetrail/internal/diag"
)

// Checked is implemented by commands in whose arguments something may be wrong
// that shows only when they are made ready to run.
type Checked interface{ Check() error }

// Check returns what is wrong with a search beyond what Parse finds, without
// running it: arguments of functions that cannot be right, regular expressions.
// The text of a subsearch's results, which is not known yet, is not looked at.
func Check(q *Query) error {
	err := check(q)
	var d *diag.Error
	if errors.As(err, &d) && d.Src == "" {
		d.Src, d.Name = q.Text, "search"
	}
	return err
}

func check(q *Query) error {
	for _, st := range q.Stages {
		if c, ok := st.Cmd.(Checked); ok {
			if err := c.Check(); err != nil {
				return err
			}
		}
		var inner []*Query
		if w, ok := st.Cmd.(WithQueries); ok {
			inner = w.Queries()
		}
		if r, ok := st.Cmd.(Resolving); ok {
			inner = append(inner[:len(inner):len(inner)], r.Subsearches()...)
		}
		for _, sub := range inner {
			if err := check(sub); err != nil {
				return err
			}
		}
	}
	return nil
}
