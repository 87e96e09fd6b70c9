package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/spill"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
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
		o.Shipped, o.Untested = rules.Files, true
	}
	o.Own = ownRules(a.path(data))
	for _, dir := range c.Dirs {
		o.Paths = append(o.Paths, a.path(dir))
	}
	f, err := ruleset.Follow(a.ctx, o)
	if err != nil && a.ctx.Err() == nil {
		err = usageError{err}
	}
	return f, err
}

// ownRules is the folder of a data directory for rules that people write in the browser.
func ownRules(data string) string { return filepath.Join(data, "rules") }

// ownFlag names the data directory whose own rules are loaded, too.
type ownFlag struct {
	Data string `help:"Data directory with rules that were written in the browser (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

// withOwn adds the own rules of a data directory to folders and files of rules, unless
// there are none or a folder already has them. data may be "".
func (a *app) withOwn(paths []string, data string) []string {
	if data == "" {
		return paths
	}
	own := ownRules(a.path(data))
	if info, err := os.Stat(own); err != nil || !info.IsDir() || slices.ContainsFunc(paths, func(p string) bool { return within(p, own) }) {
		return paths
	}
	// A file is loaded once, under one name.
	paths = slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return within(own, p) })
	return append(paths, own)
}

// within reports whether a path is a folder or lies in it.
func within(folder, path string) bool {
	above, errAbove := filepath.Abs(folder)
	full, err := filepath.Abs(path)
	rel, errRel := filepath.Rel(above, full)
	return errors.Join(err, errAbove, errRel) == nil && filepath.IsLocal(rel)
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

// warnings returns a log of a command, which shows warnings and errors.
func (a *app) warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// sink returns what shows new events to the rules of the configuration, and these rules,
// nil when there are none. A server has a sink of its own.
func (a *app) sink(data string, log *slog.Logger) (func(*state.DB) (ingest.Sink, error), *ruleset.Follower, error) {
	f, err := a.followRules(data, log)
	if f == nil || err != nil {
		return nil, nil, err
	}
	rules, err := a.live(f, log)
	if err != nil {
		return nil, nil, err
	}
	return rules.Sink, f, nil
}

// live returns rules that run on new events.
func (a *app) live(f *ruleset.Follower, log *slog.Logger) (*live.Rules, error) {
	geo, err := a.shares.geo(a.cfg.GeoIP)
	if err != nil {
		return nil, err
	}
	classes, err := a.classes()
	if err != nil {
		return nil, err
	}
	return live.Open(live.Config{Networks: network, Classes: classes, Rules: f, Lateness: a.cfg.Rules.Lateness, Geo: geo, Log: log}), nil
}

// learn has new first_seen rules learn from the stored events, until ctx ends.
func (s *server) learn(in *app) func(ctx context.Context) error {
	space := in.disk()
	if space == nil {
		space = spill.NewSpace(in.cfg.Search.TempDir, 0) // reports that there is no room, once it is needed
	}
	return func(ctx context.Context) error {
		return s.rules.Learn(ctx, live.History{Space: space, Open: func(earliest time.Time, upto int64) (live.Records, error) {
			return hunt.Arrived(borrowed{s.pipeline.Store()}, store.Arrival{Upto: upto}, earliest, time.Time{})
		}})
	}
}
