package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/filter"
	"bluetrail/internal/search"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
)

// Reasons of runs.
const (
	due    = "due"    // planned for now
	missed = "missed" // planned for a time at which nothing ran
	late   = "late"   // events came into a window that was evaluated before
)

// span is how exactly the scheduler looks where events lie.
const span = time.Minute

// task is a window to evaluate.
type task struct {
	splrule.Window
	reason string
	said   string
}

// work is what a run of a rule has to do.
type work struct {
	tasks   []task      // in the order of their planned times
	skipped []state.Run // told, not evaluated
	last    time.Time   // the last planned time that is dealt with
	upto    int64       // the last batch that is
}

// whatToDo finds the windows that a rule has to evaluate now.
func (s *Scheduler) whatToDo(ctx context.Context, j *job, p state.RuleProgress, known bool, o search.Options, now time.Time) (w work, err error) {
	sched, zone := j.search.Schedule, s.cfg.Zone
	if w.upto, err = s.cfg.Arrived(); err != nil {
		return w, err
	}
	first := s.firstPlanned(j, p, now)
	if first.IsZero() || first.After(now) { // the clock was set back, or the text has changed
		w.last, w.upto = p.Planned, p.Arrived
		return w, nil
	}
	planned := []time.Time{first}
	gap := false
	long := now.Add(-2 * (sched.Late() + 24*time.Hour)) // nothing older is evaluated
	for next := sched.Next(first, zone); !next.IsZero() && !next.After(now); next = sched.Next(next, zone) {
		if planned = append(planned, next); next.Before(long) {
			planned = planned[len(planned)-1:]
			gap = true
		}
	}
	w.last = planned[len(planned)-1]
	if !known { // what lies before is for rules backtest
		p.Arrived = w.upto
		planned = planned[len(planned)-1:]
	}
	windows := make([]splrule.Window, len(planned))
	for i, at := range planned {
		windows[i] = sched.Window(at, zone)
	}
	if gap {
		w.skip(j, missed, splrule.Window{Planned: first, Latest: windows[0].Earliest}, "the planned times from here on were missed for so long that they are not made up for; find what happened with rules backtest")
	}
	newest := windows[len(windows)-1]
	switch {
	case j.search.Accumulates:
		t := task{Window: newest, reason: due}
		if !newest.Earliest.IsZero() && !windows[0].Earliest.IsZero() && windows[0].Earliest.Before(newest.Earliest) {
			t.Earliest, t.reason, t.said = windows[0].Earliest, missed, fmt.Sprintf("one run for %d planned times", len(windows))
		}
		came, err := s.came(ctx, j, o, store.Arrival{After: p.Arrived, Upto: w.upto}, now.Add(-sched.Late()), t.Earliest)
		if err != nil {
			return w, err
		}
		if known && len(came) > 0 && !t.Earliest.IsZero() && came[0].Before(t.Earliest) {
			t.Earliest, t.reason = came[0], late
		}
		w.tasks = []task{t}
		return w, nil
	case len(j.search.Keeps) > 0: // a lookup is written anew: only the last window counts
		w.tasks = []task{{Window: newest, reason: due}}
		if n := len(windows) - 1; n > 0 {
			w.skip(j, missed, windows[0], fmt.Sprintf("%d planned times were missed; the last window replaces what they would have written", n))
		}
		return w, nil
	case j.search.Stateless() && !sched.Bounded():
		return w, s.eventWindows(ctx, j, &w, p, windows, known, o, now)
	}
	return w, s.plannedWindows(ctx, j, &w, p, windows, known, o, now)
}

func (w *work) skip(j *job, reason string, at splrule.Window, said string) {
	w.skipped = append(w.skipped, state.Run{Rule: j.key, Reason: reason, Planned: at.Planned, Earliest: at.Earliest, Latest: at.Latest, Status: state.RunSkipped, Said: said})
}

// eventWindows finds the windows of findings of a search that looks at one event at
// a time: those that hold events which arrived since the last run.
func (s *Scheduler) eventWindows(ctx context.Context, j *job, w *work, p state.RuleProgress, windows []splrule.Window, known bool, o search.Options, now time.Time) error {
	newest := windows[len(windows)-1]
	length := int64(splrule.FindingWindow(j.search.Rule))
	arrived, from, to := store.Arrival{After: p.Arrived, Upto: w.upto}, now, time.Time{}
	if e := windows[0].Earliest; !e.IsZero() {
		from = e
	}
	from = from.Add(-j.search.Schedule.Late())
	if !known {
		arrived, from, to = store.Arrival{Upto: w.upto}, newest.Earliest, newest.Latest
	}
	came, err := s.came(ctx, j, o, arrived, from, to)
	if err != nil {
		return err
	}
	reason, said := due, ""
	if len(windows) > 1 {
		reason, said = missed, fmt.Sprintf("for %d planned times", len(windows))
	}
	for _, at := range came {
		start := time.Unix(0, finding.WindowAt(at.UnixNano(), time.Duration(length))).In(newest.Planned.Location())
		if n := len(w.tasks); n > 0 && w.tasks[n-1].Earliest.Equal(start) {
			continue
		}
		t := task{Window: splrule.Window{Planned: newest.Planned, Earliest: start, Latest: start.Add(time.Duration(length))}, reason: reason, said: said}
		if t.Latest.Before(windows[0].Earliest) {
			t.reason = late
		}
		w.tasks = append(w.tasks, t)
	}
	w.bound(j)
	if len(w.tasks) == 0 {
		w.skip(j, reason, newest, "no new events for the rule")
	}
	return nil
}

