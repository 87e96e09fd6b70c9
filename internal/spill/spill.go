// Package spill keeps rows on disk that a search has no memory for.
package spill

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"bluetrail/internal/vector"

	"github.com/klauspost/compress/s2"
)

// Space is what searches may use of a disk. It is safe for concurrent use.
type Space struct {
	dir   string
	limit int64
	used  atomic.Int64
}

// NewSpace returns a Space of limit bytes in a folder, "" = the system's for
// temporary files.
func NewSpace(dir string, limit int64) *Space { return &Space{dir: dir, limit: limit} }

// Used is how many bytes are taken.
func (s *Space) Used() int64 { return s.used.Load() }

// Full is the error of a Space that has no room left.
type Full struct{ Limit int64 }

func (e *Full) Error() string {
	return fmt.Sprintf("the temporary files of all searches have reached their limit of %d MiB", e.Limit>>20)
}

// blockSize is how many bytes of rows are packed together: what reading a file
// takes in memory, about.
const blockSize = 64 << 10

// headSize is how many bytes before a block say how long it is.
const headSize = 8

// File holds batches in the order in which they were written, and is read once.
// It has no name, so that nothing is left of it however the process ends. It is
// for one goroutine.
type File struct {
	space *Space
	f     *os.File
	in    *bufio.Reader
	rows  *vector.Builder // of Add
	held  int             // bytes in rows, about
	buf   []byte          // batches of the block at hand; from buffers
	block int             // the largest block, in bytes
	size  int64
	full  bool            // nothing is taken in any more
	ready []*vector.Batch // read and not handed out
}

// Create returns an empty file.
func (s *Space) Create() (*File, error) {
	f, err := os.CreateTemp(s.dir, "bluetrail-rows-")
	if err != nil {
		return nil, fmt.Errorf("cannot create a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot create a temporary file: %w", err)
	}
	return &File{space: s, f: f, rows: vector.NewBuilder()}, nil
}

// Add appends row i of a batch, whose texts must last until the file is read.
// *Full says that there is no room for more.
func (f *File) Add(b *vector.Batch, i int) error {
	f.rows.AddRow(b, i)
	if f.held += b.RowSize(i); f.held < blockSize && f.rows.Len() < vector.DefaultRows {
		return nil
	}
	f.held = 0
	return f.Write(f.rows.Batch())
}

// buffers serve the files of all searches. A file has none but for the block at hand:
// very many files are open at once.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// buffer returns an empty one with room for n bytes.
func buffer(n int) []byte {
	buf := *buffers.Get().(*[]byte)
	return slices.Grow(buf[:0], n)
}

// release lets another file use buf, unless a few of that size are a lot of memory.
func release(buf []byte) {
	if cap(buf) > 0 && cap(buf) <= 4*blockSize {
		buffers.Put(&buf)
	}
}

// Write appends a batch. *Full says that there is no room for more; the batch with
// which it comes first is still kept.
func (f *File) Write(b *vector.Batch) error {
	if f.full {
		return &Full{f.space.limit}
	}
	if f.buf == nil {
		f.buf = buffer(0)
	}
	f.buf = b.AppendTo(slices.Grow(f.buf, b.Size()))
	if len(f.buf) < blockSize {
		return nil
	}
	return f.flush(f.space.limit)
}

// flush writes the block at hand, unless more than limit bytes would be taken
// then.
func (f *File) flush(limit int64) error {
	if len(f.buf) == 0 {
		return nil
	}
	pack := buffer(headSize + s2.MaxEncodedLen(len(f.buf)))
	defer release(pack)
	body := s2.Encode(pack[headSize:cap(pack)], f.buf)
	pack = pack[:headSize+len(body)]
	binary.LittleEndian.PutUint64(pack, uint64(len(body)))
	f.block = max(f.block, len(f.buf))
	size := int64(len(pack))
	if f.space.used.Add(size) > limit { // the block is kept: rewind writes it
		f.space.used.Add(-size)
		f.full = true
		return &Full{f.space.limit}
	}
	release(f.buf)
	f.buf = nil
	f.size += size
	if _, err := f.f.Write(pack); err != nil {
		return fmt.Errorf("cannot write a temporary file: %w", err)
	}
	return nil
}

// Next returns the next batch, io.EOF behind the last. Nothing can be written
// once it was called.
func (f *File) Next() (*vector.Batch, error) {
	if f.in == nil {
		if err := f.rewind(); err != nil {
			return nil, err
		}
	}
	if len(f.ready) == 0 {
		if err := f.fill(); err != nil {
			if err != io.EOF {
				err = fmt.Errorf("cannot read a temporary file: %w", err)
			}
			return nil, err
		}
	}
	b := f.ready[0]
	f.ready = f.ready[1:]
	return b, nil
}

func (f *File) rewind() error {
	if f.rows.Len() > 0 {
		f.buf = f.rows.Batch().AppendTo(f.buf)
	}
	if err := f.flush(math.MaxInt64); err != nil { // what was taken in is kept
		return err
	}
	if _, err := f.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("cannot read a temporary file: %w", err)
	}
	f.in = bufio.NewReaderSize(f.f, blockSize)
	return nil
}

// fill reads a block.
func (f *File) fill() error {
	var head [headSize]byte
	if _, err := io.ReadFull(f.in, head[:]); err != nil {
		return err
	}
	size := binary.LittleEndian.Uint64(head[:])
	if size > uint64(f.size) {
		return s2.ErrCorrupt
	}
	pack := buffer(int(size))[:size]
	defer release(pack)
	if _, err := io.ReadFull(f.in, pack); err != nil {
		return err
	}
	data, err := s2.Decode(nil, pack) // the batches share it
	for len(data) > 0 && err == nil {
		var b *vector.Batch
		if b, data, err = vector.Decode(data); err == nil {
			f.ready = append(f.ready, b)
		}
	}
	return err
}

// Close gives the room back. It may be called more than once.
func (f *File) Close() {
	if f.f != nil {
		f.f.Close()
		f.space.used.Add(-f.size)
		release(f.buf)
		f.f, f.in, f.buf, f.rows, f.ready = nil, nil, nil, vector.NewBuilder(), nil
	}
}
