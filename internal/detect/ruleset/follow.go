package ruleset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"

	"github.com/cespare/xxhash/v2"
)

// followEvery is how often Watch looks for changes.
const followEvery = 2 * time.Second

// mostFiles bounds the files that a Follower reads.
const mostFiles = 20_000

// FollowOptions say what a Follower follows.
type FollowOptions struct {
	Options
	Paths []string // folders and files of rules
	Own   string   // a further folder, which need not be there; see Own; "" = none
	Log   *slog.Logger
}

// Follower keeps the rules of some folders up to date: it loads them again when files
// change. A file that is broken then keeps what it held before. It is safe for concurrent use.
type Follower struct {
	o       FollowOptions
	current atomic.Pointer[Ruleset]
	broken  atomic.Int64

	mu    sync.Mutex // of loading
	files map[string]*followed
	stamp uint64 // of the files of macros and lookups

	folders []string // of macros and lookups
	subs    []func(*Ruleset)
}

// followed is a file of rules as it was read last.
type followed struct {
	size     int64
	modified time.Time
	good     *contents // the last without a fault; nil = there was none
	now      contents  // what the file gives: good, or what can be read of it
}

// Follow loads rules. A folder that does not exist is an error; faults of files are
// logged.
func Follow(ctx context.Context, o FollowOptions) (*Follower, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, path := range o.Paths {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("cannot read the rules: %w", err)
		}
	}
	f := &Follower{o: o, files: map[string]*followed{}}
	_, err := f.Reload(ctx)
	return f, err
}

// Rules returns the rules as they are now.
func (f *Follower) Rules() *Ruleset { return f.current.Load() }

// Broken returns how many files have faults.
func (f *Follower) Broken() int { return int(f.broken.Load()) }

// Subscribe calls a function with the rules, now and after each change.
func (f *Follower) Subscribe(told func(*Ruleset)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs = append(f.subs, told)
	told(f.current.Load())
}

// Watch loads the rules again when files change, until ctx ends.
func (f *Follower) Watch(ctx context.Context) error {
	t := time.NewTicker(followEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := f.Reload(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Warn("the rules stay as they were", "err", err)
		}
	}
}

// Reload loads the rules if files have changed; it reports whether they have.
func (f *Follower) Reload(ctx context.Context) (reloaded bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, bad := splrule.Find(ctx, f.paths())
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	faults := flat(bad)
	found.Files = append(found.Files, f.unseen(found, faults)...)
	files := filesOf(found)
	if n := len(files) - mostFiles; n > 0 {
		files = files[:mostFiles]
		faults = append(faults, fmt.Errorf("there are more than %d files of rules; %d are left out", mostFiles, n))
		found.Files, found.Baselines = files, nil
	}
	if !f.look(files, found.Knowledge) && f.current.Load() != nil {
		return false, nil
	}
	rs, err := load(ctx, found, faults, f.o.Options, func(path string) contents { return f.files[path].now })
	if err != nil {
		f.stamp = 0 // so that the next look tries again
		return false, err
	}
	was := f.current.Swap(rs)
	f.tell(rs, was)
	for _, told := range f.subs {
		told(rs)
	}
	return true, nil
}

// paths returns what to read.
func (f *Follower) paths() []string {
	if info, err := os.Stat(f.o.Own); err == nil && info.IsDir() {
		return append(slices.Clone(f.o.Paths), f.o.Own)
	}
	return f.o.Paths
}

// Again tells those that follow about the rules, as if they had changed.
func (f *Follower) Again() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, told := range f.subs {
		told(f.current.Load())
	}
}

// unseen returns the known files in folders that cannot be read now: what cannot be
// looked at is not gone.
func (f *Follower) unseen(found splrule.Found, bad []error) (files []string) {
	for _, err := range bad {
		var at *fs.PathError
		if !errors.As(err, &at) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for path := range f.files {
			if within := path == at.Path || strings.HasPrefix(path, filepath.Clean(at.Path)+string(filepath.Separator)); within && !slices.Contains(found.Files, path) && !slices.Contains(files, path) {
				files = append(files, path)
			}
		}
	}
	slices.Sort(files)
	return files
}

