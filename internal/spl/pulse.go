package spl

import (
	"context"
	"slices"
)

// Pulse lets a long loop end when its search is cancelled, at next to no cost.
type Pulse struct {
	ctx context.Context
	n   uint
}

// NewPulse returns the Pulse of a loop.
func NewPulse(ctx context.Context) *Pulse { return &Pulse{ctx: ctx} }

// Err is called in every round. It returns why the search was cancelled, nil
// while it is not.
func (p *Pulse) Err() error {
	if p.n++; p.n%1024 != 0 || p.ctx.Err() == nil {
		return nil
	}
	return context.Cause(p.ctx)
}

// cancelled is what ends a sort.
type cancelled struct{ cause error }

// SortFunc is slices.SortFunc, until the search is cancelled: the order is any
// then, and the cause is returned.
func SortFunc[E any](ctx context.Context, s []E, compare func(a, b E) int) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case cancelled:
			err = r.cause
		default:
			panic(r)
		}
	}()
	p := NewPulse(ctx)
	slices.SortFunc(s, func(a, b E) int {
		if err := p.Err(); err != nil {
			panic(cancelled{err})
		}
		return compare(a, b)
	})
	return nil
}
