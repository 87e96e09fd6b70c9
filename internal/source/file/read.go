package file

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"bluetrail/internal/event"
	"bluetrail/internal/unpack"
)

// Limits bound what one file may unpack to.
type Limits struct {
	event.Limits
	// MaxRatio is how many times its packed size a file may unpack to once it
	// passed MaxFree bytes: a gzip bomb reaches 1,000, JSON seldom 50.
	MaxRatio int64
	MaxFree  int64
}

// DefaultLimits returns the limits that hold when nothing else is said.
func DefaultLimits() Limits {
	return Limits{MaxRatio: 200, MaxFree: 256 << 20}
}

// Reader yields the records of one file: of every member when it is an archive.
// It is for one goroutine.
type Reader struct {
	*event.Decoder
	file     io.Closer
	meter    *meter // of the file; nil = it is a stream
	lim      Limits
	left     int64 // bytes that may still be unpacked
	stream   *unpack.Stream
	archives []archive // that are being read, the innermost last
	member   string    // of the innermost that is being read
	pooled   bool      // the decoder goes back to decoders
}

// ErrBomb says that a file unpacks to far more than a trail would.
var ErrBomb = unpack.ErrBomb

// A decoder's buffer is larger than most files.
var decoders = sync.Pool{New: func() any { return new(event.Decoder) }}

// Open opens a file; what it is is told by its first bytes. read, when not nil,
// is raised by the packed bytes as they are read.
func Open(f File, lim Limits, read *atomic.Int64) (*Reader, error) {
	d := decoders.Get().(*event.Decoder)
	r, err := OpenWith(d, f, lim, read)
	if err != nil {
		decoders.Put(d)
		return nil, err
	}
	r.pooled = true
	return r, nil
}

