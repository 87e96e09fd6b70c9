// Package ingest takes files of events into the embedded store, each event
// once, however often it is killed and started again.
package ingest

import (
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/idset"
	"bluetrail/internal/integrity"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
)

// The parts of a data directory.
const (
	EventsDir = integrity.EventsDir // the store
	idsDir    = "ids"               // ids of stored events
)

// Options say what to take in and where.
type Options struct {
	Data       string   // data directory, made when absent
	Paths      []string // files, folders, globs
	Dir        string   // where relative paths begin; "" = the working directory
	Index      string   // "" = event.DefaultIndex
	Sourcetype string   // "" = told from each record
	Source     string   // "" = the path of the file
	Host       string   // "" = event.DefaultHost
	Anew       bool     // events are new whatever their eventID, unless the very file was taken in
	Workers    int      // 0 = one for each processor
	Progress   *Meter   // may be nil
	// From, when set, opens what is taken in instead of Paths. close is told whether all
	// was taken in.
	From   func(context.Context, *state.DB) (src Input, close func(finished bool) error, err error)
	Limits file.Limits
	// Objects, when set, opens the objects of S3 that a Repair takes in again.
	Objects Objects

	Retention map[string]config.Retention // see Config
	Clock     func() time.Time
	Door      Door                          // see Config
	Sink      func(*state.DB) (Sink, error) // see Config
	Seen      bool                          // see RunOptions

	batch limits // zero = the usual ones
}

// Input is a source with an end.
type Input interface {
	source.Source
	// LeftOut tells which files do not look like events and are not read.
	LeftOut() file.LeftOut
}

// Meter tells how far a Run is, to another goroutine.
type Meter struct{ done, total atomic.Int64 }

// Bytes returns how many bytes of the files, as they lie on disk, are read and
// how many there are.
func (m *Meter) Bytes() (done, total int64) { return m.done.Load(), m.total.Load() }

// Summary says what a Run did.
type Summary struct {
	Files        int   // files read, to their end or to where they broke
	FilesDone    int   // files not read because they were taken in before
	Events       int   // events stored
	Duplicates   int   // events that were stored already
	Untimed      int   // events stored at the time of their file's last change, having none
	Expired      int   // events older than what retention keeps, which were not taken in
	Dropped      int   // records that filters of the configuration dropped
	Digests      int   // digest files and documents, which hold no events
	Controls     int   // messages with which CloudWatch Logs checks a destination
	Bytes        int64 // of the records read, unpacked
	Skipped      []diag.Notice
	SkippedTotal int            // Skipped lists the first of them; the state has all
	LeftOut      file.LeftOut   // files that do not look like events
	Removed      []Removed      // by retention
	Alarms       []state.Alarm  // days that lack events which were taken in before
	Renewed      []idset.Damage // known ids that were damaged and made anew from the store
	Before       int64          // events that the data directory held
	Stored       int64          // events that it holds now
}

// listed bounds Summary.Skipped.
const listed = 100

func (s *Summary) skip(n diag.Notice) {
	s.SkippedTotal++
	if len(s.Skipped) < listed {
		s.Skipped = append(s.Skipped, n)
	}
}

// Run takes the files that the options name into the data directory, see
// Pipeline.Run. When known ids turn out to be damaged on the way, it begins
// anew, which makes them from the store.
func Run(ctx context.Context, o Options) (Summary, error) {
	sum, err := runOnce(ctx, o)
	if errors.Is(err, idset.ErrDamaged) && ctx.Err() == nil {
		sum, err = runOnce(ctx, o)
	}
	return sum, err
}

func runOnce(ctx context.Context, o Options) (sum Summary, err error) {
	src, run, err := o.source() // before the directory is made
	if err != nil {
		return sum, err
	}
	p, err := Open(ctx, Config{Data: o.Data, Workers: o.Workers, Retention: o.Retention, Clock: o.Clock, Door: o.Door, Sink: o.Sink, batch: o.batch})
	if err != nil {
		return sum, err
	}
	before, err := p.stored()
	if err == nil {
		err = p.state.Mended(readableFolder)
	}
	if err == nil {
		sum, err = p.input(ctx, &o, src, run)
	}
	if err == nil {
		_, err = p.Retain(ctx) // what came may be more than is kept
	}
	sum.Before = before
	if err == nil {
		sum.Stored, err = p.stored()
	}
	sum.Alarms, sum.Renewed, sum.Removed = p.Alarms(), p.Renewed(), p.Removed()
	return sum, errors.Join(err, p.Close())
}

// input takes in src, or what the options open where src is nil.
func (p *Pipeline) input(ctx context.Context, o *Options, src Input, run RunOptions) (sum Summary, err error) {
	end := func(bool) error { return nil }
	if src == nil {
		if src, end, err = o.From(ctx, p.state); err != nil {
			return sum, err
		}
	}
	sum, err = p.Run(ctx, src, run)
	sum.LeftOut.Join(src.LeftOut())
	return sum, errors.Join(err, end(err == nil && sum.SkippedTotal == 0))
}

// Files takes files into an opened data directory. Data and Workers are those of
// the pipeline.
func (p *Pipeline) Files(ctx context.Context, o Options) (sum Summary, err error) {
	src, run, err := o.source()
	if err != nil {
		return sum, err
	}
	before, err := p.stored()
	if err != nil {
		return sum, err
	}
	if sum, err = p.input(ctx, &o, src, run); err == nil {
		sum.Stored, err = p.stored()
	}
	sum.Before, sum.Alarms = before, p.Alarms()
	return sum, err
}

// stored returns how many events the data directory holds.
func (p *Pipeline) stored() (n int64, err error) {
	tallies, err := p.state.Tallies()
	for _, t := range tallies {
		n += t.Events
	}
	return n, err
}

// readableFolder reports whether a path is a folder that can be listed. Problems
// of files go when the files are read again.
func readableFolder(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return err == nil || err == io.EOF
}

// source lists the files. There is no source where From opens one.
func (o *Options) source() (Input, RunOptions, error) {
	if o.Index == "" {
		o.Index = event.DefaultIndex
	}
	run := RunOptions{Anew: o.Anew, Seen: o.Seen, Progress: o.Progress, Origin: originOf(o)}
	if o.From != nil {
		return nil, run, nil
	}
	w, err := file.NewWalk(o.Paths, file.WalkOptions{Dir: o.Dir, Meta: o.meta(), Limits: o.Limits})
	if err != nil {
		return nil, run, err
	}
	return w, run, nil
}

// meta is what the options say of the records.
func (o *Options) meta() event.Meta {
	return event.Meta{Index: o.Index, Sourcetype: o.Sourcetype, Source: o.Source, Host: o.Host}
}
