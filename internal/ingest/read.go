package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// job is one batch of a source on its way: its chunks come in order, the last
// one closes the channel.
type job struct {
	run     *run
	ctx     context.Context // of the run
	batch   *source.Batch
	skip    int64  // records that were taken in before
	done    bool   // all of it was
	stream  string // see state.File
	anon    bool   // some of its records have no eventID
	err     error  // what is known of it could not be read
	chunks  chan *chunk
	first   tally.Day // of the days of its events
	last    tally.Day
	result  source.Result
	door    doorman
	doorErr error // why there is none
}

// lookUp notes what is known of a batch. One that changed is read anew, one that
// was renamed goes on where it was.
func (j *job) lookUp(db *state.DB) {
	b := j.batch
	if b.Passing {
		j.stream = b.Stream
		return
	}
	known, ok, err := db.File(b.Key)
	switch {
	case err != nil:
		j.err = err
	case ok && known.Size == b.Size && known.Changed == b.Changed.UnixNano() && known.Print == b.Print:
		j.done, j.skip = known.Done, known.Records
		j.first, j.last, j.anon = known.First, known.Last, known.Anon
	case !ok && b.Stream == "" && b.Print != 0:
		if known, ok, j.err = renamed(db, b); ok {
			j.skip, j.first, j.last, j.anon = known.Records, known.First, known.Last, known.Anon
		}
	}
	switch {
	case b.Stream != "":
		j.stream = b.Stream
	case ok && known.Stream != "":
		j.stream = known.Stream
	case ok:
		j.stream = known.Path
	default:
		j.stream = b.Key
	}
	if !ok && b.From > 0 && b.Tail != nil && b.Tail.Was != "" { // the part before lies on the days of these
		if known, ok, err = db.File(b.Tail.Was); err != nil {
			j.err = err
		}
	}
	if ok && b.From > 0 {
		j.first, j.last, j.anon = min(j.first, known.First), max(j.last, known.Last), known.Anon
	}
}

// renamed returns the file that a batch was when it was taken in, under a name at
// which nothing is any more. Files of which all records have an eventID need no
// such care.
func renamed(db *state.DB, b *source.Batch) (f state.File, ok bool, err error) {
	list, err := db.Alike(b.Size, b.Changed.UnixNano(), b.Print)
	if err != nil {
		return f, false, err
	}
	for _, f := range list {
		if _, err := os.Lstat(f.Path); errors.Is(err, fs.ErrNotExist) {
			return f, true, nil
		}
	}
	return f, false, nil
}

// file is what the state is to know of the batch once a chunk of it is stored.
func (j *job) file(ch *chunk, again bool) state.File {
	b := j.batch
	f := state.File{
		Path: b.Key, Size: b.Size, Changed: b.Changed.UnixNano(), Print: b.Print, Records: ch.read, Done: ch.end,
		First: j.first, Last: j.last, Origin: j.run.origin, Anon: j.anon, Again: again,
	}
	if j.stream != b.Key {
		f.Stream = j.stream
	}
	if t := b.Tail; t != nil && (ch.end || b.From == 0) {
		now := *t
		now.Records = ch.read
		if !ch.end { // the name of its records is known before any is stored
			now.Size, now.Records, now.Head, now.End = 0, 0, 0, 0
		}
		f.Tail = &now
	}
	return f
}

// noDay is above all days.
const noDay = tally.Day(math.MaxInt32)

// chunk is a run of records of a file.
type chunk struct {
	arena    []byte
	records  []record
	meta     event.Meta
	from     int64 // records of the file before this chunk
	read     int64 // records of the file up to here
	digests  int
	controls int
	anon     bool // some of the records have no eventID
	leftOut  file.LeftOut
	first    tally.Day // of the days of its events, new or not
	last     tally.Day
	problems []diag.Notice
	dropped  dropped // by filters; nil = none
	end      bool    // the file was read to its end
	err      error   // why it was not; nil when it was cut short by the context
}

