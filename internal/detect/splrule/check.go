package splrule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bluetrail/internal/plan"
	"bluetrail/internal/spl"
	"bluetrail/internal/spl/cmd"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// checkTime bounds the check of one rule.
const checkTime = 10 * time.Second

// Checker finds out whether rules would run. It is safe for concurrent use.
type Checker struct {
	Macros spl.Macros
	Tables spl.Tables
	Geo    spl.Geo
	Now    time.Time
}

// Check parses and plans the rule's search and runs it over a store without
// events, which opens every lookup it reads. Nothing is written. The error is
// nil when the search would run.
func (c *Checker) Check(ctx context.Context, r *Rule) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the search cannot be checked: %v", p)
		}
	}()
	switch r.Kind {
	case SPL:
	case Sigma:
		return errors.New("rules of the kind Sigma cannot be checked yet")
	default:
		return errors.New("the rule has no search")
	}
	q, err := plan.Parse(r.Search, c.Macros)
	if err != nil {
		return err
	}
	written := map[string]bool{}
	writes(q, written)
	env := spl.NewEnv(c.Now)
	tables := &dryTables{Tables: c.Tables, written: written}
	env.Macros, env.Tables, env.Geo = c.Macros, tables, c.Geo
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	s, err := plan.Open(ctx, q, memory.New(), env)
	if err != nil {
		return err
	}
	if err := spl.Drain(ctx, s, func(*vector.Batch) error { return nil }); err != nil {
		return err
	}
	return tables.missing()
}

// writes gathers the lookups that a search writes.
func writes(q *spl.Query, into map[string]bool) {
	for _, st := range q.Stages {
		switch o := st.Cmd.(type) {
		case *cmd.Outputlookup:
			into[o.Table] = true
		case *cmd.Outputcsv:
			into[o.Table] = true
		}
		if w, ok := st.Cmd.(spl.WithQueries); ok {
			for _, sub := range w.Queries() {
				writes(sub, into)
			}
		}
		if r, ok := st.Cmd.(spl.Resolving); ok {
			for _, sub := range r.Subsearches() {
				writes(sub, into)
			}
		}
	}
}
