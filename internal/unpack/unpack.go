// Package unpack removes compression from an input: layer by layer, each told by
// its first bytes, within bounds on how many there are and how far they swell.
package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Kind is how bytes are packed.
type Kind uint8

// The kinds that are told apart.
const (
	Plain Kind = iota
	Gzip
	Zstd
	Bzip2
	Snappy // framed
	UTF16LE
	UTF16BE
	Tar // an archive: a Stream ends there
	Zip // an archive: a Stream ends there
	Unreadable
)

// HeadSize is how many bytes KindOf needs to tell every kind.
const HeadSize = 512

// MaxLayers bounds how often an input may be packed.
const MaxLayers = 5

var (
	// ErrBomb says that an input unpacks to far more than a trail would.
	ErrBomb = errors.New("it expands to far more than its size allows; if it is genuine, decompress it yourself and read the result")
	// ErrCut says that packed bytes end too early.
	ErrCut = errors.New("the compressed data ends early: the records before that point are kept; fetch the file again")

	errLayers = fmt.Errorf("it is compressed more than %d times; decompress it yourself", MaxLayers)
)

var magics = []struct {
	at   int
	text string
	kind Kind
}{
	{0, "\x1f\x8b", Gzip},
	{0, "\x28\xb5\x2f\xfd", Zstd},
	{0, "BZh", Bzip2},
	{0, "\xff\x06\x00\x00sNaPpY", Snappy},
	{0, "\xff\xfe", UTF16LE},
	{0, "\xfe\xff", UTF16BE},
	{0, "PK\x03\x04", Zip},
	{0, "PK\x05\x06", Zip}, // without members
	{257, "ustar", Tar},
	{0, "\xfd7zXZ\x00", Unreadable},
	{0, "7z\xbc\xaf\x27\x1c", Unreadable},
	{0, "Rar!", Unreadable},
	{0, "\x04\x22\x4d\x18", Unreadable},
}

// KindOf tells by the first bytes of an input how it is packed.
func KindOf(head []byte) Kind {
	for _, m := range magics {
		if len(head) > m.at && bytes.HasPrefix(head[m.at:], []byte(m.text)) {
			return m.kind
		}
	}
	// UTF-16 without a mark: what begins a JSON document, and its other byte.
	if len(head) >= 4 {
		switch {
		case head[1] == 0 && head[3] == 0 && bytes.IndexByte([]byte("{[\""), head[0]) >= 0:
			return UTF16LE
		case head[0] == 0 && head[2] == 0 && bytes.IndexByte([]byte("{[\""), head[1]) >= 0:
			return UTF16BE
		}
	}
	return Plain
}

// Stream is an input without its layers.
type Stream struct {
	Kind   Kind // Plain, or an archive that is still to be opened
	Layers int  // how many were removed

	head    []byte // the first bytes; Read gives them unless they are peeked
	peeked  bool
	room    [HeadSize]byte
	in      io.Reader
	release []func()
}

var (
	buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}
	gzips   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstds   = sync.Pool{}
)

// New removes the layers around r. left is how many bytes they may unpack to;
// it is counted down, may be shared, and ErrBomb follows once it is used up.
// What is not packed is not counted.
func New(r io.Reader, left *int64) (*Stream, error) {
	s := &Stream{peeked: true}
	below := s.buffer(r)
	s.in = below
	head, err := below.Peek(HeadSize)
	for {
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			if len(head) == 0 {
				s.Close()
				return nil, err
			}
			if !s.peeked {
				s.in = failed{err} // behind what could be read
			}
		}
		s.head, s.Kind = head, KindOf(head)
		if s.Kind == Plain || s.Kind == Tar || s.Kind == Zip {
			return s, nil
		}
		if s.Layers++; s.Layers > MaxLayers {
			err = errLayers
		} else {
			if !s.peeked {
				below = s.buffer(&prefixed{head: bytes.Clone(head), in: s.in})
			}
			err = s.layer(s.Kind, below, left)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
		s.peeked = false
		var n int
		n, err = io.ReadFull(s.in, s.room[:])
		head = s.room[:n]
	}
}

// buffer returns a buffered reader that goes back with the Stream.
func (s *Stream) buffer(r io.Reader) *bufio.Reader {
	b := buffers.Get().(*bufio.Reader)
	b.Reset(r)
	s.release = append(s.release, func() { b.Reset(nil); buffers.Put(b) })
	return b
}

// layer puts a reader for one layer over the one below.
func (s *Stream) layer(k Kind, below *bufio.Reader, left *int64) error {
	var in io.Reader
	switch k {
	case Gzip:
		gz := gzips.Get().(*gzip.Reader)
		if err := gz.Reset(below); err != nil {
			gzips.Put(gz)
			return fmt.Errorf("broken gzip header: %w", err)
		}
		gz.Multistream(false)
		s.release = append(s.release, func() { gzips.Put(gz) })
		in = &gzipMembers{gz, below}
	case Zstd:
		dec, _ := zstds.Get().(*zstd.Decoder)
		if dec == nil {
			var err error
			if dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20)); err != nil {
				return err
			}
		}
		if err := dec.Reset(below); err != nil {
			zstds.Put(dec)
			return err
		}
		s.release = append(s.release, func() { dec.Reset(nil); zstds.Put(dec) })
		in = dec
	case Bzip2:
		in = bzip2.NewReader(below)
	case Snappy:
		in = s2.NewReader(below, s2.ReaderMaxBlockSize(1<<20))
	case UTF16LE, UTF16BE:
		in = &utf16Reader{in: below, big: k == UTF16BE}
	default:
		return errors.New("its compression is not supported (xz, 7z, rar or lz4); decompress it yourself")
	}
	s.in = &bounded{in: in, left: left}
	return nil
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	if len(s.head) > 0 && !s.peeked {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	return s.in.Read(p)
}

// Head returns the first bytes, before anything was read.
func (s *Stream) Head() []byte { return s.head }

// Close gives back what the Stream borrowed. The input stays open.
func (s *Stream) Close() {
	for i := len(s.release) - 1; i >= 0; i-- {
		s.release[i]()
	}
	s.release, s.in, s.head = nil, failed{io.ErrClosedPipe}, nil
}

// gzipMembers reads the members of a gzip file, one after the other. Zeros behind
// one are padding, as tapes and block devices leave it.
type gzipMembers struct {
	gz *gzip.Reader
	in *bufio.Reader
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.gz.Read(p)
		if err != io.EOF {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
		for {
			c, err := g.in.ReadByte()
			if err != nil {
				return 0, err
			}
			if c != 0 {
				break
			}
		}
		_ = g.in.UnreadByte()
		if err := g.gz.Reset(g.in); err != nil {
			return 0, err
		}
		g.gz.Multistream(false)
	}
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

type prefixed struct {
	head []byte
	in   io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.in.Read(b)
}

// bounded ends an input that grows out of proportion, and gives errors of
// unpacking a text.
type bounded struct {
	in   io.Reader
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, ErrBomb
	}
	n, err := b.in.Read(p)
	*b.left -= int64(n)
	var damaged bzip2.StructuralError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = ErrCut
	case errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &damaged):
		err = fmt.Errorf("%w: the records before that point are kept; fetch the file again", err)
	}
	return n, err
}
