// Package control is the socket in a data directory by which commands reach the
// server that has the directory open. A command sends a Request; the server runs
// it and sends back what the command would have written, and its exit code.
package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// kind is what a frame holds.
type kind byte

const (
	request kind = 'R' // Request, as JSON; the client's first frame
	cancel  kind = 'C' // nothing: the user wants the command to end
	stdout  kind = '1' // bytes
	stderr  kind = '2'
	exit    kind = 'X' // one byte; the server's last frame
	refused kind = 'E' // text: why the request is not run; the server's only frame
)

// Bounds of the payload of a frame, in bytes.
const (
	maxOutput  = 64 << 10
	maxRequest = 16 << 20 // a search or a list of paths may be long
)

// errProtocol is the error of an end that speaks another language.
var errProtocol = errors.New("it does not speak bluetrail's protocol")

// writeFrame writes a frame in one piece.
func writeFrame(w io.Writer, k kind, payload []byte) error {
	buf := make([]byte, 0, 5+len(payload))
	buf = append(buf, byte(k))
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(payload)))
	_, err := w.Write(append(buf, payload...))
	return err
}

// readFrame reads a frame into buf, which it may replace.
func readFrame(r io.Reader, buf []byte, limit int) (kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, buf, err
	}
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > limit {
		return 0, buf, fmt.Errorf("%w: a frame of %d bytes", errProtocol, n)
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(r, buf)
	if err == io.EOF && n > 0 {
		err = io.ErrUnexpectedEOF
	}
	return kind(head[0]), buf, err
}

// frames writes frames from several goroutines.
type frames struct {
	mu     sync.Mutex
	w      io.Writer
	before func() // called before each frame; may be nil
	err    error  // of the frame that failed; none follows it
}

func (f *frames) write(k kind, payload []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if f.before != nil {
		f.before()
	}
	f.err = writeFrame(f.w, k, payload)
	return f.err
}

// stream is one of a command's outputs.
type stream struct {
	f      *frames
	kind   kind
	broken func(error) // called when the client is gone
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), maxOutput)]
		if err := s.f.write(s.kind, part); err != nil {
			s.broken(err)
			return n, err
		}
		n += len(part)
		p = p[len(part):]
	}
	return n, nil
}
