package inbox

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// ErrEncoding says that a body has an encoding that is not supported.
var ErrEncoding = errors.New("the Content-Encoding must be gzip, deflate or identity")

// TooLarge says that a body is larger than the limit.
type TooLarge struct{ Size, Max int64 } // Size 0 = it was found out while reading

func (e *TooLarge) Error() string {
	if e.Size > 0 {
		return fmt.Sprintf("Content-Length of %d too large (maximum is %d)", e.Size, e.Max)
	}
	return fmt.Sprintf("Content too large (maximum is %d)", e.Max)
}

// Body is what a client sent, unpacked, and the room that it takes in the queue.
type Body struct {
	Text []byte

	inbox *Inbox
	held  atomic.Int64
}

// firstRead is how much is read at first of a body whose length is not known.
const firstRead = 64 << 10

// Read reads the body of a request of at most limit bytes, packed and unpacked. It
// takes room of the queue as it goes on; ErrBusy says that there is none. Release
// must be called.
func (b *Inbox) Read(r *http.Request, limit int64) (*Body, error) {
	body := &Body{inbox: b}
	if err := body.read(r, limit); err != nil {
		body.Release()
		return nil, err
	}
	return body, nil
}

func (b *Body) read(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return &TooLarge{r.ContentLength, limit}
	}
	in := io.Reader(&bounded{r.Body, limit, limit})
	size := int64(firstRead)
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
		size = max(r.ContentLength, 0)
		if r.ContentLength < 0 {
			size = firstRead
		}
		size = min(size, 1<<20) // what it promises need not come
	case "gzip", "x-gzip":
		gz, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("cannot unpack the body: %w", err)
		}
		defer gz.Close()
		in = &bounded{gz, limit, limit}
	case "deflate":
		z, err := zlib.NewReader(in)
		if err != nil {
			return fmt.Errorf("cannot unpack the body: %w", err)
		}
		defer z.Close()
		in = &bounded{z, limit, limit}
	default:
		return ErrEncoding
	}
	if err := b.Grow(size + bytes.MinRead); err != nil {
		return err
	}
	b.Text = make([]byte, 0, size+bytes.MinRead)
	for {
		if len(b.Text) == cap(b.Text) {
			more := int64(cap(b.Text))
			if err := b.Grow(more); err != nil {
				return err
			}
			b.Text = append(make([]byte, 0, int64(cap(b.Text))+more), b.Text...)
		}
		n, err := in.Read(b.Text[len(b.Text):cap(b.Text)])
		b.Text = b.Text[:len(b.Text)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			var large *TooLarge
			if errors.As(err, &large) {
				return err
			}
			return fmt.Errorf("cannot read the body: %w", err)
		}
	}
}

// Grow takes room for n more bytes in the queue.
func (b *Body) Grow(n int64) error {
	if b.inbox.held.Add(n) > b.inbox.o.Queue {
		b.inbox.held.Add(-n)
		b.inbox.mu.Lock()
		b.inbox.counts.Busy++
		b.inbox.mu.Unlock()
		return ErrBusy
	}
	b.held.Add(n)
	return nil
}

// Release gives the room back. It may be called again.
func (b *Body) Release() { b.inbox.held.Add(-b.held.Swap(0)) }

// bounded ends a body that is too large.
type bounded struct {
	in        io.Reader
	left, max int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, &TooLarge{Max: b.max}
	}
	return n, err
}