// OpenWith is Open with a decoder of the caller's, which keeps what it was told
// by Fields and BeforeReuse. Records stay valid beyond the file, until
// BeforeReuse is called.
func OpenWith(d *event.Decoder, f File, lim Limits, read *atomic.Int64) (*Reader, error) {
	file, err := open(f.Path)
	if err != nil {
		return nil, err
	}
	r := newReader(d, file, f.Size, lim)
	in := &meter{file, read}
	r.meter = in
	if err := r.enter(in, ""); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// OpenStream is Open for what is no file: in gives size bytes and is closed with the
// Reader, or when OpenStream fails. A zip archive is held in memory.
func OpenStream(in io.ReadCloser, size int64, lim Limits, read *atomic.Int64) (*Reader, error) {
	d := decoders.Get().(*event.Decoder)
	r, err := openStream(d, in, size, lim, read)
	if err != nil {
		decoders.Put(d)
		return nil, err
	}
	r.pooled = true
	return r, nil
}

func openStream(d *event.Decoder, in io.ReadCloser, size int64, lim Limits, read *atomic.Int64) (*Reader, error) {
	r := newReader(d, in, size, lim)
	if err := r.enter(Counted(in, read), ""); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// OpenFetched is OpenWith for a file that lies elsewhere; in gives its bytes and is
// closed with the Reader, or when OpenFetched fails. A file whose name says nothing and
// whose first bytes do not look like events is ErrForeign: List would leave it out.
func OpenFetched(d *event.Decoder, in io.ReadCloser, f File, lim Limits, read *atomic.Int64) (*Reader, error) {
	if !known(f.Path) {
		buffered := bufio.NewReaderSize(in, unpack.HeadSize)
		if head, _ := buffered.Peek(unpack.HeadSize); !event.MayHold(head) {
			in.Close()
			return nil, ErrForeign
		}
		in = struct {
			io.Reader
			io.Closer
		}{buffered, in}
	}
	return openStream(d, in, f.Size, lim, read)
}

func newReader(d *event.Decoder, in io.Closer, size int64, lim Limits) *Reader {
	r := &Reader{Decoder: d, file: in, lim: lim, left: max(lim.MaxFree, lim.MaxRatio*max(size, 1))}
	if r.lim.MaxUnpacked == 0 {
		r.lim.MaxUnpacked = r.left
	}
	return r
}

// open is os.Open for a regular file. os.Open tries to have the runtime poll the file,
// which costs five system calls and fails: for files of some kilobytes that is a
// twentieth of all the work.
func open(path string) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case syscall.EINTR:
		default:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// enter makes in what is read next: by the decoder, or as an archive.
func (r *Reader) enter(in io.Reader, name string) error {
	s, err := unpack.New(in, &r.left)
	if err != nil {
		return err
	}
	switch {
	case s.Kind != unpack.Plain:
		return r.enterArchive(s, name)
	case name != "" && s.Layers == 0 && !known(name) && !event.MayHold(s.Head()):
		s.Close()
		return ErrForeign
	}
	r.stream, r.member = s, name
	r.Decoder.Reset(s, r.lim.Limits)
	return nil
}

// ErrForeign says that a file of an archive, or one that lies elsewhere, does not look
// like events. In a folder it would not be listed.
var ErrForeign = errors.New("it does not look like events")

// Next returns the next record; see event.Decoder. A broken member of an archive
// is an *event.RecordError, one that does not look like events a record of kind
// Foreign, and the next member follows.
func (r *Reader) Next() (event.Record, error) {
	for {
		if r.stream == nil {
			name, err := r.advance()
			if err == ErrForeign {
				return event.Record{Raw: []byte(name), Kind: event.Foreign}, nil
			}
			if err != nil {
				return event.Record{}, err
			}
		}
		rec, err := r.Decoder.Next()
		if err == nil {
			return rec, nil
		}
		var one *event.RecordError
		switch {
		case errors.As(err, &one):
			one.Member = r.member
			return rec, err
		case len(r.archives) == 0:
			return rec, err
		}
		r.leave()
		if err != io.EOF {
			return rec, &event.RecordError{Member: r.member, Err: err}
		}
	}
}

// advance moves to the next member of the archives that are open, and returns its
// name; io.EOF when there is none.
func (r *Reader) advance() (string, error) {
	for len(r.archives) > 0 {
		a := r.archives[len(r.archives)-1].name
		name, in, err := r.next()
		var one *event.RecordError
		switch {
		case err == io.EOF:
			r.closeArchive()
			continue
		case errors.As(err, &one):
			return name, err
		case err != nil:
			r.closeArchive()
			if len(r.archives) == 0 {
				return "", fmt.Errorf("the archive is broken: %w; what was read before is kept", err)
			}
			return "", &event.RecordError{Member: a, Err: fmt.Errorf("the archive is broken: %w", err)}
		}
		depth := len(r.archives)
		if err := r.enter(in, name); err != nil {
			if err == ErrForeign || errors.Is(err, unpack.ErrBomb) {
				return name, err
			}
			return name, &event.RecordError{Member: name, Err: err}
		}
		if len(r.archives) == depth {
			return name, nil
		}
	}
	return "", io.EOF
}

func (r *Reader) leave() {
	if r.stream != nil {
		r.stream.Close()
		r.stream = nil
	}
}

// Close closes the file. Its records are not to be used afterwards.
func (r *Reader) Close() error {
	if r.pooled {
		r.pooled = false
		r.Decoder.BeforeReuse = nil
		r.Decoder.Fields(nil, nil)
		decoders.Put(r.Decoder)
	}
	r.Decoder = nil
	r.leave()
	for len(r.archives) > 0 {
		r.closeArchive()
	}
	return r.file.Close()
}

// meter counts what is read from disk.
type meter struct {
	file  *os.File
	total *atomic.Int64
}

func (m *meter) count(n int) {
	if m.total != nil {
		m.total.Add(int64(n))
	}
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.file.Read(p)
	m.count(n)
	return n, err
}

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.file.ReadAt(p, off)
	m.count(n)
	return n, err
}

// Counted adds to total, unless it is nil, what is read of in.
func Counted(in io.Reader, total *atomic.Int64) io.Reader { return &counter{in, total} }

type counter struct {
	in    io.Reader
	total *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if c.total != nil {
		c.total.Add(int64(n))
	}
	return n, err
}
