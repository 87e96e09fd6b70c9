// Package schedule runs SPL rules over the store: each planned time of each rule once,
// over the window of events that it names, and windows again into which events came
// late.
package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/search"
	"bluetrail/internal/state"
)

// Bounds of the scheduler.
const (
	mostWindows  = 24          // evaluated in one run of a rule
	mostFailures = 3           // in a row, before a rule is disabled
	yieldMost    = time.Minute // that a run waits for the searches of people
	yieldStep    = 200 * time.Millisecond
	sleepMost    = 30 * time.Second // between looks at the clock, which may be set
)

// Emitter takes what rules found. It is called within the transaction that records
// the run: when it fails, neither is kept, and the window is evaluated again. A
// finding replaces the one with its ID.
type Emitter interface {
	//
	// gone are the IDs of findings of the same window that are no more, since events
	// came late.
	Emit(ctx context.Context, t *state.Tx, run *state.Run, list []*finding.Finding, gone []string) error
}

// Config says what a Scheduler works with.
type Config struct {
	State *state.DB
	// Open returns what a search reads and may use: store, macros, lookups, budgets.
	// It is called for each run, since lookups change. folders hold the macros and
	// lookups of the rules.
	Open  func(folders []string) (search.Options, error)
	Emit  Emitter
	Zone  *time.Location   // of cron lines and of @d; nil = UTC
	Clock func() time.Time // nil = time.Now
	// Arrived returns the last batch of events that searches see; nil = that of the
	// checkpoint in State.
	Arrived   func() (int64, error)
	Streaming bool        // searches that look at one event at a time run elsewhere, as events come
	AtOnce    int         // runs at a time; 0 = half of the processors
	Busy      func() bool // searches of people are under way; nil = never
	Log       *slog.Logger
	Alarm     func(rule, reason string) // a rule was disabled; nil = the log tells
}

// Scheduler runs rules. It is safe for concurrent use.
type Scheduler struct {
	cfg Config

	mu      sync.Mutex
	rules   []*job // sorted by key
	folders []string
	running int
	wake    chan struct{} // something ended or changed
	counts  map[string]*counts
}

// job is a rule that is scheduled.
type job struct {
	search  *splrule.Search
	key     string
	print   string    // of its text
	next    time.Time // planned; zero = not known yet
	running bool
	off     string // why it does not run
}

// New returns a Scheduler without rules.
func New(cfg Config) *Scheduler {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.AtOnce <= 0 {
		cfg.AtOnce = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Arrived == nil {
		cfg.Arrived = func() (int64, error) {
			c, err := cfg.State.Checkpoint()
			return c.Batch, err
		}
	}
	return &Scheduler{cfg: cfg, wake: make(chan struct{}, 1), counts: map[string]*counts{}}
}

// SetRules replaces the rules by the searches of a ruleset that are on. A rule that was
// disabled because it failed runs again when its text has changed. Runs under way end
// undisturbed.
func (s *Scheduler) SetRules(rs *ruleset.Ruleset) error {
	disabled, err := s.cfg.State.Disabled()
	if err != nil {
		return err
	}
	off := map[string]state.Disabled{}
	for _, d := range disabled {
		off[d.Rule] = d
	}
	byKey := map[string]*job{}
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if r.Search == nil || r.Off != "" || s.cfg.Streaming && r.Search.Stateless() {
			continue
		}
		j := &job{search: r.Search, key: r.ID, print: r.Print}
		if d, ok := off[j.key]; ok {
			if d.Holds(j.print) {
				j.off = d.Reason
			} else if err := s.cfg.State.Write(func(t *state.Tx) error { return t.Enable(j.key) }); err != nil {
				return fmt.Errorf("cannot enable the rule %q: %w", r.Title, err)
			}
		}
		byKey[j.key] = j
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range s.rules {
		if j := byKey[old.key]; j != nil {
			j.running = old.running // the old one may still run
			if j.print == old.print {
				j.next = old.next
			}
		}
	}
	list := make([]*job, 0, len(byKey))
	for _, j := range byKey {
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b *job) int { return cmp.Compare(a.key, b.key) })
	s.rules, s.folders = list, rs.Folders
	s.signal()
	return nil
}

