package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/spill"
	"bluetrail/internal/state"
	"bluetrail/internal/store/files"
)

// learner is a rule that remembers what it has seen.
type learner struct {
	at     int                      // in the ruleset
	period time.Duration            // how far back it remembers, 0 = for good
	expiry map[string]time.Duration // of what it remembers, by the name of each first_seen part
}

// learners returns the rules of a ruleset that remember something.
func learners(rs *ruleset.Ruleset) (list []learner) {
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if r.Silent || r.Off != "" || r.Correlation == nil {
			continue
		}
		l := learner{at: i, expiry: map[string]time.Duration{}}
		forever := false
		for _, at := range rs.Below(i) {
			c := rs.Rules[at].Correlation
			if c == nil || rs.Rules[at].Kind != rule.FirstSeen {
				continue
			}
			l.expiry[rs.Rules[at].ID] = c.FirstSeen.Expiry
			forever = forever || c.FirstSeen.Expiry == 0
			l.period = max(l.period, c.FirstSeen.Expiry+c.FirstSeen.Learning)
		}
		if forever {
			l.period = 0
		}
		if len(l.expiry) > 0 {
			list = append(list, l)
		}
	}
	return list
}

// keep is how much longer than its expiry something is remembered at most.
const keep = time.Hour

// keepForeign is how long that stays which rules remember that are gone.
const keepForeign = 90 * 24 * time.Hour

// recall reads what first_seen rules remember.
func (s *Sink) recall() error {
	now := s.rules.cfg.clock().Add(-s.rules.cfg.Lateness - 2*keep)
	expiry := map[string]time.Duration{}
	for _, l := range learners(s.of) {
		for id, e := range l.expiry {
			expiry[id] = e
		}
	}
	return s.db.Seen(func(x *state.Seen) error {
		r := seen.Row{Rule: x.Rule, First: x.First, Last: x.Last}
		if err := r.ParseTuple(x.Tuple); err != nil {
			s.unread(fmt.Errorf("what rule %q remembers cannot be read: %w", x.Rule, err))
			return nil
		}
		e, known := keepForeign, false
		for id := range r.IDs() {
			if of, ok := expiry[id]; ok {
				e, known = of, true
				break
			}
		}
		if before := now.Add(-e).Unix(); e > 0 && x.Last < before && (len(r.Values) > 0 || !known) {
			s.expired[x.Rule] = expired{before, !known}
			return nil
		}
		s.memory.Restore(&r)
		return nil
	})
}

// plan notes which rules have to learn from the events that are stored by now: those
// that are new or have changed.
func (s *Sink) plan(tx *state.Tx) error {
	batch, err := tx.Batch()
	if err != nil {
		return err
	}
	known, err := tx.Learning()
	if err != nil {
		return err
	}
	for _, l := range learners(s.of) {
		r := &s.of.Rules[l.at]
		if slices.ContainsFunc(known, func(k state.Learning) bool { return k.Rule == r.ID && k.Print == r.Print }) {
			continue
		}
		if err := tx.PutLearning(state.Learning{Rule: r.ID, Print: r.Print, Upto: batch, Done: batch == 0}); err != nil {
			return err
		}
	}
	return nil
}

// History is the events that are stored.
type History struct {
	// Open returns those of a time and after, zero = all, that arrived up to a batch.
	Open  func(earliest time.Time, batch int64) (Records, error)
	Space *spill.Space
}

// Records are events that workers visit side by side, see files.Store.Each.
type Records interface {
	Workers() int
	Each(ctx context.Context, x *event.Extractor, visitor func(worker int) (func(*files.Record) error, error)) error
}

// learnEvery is how often Learn looks for rules that have to learn.
const learnEvery = 5 * time.Second

