package exec

import (
	"context"
	"sync/atomic"
)

// Pulse lets a long loop end when its search is cancelled, at next to no cost.
type Pulse struct {
	ctx  context.Context
	n    uint
	work int
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

// pulseWork is how many bytes are worked on between two looks at the context. A
// slow regular expression reads some 10 MB in a second.
const pulseWork = 16 << 10

// Work notes that so many bytes are worked on next, and ends the search as Env.Poll
// does once it is cancelled. It suits loops over values of any length.
func (p *Pulse) Work(bytes int) {
	if p.work += bytes + 16; p.work < pulseWork {
		return
	}
	p.work = 0
	if p.ctx.Err() != nil {
		panic(&Stopped{context.Cause(p.ctx)})
	}
}

// Stopped is what Poll panics with when a search is cancelled. Whoever runs
// operators returns Cause in its place.
type Stopped struct{ Cause error }

func (s *Stopped) Error() string { return s.Cause.Error() }

func (s *Stopped) Unwrap() error { return s.Cause }

// running is the context by which a search and its subsearches run at present.
type running struct {
	ctx atomic.Pointer[context.Context]
}

// RunBy makes Poll mind ctx.
func (e *Env) RunBy(ctx context.Context) {
	if e.running == nil {
		e.running = &running{}
	}
	e.running.ctx.Store(&ctx)
}

// Poll ends the search from wherever it is, by a panic with *Stopped, once it is
// cancelled. Whatever works on the rows of a search calls it at least every few
// milliseconds; functions, aggregates and orders have no other way to be ended.
// A nil Env is never cancelled.
func (e *Env) Poll() {
	if e == nil || e.running == nil {
		return
	}
	if ctx := e.running.ctx.Load(); ctx != nil && (*ctx).Err() != nil {
		panic(&Stopped{context.Cause(*ctx)})
	}
}

// Every calls Poll in every n-th round of a loop that calls it in each. It
// belongs to one goroutine.
type Every struct{ round int }

// Poll is Env.Poll in every n-th call.
func (e *Every) Poll(env *Env, n int) {
	if e.round++; e.round >= n {
		e.round = 0
		env.Poll()
	}
}