type record struct {
	from, to   int // in the arena
	id         recordID
	given      bool // id is that of the eventID
	sourcetype string
	kind       uint64 // see event.Identity
	timed      bool   // time is that of the record itself
	guessed    bool   // time is only that of the file's last change
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

// identifier finds out the identity of records while they are decoded.
var identifier = event.NewIdentifier(nil)

// read reads a batch and sends its chunks. The channel is closed in the end. row
// is the reader's.
func (j *job) read(free <-chan *chunk, row *event.Row) {
	defer close(j.chunks)
	if j.ctx.Err() != nil {
		return
	}
	if j.doorErr != nil { // rather than store what is to be dropped
		j.send(&chunk{err: j.doorErr, first: noDay, last: -noDay})
		return
	}
	f, err := j.batch.Open(&j.run.o.Progress.done)
	if err != nil {
		j.send(&chunk{err: err, first: noDay, last: -noDay})
		return
	}
	defer f.Close()
	if w, ok := f.(source.Walking); ok {
		w.Fields(identifier, row)
	}
	at := j.batch.From
	var problems int
	c := j.chunk(free, at)
	y := yielding{searching: j.run.p.searching}
	for {
		y.yield(j.ctx)
		rec, err := f.Next()
		var bad *event.RecordError
		switch {
		case errors.As(err, &bad):
			at++
			if problems++; problems <= problemsPerFile {
				c.problems = append(c.problems, diag.Notice{Level: diag.Problem, Object: j.batch.Key, Place: bad.Offset, Text: bad.Error()})
			}
		case err == nil && rec.Kind == event.Digest:
			at++
			c.digests++
		case err == nil && rec.Kind == event.Control:
			c.controls++
		case err == nil && rec.Kind == event.Foreign:
			c.leftOut.Add(string(rec.Raw))
		case err == nil:
			if at++; at > j.skip {
				j.add(c, &rec, at, row)
			}
		default:
			if problems > problemsPerFile {
				more := fmt.Sprintf("%d more records could not be read", problems-problemsPerFile)
				c.problems = append(c.problems, diag.Notice{Level: diag.Problem, Object: j.batch.Key, Place: diag.Others, Text: more})
			}
			if c.read, c.end = at, err == io.EOF; !c.end {
				c.err = err
			}
			j.send(c)
			return
		}
		if len(c.arena) >= chunkBytes || len(c.records) >= chunkRecords || len(c.problems) >= problemsPerFile {
			c.read = at
			if !j.send(c) {
				return
			}
			c = j.chunk(free, at)
		} else if j.ctx.Err() != nil {
			return
		}
	}
}

func (j *job) chunk(free <-chan *chunk, from int64) *chunk {
	var c *chunk
	select {
	case c = <-free:
		*c = chunk{arena: c.arena[:0], records: c.records[:0]}
	default:
		c = &chunk{}
	}
	c.first, c.last = noDay, -noDay
	c.from = from
	c.meta = j.batch.Meta
	return c
}

func (j *job) send(c *chunk) bool {
	select {
	case j.chunks <- c:
		return true
	case <-j.ctx.Done():
		return false
	}
}

// add copies a record into the chunk. at is its place in the file, row holds its
// leaves when they were read.
func (j *job) add(c *chunk, rec *event.Record, at int64, row *event.Row) {
	out := record{from: len(c.arena), time: c.meta.Fallback}
	c.arena = append(c.arena, rec.Raw...)
	out.to = len(c.arena)
	raw := c.arena[out.from:out.to]
	if rec.Time != 0 {
		out.time = rec.Time
	}
	out.guessed = rec.Time == 0 && c.meta.Guessed
	var known event.Identity
	if rec.Walked {
		known = identifier.Identity(raw, row)
	} else {
		known = event.Identify(raw)
	}
	if out.timed = known.Timed; out.timed {
		out.time, out.guessed = known.Time, false
	}
	if j.drops(c, &out, &known, raw) {
		c.arena = c.arena[:out.from]
		return
	}
	if out.id, out.given = known.ID, known.Given && !j.run.o.Anew; !out.given {
		out.id, c.anon = anonymousID(j.stream, at, raw), true
	}
	out.sourcetype, out.kind = known.Sourcetype, known.Kind
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
func anonymousID(stream string, at int64, raw []byte) (id recordID) {
	h := sha256.New()
	var n [8]byte
	for _, part := range [][]byte{[]byte(stream), binary.LittleEndian.AppendUint64(n[:0], uint64(at)), raw} {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write(part)
	}
	copy(id[:], h.Sum(nil))
	return id
}
