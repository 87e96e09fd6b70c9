package files

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/source/file"
	"bluetrail/internal/store"
)

// Remote has files that lie on no disk of this machine. It is safe for concurrent use.
type Remote interface {
	// List returns the files, in the order of file.List, that may hold events that match
	// where and happened in a range of unix nanoseconds. The notices name what could not
	// be listed; an error says that nothing could.
	List(ctx context.Context, where filter.Expr, earliest, latest int64) ([]file.File, []diag.Notice, error)
	// Explain describes in short lines what List asks for.
	Explain(where filter.Expr, earliest, latest int64) []string
	// Fetch begins a pass over files.
	Fetch(ctx context.Context) file.Fetcher
	// Notes tells what the user should know of what was listed and fetched so far.
	Notes() []diag.Notice
}

// job is a file that a worker reads next.
type job struct {
	file    *file.File
	ordinal int                           // in the list of files
	fetched func() (io.ReadCloser, error) // nil = it lies on a disk
}

// pass lets workers read files side by side. The error is that of a worker or of parent.
func (s *Store) pass(parent context.Context, list []*file.File, workers int, work func(ctx context.Context, n int, next <-chan job) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	var fetch file.Fetcher
	ahead := 0
	if s.opt.Remote != nil {
		fetch = s.opt.Remote.Fetch(ctx)
		defer fetch.Close()
		ahead = fetch.Ahead()
	}
	next := make(chan job, ahead)
	var wg sync.WaitGroup
	for n := range workers {
		wg.Go(func() {
			if err := work(ctx, n, next); err != nil {
				cancel(err)
			}
		})
	}
feed:
	for i, f := range list {
		j := job{file: f, ordinal: i}
		if f.Tag != "" {
			j.fetched = fetch.Next(f)
		}
		select {
		case next <- j:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// open opens a file for a worker. When it cannot, it counts and names it.
func (s *Store) open(ctx context.Context, d *event.Decoder, j *job, read *atomic.Int64) (*file.Reader, bool) {
	var in *file.Reader
	var err error
	if j.fetched == nil {
		in, err = file.OpenWith(d, *j.file, s.opt.Limits, read)
	} else {
		var body io.ReadCloser
		if body, err = j.fetched(); err == nil {
			in, err = file.OpenFetched(d, body, *j.file, s.opt.Limits, read)
		}
	}
	switch {
	case err == nil:
		return in, true
	case errors.Is(err, file.ErrForeign):
		s.leave(j.file.Path)
	case ctx.Err() == nil:
		s.skip(diag.Unreadable(j.file.Path, file.Reason(err)))
	}
	return nil, false
}

// asked is the range of time of some queries.
type asked struct {
	some             bool
	earliest, latest int64
}

// ask counts the range of a query.
func (s *Store) ask(earliest, latest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ranges.some {
		s.ranges = asked{true, earliest, latest}
		return
	}
	s.ranges.earliest, s.ranges.latest = min(s.ranges.earliest, earliest), max(s.ranges.latest, latest)
}

// asked returns the range of all queries so far, or what Each reads when there was none.
func (s *Store) asked() (earliest, latest int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ranges.some {
		return s.opt.Earliest, s.opt.Latest
	}
	return s.ranges.earliest, s.ranges.latest
}

// early is how far back files are delivered that may hold events from a time on.
func early(earliest int64) int64 {
	if earliest == store.Beginning {
		return earliest
	}
	return earliest - int64(slack)
}

// remote lists the remote files that may hold events.
func (s *Store) remote(ctx context.Context, where filter.Expr, earliest, latest int64) ([]file.File, error) {
	list, skipped, err := s.opt.Remote.List(ctx, where, early(earliest), latest)
	if err != nil {
		return nil, err
	}
	for _, n := range skipped {
		s.skip(n)
	}
	size := int64(0)
	for i := range list {
		size += list[i].Size
	}
	for {
		most := s.far.Load()
		if size <= most || s.far.CompareAndSwap(most, size) {
			return list, nil
		}
	}
}

// within returns all files on disks, and the remote ones that may hold events.
func (s *Store) within(ctx context.Context, where filter.Expr, earliest, latest int64) ([]*file.File, error) {
	list := make([]*file.File, len(s.files))
	for i := range s.files {
		list[i] = &s.files[i]
	}
	if s.opt.Remote == nil {
		return list, nil
	}
	more, err := s.remote(ctx, where, earliest, latest)
	if err != nil {
		return nil, err
	}
	return merged(list, more), nil
}

// merged adds remote files to others, in the order of file.List.
func merged(list []*file.File, remote []file.File) []*file.File {
	all := make([]*file.File, 0, len(list)+len(remote))
	all = append(all, list...)
	for i := range remote {
		all = append(all, &remote[i])
	}
	if len(list) > 0 {
		slices.SortStableFunc(all, file.Order)
	}
	return all
}
