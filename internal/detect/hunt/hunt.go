// Package hunt runs rules over files where they lie: one pass over all files, then
// the stateful rules over the matches in event-time order. Nothing is stored.
package hunt

import (
	"context"
	"io"
	"slices"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/identity"
	"bluetrail/internal/search"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/store/files"
)

// Options say what to hunt for and where.
type Options struct {
	Rules    *ruleset.Ruleset
	Records  Records
	Space    *spill.Space   // for matches beyond memory
	Search   search.Options // of SPL rules: what they may reach and use; without a store
	TempDir  string         // of the records that SPL rules look at, "" = the system's
	Disk     int64          // bytes of these records, packed
	Earliest time.Time      // inclusive; zero = open
	Latest   time.Time      // exclusive; zero = open
	Severity rule.Severity  // findings below it are left out; "" = none
	Triage   *Triage        // nil = findings stay as the rules make them

	// Record, if not nil, sees the records that some rule matches, in any order and by
	// several goroutines at once. It must not keep them.
	Record func(*files.Record)
	// Matched, if not nil, sees the matches that the judge takes, in order of time and
	// each event once, with who is behind it.
	Matched func(*match.Match, finding.Who)
	// Take, if not nil, sees all findings, and says which are kept in the result.
	Take func(*finding.Finding) bool
}

// Result is what a hunt found.
type Result struct {
	Findings  []*finding.Finding // in the order of finding.Compare
	Dropped   int                // findings beyond MaxFindings
	Matches   int                // events that some rule matches
	First     time.Time          // of the events that were read; zero = there was none
	Last      time.Time
	Events    int64           // in the time range
	Others    int64           // JSON objects there that are no CloudTrail records; they are not in Events
	Forgotten int             // credentials and sessions that were dropped for lack of memory, the oldest first
	Judged    judge.Stats     // what stateful rules left out
	Faults    []ruleset.Fault // rules that did not run, or not to their end
	Book      *actor.Book     // what the events tell of actors; nil without Options.Triage
	Triaged   Triaged

	shown int // events in Findings
}

// Bounds of a hunt. The findings of a Result take at most some 400 MB.
const (
	MaxFindings = 100_000
	shownEvents = 500_000 // events in all findings; later findings show fewOf
	fewOf       = 3
	logMemory   = 128 << 20 // of the matches, all workers together
)

// Run hunts. When ctx ends, so does the hunt, with its error.
func Run(ctx context.Context, o Options) (res *Result, err error) {
	res = &Result{}
	if o.Space == nil {
		o.Space = spill.NewSpace(o.TempDir, 0) // reports that there is no room, once it is needed
	}
	spl, err := newSearches(&o, res)
	defer func() {
		if left := spl.close(); err == nil {
			err = left
		}
	}()
	if err != nil {
		return nil, err
	}
	workers := o.Records.Workers()
	scans := make([]*scan, workers)
	defer func() {
		for _, s := range scans {
			if s != nil {
				s.log.Close()
			}
		}
	}()
	err = o.Records.Each(ctx, engine.Leaves, func(n int) (func(*files.Record) error, error) {
		s := &scan{ctx: ctx, o: &o, trail: identity.NewTrail(identity.DefaultLimit / workers), log: match.NewLog(o.Space, int64(logMemory/workers), n)}
		scans[n] = s
		var err error
		if s.scanner, err = engine.NewScanner(ctx, o.Rules, o.Search.Geo, s.trail); err == nil {
			if o.Triage != nil {
				s.recorder = &actor.Recorder{Networks: o.Triage.Networks}
				s.scanner.Record(s.recorder)
			}
			s.keeper, err = spl.keeper(ctx)
		}
		return s.record, err
	})
	if err != nil {
		return nil, err
	}
	trail := identity.NewTrail(identity.DefaultLimit)
	var logs []*match.Log
	for _, s := range scans {
		if s != nil {
			logs = append(logs, s.log)
			trail.Absorb(s.trail)
			s.trail, s.scanner = nil, nil
			res.read(s)
		}
	}
	res.Forgotten = trail.Dropped()
	desk := res.desk(&o, scans, trail)
	take := func(f *finding.Finding) error {
		keep := res.triage(&o, desk, f)
		if (o.Take == nil || o.Take(f)) && keep {
			res.take(f, o.Severity)
		}
		return nil
	}
	if err := judgeAll(ctx, &o, logs, trail, res, take); err != nil {
		return nil, err
	}
	o.Search.Actors = actors.Known(trail, res.Book)
	if err := spl.run(ctx, &o, res, take); err != nil {
		return nil, err
	}
	slices.SortFunc(res.Findings, finding.Compare)
	return res, nil
}

