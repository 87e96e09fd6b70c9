package splrule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store/memory"
)

// checkTime bounds the check of one rule.
const checkTime = 10 * time.Second

// Checker finds out whether rules would run. Check is safe for concurrent use.
type Checker struct {
	Knowledge *knowledge.Knowledge
	Geo       exec.Geo
	Now       time.Time

	kept map[string]bool // lookups that some rule writes
}

// Keeps takes a rule that runs beside those to be checked: the lookups and
// models that it writes are there for the others.
func (c *Checker) Keeps(r *Rule) {
	if r.Kind != SPL {
		return
	}
	q, err := plan.Parse(r.Search, c.Knowledge)
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
		return nil, errors.New("a Sigma rule has no search")
	default:
		return nil, errors.New("the rule has no search")
	}
	q, err := plan.Parse(r.Search, c.Knowledge)
	if err != nil {
		return nil, err
	}
	written := maps.Clone(c.kept)
	if written == nil {
		written = map[string]bool{}
	}
	writes(q, written)
	tables := &dryTables{Knowledge: c.Knowledge, written: written}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	run, _, err := search.Open(ctx, search.Options{
		Text: r.Search, Clock: c.Now, Zone: c.Now.Location(), Store: memory.New(),
		Macros: c.Knowledge, Knowledge: tables, Geo: c.Geo, Collector: nowhere{},
	})
	if err == nil {
		defer run.Close()
		err = run.Drain(ctx)
		for _, n := range run.Notices() {
			notes = append(notes, n.Text)
		}
	}
	if l := (unwritten{}); errors.As(err, &l) {
		err = nil // what lies behind the lookup is not seen
	}
	if err == nil {
		err = tables.missing()
	}
	return notes, err
}

// nowhere takes what collect gives and drops it.
type nowhere struct{}

// Collect implements exec.Collector.
func (nowhere) Collect(exec.Collected) error { return nil }

// writing commands write a lookup.
type writing interface {
	// Writes returns its name, "" for none.
	Writes() string
}

// writes gathers the lookups that a search writes.
func writes(q *syntax.Query, into map[string]bool) {
	for _, st := range q.Stages {
		if c, ok := st.Cmd.(writing); ok && c.Writes() != "" {
			into[c.Writes()] = true
		}
		if w, ok := st.Cmd.(syntax.WithQueries); ok {
			for _, sub := range w.Queries() {
				writes(sub, into)
			}
		}
		if r, ok := st.Cmd.(syntax.Resolving); ok {
			for _, sub := range r.Subsearches() {
				writes(sub, into)
			}
		}
	}
}
