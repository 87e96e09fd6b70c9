package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/identity"
	"bluetrail/internal/ingest"
	"bluetrail/internal/state"
)

// Sink writes findings, and what the rules have to know, with the checkpoints of a
// pipeline.
type Sink struct {
	rules *Rules
	db    *state.DB
	of    *ruleset.Ruleset // that workers and replayer use; changes in Commit only

	mu       sync.Mutex // of what follows
	workers  []*worker
	trail    *identity.Trail
	book     *actor.Book
	said     []actor.Override // what users say of actors, kept in the state
	memory   *seen.Memory
	replayer *judge.Replayer
	foreign  rows               // to be deleted with the next commit
	expired  map[string]expired // what rules have forgotten, likewise
	tx       *state.Tx
	written  int       // findings, with the commit under way
	durable  bool      // what was gathered is committed
	judged   time.Time // when it was judged last
}

var _ ingest.Sink = (*Sink)(nil)

// expired says what a rule has forgotten: tuples last seen before a time, and scopes as
// well if the rule is gone.
type expired struct {
	before int64
	gone   bool
}

// rows are rows of the state.
type rows struct {
	units   []state.Unit
	waiting []state.Waiting
	known   []state.Identity
}

func (r *rows) put(tx *state.Tx) error {
	err := tx.PutUnits(r.units)
	if err == nil {
		err = tx.PutWaiting(r.waiting)
	}
	if err == nil {
		err = tx.PutIdentities(r.known)
	}
	*r = rows{}
	return err
}

