package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/source/file"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/semaphore"
)

// Bounds of fetching.
const (
	ahead     = 32        // objects that are fetched side by side
	room      = 128 << 20 // bytes that are fetched and not yet read, of one pass
	partSize  = 4 << 20   // what a request for part of a large object asks for
	partsRun  = 4         // parts of one object that are fetched side by side
	wholeSize = 8 << 20   // up to here an object is fetched with one request
	tries     = 6         // of an object whose answers break off, beyond those of the SDK
)

// requests returns how many requests fetch an object.
func requests(size int64) int64 {
	if size <= wholeSize {
		return 1
	}
	return (size + partSize - 1) / partSize
}

// fetcher is a pass over objects.
type fetcher struct {
	p    *Place
	ctx  context.Context
	room *semaphore.Weighted
	wg   sync.WaitGroup

	mu     sync.Mutex
	opened map[*fetched]bool // begun, and not taken by a reader
}

// fetched is an object that is under way, or there.
type fetched struct {
	done chan struct{}
	in   io.ReadCloser
	err  error
}

var _ file.Fetcher = (*fetcher)(nil)

// Fetch implements files.Remote.
func (p *Place) Fetch(ctx context.Context) file.Fetcher {
	return &fetcher{p: p, ctx: ctx, room: semaphore.NewWeighted(room), opened: map[*fetched]bool{}}
}

// Ahead implements file.Fetcher.
func (f *fetcher) Ahead() int { return ahead }

