package main

import (
	"cmp"
	"context"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/schedule"
	"bluetrail/internal/search"
	"bluetrail/internal/serve"
	"bluetrail/internal/store/findings"
)

// scheduledTime is how long the search of a rule may take where the configuration sets
// no limit.
const scheduledTime = 5 * time.Minute

// schedule returns the part of a server that runs the SPL rules of its configuration.
func (s *server) schedule(in *app) serve.Part {
	var sched *schedule.Scheduler
	return serve.Part{
		Name: "scheduled searches",
		Start: func(context.Context) error {
			sched = schedule.New(schedule.Config{
				State: s.pipeline.State(), Emit: schedule.Keep{}, Streaming: true, Zone: in.zone(), Log: s.log, Busy: func() bool { return s.shares.searches.Running() > 0 },
				Open: func(dirs []string) (search.Options, error) {
					o, err := s.searching(in, dirs)
					o.Sender = sender{&in.cfg}
					return o, err
				},
			})
			s.lags = sched.Lags
			sched.Measure(s.metrics)
			s.follow.Subscribe(func(rs *ruleset.Ruleset) {
				if err := sched.SetRules(rs); err != nil {
					s.log.Error("the scheduled searches stay as they were", serve.KeyErr, err)
				}
			})
			return nil
		},
		Run: func(ctx context.Context) error { return sched.Run(ctx) },
	}
}

// searching returns a search of the server's own over its data directory, with further
// folders of macros and lookups.
func (s *server) searching(in *app, dirs []string) (search.Options, error) {
	o, err := (&source{Data: s.data}).bounds(in)
	if err != nil {
		return o, err
	}
	k, err := in.keeping(s.data, dirs)
	o.Macros, o.Knowledge, o.Meter = k, k, nil // the meter counts searches of people
	own := *in
	own.rules = s.rules
	o.Store, o.Actors = findings.NewBeside(borrowed{s.pipeline.Store()}, s.pipeline.State()).Triage(own.shownFinding(s.pipeline.State(), "")), s.shares.actorsOf(s.pipeline, s.rules)
	o.Time = cmp.Or(o.Time, scheduledTime)
	return o, err
}
