// Package live evaluates event rules on what the ingest pipeline brings. What they
// find is written in the transaction that makes the events durable, so that each event
// counts once, whatever happens to the process.
package live

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/state"
)

// Config says which rules run.
type Config struct {
	Rules *ruleset.Follower
	Log   *slog.Logger

	clock func() time.Time                  // of costs; nil = time.Now
	hit   func(rule *rule.Info, raw []byte) // for tests: called when a rule matches
}

// Rules are the rules that run on what comes in. It is safe for concurrent use.
type Rules struct {
	cfg Config
	set atomic.Pointer[running]

	mu       sync.Mutex
	disabled map[string]state.Disabled // by rule
	changed  []state.Disabled          // since the last commit; without a reason = enabled again

	counts counts
}

// running is the rules that run at a time.
type running struct {
	set   *sigma.Set
	rules []ruleOf // by position in set
	need  []string // fields that findings read
}

// ruleOf is a rule that runs.
type ruleOf struct {
	info   rule.Info
	print  string
	sigma  *sigma.Rule
	alone  *sigma.Set // of this rule only
	entity []int      // positions in need
	fields []int
}

// Open makes rules that follow those of the configuration.
func Open(cfg Config) *Rules {
	if cfg.clock == nil {
		cfg.clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Rules{cfg: cfg, disabled: map[string]state.Disabled{}}
	r.counts.init()
	cfg.Rules.Subscribe(func(*ruleset.Ruleset) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.build()
	})
	return r
}

// build makes the rules that run. r.mu is held.
func (r *Rules) build() {
	from := r.cfg.Rules.Rules()
	var chosen []*sigma.Rule
	rs := &running{need: slices.Clone(brief)}
	position := func(fields []string) (list []int) {
		for _, name := range fields {
			at := slices.Index(rs.need, name)
			if at < 0 {
				at = len(rs.need)
				rs.need = append(rs.need, name)
			}
			list = append(list, at)
		}
		return list
	}
	off := 0
	for i := range from.Rules {
		x := &from.Rules[i]
		d, isOff := r.disabled[x.ID]
		if isOff && d.Print != x.Print { // it was mended
			delete(r.disabled, x.ID)
			r.changed = append(r.changed, state.Disabled{Rule: x.ID})
			r.cfg.Log.Info("a rule that was disabled has changed and runs again", "rule", x.ID)
			isOff = false
		}
		switch {
		case x.Event == nil || x.Silent || x.Off != "":
			continue
		case isOff:
			off++
			continue
		}
		chosen = append(chosen, x.Event)
		rs.rules = append(rs.rules, ruleOf{
			info: x.Info, print: x.Print, sigma: x.Event, alone: sigma.NewSet([]*sigma.Rule{x.Event}), entity: position(x.Entity), fields: position(x.Fields),
		})
	}
	rs.set = sigma.NewSet(chosen)
	r.set.Store(rs)
	r.counts.forget(rs)
	r.counts.loaded.Store(int64(len(chosen)))
	r.counts.disabled.Store(int64(off))
}

// disable switches a rule off for good: until its file changes.
func (r *Rules) disable(rule *ruleOf, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.disabled[rule.info.ID]; ok {
		return
	}
	d := state.Disabled{Rule: rule.info.ID, Print: rule.print, Since: time.Now(), Reason: reason}
	r.disabled[d.Rule] = d
	r.changed = append(r.changed, d)
	r.cfg.Log.Error("a rule is disabled; it runs again when its file changes", "rule", d.Rule, "file", rule.info.File, "reason", reason)
	r.build()
}