// read counts what a worker read.
func (r *Result) read(s *scan) {
	r.Others += s.others
	if s.events == 0 {
		return
	}
	first, last := time.Unix(0, s.first).UTC(), time.Unix(0, s.last).UTC()
	if r.Events == 0 || first.Before(r.First) {
		r.First = first
	}
	if r.Events == 0 || last.After(r.Last) {
		r.Last = last
	}
	r.Events += s.events
}

// take keeps a finding, as far as there is room.
func (r *Result) take(f *finding.Finding, least rule.Severity) {
	switch {
	case f.Severity.Rank() < least.Rank():
		return
	case len(r.Findings) >= MaxFindings:
		r.Dropped++
		return
	case r.shown >= shownEvents && len(f.Events) > fewOf:
		f.Events, f.EventIDs = f.Events[:fewOf:fewOf], f.EventIDs[:min(fewOf, len(f.EventIDs))]
	}
	r.shown += len(f.Events)
	r.Findings = append(r.Findings, f)
}

// scan is one worker.
type scan struct {
	ctx         context.Context
	o           *Options
	scanner     *engine.Scanner
	keeper      *keeper
	log         *match.Log
	trail       *identity.Trail
	recorder    *actor.Recorder // nil = none
	rec         engine.Record
	events      int64
	others      int64
	first, last int64
}

func (s *scan) record(r *files.Record) error {
	if !s.o.Earliest.IsZero() && r.Time < s.o.Earliest.UnixNano() || !s.o.Latest.IsZero() && r.Time >= s.o.Latest.UnixNano() {
		return nil
	}
	if !engine.Leaves.OfTrail(r.Row) {
		s.others++
	} else {
		if s.events == 0 {
			s.first, s.last = r.Time, r.Time
		}
		s.first, s.last = min(s.first, r.Time), max(s.last, r.Time)
		s.events++
	}
	s.rec = engine.Record{
		Raw: r.Raw, Meta: &r.Meta, Time: r.Time, ID: r.Identity.ID, Given: r.Identity.Given,
		Row: r.Row, File: r.File,
	}
	if err := s.keeper.record(r); err != nil {
		return err
	}
	m, err := s.scanner.Scan(&s.rec)
	if err != nil || m == nil {
		return err
	}
	if s.o.Record != nil {
		s.o.Record(r)
	}
	return s.log.Add(s.ctx, m)
}

// judgeAll makes findings of the matches.
func judgeAll(ctx context.Context, o *Options, logs []*match.Log, trail *identity.Trail, res *Result, found func(*finding.Finding) error) error {
	rd, err := match.Merge(ctx, o.Space, logs...)
	if err != nil {
		return err
	}
	defer rd.Close()
	resolve := engine.FinalResolver(trail)
	j, faults := judge.New(judge.Options{Rules: engine.Rules(o.Rules), Wanted: o.Rules.Wanted, Resolve: resolve, Found: found})
	for _, f := range faults {
		res.fault(&o.Rules.Rules[f.Rule], f.Err.Error())
	}
	var last match.Match
	for {
		m := &match.Match{}
		if err := rd.Next(ctx, m); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if o.Matched != nil && (res.Matches == 0 || match.Compare(&last, m) != 0) {
			o.Matched(m, resolve(m.Caller))
			last.Time, last.ID = m.Time, m.ID
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
