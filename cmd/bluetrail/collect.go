package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"bluetrail/internal/ingest"
	"bluetrail/internal/leftover"
	"bluetrail/internal/spl/exec"
)

// collector holds what collect gives in files of the data directory until the
// search has ended, and takes them in then.
type collector struct {
	data  string
	mu    sync.Mutex
	files []*spooled
}

// spooled is a file of events that go to the same place, one a line.
type spooled struct {
	place  exec.Collected
	file   *os.File
	out    *bufio.Writer
	events int
}

// Collect implements exec.Collector.
func (c *collector) Collect(e exec.Collected) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.spool(e)
	if err != nil {
		return fmt.Errorf("cannot keep events for index %q: %w", e.Index, err)
	}
	s.events++
	s.out.Write(e.Event)
	if err := s.out.WriteByte('\n'); err != nil {
		return fmt.Errorf("cannot keep events for index %q: %w", e.Index, err)
	}
	return nil
}

func (c *collector) spool(e exec.Collected) (*spooled, error) {
	for _, s := range c.files {
		if p := &s.place; p.Index == e.Index && p.Source == e.Source && p.Sourcetype == e.Sourcetype && p.Host == e.Host {
			return s, nil
		}
	}
	dir := filepath.Join(c.data, "collect")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := leftover.Create(dir, "*.json")
	if err != nil {
		return nil, err
	}
	e.Event = nil
	s := &spooled{place: e, file: f, out: bufio.NewWriterSize(f, 64<<10)}
	c.files = append(c.files, s)
	return s, nil
}

// take puts the events into the store, which must not be open in this process
// but by its server.
func (c *collector) take(a *app) error {
	for _, s := range c.files {
		if err := s.out.Flush(); err != nil {
			return fmt.Errorf("cannot keep events for index %q: %w", s.place.Index, err)
		}
		sum, err := a.takeIn(ingest.Options{
			Data: c.data, Paths: []string{s.file.Name()}, Anew: true, Seen: true,
			Index: s.place.Index, Source: s.place.Source, Sourcetype: s.place.Sourcetype, Host: s.place.Host,
		})
		if err == nil && sum.Events != s.events {
			err = fmt.Errorf("%d of %d events were ingested", sum.Events, s.events)
		}
		if err != nil {
			return fmt.Errorf("cannot collect into index %q: %w", s.place.Index, err)
		}
		a.note("%s collected into index %s", count(sum.Events, "event"), s.place.Index)
	}
	return nil
}

// drop removes the files.
func (c *collector) drop() error {
	var errs []error
	for _, s := range c.files {
		errs = append(errs, s.file.Close(), os.Remove(s.file.Name()))
	}
	c.files = nil
	return errors.Join(errs...)
}