// Learn has first_seen rules that are new learn from the stored events, until ctx ends.
func (r *Rules) Learn(ctx context.Context, h History) error {
	t := time.NewTicker(learnEvery)
	defer t.Stop()
	for {
		if err := r.LearnNow(ctx, h); err != nil && ctx.Err() == nil {
			r.cfg.Log.Error("rules could not learn from the stored events; trying again", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// student is a rule that has to learn.
type student struct {
	learner
	state.Learning
	judge  *judge.Judge
	memory *seen.Memory
}

// LearnNow has rules learn that have to, and returns when they have.
func (r *Rules) LearnNow(ctx context.Context, h History) error {
	r.mu.Lock()
	s := r.sink
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	rs := s.of
	s.mu.Unlock()
	list, err := s.db.Learning()
	if err != nil {
		return err
	}
	var students []*student
	for _, l := range learners(rs) {
		rule := &rs.Rules[l.at]
		if i := slices.IndexFunc(list, func(k state.Learning) bool { return k.Rule == rule.ID && k.Print == rule.Print && !k.Done }); i >= 0 {
			students = append(students, &student{learner: l, Learning: list[i]})
		}
	}
	if len(students) == 0 {
		return nil
	}
	slices.SortStableFunc(students, func(a, b *student) int { return cmp.Compare(a.Upto, b.Upto) })
	for len(students) > 0 { // in one pass those that have to learn from the same events
		n := 1
		for n < len(students) && students[n].Upto == students[0].Upto {
			n++
		}
		if err := s.teach(ctx, rs, students[:n], h); err != nil {
			return err
		}
		students = students[n:]
	}
	return nil
}

// teach has rules learn, and keeps what they have learnt.
func (s *Sink) teach(ctx context.Context, rs *ruleset.Ruleset, students []*student, h History) error {
	log := s.rules.cfg.Log
	log.Info("rules learn from the stored events", "rules", len(students))
	start := time.Now()
	if err := s.db.Write((*state.Tx).DropStaged); err != nil { // of a pass that did not end
		return fmt.Errorf("cannot let rules learn: %w", err)
	}
	n, err := s.study(ctx, rs, students, h)
	if err != nil {
		return err
	}
	tuples := 0
	err = s.db.Write(func(tx *state.Tx) error {
		s.mu.Lock() // after the transaction has begun, as Commit does
		defer s.mu.Unlock()
		for _, x := range students {
			x.Done = true
			if err := tx.PutLearning(x.Learning); err != nil {
				return err
			}
		}
		if err := s.putSeen(tx); err != nil { // what was remembered meanwhile counts, too
			return err
		}
		return tx.TakeStaged(func(x *state.Seen) error {
			tuples++
			r := seen.Row{Rule: x.Rule, First: x.First, Last: x.Last}
			if err := r.ParseTuple(x.Tuple); err != nil {
				return err
			}
			s.memory.Restore(&r)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("cannot keep what rules have learnt: %w", err)
	}
	log.Info("rules have learnt from the stored events", "rules", len(students), "matches", n, "tuples", tuples, "took", time.Since(start).Round(time.Millisecond))
	return nil
}

// learnMemory is for the matches of a pass, all workers together.
const learnMemory = 64 << 20

// stageAt is how many tuples wait in memory for being staged.
var stageAt = 50_000

// study shows stored events to rules, which all learn up to the same batch, and returns
// how many matched.
func (s *Sink) study(ctx context.Context, rs *ruleset.Ruleset, students []*student, h History) (n int64, err error) {
	used := map[int]bool{}
	var earliest time.Time
	forever := false
	for _, x := range students {
		for _, at := range rs.Below(x.at) {
			used[at] = true
		}
		forever = forever || x.period == 0
		if from := time.UnixMilli(x.Upto).Add(-x.period); earliest.IsZero() || from.Before(earliest) {
			earliest = from
		}
	}
	if forever {
		earliest = time.Time{}
	}
	records, err := h.Open(earliest, students[0].Upto)
	if err != nil {
		return 0, err
	}
	workers := records.Workers()
	logs, trails := make([]*match.Log, workers), make([]*identity.Trail, workers)
	for i := range workers {
		logs[i], trails[i] = match.NewLog(h.Space, int64(learnMemory/workers), i), identity.NewTrail(identity.DefaultLimit/workers)
		defer logs[i].Close()
	}
	err = records.Each(ctx, engine.Leaves, func(n int) (func(*files.Record) error, error) {
		scanner, err := engine.NewScanner(ctx, rs, s.rules.cfg.Geo, trails[n])
		if err != nil {
			return nil, err
		}
		for i := range rs.Rules {
			if !used[i] || s.rules.isDisabled(rs.Rules[i].ID) {
				scanner.Skip(i)
			}
		}
		return func(rec *files.Record) error {
			if rec.Meta.Sourcetype != event.CloudTrail {
				return nil
			}
			m, err := scanner.Scan(&engine.Record{
				Raw: rec.Raw, Meta: &rec.Meta, Time: rec.Time, ID: rec.Identity.ID, Given: rec.Identity.Given, Row: rec.Row,
			})
			if m == nil || err != nil {
				return err
			}
			return logs[n].Add(ctx, m)
		}, nil
	})
	if err != nil {
		return 0, err
	}
	trail := identity.NewTrail(0)
	for _, t := range trails {
		trail.Merge(t)
	}
	for _, x := range students {
		x.memory = seen.New(0, true)
		o := judge.Options{Rules: engine.Rules(rs), Wanted: rs.Wanted, Resolve: engine.FinalResolver(trail), Seen: x.memory}
		for i := range o.Rules {
			o.Rules[i].Silent = i != x.at
		}
		x.judge, _ = judge.New(o) // faults were told when the rules were loaded
	}
	rd, err := match.Merge(ctx, h.Space, logs...)
	if err != nil {
		return 0, err
	}
	defer rd.Close()
	for ; ; n++ {
		m := &match.Match{}
		switch err := rd.Next(ctx, m); {
		case errors.Is(err, io.EOF):
			for _, x := range students {
				if err := s.stage(x); err != nil {
					return n, err
				}
			}
			return n, nil
		case err != nil:
			return n, err
		}
		for _, x := range students {
			if x.judge.Learn(m); x.memory.Pending() >= stageAt {
				if err := s.stage(x); err != nil {
					return n, err
				}
			}
		}
	}
}

// stage writes what a rule has learnt so far where nothing reads it yet: until all is
// there, the rest would be taken for new.
func (s *Sink) stage(x *student) error {
	list := seenRows(x.memory.Changed())
	if err := s.db.Write(func(tx *state.Tx) error { return tx.StageSeen(list) }); err != nil {
		return fmt.Errorf("cannot keep what rules learn: %w", err)
	}
	return nil
}
