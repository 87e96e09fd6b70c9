package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"

	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/source/file"

	"golang.org/x/sync/semaphore"
)

// Bounds of fetching.
const (
	ahead     = 32        // objects that are fetched in parallel
	room      = 128 << 20 // bytes that are fetched and not yet read, of one pass
	partSize  = 4 << 20   // bytes that one request fetches of a large object
	partsRun  = 4         // parts of one object that are fetched in parallel
	wholeSize = 8 << 20   // the largest object that is fetched with one request
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
	opened map[*fetched]bool // not yet taken by a reader
}

// fetched is an object that is being fetched or has been.
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

// leased releases the room of an object when it is closed.
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
	content, err := p.rootOf(o.Path).bucket.Get(ctx, objectOf(o))
	if err != nil {
		return nil, err
	}
	p.o.Cache.Keep(id, content.Bytes())
	return content, nil
}

// objectOf returns the object of a file.
func objectOf(o *file.File) s3bucket.Object {
	_, key := split(o.Path)
	x := s3bucket.Object{Key: key, ETag: o.Tag, Size: o.Size}
	if x.ETag == anyTag {
		x.ETag = ""
	}
	return x
}

// Hash returns the SHA-256 of an object, as hex digits, by its address.
func (p *Place) Hash(ctx context.Context, address string) (string, error) {
	_, key := split(address)
	content, err := p.rootOf(address).bucket.Get(ctx, s3bucket.Object{Key: key, Size: -1})
	if err != nil {
		return "", err
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
				err := p.rootOf(o.Path).bucket.ReadRange(ctx, objectOf(o), off, data)
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