// Close implements file.Fetcher.
func (f *fetcher) Close() {
	f.mu.Lock()
	for r := range f.opened {
		f.mu.Unlock()
		if <-r.done; r.in != nil {
			r.in.Close()
		}
		f.mu.Lock()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

// Next implements file.Fetcher.
func (f *fetcher) Next(o *file.File) func() (io.ReadCloser, error) {
	takes := max(o.Size, 1)
	if o.Size > wholeSize {
		takes = (partsRun + 1) * partSize
	}
	if err := f.room.Acquire(f.ctx, takes); err != nil {
		return func() (io.ReadCloser, error) { return nil, context.Cause(f.ctx) }
	}
	r := &fetched{done: make(chan struct{})}
	f.mu.Lock()
	f.opened[r] = true
	f.mu.Unlock()
	f.wg.Go(func() {
		r.in, r.err = f.p.open(f.ctx, &f.wg, o)
		close(r.done)
	})
	return func() (io.ReadCloser, error) {
		<-r.done
		f.mu.Lock()
		delete(f.opened, r)
		f.mu.Unlock()
		if r.err != nil {
			f.room.Release(takes)
			return nil, r.err
		}
		return &leased{r.in, sync.OnceFunc(func() { f.room.Release(takes) })}, nil
	}
}

// leased gives back the room of an object.
type leased struct {
	io.ReadCloser
	release func()
}

// Close implements io.Closer.
func (l *leased) Close() error {
	defer l.release()
	return l.ReadCloser.Close()
}

// open returns the bytes of an object: from the cache, whole, or in parts that are
// fetched while they are read.
func (p *Place) open(ctx context.Context, wg *sync.WaitGroup, o *file.File) (io.ReadCloser, error) {
	bucket, key := split(o.Path)
	id := p.id(bucket, key, o.Tag)
	if in := p.o.Cache.Open(id, o.Size); in != nil {
		p.rootOf(o.Path).count(func(c *Cost) { c.Cached++ })
		return in, nil
	}
	if o.Size > wholeSize {
		in := newParts(ctx, wg, p, o)
		return p.o.Cache.keepAll(id, o.Size, in), nil
	}
	data := make([]byte, o.Size)
	if err := p.read(ctx, o, 0, data); err != nil {
		return nil, err
	}
	p.o.Cache.Keep(id, data)
	return io.NopCloser(bytes.NewReader(data)), nil
}

// read fills buf with the bytes of an object from off on. Where an answer breaks off,
// it goes on from there.
func (p *Place) read(ctx context.Context, o *file.File, off int64, buf []byte) error {
	done, failed := 0, 0
	for {
		n, err := p.get(ctx, o, off+int64(done), buf[done:])
		done += n
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && done == len(buf):
			return nil
		case err == nil:
			err = errors.New("the answer is shorter than the object")
		case errors.Is(err, errRestart):
			done = 0
		}
		bucket, _ := split(o.Path)
		if p.moved(bucket, err) {
			continue
		}
		if failed++; failed == tries || !again(err) {
			return aws.Explain(err)
		}
		if err := pause(ctx, failed); err != nil {
			return err
		}
	}
}

// pause waits before a request is sent again.
func pause(ctx context.Context, failed int) error {
	select {
	case <-time.After(time.Duration(failed) * 100 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errRestart says that what was read of an object is not to be trusted.
var errRestart = errors.New("the server did not return the requested bytes")

// again reports whether a request may succeed when it is sent again. The SDK has sent it
// several times when the service refused it.
func again(err error) bool {
	var f *aws.Fault
	return !errors.As(aws.Explain(err), &f) || f.Code == ""
}

// get asks once for the bytes of an object from off on, and returns how many came.
func (p *Place) get(ctx context.Context, o *file.File, off int64, buf []byte) (int, error) {
	bucket, key := split(o.Path)
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if o.Tag != "" {
		in.IfMatch = &o.Tag
	}
	part := off > 0 || int64(len(buf)) < o.Size
	if part {
		r := fmt.Sprintf("bytes=%d-%d", off, off+int64(len(buf))-1)
		in.Range = &r
	}
	p.rootOf(o.Path).count(func(c *Cost) { c.Gets++ })
	out, err := p.s3(bucket).GetObject(ctx, in)
	if err != nil {
		return 0, err
	}
	defer out.Body.Close()
	if part && (out.ContentRange == nil || !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", off))) {
		return 0, errRestart
	}
	n, err := io.ReadFull(out.Body, buf)
	if err != nil {
		return n, err
	}
	// The end of the answer checks its sum, and that it is not longer.
	var one [1]byte
	switch more, err := out.Body.Read(one[:]); {
	case more > 0 || err != nil && err != io.EOF:
		return 0, errRestart
	}
	return n, nil
}

// Hash returns the SHA-256 of an object, as hex digits, by its address.
func (p *Place) Hash(ctx context.Context, address string) (string, error) {
	bucket, key := split(address)
	p.rootOf(address).count(func(c *Cost) { c.Gets++ })
	content, err := s3bucket.New(p.client, bucket).Get(ctx, s3bucket.Object{Key: key, Size: -1})
	if err != nil {
		return "", aws.Explain(err)
	}
	defer content.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// parts reads a large object in parts.
type parts struct {
	cancel context.CancelFunc
	queue  chan chan part
	now    *bytes.Reader
	err    error
}

type part struct {
	data []byte
	err  error
}

func newParts(parent context.Context, wg *sync.WaitGroup, p *Place, o *file.File) *parts {
	ctx, cancel := context.WithCancel(parent)
	r := &parts{cancel: cancel, queue: make(chan chan part, partsRun-1), now: bytes.NewReader(nil)}
	wg.Go(func() {
		defer close(r.queue)
		for off := int64(0); off < o.Size; off += partSize {
			one := make(chan part, 1)
			select {
			case r.queue <- one:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				data := make([]byte, min(partSize, o.Size-off))
				err := p.read(ctx, o, off, data)
				one <- part{data, err}
			})
		}
	})
	return r
}

// Read implements io.Reader.
func (r *parts) Read(b []byte) (int, error) {
	for r.err == nil && r.now.Len() == 0 {
		one, ok := <-r.queue
		if !ok {
			r.err = io.EOF
			break
		}
		got := <-one
		r.now, r.err = bytes.NewReader(got.data), got.err
	}
	if r.err != nil {
		return 0, r.err
	}
	return r.now.Read(b)
}

// Close implements io.Closer. What is under way ends by itself.
func (r *parts) Close() error {
	r.cancel()
	return nil
}
