package alert

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/search"
	"bluetrail/internal/state"
)

// Config is what an Alerter works with. Only State is required.
type Config struct {
	State    *state.DB
	Rules    func() *ruleset.Ruleset                           // as they are now; nil = unknown
	Open     func() (search.Options, error)                    // a search of the events; nil = there are none to search
	Queue    func(tx *state.Tx, a *Alert, change Change) error // tells outputs; nil = nobody
	Triage   func(f *finding.Finding) triage.Verdict           // sets what the finding shows, too; nil = no class and no list is known
	Exposure func(ctx context.Context, doc *Alert) []string    // what the events opened to the internet, in words; may be nil

	// Unusual says what of an actor's calls is unusual, as actor.Book does; nil = only
	// the events are asked.
	Unusual func(q actor.Question) (list []string, ok bool)

	Wake <-chan struct{} // tells Run that findings may have come; nil = it only looks from time to time

	Window  time.Duration            // see DefaultWindow
	Windows map[string]time.Duration // by ID, name or title of a rule
	Risk    Risk
	Clock   func() time.Time
	Log     *slog.Logger
}

// DefaultWindow is how close findings of one rule and entity lie that make one alert.
const DefaultWindow = 24 * time.Hour

// Alerter makes alerts of the findings of a state. One at a time may work on a state;
// people may change alerts meanwhile.
type Alerter struct {
	cfg    Config
	fault  func(step string) error // fails a transaction, in tests
	counts counts
}

// NewAlerter returns an Alerter.
func NewAlerter(cfg Config) *Alerter {
	if cfg.Triage == nil {
		cfg.Triage = new(triage.Desk).Apply
	}
	if cfg.Queue == nil {
		cfg.Queue = func(*state.Tx, *Alert, Change) error { return nil }
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Window = cmp.Or(cfg.Window, DefaultWindow)
	cfg.Risk.Threshold = cmp.Or(cfg.Risk.Threshold, DefaultRisk.Threshold)
	cfg.Risk.HalfLife = cmp.Or(cfg.Risk.HalfLife, DefaultRisk.HalfLife)
	return &Alerter{cfg: cfg, fault: func(string) error { return nil }}
}

// Steps of Run.
const (
	every      = 500 * time.Millisecond // how often Run looks for findings of which nobody told
	retryAfter = 10 * time.Second       // how long it rests after a failure
	batch      = 32                     // findings in a transaction; commits of events wait for it
)

// Run makes alerts until ctx ends. A failure is logged, and what it was about is tried
// again.
func (a *Alerter) Run(ctx context.Context) error {
	pause, wake := every, a.cfg.Wake
	for {
		select {
		case <-time.After(pause):
		case <-wake:
		case <-ctx.Done():
			return nil
		}
		pause, wake = every, a.cfg.Wake
		if _, err := a.Drain(ctx); err != nil && ctx.Err() == nil {
			a.cfg.Log.Error("cannot make alerts; trying again soon", "err", err, "after", retryAfter.String())
			a.counts.failed.Add(1)
			pause, wake = retryAfter, nil
		}
	}
}

// Did says what Drain did.
type Did struct {
	Findings  int // that were looked at
	Raised    int // alerts, those of risk and health included
	Changed   int
	Withdrawn int
	Lacking   int // new alerts some of whose events' records were not found
}

func (d *Did) add(o Did) {
	d.Findings += o.Findings
	d.Raised += o.Raised
	d.Changed += o.Changed
	d.Withdrawn += o.Withdrawn
	d.Lacking += o.Lacking
}

// Drain makes alerts of what is queued, and looks again for records that were missing.
func (a *Alerter) Drain(ctx context.Context) (did Did, err error) {
	for {
		due, err := a.cfg.State.Due(ctx, batch)
		if err != nil {
			return did, err
		}
		if len(due) == 0 {
			break
		}
		some, err := a.step(ctx, due)
		did.add(some)
		if err != nil {
			return did, err
		}
	}
	return did, a.retry(ctx)
}

// item is an entry of the queue with the finding as it is now.
type item struct {
	due   state.Due
	f     *finding.Finding // nil = it is gone
	shown triage.Verdict
	info  *rule.Info // nil = the rule is gone
}

// step makes alerts of some findings in one transaction.
func (a *Alerter) step(ctx context.Context, due []state.Due) (did Did, err error) {
	var rs *ruleset.Ruleset
	if a.cfg.Rules != nil {
		rs = a.cfg.Rules()
	}
	items := make([]item, len(due))
	for i, d := range due {
		if items[i], err = a.read(d, rs); err != nil {
			return did, err
		}
	}
	more := a.gather(ctx, items)
	if ctx.Err() != nil {
		return did, ctx.Err()
	}
	b := &work{now: a.now()}
	err = a.cfg.State.Write(func(tx *state.Tx) error {
		*b = work{a: a, tx: tx, more: more, now: b.now, changed: map[string]*change{}}
		if err := b.do(items); err != nil {
			return err
		}
		if err := tx.Done(due); err != nil {
			return err
		}
		return a.fault("commit")
	})
	if err != nil {
		return did, fmt.Errorf("cannot make alerts of findings: %w", err)
	}
	a.counts.add(b.did)
	a.counts.classes(items, b.raised)
	return b.did, nil
}

// now is the time in the precision of the state.
func (a *Alerter) now() time.Time { return a.cfg.Clock().UTC().Truncate(time.Millisecond) }

// read reads a finding of the queue.
func (a *Alerter) read(d state.Due, rs *ruleset.Ruleset) (it item, err error) {
	it = item{due: d}
	s, err := a.cfg.State.Finding(d.Finding)
	if errors.Is(err, sql.ErrNoRows) {
		return it, nil
	}
	if err != nil {
		return it, err
	}
	f := &finding.Finding{}
	if err := json.Unmarshal(s.Body, f); err != nil || f.ID != d.Finding {
		// Waiting would hold up all others.
		a.cfg.Log.Error("a finding cannot be read and raises no alert", "finding", d.Finding, "err", err)
		return it, nil
	}
	it.f, it.shown = f, a.cfg.Triage(f)
	if rs != nil {
		if i := rs.Find(f.RuleID); i >= 0 {
			it.info = &rs.Rules[i].Info
		}
	}
	return it, nil
}

// window returns how close findings of a rule lie that make one alert.
func (a *Alerter) window(f *finding.Finding) time.Duration {
	for _, name := range []string{f.RuleID, f.Rule, f.Title} {
		if w, ok := a.cfg.Windows[name]; ok {
			return w
		}
	}
	return a.cfg.Window
}
