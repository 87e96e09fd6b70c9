package schedule

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"bluetrail/internal/detect/splrule"

	"github.com/cespare/xxhash/v2"
)

// Folders say where rules lie.
type Folders struct {
	Dirs []string
	Off  []string // ids and names of rules that do not run
}

// followEvery is how often Follow looks for changes.
const followEvery = 5 * time.Second

// Follow loads the rules of folders, and again whenever a file of theirs changes, until
// ctx ends. Faults are logged; the error is that of the first load.
func (s *Scheduler) Follow(ctx context.Context, f Folders) error {
	stamp, err := s.load(ctx, f, 0)
	if err != nil {
		return err
	}
	t := time.NewTicker(followEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		now, err := s.load(ctx, f, stamp)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("the rules stay as they were", "err", err)
		}
		stamp = now
	}
}

// load loads the rules unless their files are as a stamp says, and returns the stamp of
// what there is.
func (s *Scheduler) load(ctx context.Context, f Folders, was uint64) (stamp uint64, err error) {
	found, err := splrule.Find(ctx, f.Dirs)
	if ctx.Err() != nil {
		return was, ctx.Err()
	}
	files := slices.Concat(found.Baselines, found.Files)
	h := xxhash.New()
	fmt.Fprintf(h, "%q %v", found.Knowledge, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(h, "%q %d %d", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	for _, dir := range found.Knowledge {
		for _, sub := range []string{"macros", "default", "local", "."} {
			if info, err := os.Stat(dir + "/" + sub); err == nil {
				fmt.Fprintf(h, "%q %d", dir+sub, info.ModTime().UnixNano())
			}
		}
	}
	if stamp = h.Sum64(); stamp == was {
		return was, nil
	}
	if err != nil {
		s.cfg.Log.Warn("some rules cannot be read", "err", err)
	}
	var rules []splrule.Rule
	seen := map[string]bool{}
	for _, file := range files {
		if seen[file] {
			continue
		}
		seen[file] = true
		list, fault := splrule.Load(file)
		if fault != nil {
			s.cfg.Log.Warn("a file of rules has faults", "file", file, "err", fault)
		}
		for _, r := range list {
			if !slices.Contains(f.Off, r.ID) && !slices.Contains(f.Off, r.Name) {
				rules = append(rules, r)
			}
		}
	}
	faults, err := s.SetRules(rules, found.Knowledge...)
	for _, fault := range faults {
		s.cfg.Log.Warn("a rule cannot run", "err", fault)
	}
	if err == nil {
		s.cfg.Log.Info("searches scheduled", "rules", len(s.Status()), "faults", len(faults))
	}
	return stamp, err
}