// Status is what the scheduler knows of a rule.
type Status struct {
	Rule     *splrule.Rule
	Next     time.Time // the next planned time; zero = at once
	Running  bool
	Disabled string // why it does not run, "" = it does
}

// Status returns the rules by their keys.
func (s *Scheduler) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Status
	for _, j := range s.rules {
		list = append(list, Status{j.search.Rule, j.next, j.running, j.off})
	}
	return list
}

func (s *Scheduler) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run runs rules when they are due until ctx ends, and waits for those under way.
func (s *Scheduler) Run(ctx context.Context) error {
	return s.loop(ctx, func(next time.Time, _ bool) bool {
		wait := sleepMost
		if d := next.Sub(s.cfg.Clock()); !next.IsZero() && d < wait {
			wait = max(d, time.Millisecond)
		}
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.wake:
		case <-ctx.Done():
			return false
		}
		return true
	})
}

// RunDue runs the rules that are due now, and returns when all have run.
func (s *Scheduler) RunDue(ctx context.Context) error {
	return s.loop(ctx, func(_ time.Time, busy bool) bool {
		if !busy {
			return false
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return false
		}
		return true
	})
}

// loop starts what is due, and asks wait whether to go on each time there is nothing
// to start. wait gets the next planned time, and whether rules ran when nothing was found.
func (s *Scheduler) loop(ctx context.Context, wait func(next time.Time, busy bool) bool) error {
	var running sync.WaitGroup
	defer running.Wait()
	for ctx.Err() == nil {
		j, next, busy, err := s.pick()
		if err != nil {
			return err
		}
		if j == nil {
			if !wait(next, busy) {
				break
			}
			continue
		}
		running.Go(func() {
			s.run(ctx, j)
			s.mu.Lock()
			j.running = false
			for _, now := range s.rules { // its text may have changed
				if now.key == j.key {
					now.running = false
				}
			}
			s.running--
			s.mu.Unlock()
			s.signal()
		})
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	return nil
}

// pick takes the rule that has been due for longest, or else returns when the next
// will be, and whether rules run that may have to end first. A search that keeps a lookup comes after the others of its time, which
// compare with what was there before.
func (s *Scheduler) pick() (due *job, next time.Time, busy bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock()
	earlier := time.Time{} // the first planned time that others are not done with
	for _, j := range s.rules {
		if j.off != "" {
			continue
		}
		if j.next.IsZero() {
			if err := s.plan(j, now); err != nil {
				return nil, next, false, err
			}
		}
		if j.next.IsZero() { // never again
			continue
		}
		waiting := j.running || !j.next.After(now)
		if waiting && len(j.search.Keeps) == 0 && (earlier.IsZero() || j.next.Before(earlier)) {
			earlier = j.next
		}
		if !waiting && (next.IsZero() || j.next.Before(next)) {
			next = j.next
		}
	}
	if s.running >= s.cfg.AtOnce {
		return nil, next, true, nil
	}
	for _, j := range s.rules {
		keeps := len(j.search.Keeps) > 0
		switch {
		case j.off != "" || j.running || j.next.IsZero() || j.next.After(now):
		case keeps && !earlier.IsZero() && !earlier.After(j.next):
		case due == nil || j.next.Before(due.next) || j.next.Equal(due.next) && !keeps && len(due.search.Keeps) > 0:
			due = j
		}
	}
	busy = s.running > 0
	if due != nil {
		due.running = true
		s.running++
	}
	return due, next, busy, nil
}

// plan finds the next planned time of a rule.
func (s *Scheduler) plan(j *job, now time.Time) error {
	p, _, err := s.cfg.State.RuleProgress(j.key)
	if err == nil {
		j.next = s.firstPlanned(j, p, now)
	}
	return err
}

// firstPlanned returns the first planned time that a rule has not dealt with. A new
// rule begins with the window that ended last.
func (s *Scheduler) firstPlanned(j *job, p state.RuleProgress, now time.Time) time.Time {
	sched := j.search.Schedule
	if !p.Planned.IsZero() {
		return sched.Next(p.Planned, s.cfg.Zone)
	}
	if last := sched.Last(now, s.cfg.Zone); !last.IsZero() {
		return last
	}
	return sched.Next(now, s.cfg.Zone)
}
