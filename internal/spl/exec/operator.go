// Package exec runs searches: operators over batches of rows, the environment
// they run in, and the budgets that bound them.
package exec

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Operator is a stream of rows. Next returns io.EOF after the last batch; a
// batch may be empty. Close frees what the operator holds and everything
// upstream; it may be called before the end and more than once.
type Operator interface {
	Next(ctx context.Context) (*vector.Batch, error)
	Close()
}

// Mapper works on the rows of one batch without looking at any other, so
// several may run side by side. A Mapper belongs to one goroutine.
type Mapper interface {
	Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error)
}

// Reducer takes in rows and gives results at the end. Several may take in
// parts of the rows side by side; Merge takes over what another one gathered and
// leaves it empty. A Reducer belongs to one goroutine at a time.
type Reducer interface {
	Add(ctx context.Context, b *vector.Batch) error
	Merge(ctx context.Context, other Reducer) error
	// Results returns the result rows. What the reducer holds may serve them until
	// they are closed.
	Results(ctx context.Context) (Operator, error)
	// Close frees what the reducer holds. It may be called at any time, also after
	// Results, and more than once.
	Close()
}

// Streaming commands treat every row by itself.
type Streaming interface {
	syntax.Command
	NewMapper(env *Env) (Mapper, error)
}

// Transforming commands gather all rows first.
type Transforming interface {
	syntax.Command
	NewReducer(env *Env) (Reducer, error)
	// Ordered reports whether the result depends on the order of the rows.
	Ordered() bool
}

// Condensing is implemented by transforming commands that can do with condensed
// rows: the result depends only on how often each combination of values is there.
type Condensing interface {
	Transforming
	// Condenses reports whether the command, as it is written, takes batches
	// with Alike. Where step is not 0, _time may be rounded down in them to a
	// multiple of step since 1970 UTC; where it is 0, _time must be as it is.
	Condenses(env *Env) (step time.Duration, ok bool)
}

// Serial commands read rows in their order, one stream.
type Serial interface {
	syntax.Command
	Open(ctx context.Context, env *Env, in Operator) (Operator, error)
}

// Generating commands begin a search.
type Generating interface {
	syntax.Command
	Generate(ctx context.Context, env *Env) (Operator, error)
}

// Rows returns an Operator over batches that are at hand.
func Rows(batches ...*vector.Batch) Operator { return &rows{batches} }

type rows struct{ left []*vector.Batch }

func (r *rows) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(r.left) == 0 {
		return nil, io.EOF
	}
	b := r.left[0]
	r.left = r.left[1:]
	return b, nil
}

func (r *rows) Close() { r.left = nil }

// Tabular is implemented by mappers whose columns are there even when no rows
// are.
type Tabular interface{ Columns() []string }

// Spreading is implemented by mappers that may make many rows of one, which are
// handed out in batches of bounded size rather than all at once.
type Spreading interface {
	Mapper
	// Spread returns what gives the batches that b makes, one or more, and nil
	// behind the last.
	Spread(b *vector.Batch) (next func() *vector.Batch)
}

// Mapped returns in with every batch sent through m.
func Mapped(in Operator, m Mapper) Operator { return &mapped{in: in, m: m} }

type mapped struct {
	in   Operator
	m    Mapper
	more func() *vector.Batch // what a Spreading has left of a batch
	some bool                 // a batch was handed out
}

func (o *mapped) Next(ctx context.Context) (*vector.Batch, error) {
	if o.more != nil {
		if b := o.more(); b != nil {
			return b, ctx.Err()
		}
		o.more = nil
	}
	b, err := o.in.Next(ctx)
	if t, ok := o.m.(Tabular); ok && err == io.EOF && !o.some {
		o.some = true
		return vector.NewBuilder(t.Columns()...).Batch(), nil
	}
	if err != nil {
		return nil, err
	}
	o.some = true
	if s, ok := o.m.(Spreading); ok {
		o.more = s.Spread(b)
		return o.more(), nil
	}
	return o.m.Map(ctx, b)
}

func (o *mapped) Close() { o.in.Close() }

// Emitted returns the rows that run hands to emit. It runs as far as rows are asked
// for, so what it emits need not be in memory at once; ctx is that of the asking
// Next. emit fails when no more rows are wanted, and run returns that error. close
// frees what run uses.
func Emitted(run func(ctx context.Context, emit func(*vector.Batch) error) error, close func()) Operator {
	return &emitted{run: run, free: close}
}

type emitted struct {
	run  func(context.Context, func(*vector.Batch) error) error
	free func()
	ctx  current
	next func() (*vector.Batch, bool)
	stop func()
	err  error
}

// current is the context of the call under way.
type current struct{ context.Context }

var errUnwanted = errors.New("no more rows are needed")

func (o *emitted) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.ctx.Context = ctx
	if o.next == nil && o.run != nil {
		o.next, o.stop = iter.Pull(func(yield func(*vector.Batch) bool) {
			o.err = o.run(&o.ctx, func(b *vector.Batch) error {
				if !yield(b) {
					return errUnwanted
				}
				return nil
			})
			if o.err == errUnwanted {
				o.err = nil
			}
		})
	}
	if o.next != nil {
		if b, ok := o.next(); ok {
			return b, nil
		}
		o.Close()
	}
	if o.err != nil {
		return nil, o.err
	}
	return nil, io.EOF
}

func (o *emitted) Close() {
	if o.stop != nil {
		o.stop()
	}
	if o.free != nil {
		o.free()
	}
	o.run, o.next, o.stop, o.free = nil, nil, nil, nil
}

// Reduced returns the results of r over all rows of in, which it closes.
func Reduced(in Operator, r Reducer) Operator { return &reduced{in: in, r: r} }

type reduced struct {
	in  Operator
	r   Reducer
	out Operator
}

func (o *reduced) Next(ctx context.Context) (*vector.Batch, error) {
	if o.out == nil {
		err := Drain(ctx, o.in, func(b *vector.Batch) error { return o.r.Add(ctx, b) })
		if err != nil {
			return nil, err
		}
		if o.out, err = o.r.Results(ctx); err != nil {
			return nil, err
		}
	}
	return o.out.Next(ctx)
}

func (o *reduced) Close() {
	o.in.Close()
	o.r.Close()
	if o.out != nil {
		o.out.Close()
	}
}

// Drain hands every batch of in to fn and closes in. When the search is over
// its budget there are no more of them.
func Drain(ctx context.Context, in Operator, fn func(*vector.Batch) error) error {
	defer in.Close()
	for {
		b, err := in.Next(ctx)
		if err == io.EOF || EndsEarly(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if b != nil && (b.Len > 0 || len(b.Cols) > 0) {
			if err := fn(b); err != nil {
				if EndsEarly(err) {
					return nil
				}
				return err
			}
		}
		if timeOver(ctx) != nil {
			return nil
		}
	}
}

// Defined is implemented by commands that may name a definition which says more
// of what they do.
type Defined interface {
	// Define returns the command with what it names put into it.
	Define(t Knowledge) (syntax.Command, error)
}

// Filtering is implemented by commands that a store can answer in part.
type Filtering interface {
	Streaming
	Filter() filter.Expr
	// WithFilter returns the command with another filter.
	WithFilter(filter.Expr) syntax.Command
}
