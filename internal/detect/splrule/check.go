package splrule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"bluetrail/internal/plan"
	"bluetrail/internal/spl"
	"bluetrail/internal/spl/cmd"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// checkTime bounds the check of one rule.
const checkTime = 10 * time.Second

// Checker finds out whether rules would run. Check is safe for concurrent use.
type Checker struct {
	Macros spl.Macros
	Tables spl.Tables
	Geo    spl.Geo
	Now    time.Time

	kept map[string]bool // lookups that some rule writes
}

// Keeps takes a rule that runs beside those to be checked: the lookups and
// models that it writes are there for the others.
func (c *Checker) Keeps(r *Rule) {
	if r.Kind != SPL {
		return
	}
	q, err := plan.Parse(r.Search, c.Macros)
	if err != nil {
		return // Check says so of those that are checked
	}
	if c.kept == nil {
		c.kept = map[string]bool{}
	}
	writes(q, c.kept)
}

// Check parses and plans the rule's search and runs it over a store without
// events, which opens every lookup it reads. Nothing is written. The error is
// nil when the search would run; notes say what the user must know all the
// same.
func (c *Checker) Check(ctx context.Context, r *Rule) (notes []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the search cannot be checked: %v", p)
		}
	}()
	switch r.Kind {
	case SPL:
	case Sigma:
		return nil, errors.New("rules of the kind Sigma cannot be checked yet")
	default:
		return nil, errors.New("the rule has no search")
	}
	q, err := plan.Parse(r.Search, c.Macros)
	if err != nil {
		return nil, err
	}
	written := maps.Clone(c.kept)
	if written == nil {
		written = map[string]bool{}
	}
	writes(q, written)
	env := spl.NewEnv(c.Now)
	tables := &dryTables{Tables: c.Tables, written: written}
	env.Macros, env.Tables, env.Geo = c.Macros, tables, c.Geo
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	s, err := plan.Open(ctx, q, memory.New(), env)
	if err == nil {
		err = spl.Drain(ctx, s, func(*vector.Batch) error { return nil })
	}
	if l := (later{}); errors.As(err, &l) {
		err = nil // what lies behind the lookup is not seen
	}
	if err == nil {
		err = tables.missing()
	}
	return env.Warnings(), err
}

// writes gathers the lookups that a search writes.
func writes(q *spl.Query, into map[string]bool) {
	for _, st := range q.Stages {
		switch o := st.Cmd.(type) {
		case *cmd.Outputlookup:
			into[o.Table] = true
		case *cmd.Outputcsv:
			into[o.Table] = true
		case *cmd.Fit:
			if o.Into != "" {
				into[cmd.ModelTable(o.Into)] = true
			}
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