// Sink returns the sink for a pipeline, see ingest.Config. It goes on from what the
// state has.
func (r *Rules) Sink(db *state.DB) (ingest.Sink, error) {
	known, err := db.Disabled()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	for _, d := range known {
		r.disabled[d.Rule] = d
	}
	r.mu.Unlock()
	if len(known) > 0 {
		r.use(r.cfg.Rules.Rules())
	}
	s := &Sink{rules: r, db: db, of: r.latest.Load(), trail: identity.NewTrail(0), memory: seen.New(0, true), expired: map[string]expired{}, durable: true}
	s.book = actor.NewBook(r.cfg.Networks, s.trail)
	if err := s.restore(); err != nil {
		return nil, err
	}
	if err := db.Write(s.plan); err != nil {
		return nil, fmt.Errorf("cannot note which rules have to learn: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sink = s
	return s, nil
}

// Worker implements ingest.Sink. It is called by several goroutines.
func (s *Sink) Worker() ingest.SinkWorker {
	w := &worker{sink: s, trail: identity.NewTrail(trailOfWorker), calls: &actor.Recorder{Networks: s.rules.cfg.Networks}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	return w
}

// newReplayer returns a replayer for the rules of the sink.
func (s *Sink) newReplayer() *judge.Replayer {
	o := judge.ReplayOptions{
		Options:  judge.Options{Rules: engine.Rules(s.of), Wanted: s.of.Wanted, Resolve: engine.Resolver(s.trail), Seen: s.memory},
		Lateness: s.rules.cfg.Lateness, Stored: s.stored,
	}
	for i := range s.of.Rules {
		o.Prints = append(o.Prints, s.of.Rules[i].Print)
	}
	r, faults := judge.NewReplayer(o)
	for _, f := range faults {
		x := &s.of.Rules[f.Rule]
		s.rules.cfg.Log.Warn("a rule cannot run", "rule", x.ID, "file", x.File, "reason", f.Err)
	}
	return r
}

// stored returns a finding of an event rule that was written before, nil for none.
func (s *Sink) stored(id string) (*finding.Finding, error) {
	if s.tx == nil {
		return nil, errors.New("findings are looked up in commits only")
	}
	body, err := s.tx.Finding(id)
	if body == nil || err != nil {
		return nil, err
	}
	f := &finding.Finding{}
	if err := json.Unmarshal(body, f); err != nil {
		return nil, fmt.Errorf("finding %q cannot be read: %w", id, err)
	}
	return f, nil
}

// Commit implements ingest.Sink.
func (s *Sink) Commit(tx *state.Tx) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tx, s.durable = tx, false
	defer func() { s.tx = nil }()
	for _, d := range s.rules.takeChanged() {
		err := tx.Enable(d.Rule)
		if d.Reason != "" {
			err = tx.Disable(d)
		}
		if err != nil {
			return err
		}
	}
	if err := s.foreign.put(tx); err != nil {
		return err
	}
	for rule, x := range s.expired {
		if err := tx.ForgetSeen(rule, x.before, x.gone); err != nil {
			return err
		}
	}
	clear(s.expired)
	s.gather()
	if err := s.judge(tx, s.replayer.Judge); err != nil {
		return err
	}
	if latest := s.rules.latest.Load(); latest != s.of {
		if err := s.change(tx, latest); err != nil {
			return err
		}
	}
	return nil
}

// judge judges what was gathered, and writes what follows.
func (s *Sink) judge(tx *state.Tx, with func(context.Context, time.Time) (*judge.Delta, error)) error {
	start := time.Now()
	delta, err := with(context.Background(), s.rules.cfg.clock())
	if err != nil {
		return fmt.Errorf("cannot judge what rules match: %w", err)
	}
	s.judged = start
	s.rules.counts.judged(s, time.Since(start))
	return s.write(tx, delta)
}

// gather takes what the workers have found.
func (s *Sink) gather() {
	for _, w := range s.workers {
		s.trail.Merge(w.trail)
		w.trail.Reset()
	}
	for _, w := range s.workers {
		s.book.Take(w.calls)
	}
	if s.trail.Stirred() {
		s.replayer.Reresolve()
		s.trail.Watch()
	}
	for _, w := range s.workers {
		for _, m := range w.take() {
			s.replayer.Add(m)
		}
		for i, n := range w.hits {
			if n > 0 {
				s.rules.counts.hit(w.of.Rules[i].ID, n)
				w.hits[i] = 0
			}
		}
	}
}

// write writes what was judged.
func (s *Sink) write(tx *state.Tx, d *judge.Delta) error {
	now := s.rules.cfg.clock().UnixMilli()
	if err := tx.DropFindings(d.Gone); err != nil {
		return err
	}
	list := make([]state.Finding, len(d.Findings))
	for i, f := range d.Findings {
		list[i] = state.Finding{
			ID: f.ID, Time: f.Time.UnixNano(), Rule: f.RuleID, Severity: f.Severity.Rank(), Entity: f.Entity, First: f.First.UnixNano(), Last: f.Last.UnixNano(), Arrived: now, Body: f.Body,
		}
	}
	if err := tx.PutFindings(list); err != nil {
		return err
	}
	s.written = len(list)
	changed := rows{}
	for _, u := range d.Units {
		changed.units = append(changed.units, state.Unit(u))
	}
	for _, x := range d.Waiting {
		changed.waiting = append(changed.waiting, state.Waiting(x))
	}
	for _, x := range s.trail.Changed() {
		changed.known = append(changed.known, state.Identity{Kind: byte(x.Kind), Key: []byte(x.Key), Value: x.Value})
	}
	for _, x := range s.book.Changed() {
		changed.known = append(changed.known, state.Identity{Kind: evidenceKind, Key: x.Key, Value: x.Value})
	}
	if err := changed.put(tx); err != nil {
		return err
	}
	return s.putSeen(tx)
}

// putSeen writes what first_seen rules have learnt.
func (s *Sink) putSeen(tx *state.Tx) error {
	return tx.PutSeen(seenRows(s.memory.Changed()))
}

// seenRows returns tuples as the state has them.
func seenRows(rows []seen.Row) []state.Seen {
	list := make([]state.Seen, len(rows))
	for i, r := range rows {
		list[i] = state.Seen{Rule: r.Rule, Tuple: r.Tuple(), First: r.First, Last: r.Last}
	}
	return list
}

// change goes on with other rules. What the unchanged ones know stays.
func (s *Sink) change(tx *state.Tx, to *ruleset.Ruleset) error {
	units, waiting := s.replayer.Rows()
	s.rules.counts.replaced()
	s.of = to
	s.replayer = s.newReplayer()
	var gone rows
	for i := range units {
		if err := s.replayer.Restore(&units[i]); err != nil {
			s.unread(err)
			gone.units = append(gone.units, state.Unit{Unit: units[i].Unit})
		}
	}
	for i := range waiting {
		if err := s.replayer.RestoreWaiting(&waiting[i]); err != nil {
			s.unread(err)
			gone.waiting = append(gone.waiting, state.Waiting{Number: waiting[i].Number})
		}
	}
	if err := gone.put(tx); err != nil {
		return err
	}
	return s.plan(tx)
}

// unread reports state that cannot be used. That of rules that are gone is no fault.
func (s *Sink) unread(err error) {
	if !errors.Is(err, judge.ErrForeign) {
		s.rules.counts.damaged.Add(1)
		s.rules.cfg.Log.Error("a part of what rules knew is lost", "err", err)
	}
}

// restore reads the state.
func (s *Sink) restore() error {
	err := s.db.Identities(func(x *state.Identity) error {
		if err := recallIdentity(x, s.trail, s.book, &s.said); err != nil {
			s.unread(err)
			s.foreign.known = append(s.foreign.known, state.Identity{Kind: x.Kind, Key: slices.Clone(x.Key)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.trail.Changed() // from now on
	s.book.Changed()
	s.book.Overrides = overrides(s.said, s.rules.cfg.Classes)
	s.trail.Watch()
	if err := s.recall(); err != nil {
		return err
	}
	s.replayer = s.newReplayer()
	err = s.db.Units(func(u *state.Unit) error {
		if err := s.replayer.Restore(&judge.UnitRow{Unit: u.Unit, Body: u.Body}); err != nil {
			s.unread(err)
			s.foreign.units = append(s.foreign.units, state.Unit{Unit: u.Unit})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.db.Waiting(func(x *state.Waiting) error {
		row := judge.WaitingRow(*x)
		if err := s.replayer.RestoreWaiting(&row); err != nil {
			s.unread(err)
			s.foreign.waiting = append(s.foreign.waiting, state.Waiting{Number: x.Number})
		}
		return nil
	})
}

// Committed implements ingest.Sink.
func (s *Sink) Committed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable = true
	s.count()
}

// count counts the findings that were written, and tells of them.
func (s *Sink) count() {
	if s.written > 0 {
		select {
		case s.rules.written <- struct{}{}:
		default:
		}
	}
	s.rules.counts.written.Add(int64(s.written))
	s.written = 0
}

// Close implements io.Closer: it writes the findings that have grown since they were
// written last.
func (s *Sink) Close() error {
	return s.between(func() bool { return true }, func(ctx context.Context, now time.Time) (*judge.Delta, error) { return s.replayer.Flush(ctx, now) })
}

// between judges without new events, in a transaction of its own, if there is cause to.
func (s *Sink) between(cause func() bool, with func(context.Context, time.Time) (*judge.Delta, error)) error {
	err := s.db.Write(func(tx *state.Tx) error {
		s.mu.Lock() // after the transaction has begun, as Commit does
		defer s.mu.Unlock()
		if !s.durable || !cause() { // or else the pipeline has failed
			return nil
		}
		s.tx = tx
		defer func() { s.tx = nil }()
		return s.judge(tx, with)
	})
	if err != nil {
		return fmt.Errorf("cannot keep findings: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
	return nil
}

// Judging without events: findings that have grown are written, and what is over folds.
const (
	tick = 5 * time.Second
	idle = time.Minute
)

// Run judges while no events come, until ctx ends.
func (r *Rules) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
		r.mu.Lock()
		s := r.sink
		r.mu.Unlock()
		if s == nil {
			continue
		}
		if err := s.between(func() bool { return s.replayer.Pending() || time.Since(s.judged) >= idle }, func(ctx context.Context, now time.Time) (*judge.Delta, error) { return s.replayer.Judge(ctx, now) }); err != nil {
			return err
		}
	}
}
