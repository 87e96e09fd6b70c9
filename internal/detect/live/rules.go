// Package live evaluates event rules on what the ingest pipeline brings. What they
// find is written in the transaction that makes the events durable, so that each event
// counts once, whatever happens to the process.
package live

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"
)

// Bounds of what is read.
const (
	maxFile  = 4 << 20
	maxFiles = 20_000
)

// Config says which rules run.
type Config struct {
	Dirs []string // folders of Sigma rules
	Off  []string // IDs, names or titles of rules that do not run
	Log  *slog.Logger

	clock func() time.Time                  // of costs; nil = time.Now
	hit   func(rule *rule.Info, raw []byte) // for tests: called when a rule matches
}

// Rules are the rules of some folders. They are read again when files change; a file
// that is broken then keeps what it held before. It is safe for concurrent use.
type Rules struct {
	cfg Config
	set atomic.Pointer[ruleset]

	mu       sync.Mutex
	files    map[string]file
	disabled map[string]state.Disabled // by rule
	changed  []state.Disabled          // since the last commit; without a reason = enabled again

	counts counts
}

// file is a file of rules as it was read last.
type file struct {
	size     int64
	modified time.Time
	good     []byte // the last text without a fault
	fault    string // why good is not what the file holds now
}

// ruleset is the rules that run at a time.
type ruleset struct {
	set   *sigma.Set
	rules []running // by position in set
	need  []string  // fields that findings read
}

// running is a rule that runs.
type running struct {
	info   rule.Info
	print  string // of its file
	sigma  *sigma.Rule
	alone  *sigma.Set // of this rule only
	entity []int      // positions in need
	fields []int
}

// Open reads the rules. Faults of files are logged; a folder that cannot be read is an
// error.
func Open(cfg Config) (*Rules, error) {
	if cfg.clock == nil {
		cfg.clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, dir := range cfg.Dirs {
		if _, err := os.ReadDir(dir); err != nil {
			return nil, fmt.Errorf("cannot read the rules: %w", err)
		}
	}
	r := &Rules{cfg: cfg, files: map[string]file{}, disabled: map[string]state.Disabled{}}
	r.counts.init()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look()
	r.build()
	return r, nil
}

// Reload reads the files that changed since; it reports whether there were any.
func (r *Rules) Reload() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.look() {
		return false
	}
	r.build()
	return true
}

// reloadEvery is how often Watch looks for changes.
const reloadEvery = 2 * time.Second

// Watch reloads the rules until ctx ends.
func (r *Rules) Watch(ctx context.Context) error {
	t := time.NewTicker(reloadEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			r.Reload()
		case <-ctx.Done():
			return nil
		}
	}
}

// look reads the files that are new or changed. r.mu is held.
func (r *Rules) look() (changed bool) {
	seen := map[string]bool{}
	for _, dir := range r.cfg.Dirs {
		whole := true
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				whole = false
				r.cfg.Log.Warn("some rules cannot be read", "err", err)
				return nil
			}
			if ext := filepath.Ext(path); d.IsDir() || ext != ".yml" && ext != ".yaml" {
				return nil
			}
			if len(seen) == maxFiles {
				return fmt.Errorf("there are more than %d files of rules", maxFiles)
			}
			seen[path] = true
			changed = r.read(path) || changed
			return nil
		})
		if err != nil {
			r.cfg.Log.Warn("some rules are left out", "err", err)
		}
		if !whole { // what cannot be looked at is not gone
			for path := range r.files {
				if strings.HasPrefix(path, filepath.Clean(dir)+string(filepath.Separator)) {
					seen[path] = true
				}
			}
		}
	}
	for path := range r.files {
		if !seen[path] {
			delete(r.files, path)
			changed = true
		}
	}
	return changed
}

