// Package hunt runs rules over files where they lie: one pass over all files, then
// the stateful rules over the matches in event-time order. Nothing is stored.
package hunt

import (
	"context"
	"io"
	"slices"
	"time"

	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/files"
)

// Options say what to hunt for and where.
type Options struct {
	Rules    *ruleset.Ruleset
	Files    *files.Store
	Space    *spill.Space  // for matches beyond memory
	Geo      exec.Geo      // may be nil
	Earliest time.Time     // inclusive; zero = open
	Latest   time.Time     // exclusive; zero = open
	Severity rule.Severity // findings below it are left out; "" = none
}

// Result is what a hunt found.
type Result struct {
	Findings []*finding.Finding // in the order of finding.Compare
	Dropped  int                // findings beyond MaxFindings
	Matches  int                // events that some rule matches
	First    time.Time          // of the events that were read; zero = there was none
	Last     time.Time
	Events   int64           // in the time range
	Judged   judge.Stats     // what stateful rules left out
	Faults   []ruleset.Fault // correlations that cannot run
}

// Bounds of a hunt. The findings of a Result take at most some 400 MB.
const (
	MaxFindings = 100_000
	shownEvents = 500_000 // events in all findings; later findings show fewOf
	fewOf       = 3
	logMemory   = 128 << 20 // of the matches, all workers together
)

// identifier reads what every record is asked for.
var identifier = event.NewIdentifier(nil)

var sourceLeaf, nameLeaf = slices.Index(identifier.Leaves(), "eventSource"), slices.Index(identifier.Leaves(), "eventName")

// Run hunts. When ctx ends, so does the hunt, with its error.
func Run(ctx context.Context, o Options) (*Result, error) {
	workers := o.Files.Workers()
	scans := make([]*scan, workers)
	defer func() {
		for _, s := range scans {
			if s != nil {
				s.log.Close()
			}
		}
	}()
	err := o.Files.Each(ctx, identifier, func(n int) (func(*files.Record) error, error) {
		trail := identity.NewTrail(identity.DefaultLimit / workers)
		scanner, err := engine.NewScanner(ctx, o.Rules, o.Geo, trail)
		if err != nil {
			return nil, err
		}
		s := &scan{ctx: ctx, o: &o, scanner: scanner, trail: trail, log: match.NewLog(o.Space, int64(logMemory/workers))}
		scans[n] = s
		return s.record, nil
	})
	if err != nil {
		return nil, err
	}
	res := &Result{}
	var first, last int64
	var logs []*match.Log
	trail := identity.NewTrail(identity.DefaultLimit)
	for _, s := range scans {
		if s == nil {
			continue
		}
		logs = append(logs, s.log)
		trail.Merge(s.trail)
		if s.events == 0 {
			continue
		}
		if res.Events == 0 {
			first, last = s.first, s.last
		}
		first, last = min(first, s.first), max(last, s.last)
		res.Events += s.events
	}
	if res.Events > 0 {
		res.First, res.Last = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
	}
	if err := judgeAll(ctx, &o, logs, trail, res); err != nil {
		return nil, err
	}
	slices.SortFunc(res.Findings, finding.Compare)
	return res, nil
}

// scan is one worker.
type scan struct {
	ctx         context.Context
	o           *Options
	scanner     *engine.Scanner
	log         *match.Log
	trail       *identity.Trail
	rec         engine.Record
	events      int64
	first, last int64
}

func (s *scan) record(r *files.Record) error {
	if !s.o.Earliest.IsZero() && r.Time < s.o.Earliest.UnixNano() || !s.o.Latest.IsZero() && r.Time >= s.o.Latest.UnixNano() {
		return nil
	}
	if s.events == 0 {
		s.first, s.last = r.Time, r.Time
	}
	s.first, s.last = min(s.first, r.Time), max(s.last, r.Time)
	s.events++
	s.rec = engine.Record{
		Raw: r.Raw, Meta: &r.Meta, Time: r.Time, ID: r.Identity.ID, Given: r.Identity.Given,
		Source: r.Row.Leaf(sourceLeaf).Text, Name: r.Row.Leaf(nameLeaf).Text, File: r.File,
	}
	m, err := s.scanner.Scan(&s.rec)
	if err != nil || m == nil {
		return err
	}
	return s.log.Add(s.ctx, m)
}

// judgeAll makes findings of the matches.
func judgeAll(ctx context.Context, o *Options, logs []*match.Log, trail *identity.Trail, res *Result) error {
	rd, err := match.Merge(ctx, o.Space, logs...)
	if err != nil {
		return err
	}
	defer rd.Close()
	shown := 0
	j, faults := judge.New(judge.Options{
		Rules: engine.Rules(o.Rules), Wanted: o.Rules.Wanted, Resolve: engine.Resolver(trail),
		Found: func(f *finding.Finding) error {
			switch {
			case f.Severity.Rank() < o.Severity.Rank():
				return nil
			case len(res.Findings) >= MaxFindings:
				res.Dropped++
				return nil
			case shown >= shownEvents && len(f.Events) > fewOf:
				f.Events, f.EventIDs = f.Events[:fewOf:fewOf], f.EventIDs[:min(fewOf, len(f.EventIDs))]
			}
			shown += len(f.Events)
			res.Findings = append(res.Findings, f)
			return nil
		},
	})
	for _, f := range faults {
		r := &o.Rules.Rules[f.Rule]
		res.Faults = append(res.Faults, ruleset.Fault{File: r.File, Line: r.Line, Reason: f.Err.Error()})
	}
	for {
		m := &match.Match{}
		if err := rd.Next(ctx, m); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		res.Matches++
		if err := j.Feed(ctx, m); err != nil {
			return err
		}
	}
	if err := j.Finish(); err != nil {
		return err
	}
	res.Judged = j.Stats()
	return ctx.Err()
}
