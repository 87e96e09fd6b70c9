package main

import (
	"log/slog"
	"path/filepath"

	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/state"
	"bluetrail/rules"
)

// followRules loads the rules of the configuration, nil when there are none.
func (a *app) followRules(data string, log *slog.Logger) (*ruleset.Follower, error) {
	c := a.cfg.Rules
	if len(c.Dirs) == 0 && !c.Shipped {
		return nil, nil
	}
	o := ruleset.FollowOptions{Log: log, Options: ruleset.Options{
		Off: c.Off, Knowledge: func(dirs []string) (splrule.Knowledge, error) { return a.keeping(data, dirs) },
	}}
	if c.Shipped {
		o.Shipped = rules.Files
	}
	for _, dir := range c.Dirs {
		o.Paths = append(o.Paths, a.path(dir))
	}
	f, err := ruleset.Follow(a.ctx, o)
	if err != nil && a.ctx.Err() == nil {
		err = usageError{err}
	}
	return f, err
}

// keeping opens the knowledge of rules. What their searches write goes to the knowledge
// folder of the data directory.
func (a *app) keeping(data string, dirs []string) (*knowledge.Knowledge, error) {
	k, err := a.knowledge(data, dirs)
	if err == nil {
		k.Keeping(filepath.Join(a.path(data), "knowledge"))
	}
	return k, err
}

// sink returns what shows new events to the rules of the configuration, nil when there
// are none. A server has a sink of its own.
func (a *app) sink(data string) (func(*state.DB) (ingest.Sink, error), error) {
	if a.opened != nil {
		return nil, nil
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	f, err := a.followRules(data, log)
	if f == nil || err != nil {
		return nil, err
	}
	return live.Open(live.Config{Rules: f, Log: log}).Sink, nil
}
