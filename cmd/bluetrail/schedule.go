package main

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"bluetrail/internal/detect/schedule"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/serve"
	"bluetrail/internal/store/findings"
)

// scheduledTime is how long the search of a rule may take where the configuration sets
// no limit.
const scheduledTime = 5 * time.Minute

// schedule returns the parts of a server that run the SPL rules of its configuration,
// none when it names no folders. What these searches write goes to the knowledge folder
// of the data directory.
func (s *server) schedule(a *app) []serve.Part {
	if len(s.cfg.Rules.Dirs) == 0 {
		return nil
	}
	folders := schedule.Folders{Off: s.cfg.Rules.Off}
	for _, dir := range s.cfg.Rules.Dirs {
		folders.Dirs = append(folders.Dirs, a.path(dir))
	}
	in := *a
	in.cfg = s.cfg
	know := func(dirs []string) (*knowledge.Knowledge, error) {
		k, err := in.knowledge(s.data, dirs)
		if err == nil {
			k.Keeping(filepath.Join(in.path(s.data), "knowledge"))
		}
		return k, err
	}
	var sched *schedule.Scheduler
	return []serve.Part{
		{
			Name: "scheduled searches",
			Start: func(context.Context) error {
				sched = schedule.New(schedule.Config{
					State: s.pipeline.State(), Emit: schedule.Keep{}, Zone: in.zone(), Log: s.log, Busy: func() bool { return s.shares.searches.Running() > 0 },
					Knowledge: func(dirs []string) (splrule.Knowledge, error) { return know(dirs) },
					Open: func(dirs []string) (search.Options, error) {
						o, err := (&source{Data: s.data}).bounds(&in)
						if err != nil {
							return o, err
						}
						k, err := know(dirs)
						o.Macros, o.Knowledge, o.Meter = k, k, nil // the meter counts searches of people
						o.Store = findings.NewBeside(borrowed{s.pipeline.Store()}, s.pipeline.State())
						o.Time = cmp.Or(o.Time, scheduledTime)
						return o, err
					},
				})
				sched.Measure(s.metrics)
				return nil
			},
			Run: func(ctx context.Context) error { return sched.Run(ctx) },
		},
		{Name: "rules of scheduled searches", Run: func(ctx context.Context) error { return sched.Follow(ctx, folders) }},
	}
}
