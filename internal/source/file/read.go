package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"bluetrail/internal/event"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
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

// Reader yields the records of one file. It is for one goroutine.
type Reader struct {
	*event.Decoder
	file  *os.File
	gz    *gzip.Reader
	zst   *zstd.Decoder
	buf   *bufio.Reader
	input *meter
	out   *bounded
}

var (
	inputs = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}
	gzips  = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds  = sync.Pool{}
	// A decoder's buffer is larger than most files.
	decoders = sync.Pool{New: func() any { return new(event.Decoder) }}
)

// Open opens a file; how it is packed is told by its first bytes. read, when
// not nil, is raised by the packed bytes as they are read.
func Open(f File, lim Limits, read *atomic.Int64) (*Reader, error) {
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file, input: &meter{in: file, total: read}}
	if err := r.unpack(f, lim); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) unpack(f File, lim Limits) error {
	in := inputs.Get().(*bufio.Reader)
	in.Reset(r.input)
	r.buf = in
	head, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	var plain io.Reader = in
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		gz := gzips.Get().(*gzip.Reader)
		if err := gz.Reset(in); err != nil {
			gzips.Put(gz)
			return fmt.Errorf("broken gzip header: %w", err)
		}
		r.gz = gz
		plain = gz
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		dec, _ := zstds.Get().(*zstd.Decoder)
		if dec == nil {
			if dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20)); err != nil {
				return err
			}
		}
		if err := dec.Reset(in); err != nil {
			zstds.Put(dec)
			return err
		}
		r.zst = dec
		plain = dec
	}
	r.out = &bounded{in: plain, limit: max(lim.MaxFree, lim.MaxRatio*max(f.Size, 1))}
	if plain == in {
		r.out.limit = 1 << 62 // what is not packed cannot swell
	}
	r.Decoder = decoders.Get().(*event.Decoder)
	r.Decoder.Reset(r.out, lim.Limits)
	return nil
}

// Close closes the file. Its records are not to be used afterwards.
func (r *Reader) Close() error {
	if r.Decoder != nil {
		r.Decoder.BeforeReuse = nil
		decoders.Put(r.Decoder)
		r.Decoder = nil
	}
	if r.gz != nil {
		gzips.Put(r.gz)
		r.gz = nil
	}
	if r.zst != nil {
		r.zst.Reset(nil)
		zstds.Put(r.zst)
		r.zst = nil
	}
	if r.buf != nil {
		inputs.Put(r.buf)
		r.buf = nil
	}
	return r.file.Close()
}

// meter counts what is read from disk.
type meter struct {
	in    io.Reader
	total *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	if m.total != nil {
		m.total.Add(int64(n))
	}
	return n, err
}

// ErrBomb says that a file unpacks to far more than a trail would.
var ErrBomb = errors.New("it unpacks to far more than its size allows for; if it is genuine, unpack it by hand and read that")

// bounded ends an input that grows out of proportion, and gives errors of
// unpacking a text.
type bounded struct {
	in    io.Reader
	limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.limit <= 0 {
		return 0, ErrBomb
	}
	n, err := b.in.Read(p)
	b.limit -= int64(n)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the packed file ends early: %w", event.ErrTruncated)
	case errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum):
		err = fmt.Errorf("%w: what was read before is kept; fetch the file again", err)
	}
	return n, err
}
