package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/filter"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/memory"
)

// searches are the SPL rules that look at several events. While the files are scanned,
// the records that a search may use are kept; afterwards it runs over them, once for
// each of its windows.
type searches struct {
	dir  string
	list []*splSearch
}

// splSearch is one search with the records that it may use.
type splSearch struct {
	position int
	search   *splrule.Search
	kept     *kept
}

// newSearches prepares the searches of a ruleset. Those that cannot run here are told
// in res. close removes the files.
func newSearches(o *Options, res *Result) (s *searches, err error) {
	s = &searches{}
	disk := &room{left: o.Disk}
	for i := range o.Rules.Rules {
		r := &o.Rules.Rules[i]
		if r.Search == nil || r.Off != "" || r.Search.Stateless() || r.Severity.Rank() < o.Severity.Rank() {
			continue
		}
		if why := unfit(r.Search); why != "" {
			res.fault(r, why)
			continue
		}
		if s.dir == "" {
			if s.dir, err = os.MkdirTemp(o.TempDir, "bluetrail-hunt-"); err != nil {
				return nil, fmt.Errorf("cannot keep records for searches: %w", err)
			}
		}
		dir := filepath.Join(s.dir, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return s, fmt.Errorf("cannot keep records for searches: %w", err)
		}
		s.list = append(s.list, &splSearch{i, r.Search, newKept(dir, disk)})
	}
	return s, nil
}

// unfit says why a search does not run over files, "" if it does.
func unfit(s *splrule.Search) string {
	_, all := s.Base.(*filter.Everything)
	switch {
	case len(s.Keeps) > 0:
		return "not run: it writes a lookup, which a hunt does not change"
	case all:
		return "not run: it looks at every event; run it with bluetrail search --files"
	}
	return ""
}

func (r *Result) fault(rule *ruleset.Rule, reason string) {
	r.Faults = append(r.Faults, ruleset.Fault{File: rule.File, Line: rule.Line, Reason: reason})
}

func (s *searches) close() error {
	if s == nil || s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// keeper keeps the records of one worker for the searches.
type keeper struct {
	list []*splSearch
	evs  []*splrule.Evaluator
}

func (s *searches) keeper(ctx context.Context) (*keeper, error) {
	k := &keeper{list: s.list}
	for _, w := range s.list {
		ev, err := w.search.BaseEvaluator(ctx)
		if err != nil {
			return nil, err
		}
		k.evs = append(k.evs, ev)
	}
	return k, nil
}

func (k *keeper) record(r *files.Record) error {
	for i, ev := range k.evs {
		ok, err := ev.Match(r.Raw, &r.Meta)
		if err != nil {
			return err
		}
		if ok {
			k.list[i].kept.add(r.Raw, r.Time)
		}
	}
	return nil
}

// run runs the searches over what was kept.
func (s *searches) run(ctx context.Context, o *Options, res *Result, found func(*finding.Finding) error) error {
	if res.Events+res.Others == 0 {
		return nil
	}
	for _, w := range s.list {
		r := &o.Rules.Rules[w.position]
		err := w.kept.finish()
		if err == nil {
			err = w.run(ctx, o, res, found)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errFound) {
			return err
		}
		if err != nil {
			res.fault(r, err.Error())
		}
	}
	return nil
}

// errFound wraps the error of found, which ends the hunt.
var errFound = errors.New("cannot take a finding")

func (w *splSearch) run(ctx context.Context, o *Options, res *Result, found func(*finding.Finding) error) error {
	before := int64(0)
	first, last := w.kept.span(res.First, res.Last)
	for win := range w.search.Schedule.Windows(first, last, time.UTC) {
		so := o.Search
		paths := w.kept.within(win.Earliest, win.Latest)
		switch {
		case len(paths) > 0:
			st, err := files.Open(paths, files.Options{TempDir: o.TempDir})
			if err != nil {
				return err
			}
			so.Store = st
		case w.search.Idle:
			before = 0
			continue
		default:
			so.Store = memory.New()
		}
		r, err := w.search.Run(ctx, win, so)
		if err != nil {
			return err
		}
		tell, err := w.search.Alerts(ctx, &r, before, so)
		if err != nil {
			return err
		}
		before = r.Count
		if !tell {
			continue
		}
		for _, f := range w.search.Findings(win, &r) {
			if err := found(f); err != nil {
				return errors.Join(errFound, err)
			}
		}
	}
	return nil
}
