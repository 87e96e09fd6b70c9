// Package search runs one search, from its text to rows and notices. The
// command line and the check of rules use it, so that they agree on what runs.
package search

import (
	"context"
	"io"
	"sync"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/vector"
)

// Options say what to search and within which bounds.
type Options struct {
	Text     string
	Earliest string // inclusive, in any form of splunktime.ParseTime; "" or "0" = open
	Latest   string // exclusive
	Arrived  store.Arrival

	Unwatched bool   // nobody reads why there are no rows
	Now       string // the clock of relative times; "" = Clock
	Clock     time.Time
	Zone      *time.Location // nil = UTC

	Store     store.Store    // of events; nil: searches that read events fail
	Actors    *actors.Actors // of Store, shared by searches; nil: this one reads what it needs
	Macros    syntax.Macros
	Knowledge exec.Knowledge
	Geo       exec.Geo
	Collector exec.Collector               // nil: collect fails
	Sender    exec.Sender                  // nil: sendalert and sendemail send nothing
	Gather    func() (exec.Reducer, error) // takes the events in any order; see exec.Env

	Limits exec.Limits
	Time   time.Duration // how long the search may take, 0 = any
	Memory *exec.Budget  // shared by several searches; nil = none
	Disk   *spill.Space  // likewise
	Meter  *Meter        // counts the search; may be nil
}

// OptionError is a fault of an option rather than of the search.
type OptionError struct{ error }

func (e OptionError) Unwrap() error { return e.error }

// Env returns the environment that the options describe.
func (o *Options) Env() (*exec.Env, error) {
	zone := o.Zone
	if zone == nil {
		zone = time.UTC
	}
	now := o.Clock
	if now.IsZero() {
		now = time.Now()
	}
	now = now.In(zone)
	var err error
	if o.Now != "" {
		if now, err = splunktime.ParseTime(o.Now, now); err != nil {
			return nil, OptionError{err}
		}
	}
	env := exec.NewEnv(now)
	env.Zone = zone
	if o.Limits != (exec.Limits{}) {
		env.Limits = o.Limits
		env.Memory = exec.NewBudget(o.Limits.Memory)
	}
	env.Memory.Share(o.Memory, o.Time)
	env.Arrived, env.Unwatched, env.Actors = o.Arrived, o.Unwatched, o.Actors
	env.Disk, env.Macros, env.Knowledge, env.Geo, env.Collector, env.Sender, env.Gather = o.Disk, o.Macros, o.Knowledge, o.Geo, o.Collector, o.Sender, o.Gather
	for _, b := range []struct {
		text string
		dst  *time.Time
	}{{o.Earliest, &env.Earliest}, {o.Latest, &env.Latest}} {
		if b.text == "" || b.text == "0" {
			continue
		}
		if *b.dst, err = splunktime.ParseTime(b.text, now); err != nil {
			return nil, OptionError{err}
		}
	}
	return env, nil
}

// Search is a running search. It is for one goroutine.
type Search struct {
	plan  *plan.Plan
	query *syntax.Query
	env   *exec.Env
	o     Options
	rows  int
	ended func(error) // for the meter; only its first call counts
}

// Open parses and plans a search; subsearches that are part of its text run
// now. The notices say what was odd on the way to an error.
func Open(ctx context.Context, o Options) (*Search, []diag.Notice, error) {
	env, err := o.Env()
	if err != nil {
		return nil, nil, err
	}
	s := &Search{env: env, o: o, ended: func(error) {}}
	if o.Meter != nil {
		start := o.Meter.begin()
		var once sync.Once
		s.ended = func(err error) { once.Do(func() { o.Meter.end(ctx, start, err) }) }
	}
	if s.query, err = plan.Parse(o.Text, o.Macros); err == nil {
		s.plan, err = plan.Open(ctx, s.query, o.Store, env)
	}
	if err != nil {
		s.ended(err)
		return nil, s.problems(), err
	}
	return s, nil, nil
}

// Next returns the next batch, which may be empty. At the end the error is
// io.EOF, or else the budget that cut the result short.
func (s *Search) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := s.plan.Next(ctx)
	switch {
	case err == io.EOF:
		if over := s.plan.Over(); over != nil {
			s.ended(over)
			return nil, over
		}
		s.ended(nil)
		return nil, io.EOF
	case err != nil:
		s.ended(err)
		return nil, err
	case b == nil:
		return &vector.Batch{}, nil
	}
	s.rows += b.Len
	return b, nil
}

// Query returns the parsed search.
func (s *Search) Query() *syntax.Query { return s.query }

// Events reports whether the rows are events rather than a table made of them.
func (s *Search) Events() bool { return s.plan.Events() }

// Steps returns how the search is run.
func (s *Search) Steps() []plan.Step { return s.plan.Steps() }

// Zone is the time zone in which times are shown.
func (s *Search) Zone() *time.Location { return s.env.Zone }

// Rows returns how many rows were handed out.
func (s *Search) Rows() int { return s.rows }

// Close ends the search and gives back what it held.
func (s *Search) Close() {
	s.plan.Close()
	s.ended(errClosed)
}

// Notices returns what the user must know about the result so far: warnings of
// commands, what the store skipped, and faults of macros and lookups.
func (s *Search) Notices() []diag.Notice {
	var list []diag.Notice
	for _, text := range s.env.Warnings() {
		list = append(list, diag.Notice{Level: diag.Warning, Text: text})
	}
	if c, ok := s.o.Store.(store.Counting); ok {
		st := c.Stats()
		list = append(list, st.Skipped...)
		if st.SkippedMore > 0 {
			list = append(list, diag.More(st.SkippedMore))
		}
		list = append(list, st.Notes...)
	}
	for _, text := range s.plan.Reasons() {
		list = append(list, diag.Notice{Level: diag.Note, Object: "hint", Text: text})
	}
	return append(list, s.problems()...)
}

// Lacking returns what a person should know about rows that were left out because
// they lack a field by which the search groups them.
func (s *Search) Lacking() (list []diag.Notice) {
	for _, text := range s.plan.Lacking() {
		list = append(list, diag.Notice{Level: diag.Warning, Text: text})
	}
	return list
}

// Stats returns what the store counted while answering; ok is false for a store
// that does not count.
func (s *Search) Stats() (st store.Stats, ok bool) {
	c, ok := s.o.Store.(store.Counting)
	if ok {
		st = c.Stats()
	}
	return st, ok
}

// problems returns which macros and lookups could not be read, of those that
// the search looked at.
func (s *Search) problems() (list []diag.Notice) {
	if k, ok := s.o.Knowledge.(interface{ Problems() []error }); ok {
		for _, err := range k.Problems() {
			list = append(list, diag.Notice{Level: diag.Warning, Text: err.Error()})
		}
	}
	return list
}

// Each runs a search to its end, or until yield fails, and passes on its batches.
func (s *Search) Each(ctx context.Context, yield func(*vector.Batch) error) error {
	for {
		b, err := s.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = yield(b)
		}
		if err != nil {
			return err
		}
	}
}

// Drain runs a search to its end and drops its rows.
func (s *Search) Drain(ctx context.Context) error {
	return s.Each(ctx, func(*vector.Batch) error { return nil })
}
