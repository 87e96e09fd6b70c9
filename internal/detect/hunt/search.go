package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
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
		if why := r.Search.Unfit(); why != "" {
			res.fault(r, "not run: "+why)
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
	if len(k.evs) == 0 {
		return nil
	}
	_, name := identity.Names(r.Row)
	for i, ev := range k.evs {
		if ev.Skips(name) {
			continue
		}
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
		if errors.Is(err, splrule.ErrFound) {
			return err
		}
		if err != nil {
			res.fault(r, err.Error())
		}
	}
	return nil
}

func (w *splSearch) run(ctx context.Context, o *Options, res *Result, found func(*finding.Finding) error) error {
	first, last := w.kept.span(res.First, res.Last)
	return w.search.Over(ctx, first, last, o.Search, func(win splrule.Window) (store.Store, error) {
		paths := w.kept.within(win.Earliest, win.Latest)
		if len(paths) == 0 {
			return nil, nil
		}
		return files.Open(paths, files.Options{TempDir: o.TempDir})
	}, found)
}
