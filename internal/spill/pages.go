package spill

import (
	"fmt"
	"os"
	"sync"

	"github.com/klauspost/compress/s2"
)

// Pages keeps pieces of data on disk that are read in any order. It has no name
// in the file system, as File has none. It is safe for concurrent use.
type Pages struct {
	space *Space
	mu    sync.RWMutex
	f     *os.File
	at    []int64 // where each page ends
}

// Pages returns an empty one.
func (s *Space) Pages() (*Pages, error) {
	f, err := s.Create()
	if err != nil {
		return nil, err
	}
	return &Pages{space: s, f: f.f}, nil
}

// Write keeps data and returns its number. *Full says that there is no room.
func (p *Pages) Write(data []byte) (n int, err error) {
	body := s2.Encode(nil, data)
	size := int64(len(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f == nil {
		return 0, os.ErrClosed
	}
	if p.space.used.Add(size) > p.space.limit {
		p.space.used.Add(-size)
		return 0, &Full{p.space.limit}
	}
	end := p.end()
	if _, err := p.f.WriteAt(body, end); err != nil {
		p.space.used.Add(-size)
		return 0, fmt.Errorf("cannot write a temporary file: %w", err)
	}
	p.at = append(p.at, end+size)
	return len(p.at) - 1, nil
}

func (p *Pages) end() int64 {
	if len(p.at) == 0 {
		return 0
	}
	return p.at[len(p.at)-1]
}

// Read returns the data of a number.
func (p *Pages) Read(n int) ([]byte, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.f == nil {
		return nil, os.ErrClosed
	}
	from := int64(0)
	if n > 0 {
		from = p.at[n-1]
	}
	body := make([]byte, p.at[n]-from)
	if _, err := p.f.ReadAt(body, from); err != nil {
		return nil, fmt.Errorf("cannot read a temporary file: %w", err)
	}
	data, err := s2.Decode(nil, body)
	if err != nil {
		return nil, fmt.Errorf("cannot read a temporary file: %w", err)
	}
	return data, nil
}

// Close gives the room back. It may be called more than once, and on nil.
func (p *Pages) Close() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.f != nil {
		p.f.Close()
		p.space.used.Add(-p.end())
		p.f = nil
	}
}
