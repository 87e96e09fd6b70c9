package main

import (
	"log/slog"

	"bluetrail/internal/config"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/ingest"
	"bluetrail/internal/state"
)

// openRules opens the rules of the configuration, nil when it names none.
func openRules(c config.Rules, path func(string) string, log *slog.Logger) (*live.Rules, error) {
	if len(c.Dirs) == 0 {
		return nil, nil
	}
	dirs := make([]string, len(c.Dirs))
	for i, dir := range c.Dirs {
		dirs[i] = path(dir)
	}
	rules, err := live.Open(live.Config{Dirs: dirs, Off: c.Off, Log: log})
	if err != nil {
		return nil, usageError{err}
	}
	return rules, nil
}

// sink returns what shows new events to the rules of the configuration, nil when there
// are none. A server has a sink of its own.
func (a *app) sink() (func(*state.DB) (ingest.Sink, error), error) {
	if a.opened != nil {
		return nil, nil
	}
	rules, err := openRules(a.cfg.Rules, a.path, slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if rules == nil || err != nil {
		return nil, err
	}
	return rules.Sink, nil
}
