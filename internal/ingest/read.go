package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// job is one file on its way: its chunks come in order, the last one closes the
// channel.
type job struct {
	file   file.File
	path   string // absolute, names the file in the state and identifies its records
	skip   int64  // records that were taken in before
	done   bool   // all of it was
	err    error  // what is known of it could not be read
	chunks chan *chunk
	first  tally.Day // of the days of its events
	last   tally.Day
}

// noDay is above all days.
const noDay = tally.Day(math.MaxInt32)

// chunk is a run of records of a file.
type chunk struct {
	arena    []byte
	records  []record
	meta     event.Meta
	batch    int64
	from     int64 // records of the file before this chunk
	read     int64 // records of the file up to here
	digests  int
	first    tally.Day // of the days of its events, new or not
	last     tally.Day
	problems []state.Problem
	end      bool  // the file was read to its end
	err      error // why it was not; nil when it was cut short by the context
}

type record struct {
	from, to   int // in the arena
	id         recordID
	given      bool // id is that of the eventID
	cloudTrail bool
	timed      bool // time is that of the record itself
	time       int64
	seq        uint64
}

// Bounds of a chunk, so that several workers share one file and few chunks fill
// no memory. A single record may be larger.
const (
	chunkBytes   = 512 << 10
	chunkRecords = 1024
)

// problemsPerFile bounds what is noted of one file; more are counted.
const problemsPerFile = 100

// fileReader reads files for one goroutine.
type fileReader struct {
	o    *Options
	free chan *chunk
}

// read reads a file and sends its chunks. The channel is closed in the end.
func (r *fileReader) read(ctx context.Context, j *job) {
	defer close(j.chunks)
	f, err := file.Open(j.file, r.o.Limits, &r.o.Progress.done)
	if err != nil {
		r.send(ctx, j, &chunk{err: err, first: noDay, last: -noDay})
		return
	}
	defer f.Close()
	var at int64
	var problems int
	c := r.chunk(j, 0)
	for {
		rec, err := f.Next()
		var bad *event.RecordError
		switch {
		case errors.As(err, &bad):
			at++
			if problems++; problems <= problemsPerFile {
				c.problems = append(c.problems, state.Problem{Path: j.path, Place: bad.Offset, Reason: bad.Error()})
			}
		case err == nil && rec.Kind == event.Digest:
			at++
			c.digests++
		case err == nil:
			if at++; at > j.skip {
				r.add(c, j, &rec, at)
			}
		default:
			if problems > problemsPerFile {
				more := fmt.Sprintf("%d more records could not be read", problems-problemsPerFile)
				c.problems = append(c.problems, state.Problem{Path: j.path, Place: -2, Reason: more})
			}
			if c.read, c.end = at, err == io.EOF; !c.end {
				c.err = err
			}
			r.send(ctx, j, c)
			return
		}
		if len(c.arena) >= chunkBytes || len(c.records) >= chunkRecords || len(c.problems) >= problemsPerFile {
			c.read = at
			if !r.send(ctx, j, c) {
				return
			}
			c = r.chunk(j, at)
		} else if ctx.Err() != nil {
			return
		}
	}
}

func (r *fileReader) chunk(j *job, from int64) *chunk {
	var c *chunk
	select {
	case c = <-r.free:
		*c = chunk{arena: c.arena[:0], records: c.records[:0]}
	default:
		c = &chunk{}
	}
	c.first, c.last = noDay, -noDay
	c.from = from
	c.meta = j.file.Meta(r.o.Index, r.o.Sourcetype)
	if r.o.Source != "" {
		c.meta.Source = r.o.Source
	}
	if r.o.Host != "" {
		c.meta.Host = r.o.Host
	}
	return c
}

func (r *fileReader) send(ctx context.Context, j *job, c *chunk) bool {
	select {
	case j.chunks <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

// add copies a record into the chunk. at is its place in the file.
func (r *fileReader) add(c *chunk, j *job, rec *event.Record, at int64) {
	out := record{from: len(c.arena), time: c.meta.Fallback}
	c.arena = append(c.arena, rec.Raw...)
	out.to = len(c.arena)
	raw := c.arena[out.from:out.to]
	if rec.Time != 0 {
		out.time = rec.Time
	}
	known := event.Identify(raw)
	if out.timed = known.Timed; out.timed {
		out.time = known.Time
	}
	if out.id, out.given = known.ID, known.Given && !r.o.Anew; !out.given {
		out.id = anonymousID(j.path, at, raw)
	}
	out.cloudTrail = r.o.Sourcetype == "" && known.CloudTrail
	c.records = append(c.records, out)
	c.spread(out.time)
}

// spread widens the days of a chunk to those that an event of the given time may
// lie at in the store.
func (c *chunk) spread(at int64) {
	day := tally.DayOf(at)
	c.first, c.last = min(c.first, day), max(c.last, day)
	if vlogs.MayBeDisplaced(at) {
		c.first, c.last = min(c.first, vlogs.DisplacedDay), max(c.last, vlogs.DisplacedDay)
	}
}

// anonymousID identifies a record without eventID by where it stands.
func anonymousID(path string, at int64, raw []byte) (id recordID) {
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(path), binary.LittleEndian.AppendUint64(n[:0], uint64(at)), raw} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	copy(id[:], h.Sum(nil))
	return id
}

// absolute returns the path that names a file in the state.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path) // the working directory is gone
}
