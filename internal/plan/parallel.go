package plan

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// parallel runs a scan with the row-wise commands and a reducer in each of its
// workers, merges the reducers and delivers the result.
type parallel struct {
	env     *exec.Env
	scan    store.Scan
	now     time.Time
	beside  []syntax.Command
	reducer func() (exec.Reducer, error)
	matched *atomic.Int64 // counts the rows that the filter passes; nil: nobody does
	workers []*worker
	out     exec.Operator
}

type worker struct {
	check   *filter.Matcher
	matched *atomic.Int64
	mappers []exec.Mapper
	reducer exec.Reducer
}

func (p *parallel) worker() (*worker, error) {
	w := &worker{matched: p.matched}
	var err error
	if r := p.scan.Residual(); r != nil {
		if w.check, err = filter.NewMatcher(r, p.now); err != nil {
			return nil, err
		}
	}
	for _, c := range p.beside {
		m, err := c.(exec.Streaming).NewMapper(p.env)
		if err != nil {
			return nil, err
		}
		w.mappers = append(w.mappers, m)
	}
	w.reducer, err = p.reducer()
	return w, err
}

func (w *worker) take(ctx context.Context, b *vector.Batch) (err error) {
	defer recovered(&err)
	if w.check != nil {
		b = w.check.Filter(b)
	}
	if w.matched != nil {
		w.matched.Add(rowsIn(b))
	}
	return w.reduce(ctx, w.mappers, b)
}

// reduce sends b through mappers to the reducer.
func (w *worker) reduce(ctx context.Context, mappers []exec.Mapper, b *vector.Batch) (err error) {
	for i, m := range mappers {
		if b.Len == 0 {
			break
		}
		if s, ok := m.(exec.Spreading); ok {
			next := s.Spread(b)
			for b := next(); b != nil; b = next() {
				if err := cmp.Or(context.Cause(ctx), w.reduce(ctx, mappers[i+1:], b)); err != nil {
					return err
				}
			}
			return nil
		}
		if b, err = m.Map(ctx, b); err != nil {
			return err
		}
	}
	if b.Len == 0 {
		return nil
	}
	return w.reducer.Add(ctx, b)
}

func (p *parallel) Next(ctx context.Context) (*vector.Batch, error) {
	if p.out == nil {
		if err := p.run(ctx); err != nil {
			return nil, err
		}
	}
	return p.out.Next(ctx)
}

func (p *parallel) run(ctx context.Context) error {
	workers := make([]*worker, max(1, p.scan.Workers()))
	p.workers = workers
	var err error
	for i := range workers {
		if workers[i], err = p.worker(); err != nil {
			p.workers = workers[:i]
			return err
		}
	}
	reading, stop := p.env.Memory.Deadline(ctx)
	defer stop()
	err = p.scan.Run(reading, func(n int, b *vector.Batch) error { return workers[n].take(reading, b) })
	if cause := context.Cause(reading); err != nil && ctx.Err() == nil && exec.EndsEarly(cause) {
		p.env.Memory.TimeOver()
	} else if err != nil && !exec.EndsEarly(err) {
		return err
	}
	total := workers[0].reducer
	for _, w := range workers[1:] {
		err := total.Merge(ctx, w.reducer)
		w.reducer.Close()
		if err != nil && !exec.EndsEarly(err) {
			return err
		}
	}
	p.out, err = total.Results(ctx)
	return err
}

func (p *parallel) Close() {
	for _, w := range p.workers {
		w.reducer.Close()
	}
	p.workers = nil
	if p.out != nil {
		p.out.Close()
	}
}