// look reads the files that are new or changed, and reports whether there are any. f.mu
// is held.
func (f *Follower) look(files, folders []string) (changed bool) {
	f.folders = folders
	stamp := stampOf(folders)
	if stamp != f.stamp {
		f.stamp, changed = stamp, true
	}
	if rs := f.current.Load(); rs != nil && slices.ContainsFunc(rs.lists, listFile.changed) {
		changed = true
	}
	known := changed // what the rules use beside their files has changed
	seen := make(map[string]bool, len(files))
	conf := false
	for _, path := range files {
		seen[path] = true
		if f.same(path) && !(known && len(f.files[path].now.faults) > 0) {
			continue
		}
		changed = true
		if filepath.Ext(path) == ".conf" {
			conf = true // its settings count for the file beside it, too
		}
		f.read(path)
	}
	for path := range f.files {
		switch {
		case !seen[path]:
			delete(f.files, path)
			changed = true
		case conf && filepath.Ext(path) == ".conf":
			f.read(path)
		}
	}
	broken := 0
	for _, file := range f.files {
		if len(file.now.faults) > 0 {
			broken++
		}
	}
	f.broken.Store(int64(broken))
	return changed
}

// same reports whether a file is as it was read last.
func (f *Follower) same(path string) bool {
	was := f.files[path]
	if was == nil {
		return false
	}
	info, err := os.Stat(path)
	return err != nil && was.size < 0 || err == nil && info.Size() == was.size && info.ModTime().Equal(was.modified)
}

// read reads a file.
func (f *Follower) read(path string) {
	file := &followed{size: -1}
	if info, err := os.Stat(path); err == nil {
		file.size, file.modified = info.Size(), info.ModTime()
	}
	file.now = readFile(path)
	faults := slices.Clone(file.now.faults)
	if file.now.sigma != nil {
		c := sigma.NewCollection(newLists(&f.o.Options, f.folders).of)
		c.Add(path, file.now.sigma)
		for _, x := range c.Faults {
			faults = append(faults, Fault{File: path, Line: x.Line, Reason: x.Reason()})
		}
	}
	was := f.files[path]
	if was != nil && was.good != nil && len(faults) == 0 && file.now.empty() && !was.good.empty() {
		faults = []Fault{{File: path, Reason: "it holds no rule any more; to drop its rules, remove the file"}}
	}
	f.files[path] = file
	switch {
	case len(faults) == 0:
		good := file.now
		file.good = &good
	case was != nil && was.good != nil:
		file.good = was.good
		file.now = *was.good
		file.now.faults = faults
		f.o.Log.Warn("a file of rules is broken; its rules stay as they were", "file", path, "line", faults[0].Line, "reason", faults[0].Reason)
	}
}

// empty reports whether there is no rule.
func (c *contents) empty() bool { return c.sigma == nil && len(c.searches) == 0 }

// stampOf identifies the state of the folders of macros and lookups.
func stampOf(folders []string) uint64 {
	h := xxhash.New()
	for _, dir := range folders {
		for _, sub := range []string{"macros", "lookups", "default", "local", "."} {
			if info, err := os.Stat(filepath.Join(dir, sub)); err == nil {
				fmt.Fprintf(h, "%q %q %d", dir, sub, info.ModTime().UnixNano())
			}
		}
	}
	return h.Sum64() | 1 // 0 = never looked
}

// tell logs what was loaded.
func (f *Follower) tell(rs, was *Ruleset) {
	for _, x := range rs.Faults {
		if was == nil || !slices.Contains(was.Faults, x) {
			f.o.Log.Warn("a rule cannot run", "file", x.File, "line", x.Line, "reason", x.Reason)
		}
	}
	off := 0
	for i := range rs.Rules {
		if rs.Rules[i].Off != "" {
			off++
		}
	}
	f.o.Log.Info("rules loaded", "rules", len(rs.Rules)-off, "off", off, "faults", len(rs.Faults), "for_other_logs", len(rs.Others))
}
