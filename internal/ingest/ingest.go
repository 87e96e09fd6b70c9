// Package ingest takes files of events into the embedded store, each event
// once, however often it is killed and started again.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
)

// The parts of a data directory.
const (
	EventsDir = "events" // the store
	idsDir    = "ids"    // ids of stored events
)

// Options say what to take in and where.
type Options struct {
	Data       string   // data directory, made when absent
	Paths      []string // files, folders, globs
	Index      string   // "" = event.DefaultIndex
	Sourcetype string   // "" = told from each record
	Source     string   // "" = the path of the file
	Host       string   // "" = event.DefaultHost
	Anew       bool     // events are new whatever their eventID, unless the very file was taken in
	Workers    int      // 0 = one for each processor
	Progress   *Meter   // may be nil
	Limits     file.Limits

	batch limits // zero = the usual ones
}

// Meter tells how far a Run is, to another goroutine.
type Meter struct{ done, total atomic.Int64 }

// Bytes returns how many bytes of the files, as they lie on disk, are read and
// how many there are.
func (m *Meter) Bytes() (done, total int64) { return m.done.Load(), m.total.Load() }

// Skip is something that could not be taken in.
type Skip = file.Skip

// Summary says what a Run did.
type Summary struct {
	Files        int   // files read, to their end or to where they broke
	FilesDone    int   // files not read because they were taken in before
	Events       int   // events stored
	Duplicates   int   // events that were stored already
	Digests      int   // digest files and documents, which hold no events
	Bytes        int64 // of the records read, unpacked
	Skipped      []Skip
	SkippedTotal int // Skipped lists the first of them; the state has all
}

// memoryLimit is where the collector begins to work harder: buffers of rows come
// and go by the tens of megabytes.
const memoryLimit = 640 << 20

// gcPercent lets it work less below that.
const gcPercent = 250

// listed bounds Summary.Skipped.
const listed = 100

func (s *Summary) skip(name, reason string) {
	s.SkippedTotal++
	if len(s.Skipped) < listed {
		s.Skipped = append(s.Skipped, Skip{Name: name, Reason: reason})
	}
}

// Run takes in all events of the files that are not stored yet. What it counts
// as stored is durable. Bad files and records are skipped, reported and put in
// quarantine. When ctx ends, what was read is committed and ctx's error
// returned; Run with the same options goes on from there.
func Run(ctx context.Context, o Options) (sum Summary, err error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Progress == nil {
		o.Progress = &Meter{}
	}
	if o.Limits == (file.Limits{}) {
		o.Limits = file.DefaultLimits()
	}
	if o.batch == (limits{}) {
		o.batch = usual
	}
	if o.Index == "" {
		o.Index = event.DefaultIndex
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memoryLimit))
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	files, skipped, err := file.List(o.Paths)
	if err != nil {
		return sum, err
	}
	for _, s := range skipped {
		sum.skip(s.Name, s.Reason)
	}
	for i := range files {
		o.Progress.total.Add(files[i].Size)
	}
	c, err := open(ctx, &o, &sum)
	if err != nil {
		return sum, err
	}
	err = c.run(ctx, files)
	return sum, errors.Join(err, c.close())
}

// open opens the data directory and mends what a crash left.
func open(ctx context.Context, o *Options, sum *Summary) (c *committer, err error) {
	st, err := vlogs.Open(filepath.Join(o.Data, EventsDir), vlogs.Options{})
	if err != nil {
		return nil, err
	}
	c = &committer{o: o, sum: sum, store: st, ids: newIDStore(filepath.Join(o.Data, idsDir), idBudget)}
	if c.state, err = state.Open(o.Data); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if err := c.recover(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot go on after the last run: %w", err), c.close())
	}
	return c, nil
}
