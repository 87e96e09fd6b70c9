// Package dir watches a folder: what is in it, and what comes.
package dir

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"

	"github.com/fsnotify/fsnotify"
)

// Options say how a folder is watched.
type Options struct {
	Dir    string
	Meta   event.Meta // replaces what files tell; empty fields do not
	Limits file.Limits
	Tails  []state.Tail // how far files that may grow were read before
	// Problem is called with what is wrong with the folder itself, once until it
	// changes, and with nil when nothing is any more.
	Problem func(error)

	poll   time.Duration                     // between looks when nothing is told, 0 = pollTime
	settle time.Duration                     // 0 = settleTime
	notify func() (*fsnotify.Watcher, error) // nil = fsnotify.NewWatcher
}

const (
	pollTime = 2 * time.Second
	// settleTime is how long a file has to lie unchanged before it is read: whoever
	// writes it has not finished otherwise.
	settleTime = time.Second
	// patience is how long a file may go on changing before it is read up to its
	// last whole line.
	patience = 3 * time.Second
	// share bounds the time that goes into looking through the folder.
	share = 10
)

// Watch is the source of the files in a folder and in those below it. It has no
// end. A file is handed out when it has lain unchanged for a second, again when
// it changed, and a plain file that grows line by line from where the last reading
// ended, whatever its name is by then. It keeps about 20 bytes for each file, and
// some 300 for each of the plain ones, at most MaxTails of them.
type Watch struct {
	o      Options
	notice *notifier
	queue  []*source.Batch
	known  map[uint64]struct{}  // files handed out, as they were
	first  map[string]time.Time // when files that keep changing were first seen so
	tails  map[string]*tail     // by absolute path
	byID   map[file.ID]*tail    // the same, and those whose path another file has
	seed   maphash.Seed
	told   string // the last problem
	last   time.Time
	took   time.Duration // of the last look
}

var _ source.Source = (*Watch)(nil)

// New returns a source; Close must be called. The folder need not be there yet.
func New(o Options) *Watch {
	if o.poll == 0 {
		o.poll = pollTime
	}
	if o.settle == 0 {
		o.settle = settleTime
	}
	if o.Limits == (file.Limits{}) {
		o.Limits = file.DefaultLimits()
	}
	if o.notify == nil {
		o.notify = fsnotify.NewWatcher
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	w := &Watch{
		o: o, notice: newNotifier(o.notify), known: map[uint64]struct{}{}, first: map[string]time.Time{},
		tails: map[string]*tail{}, byID: map[file.ID]*tail{}, seed: maphash.MakeSeed(),
	}
	w.resume(o.Tails)
	w.o.Tails = nil
	return w
}

// Close ends the watch. Next must not be under way.
func (w *Watch) Close() { w.notice.close() }

// Next implements source.Source.
func (w *Watch) Next(ctx context.Context) (*source.Batch, error) {
	for len(w.queue) == 0 {
		if !w.last.IsZero() {
			if err := w.wait(ctx); err != nil {
				return nil, err
			}
		}
		w.look()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := w.queue[0]
	w.queue[0] = nil
	w.queue = w.queue[1:]
	return b, nil
}

// wait returns when it is time to look again.
func (w *Watch) wait(ctx context.Context) error {
	rest := time.NewTimer(time.Until(w.last.Add(share * w.took)))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	poll := w.o.poll
	if len(w.first) > 0 {
		poll = min(poll, w.o.settle/2)
	}
	due := time.NewTimer(time.Until(w.last.Add(poll)))
	defer due.Stop()
	select {
	case <-due.C:
	case <-w.notice.changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// look goes through the folder and queues what is to be read.
func (w *Watch) look() {
	start := time.Now()
	defer func() { w.last, w.took = time.Now(), time.Since(start) }()
	if _, err := os.ReadDir(w.o.Dir); err != nil {
		w.problem(fmt.Errorf("cannot look into the folder: %w", err))
		return
	}
	found, err := file.List([]string{w.o.Dir})
	files, skipped := found.Files, found.Skipped
	if err != nil {
		files = nil // it is empty
	}
	if len(skipped) > 0 {
		w.problem(fmt.Errorf("cannot read %q: %s", skipped[0].Object, skipped[0].Text))
	} else {
		w.problem(nil)
	}
	w.notice.watch(w.o.Dir, files)
	known := make(map[uint64]struct{}, len(files))
	first := map[string]time.Time{}
	present := map[string]bool{}
	for i := range files {
		f := &files[i]
		present[file.Absolute(f.Path)] = true
		stamp := w.stamp(f)
		if _, ok := w.known[stamp]; ok {
			known[stamp] = struct{}{}
			continue
		}
		if w.underWay(f) {
			first[f.Path] = start
			continue
		}
		switch w.state(f, start) {
		case settled:
			known[stamp] = struct{}{}
			w.queue = append(w.queue, w.batch(f, false, files))
		case growing:
			w.queue = append(w.queue, w.batch(f, true, files))
			first[f.Path] = start
		default:
			first[f.Path] = start
			if since, ok := w.first[f.Path]; ok {
				first[f.Path] = since
			}
		}
	}
	w.leave(present, files)
	w.known, w.first = known, first
}

// underWay reports whether what was handed out of a file, or of the one that had
// its name before, is not acknowledged yet.
func (w *Watch) underWay(f *file.File) bool {
	for _, t := range []*tail{w.byID[f.ID], w.tails[file.Absolute(f.Path)]} {
		if t != nil && t.records.Load() == pending {
			return true
		}
	}
	return false
}

// fileState says whether a file may be read now.
type fileState uint8

const (
	changing fileState = iota // not yet
	settled
	growing // up to its last whole line
)

func (w *Watch) state(f *file.File, now time.Time) fileState {
	if now.Sub(f.Mod) >= w.o.settle {
		return settled
	}
	since, ok := w.first[f.Path]
	switch {
	case !ok:
		return changing
	// A time of change in the future says nothing: the clock of whoever wrote it is
	// ahead.
	case f.Mod.After(now.Add(w.o.settle)) && now.Sub(since) >= w.o.settle:
		return settled
	case now.Sub(since) >= patience && plain(f.Path):
		return growing
	}
	return changing
}

// stamp stands for a file as it is now.
func (w *Watch) stamp(f *file.File) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	h.WriteString(f.Path)
	fmt.Fprintf(&h, "\x00%d %d", f.Size, f.Mod.UnixNano())
	return h.Sum64()
}

func (w *Watch) problem(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != w.told {
		w.told = text
		w.o.Problem(err)
	}
}
