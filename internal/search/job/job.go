// Package job runs searches for people who watch them: a job keeps its rows,
// says how far it is, and answers questions about the events it found.
package job

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// State is where a job is.
type State string

// The states.
const (
	Queued    State = "queued"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether nothing happens any more.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Ask is what to search.
type Ask struct {
	Search           string
	Earliest, Latest string
	Now, Zone        string
	Preview          bool
	MaxRows          int // 0 = as many as a job keeps without being asked
	User             string
	Refused          []string // indexes that the user may not read
}

// Job is one search.
type Job struct {
	ID    string
	Ask   Ask
	Parts Parts
	Began time.Time

	jobs   *Jobs
	ctx    context.Context
	cancel context.CancelCauseFunc
	tap    *tap
	stored func(error) error // stores what the search wrote; nil if it may not write

	mu       sync.Mutex
	state    State
	entered  time.Time // when it left the queue
	ended    time.Time
	rows     kept
	more     bool
	preview  *Table
	notices  []diag.Notice
	err      error
	changed  chan struct{} // closed at the next change
	watchers int           // streams that follow it
	idle     *time.Timer
	answers  map[string]any // of timelines and fields that were asked for
	freed    bool           // the rows are gone
}

// Table is some rows.
type Table struct {
	Columns []string
	Batches []*vector.Batch
	Since   time.Time // of a preview: it counts the events since then
}

// How many rows a job keeps when it is not told.
const (
	keptEvents = 5_000
	keptRows   = 100_000
)

// errUser is the cause of a job that its user cancelled.
var errUser = errors.New("the search was cancelled")

// run searches, until it ends or is cancelled.
func (j *Job) run(o search.Options) {
	turn, err := j.jobs.gate.enter(j.ctx, j.Ask.User)
	if err != nil {
		j.end(nil, err)
		return
	}
	defer turn.leave()
	j.tap.turn = turn
	j.update(func() { j.state, j.entered = Running, time.Now() })
	defer context.AfterFunc(j.ctx, turn.leave)()
	s, notices, err := search.Open(j.ctx, o)
	if err != nil {
		j.update(func() { j.notices = append(j.notices, notices...) })
		j.end(nil, err)
		return
	}
	defer s.Close()
	if j.Ask.Preview && !j.Parts.Events && j.Parts.Front != "" && !j.Parts.Writes {
		quiet, stop := context.WithCancel(j.ctx)
		var gone sync.WaitGroup
		gone.Go(func() { j.previews(quiet) })
		defer gone.Wait()
		defer stop()
	}
	err = j.take(s)
	if j.stored != nil {
		err = j.stored(err)
	}
	j.end(s, err)
}

var errEnough = errors.New("enough rows")

// take keeps the rows of a search.
func (j *Job) take(s *search.Search) error {
	most := j.Ask.MaxRows
	if most == 0 && j.Parts.Events {
		most = keptEvents
	} else if most == 0 {
		most = keptRows
	}
	kept := 0
	err := s.Each(j.ctx, func(b *vector.Batch) error {
		if err := j.tap.turn.check(j.ctx); err != nil {
			return err
		}
		over := kept+b.Len > most
		if over {
			b = b.Slice(0, most-kept)
		}
		at, err := j.rows.pack(b)
		if err != nil {
			return err
		}
		kept += b.Len
		j.update(func() {
			j.more = j.more || over
			j.preview = nil
			j.rows.add(b, at)
		})
		if over && !j.Parts.Writes { // what it writes is not to lack rows
			return errEnough
		}
		return nil
	})
	if err == errEnough {
		return nil
	}
	return err
}

// end notes how the job ended.
func (j *Job) end(s *search.Search, err error) {
	var over *exec.OverBudget
	var list []diag.Notice
	if s != nil {
		list = append(s.Notices(), s.Lacking()...)
	}
	j.update(func() {
		j.notices = append(j.notices, list...)
		j.ended = time.Now()
		switch {
		case err == nil:
			j.state = Done
		case errors.As(err, &over):
			j.state = Done
			j.notices = append(j.notices, diag.Notice{Level: diag.Warning, Text: err.Error()})
		case j.ctx.Err() != nil:
			j.state, j.err = Cancelled, context.Cause(j.ctx)
		default:
			j.state, j.err = Failed, err
		}
	})
	j.cancel(nil)
}

// update changes the job and wakes those who follow it.
func (j *Job) update(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
	close(j.changed)
	j.changed = make(chan struct{})
}

// Cancel ends the job, which keeps the rows it has.
func (j *Job) Cancel() { j.cancel(errUser) }

// Info is a job at a moment.
type Info struct {
	State       State
	Before      int // jobs in the queue before it
	Rows        int
	More        bool // there are rows beyond those that are kept
	Columns     []string
	Notices     []diag.Notice
	Err         error
	Preview     bool // there is a preview and no rows yet
	Share       float64
	Matched     int64
	Bytes       int64
	Took        time.Duration // since it left the queue
	Left        time.Duration // estimated, 0 = not known
	Ended       time.Time
	First, Last int64 // the time range, unix nanoseconds; store.Beginning and store.End if open
	Changed     <-chan struct{}
}

// Info returns how the job is.
func (j *Job) Info() Info {
	j.touch()
	j.mu.Lock()
	defer j.mu.Unlock()
	in := Info{
		State: j.state, Rows: j.rows.rows, More: j.more, Columns: j.rows.columns[:len(j.rows.columns):len(j.rows.columns)],
		Notices: j.notices[:len(j.notices):len(j.notices)], Err: j.err, Preview: j.preview != nil, Ended: j.ended, Changed: j.changed,
		Share: j.tap.share(), Matched: j.tap.matched.Load(), Bytes: j.tap.bytes.Load(),
	}
	in.First, in.Last = j.tap.span()
	switch {
	case j.state == Queued:
		in.Before = j.jobs.gate.before(j.Began)
		return in
	case j.state == Running:
		in.Took = time.Since(j.entered)
	case !j.entered.IsZero():
		in.Took = j.ended.Sub(j.entered)
	}
	if j.state == Done {
		in.Share = 1
	}
	if in.State == Running && in.Share > 0.02 {
		in.Left = time.Duration(float64(in.Took) * (1 - in.Share) / in.Share)
	}
	if in.Preview {
		in.Columns = j.preview.Columns
	}
	return in
}

// Preview returns the latest preview, nil when there is none or rows are there.
func (j *Job) Preview() *Table {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.preview
}

// Each passes on the rows from a number on, in batches, as far as they are
// there. ErrNone says that the job was dropped meanwhile.
func (j *Job) Each(from int, yield func(first int, b *vector.Batch) error) error {
	for {
		j.touch() // whoever takes the rows may be slow
		j.mu.Lock()
		if j.freed {
			j.mu.Unlock()
			return ErrNone
		}
		at, found := j.rows.holding(from)
		j.mu.Unlock()
		if !found {
			return nil
		}
		b, err := at.batch()
		if errors.Is(err, os.ErrClosed) {
			return ErrNone
		}
		if err != nil {
			return err
		}
		if from > at.first {
			b = b.Slice(from-at.first, b.Len)
		}
		if err := yield(from, b); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		from += b.Len
	}
}

// open reports whether a bound of a range is open.
func open(ns int64) bool { return ns == store.Beginning || ns == store.End }

// Range returns the time range of the job; a bound is zero if it is open.
func (in *Info) Range() (from, to time.Time) {
	if !open(in.First) {
		from = time.Unix(0, in.First)
	}
	if !open(in.Last) {
		to = time.Unix(0, in.Last)
	}
	return from, to
}