// plannedWindows finds the windows of planned times: those that are new, and those
// into which events came late.
func (s *Scheduler) plannedWindows(ctx context.Context, j *job, w *work, p state.RuleProgress, windows []splrule.Window, known bool, o search.Options, now time.Time) error {
	sched, zone := j.search.Schedule, s.cfg.Zone
	empty := 0
	var has []time.Time
	if len(windows) > 1 && j.search.Idle {
		var err error
		if has, err = s.came(ctx, j, o, store.Arrival{Upto: w.upto}, windows[0].Earliest, windows[len(windows)-1].Latest); err != nil {
			return err
		}
	}
	for i, win := range windows {
		last := i == len(windows)-1
		t := task{Window: win, reason: due}
		if !last {
			t.reason = missed
			if j.search.Idle && !holds(win, has) {
				empty++
				continue
			}
		}
		w.tasks = append(w.tasks, t)
	}
	if empty > 0 {
		w.skip(j, missed, windows[0], fmt.Sprintf("%d missed windows have no events for the rule", empty))
	}
	if known {
		oldest := now.Add(-sched.Late())
		came, err := s.came(ctx, j, o, store.Arrival{After: p.Arrived, Upto: w.upto}, oldest, time.Time{})
		if err != nil {
			return err
		}
		came = slices.DeleteFunc(came, func(at time.Time) bool {
			return slices.ContainsFunc(w.tasks, func(t task) bool { return within(t.Window, at) })
		})
		if len(came) > 0 {
			var again []task
			for win := range sched.Windows(came[0], came[len(came)-1].Add(span-1), zone) {
				if win.Planned.After(p.Planned) {
					break
				}
				if holds(win, came) {
					again = append(again, task{Window: win, reason: late})
				}
			}
			w.tasks = append(again, w.tasks...)
		}
	}
	w.bound(j)
	return nil
}

// bound leaves out the oldest of too many windows.
func (w *work) bound(j *job) {
	if n := len(w.tasks) - mostWindows; n > 0 {
		first, last := w.tasks[0], w.tasks[n-1]
		w.skip(j, first.reason, splrule.Window{Planned: first.Planned, Earliest: first.Earliest, Latest: last.Latest},
			fmt.Sprintf("%d windows are not made up for, since one run evaluates at most %d; find what happened with rules backtest", n, mostWindows))
		w.tasks = w.tasks[n:]
	}
}

// within reports whether a minute of events touches a window.
func within(w splrule.Window, at time.Time) bool {
	return at.Before(w.Latest) && (w.Earliest.IsZero() || at.Add(span).After(w.Earliest))
}

func holds(w splrule.Window, minutes []time.Time) bool {
	return slices.ContainsFunc(minutes, func(at time.Time) bool { return within(w, at) })
}

// came returns the minutes, in order, in which events happened that the rule's search
// could use, of those that arrived in a range and happened from a time to another.
func (s *Scheduler) came(ctx context.Context, j *job, o search.Options, arrived store.Arrival, from, to time.Time) ([]time.Time, error) {
	if arrived.Upto != 0 && arrived.Upto <= arrived.After {
		return nil, nil
	}
	o.Text = "search " + filter.Print(j.search.Base) + " | bin _time span=1m | stats count by _time"
	o.Arrived, o.Clock, o.Now, o.Zone, o.Earliest, o.Latest = arrived, s.cfg.Clock(), "", time.UTC, "", ""
	if !from.IsZero() {
		o.Earliest = from.Format(time.RFC3339Nano)
	}
	if !to.IsZero() {
		o.Latest = to.Format(time.RFC3339Nano)
	}
	run, _, err := search.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("cannot look for new events: %w", err)
	}
	defer run.Close()
	var list []time.Time
	for {
		b, err := run.Next(ctx)
		if err != nil {
			if ended(err) {
				break
			}
			return nil, fmt.Errorf("cannot look for new events: %w", err)
		}
		for i := range b.Len {
			if n, ok := b.At("_time", i).Num(); ok {
				list = append(list, splunktime.FromEpoch(n).UTC())
			}
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return slices.Compact(list), nil
}
