package schedule

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

func ended(err error) bool { return err == io.EOF }

// run runs one rule for all planned times that have come.
func (s *Scheduler) run(ctx context.Context, j *job) {
	now := s.cfg.Clock()
	s.countLag(j, now.Sub(j.next))
	err := s.evaluate(ctx, j, now)
	if ctx.Err() != nil {
		return // the next start goes on from what was recorded
	}
	next := j.search.Schedule.Next(now, s.cfg.Zone)
	s.mu.Lock()
	j.next = next
	if err == nil {
		j.next = time.Time{} // by what was recorded
	}
	s.mu.Unlock()
	if err != nil {
		s.cfg.Log.Warn("a rule failed", "rule", j.key, "err", err)
	}
}

// evaluate does the work of a rule and records it. A failure is recorded, too; what it
// was about is tried again with the next planned time.
func (s *Scheduler) evaluate(ctx context.Context, j *job, now time.Time) error {
	p, _, err := s.cfg.State.RuleProgress(j.key)
	if err != nil {
		return err
	}
	known := !p.Planned.IsZero()
	var w work
	var o search.Options
	began := time.Now()
	at := task{Window: splrule.Window{Planned: j.next}, reason: due}
	err = safely(func() error {
		if o, err = s.options(); err != nil {
			return err
		}
		o.Arrived = store.Arrival{}
		w, err = s.whatToDo(ctx, j, p, known, o, now)
		return err
	})
	if err != nil {
		return s.failed(ctx, j, p, at, began, err)
	}
	arrived := p.Arrived
	if !known {
		arrived = w.upto
	}
	for i, t := range w.tasks {
		if err := s.yield(ctx); err != nil {
			return err
		}
		began = time.Now()
		var list []*finding.Finding
		var r splrule.Result
		var alerts bool
		err := safely(func() (err error) {
			if o, err = s.options(); err != nil {
				return err
			}
			o.Arrived = store.Arrival{}
			if r, err = j.search.Run(ctx, t.Window, o); err != nil {
				return err
			}
			if alerts, err = j.search.Alerts(ctx, &r, p.Rows, o); alerts && err == nil && !j.search.Rule.Baseline() {
				list = j.search.Findings(t.Window, &r)
			}
			return err
		})
		if err != nil {
			return s.failed(ctx, j, p, t, began, err)
		}
		list, told, muted, err := s.unmuted(j, t, list)
		if err != nil {
			return err
		}
		gone, err := s.gone(j, t, list)
		if err != nil {
			return err
		}
		if !j.search.Stateless() { // whose events never go
			for _, f := range list {
				told = append(told, state.Told{Alike: findingMark + f.ID, Planned: t.Planned})
			}
		}
		if p.Failures = 0; t.reason != late {
			p.Rows = r.Count
		}
		if t.Planned.After(p.Planned) && t.reason != late {
			p.Planned = t.Planned
		}
		if p.Arrived = arrived; i == len(w.tasks)-1 {
			p.Planned, p.Arrived = w.last, max(w.upto, arrived)
		}
		run := state.Run{
			Rule: j.key, Reason: t.reason, Planned: t.Planned, Earliest: t.Earliest, Latest: t.Latest, Started: s.cfg.Clock(), Took: time.Since(began),
			Rows: r.Count, Findings: len(list), Muted: muted, Status: state.RunDone, Said: said(t.said, &r),
		}
		if err := s.record(ctx, j, p, append(w.skipped, run), told, list, gone); err != nil {
			return err
		}
		w.skipped = nil
		s.count(j, &run)
	}
	if len(w.tasks) == 0 && !w.last.IsZero() {
		p.Planned, p.Arrived, p.Failures = w.last, max(w.upto, arrived), 0
		return s.record(ctx, j, p, w.skipped, nil, nil, nil)
	}
	return nil
}

// options returns what a search may use.
func (s *Scheduler) options() (search.Options, error) {
	s.mu.Lock()
	folders := s.folders
	s.mu.Unlock()
	o, err := s.cfg.Open(folders)
	o.Unwatched = true
	return o, err
}

