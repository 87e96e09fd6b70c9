// Package live evaluates rules on what the ingest pipeline brings. What they find, and
// what they have to know, is written in the transaction that makes the events durable,
// so that each event counts once, whatever happens to the process.
package live

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
)

// Config says which rules run.
type Config struct {
	Rules    *ruleset.Follower
	Lateness time.Duration // how late events may come and be judged in their place; 0 = DefaultLateness
	Geo      exec.Geo      // for searches that look at one event at a time
	Log      *slog.Logger
	Networks actor.Networks   // nil = neighbouring addresses make a network
	Classes  []actor.Override // what the configuration says of actors

	clock func() time.Time                  // nil = time.Now
	hit   func(rule *rule.Info, raw []byte) // for tests: called when a rule matches
}

// DefaultLateness is how late events may come by default.
const DefaultLateness = time.Hour

// Rules are the rules that run on what comes in. They follow those of the
// configuration. It is safe for concurrent use.
type Rules struct {
	cfg    Config
	latest atomic.Pointer[ruleset.Ruleset] // without those that are disabled
	downs  atomic.Int64                    // changes when a rule is disabled

	mu       sync.Mutex
	disabled map[string]state.Disabled // by rule
	changed  []state.Disabled          // since the last commit; without a reason = enabled again
	sink     *Sink                     // nil = not open yet

	counts  counts
	written chan struct{}
}

// Written tells that findings were committed since it was received from last.
func (r *Rules) Written() <-chan struct{} { return r.written }

// Open makes rules that follow those of the configuration.
func Open(cfg Config) *Rules {
	if cfg.clock == nil {
		cfg.clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Lateness <= 0 {
		cfg.Lateness = DefaultLateness
	}
	r := &Rules{cfg: cfg, disabled: map[string]state.Disabled{}, written: make(chan struct{}, 1)}
	r.counts.init()
	cfg.Rules.Subscribe(r.use)
	return r
}

// use takes new rules. They run from the next commit on.
func (r *Rules) use(from *ruleset.Ruleset) {
	r.mu.Lock()
	defer r.mu.Unlock()
	off := map[int]string{}
	runs := map[string]bool{}
	for i := range from.Rules {
		x := &from.Rules[i]
		d, disabled := r.disabled[x.ID]
		if disabled && !d.Holds(x.Print) { // it was mended
			delete(r.disabled, x.ID)
			r.changed = append(r.changed, state.Disabled{Rule: x.ID})
			r.cfg.Log.Info("a rule that was disabled has changed and runs again", "rule", x.ID)
			disabled = false
		}
		switch {
		case disabled:
			off[i] = d.Reason
		case x.Off == "" && x.Runs():
			runs[x.ID] = true
		}
	}
	r.latest.Store(from.Without(off))
	r.counts.forget(runs)
	r.counts.loaded.Store(int64(len(runs)))
	r.counts.disabled.Store(int64(len(off)))
}

// disable switches a rule off for good: until its text changes.
func (r *Rules) disable(rs *ruleset.Ruleset, rule int, reason string) {
	x := &rs.Rules[rule]
	r.mu.Lock()
	if _, known := r.disabled[x.ID]; known {
		r.mu.Unlock()
		return
	}
	d := state.Disabled{Rule: x.ID, Print: x.Print, Since: time.Now(), Reason: reason}
	r.disabled[d.Rule] = d
	r.changed = append(r.changed, d)
	r.downs.Add(1)
	r.counts.disabled.Add(1)
	r.mu.Unlock()
	r.cfg.Log.Error("a rule is disabled; it runs again when its text changes", "rule", d.Rule, "file", x.File, "reason", reason)
}

// Switch switches a rule off for a reason, or on again if there is none, and keeps that.
// The rule stays off whatever becomes of its text.
func (r *Rules) Switch(db *state.DB, id, reason string) error {
	d := state.Disabled{Rule: id, Since: time.Now(), Reason: reason}
	err := db.Write(func(tx *state.Tx) error {
		if reason != "" {
			return tx.Disable(d)
		}
		return tx.Enable(id)
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	// What the server itself thought of the rule is to be written no more.
	r.changed = slices.DeleteFunc(r.changed, func(x state.Disabled) bool { return x.Rule == id })
	delete(r.disabled, id)
	if reason != "" {
		r.disabled[id] = d
	}
	r.downs.Add(1)
	r.mu.Unlock()
	r.cfg.Rules.Again()
	return nil
}

// Costs returns what rules usually cost on an event, by their ID, as far as it is known.
func (r *Rules) Costs() map[string]time.Duration {
	r.counts.mu.Lock()
	defer r.counts.mu.Unlock()
	all := make(map[string]time.Duration, len(r.counts.costs))
	for id, c := range r.counts.costs {
		all[id] = c.usual()
	}
	return all
}

// isDisabled reports whether a rule is switched off.
func (r *Rules) isDisabled(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.disabled[id]
	return ok
}

// takeChanged returns which rules were disabled or enabled since it was called last.
func (r *Rules) takeChanged() []state.Disabled {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.changed)
	r.changed = nil
	return list
}