// read reads a file unless it is as it was.
func (r *Rules) read(path string) (changed bool) {
	was, known := r.files[path]
	info, err := os.Stat(path)
	if err == nil && known && info.Size() == was.size && info.ModTime().Equal(was.modified) {
		return false
	}
	now := file{good: was.good}
	if err == nil {
		now.size, now.modified = info.Size(), info.ModTime()
		if now.size > maxFile {
			err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
		}
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err == nil {
		c := sigma.NewCollection(nil)
		c.Add(path, data)
		if len(c.Faults) > 0 {
			err = fmt.Errorf("line %d: %s", c.Faults[0].Line, c.Faults[0].Reason())
		} else if !sigma.Looks(data) && sigma.Looks(was.good) {
			err = errors.New("it holds no Sigma rule any more; to drop its rules, remove it")
		}
	}
	switch {
	case err == nil:
		now.good = data
	case now.good != nil:
		now.fault = diag.Printable(err.Error())
		r.cfg.Log.Warn("a file of rules is broken; its rules stay as they were", "file", path, "reason", now.fault)
	default:
		now.fault = diag.Printable(err.Error())
		now.good = data // its other documents may be good
		r.cfg.Log.Warn("a file of rules is broken", "file", path, "reason", now.fault)
	}
	r.files[path] = now
	return true
}

// build makes the rules that run of the files. r.mu is held.
func (r *Rules) build() {
	c := sigma.NewCollection(nil)
	prints := map[string]string{}
	paths := make([]string, 0, len(r.files))
	for path := range r.files {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	faulty := 0
	for _, path := range paths {
		f := r.files[path]
		if f.fault != "" {
			faulty++
		}
		h := fnv.New64a()
		h.Write(f.good)
		prints[path] = fmt.Sprintf("%016x", h.Sum64())
		c.Add(path, f.good)
	}
	c.Link()
	silent, _ := c.Silent()
	var chosen []*sigma.Rule
	rs := &ruleset{need: slices.Clone(brief)}
	position := func(fields []string) (list []int) {
		for _, name := range fields {
			at := slices.Index(rs.need, name)
			if at < 0 {
				at = len(rs.need)
				rs.need = append(rs.need, name)
			}
			list = append(list, at)
		}
		return list
	}
	ids := map[string]string{}
	off := 0
	for i, rule := range c.Rules {
		info := rule.Info
		if info.ID == "" {
			info.ID = filepath.Base(info.File) + "#" + info.Title
		}
		d, isOff := r.disabled[info.ID]
		if isOff && d.Print != prints[info.File] { // it was mended
			delete(r.disabled, info.ID)
			r.changed = append(r.changed, state.Disabled{Rule: info.ID})
			r.cfg.Log.Info("a rule that was disabled has changed and runs again", "rule", info.ID)
			isOff = false
		}
		switch {
		case silent[i] || slices.ContainsFunc(r.cfg.Off, func(ref string) bool { _, ok := rule.Names(ref); return ok || ref == info.ID }):
			continue
		case isOff:
			off++
			continue
		case ids[info.ID] != "":
			r.cfg.Log.Warn("two rules have the same ID; the second does not run", "rule", info.ID, "first", ids[info.ID], "second", info.File)
			continue
		}
		ids[info.ID] = info.File
		chosen = append(chosen, rule)
		rs.rules = append(rs.rules, running{
			info: info, print: prints[info.File], sigma: rule, alone: sigma.NewSet([]*sigma.Rule{rule}), entity: position(info.Entity), fields: position(info.Fields),
		})
	}
	rs.set = sigma.NewSet(chosen)
	r.set.Store(rs)
	r.counts.forget(rs)
	r.counts.loaded.Store(int64(len(chosen)))
	r.counts.faulty.Store(int64(faulty))
	r.counts.disabled.Store(int64(off))
	r.cfg.Log.Info("rules loaded", "rules", len(chosen), "broken_files", faulty, "disabled", off, "not_evaluated", len(c.Correlations))
}

// disable switches a rule off for good: until its file changes.
func (r *Rules) disable(rule *running, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.disabled[rule.info.ID]; ok {
		return
	}
	d := state.Disabled{Rule: rule.info.ID, Print: rule.print, Since: time.Now(), Reason: reason}
	r.disabled[d.Rule] = d
	r.changed = append(r.changed, d)
	r.cfg.Log.Error("a rule is disabled; it runs again when its file changes", "rule", d.Rule, "file", rule.info.File, "reason", reason)
	r.build()
}