// said joins what is to know about a run.
func said(text string, r *splrule.Result) string {
	parts := []string{text}
	if more := r.Count - rowsIn(r.Rows); more > 0 {
		parts = append(parts, fmt.Sprintf("%d more rows are left out", more))
	}
	for _, n := range r.Notices {
		if len(parts) < 5 {
			parts = append(parts, n.Text)
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func rowsIn(list []*vector.Batch) (n int64) {
	for _, b := range list {
		n += int64(b.Len)
	}
	return n
}

// safely turns a panic into an error, so that a rule ends itself only.
func safely(do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the rule failed inside: %v", r)
		}
	}()
	return do()
}

// yield waits while people search, but not for ever.
func (s *Scheduler) yield(ctx context.Context) error {
	if s.cfg.Busy == nil {
		return ctx.Err()
	}
	for waited := time.Duration(0); waited < yieldMost && s.cfg.Busy(); waited += yieldStep {
		select {
		case <-time.After(yieldStep):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}

// record saves findings, runs and progress together.
func (s *Scheduler) record(ctx context.Context, j *job, p state.RuleProgress, runs []state.Run, told []state.Told, list []*finding.Finding, gone []string) error {
	forget := p.Planned.Add(-j.search.Schedule.Late() - s.suppression(j).Period - 24*time.Hour)
	return s.cfg.State.Write(func(t *state.Tx) error {
		if len(list)+len(gone) > 0 {
			if err := s.cfg.Emit.Emit(ctx, t, &runs[len(runs)-1], list, gone); err != nil {
				return fmt.Errorf("cannot keep the findings of the rule %q: %w", j.key, err)
			}
		}
		return t.SaveRuns(p, runs, told, forget)
	})
}

// failed records a failure, and disables the rule after several.
func (s *Scheduler) failed(ctx context.Context, j *job, p state.RuleProgress, t task, began time.Time, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	p.Failures++
	run := state.Run{
		Rule: j.key, Reason: t.reason, Planned: t.Planned, Earliest: t.Earliest, Latest: t.Latest, Started: s.cfg.Clock(), Took: time.Since(began), Status: state.RunFailed, Said: cause.Error(),
	}
	s.count(j, &run)
	if err := s.record(ctx, j, p, []state.Run{run}, nil, nil, nil); err != nil {
		return errors.Join(cause, err)
	}
	if p.Failures < mostFailures {
		return cause
	}
	what := "failed"
	if over := (*exec.OverBudget)(nil); errors.As(cause, &over) {
		what = "needed more than its budget"
	}
	reason := fmt.Sprintf("it %s %d times in a row, last: %v; it runs again when its text changes", what, p.Failures, cause)
	d := state.Disabled{Rule: j.key, Print: j.print, Since: s.cfg.Clock(), Reason: reason}
	if err := s.cfg.State.Write(func(t *state.Tx) error { return t.Disable(d) }); err != nil {
		return errors.Join(cause, err)
	}
	s.mu.Lock()
	j.off = reason
	s.mu.Unlock()
	s.cfg.Log.Error("a rule was disabled", "rule", j.key, "reason", reason)
	if s.cfg.Alarm != nil {
		s.cfg.Alarm(j.key, reason)
	}
	return cause
}

// suppression is what keeps results of a rule back: its own, or, where windows
// overlap, one for as long as an event lies in them.
func (s *Scheduler) suppression(j *job) splrule.Suppress {
	own := j.search.Rule.Alert.Suppress
	if length, overlaps := j.search.Schedule.Overlaps(s.cfg.Zone); own.Period == 0 && overlaps {
		own.Period = length
	}
	return own
}

// findingMark tells IDs of findings from what suppression remembers.
const findingMark = "id "

// gone returns the findings that a window gave before and gives no more. What a search
// found stays found where a lookup knows it by now.
func (s *Scheduler) gone(j *job, t task, list []*finding.Finding) (ids []string, err error) {
	if t.reason != late || j.search.Stateless() || !j.search.Pure {
		return nil, nil
	}
	was, err := s.cfg.State.ToldAt(j.key, t.Planned)
	for _, a := range was {
		if id, ok := strings.CutPrefix(a, findingMark); ok && !slices.ContainsFunc(list, func(f *finding.Finding) bool { return f.ID == id }) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// unmuted returns the findings that were not told for a while, and what to remember of
// them. A window that is evaluated again tells the same again.
func (s *Scheduler) unmuted(j *job, t task, list []*finding.Finding) (kept []*finding.Finding, told []state.Told, muted int, err error) {
	sup := s.suppression(j)
	if sup.Period == 0 {
		return list, nil, 0, nil
	}
	defer func() { // one rule may find the same for many
		slices.SortFunc(told, func(a, b state.Told) int { return strings.Compare(a.Alike, b.Alike) })
		told = slices.Compact(told)
	}()
	for _, f := range list {
		alike := ""
		switch {
		case len(sup.Fields) > 0:
			for _, field := range sup.Fields {
				alike += fmt.Sprintf("%q", f.Get(field))
			}
		case j.search.Rule.Alert.Suppress.Period == 0:
			alike = f.Entity + "\x00" + f.Outcome
		}
		if len(alike) > 512 {
			alike = alike[:512]
		}
		was, err := s.cfg.State.WasTold(j.key, alike, t.Planned.Add(-sup.Period), t.Planned)
		if err != nil {
			return nil, nil, 0, err
		}
		if was {
			muted++
			continue
		}
		kept = append(kept, f)
		told = append(told, state.Told{Alike: alike, Planned: t.Planned})
	}
	return kept, told, muted, nil
}
