package spl

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Budget counts the bytes a search holds and the time it takes. It is safe for
// concurrent use.
//
// A search that is over its budget ends early and shows what it reached: what
// gathers rows takes no more of them when Take or Late says so, and the rest of
// the search goes on with those it has.
type Budget struct {
	limit    int64
	shared   *Budget // of all searches together, nil = none
	deadline time.Time
	allowed  time.Duration
	used     atomic.Int64
	late     atomic.Bool

	mu   sync.Mutex
	over *OverBudget
}

// NewBudget returns a budget of limit bytes and no end of time.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Share makes the bytes of b count in a budget of several searches, too, and
// sets how long the search may take from now, 0 = as long as it wants.
func (b *Budget) Share(all *Budget, allowed time.Duration) {
	b.shared, b.allowed = all, allowed
	if allowed > 0 {
		b.deadline = time.Now().Add(allowed)
	}
}

// OverBudget is the error of a search that held or took more than it may.
type OverBudget struct {
	Budget string // what it is and how much, such as "memory budget of 512 MiB"
	Key    string // of the configuration
	hard   bool   // nothing can be shown any more
}

func (e *OverBudget) Error() string {
	shown := "the rows are what it had reached"
	if e.hard {
		shown = "what it had reached is too much to be shown"
	}
	return fmt.Sprintf("the search needs more than its %s, %s; narrow the time range or the filter, or raise %s in the configuration", e.Budget, shown, e.Key)
}

// EndsEarly reports whether err says that a search is over its budget and goes
// on with what it has.
func EndsEarly(err error) bool {
	var over *OverBudget
	return errors.As(err, &over) && !over.hard
}

// Take counts n more bytes (fewer when negative); it returns *OverBudget when
// that is over the limit, and has then counted them all the same. It does so
// once: what is left to do with the rows at hand may take as much again.
func (b *Budget) Take(n int) error {
	if b == nil {
		return nil
	}
	used := b.used.Add(int64(n))
	if n > 0 && used > b.limit {
		over := b.tooMuch(used > 2*b.limit)
		if first := b.record(over); first || over.hard {
			return over
		}
	}
	if b.shared == nil {
		return nil
	}
	if used := b.shared.used.Add(int64(n)); n > 0 && used > b.shared.limit {
		over := &OverBudget{Budget: fmt.Sprintf("share of the %d MiB that all searches have together", b.shared.limit>>20), Key: "search.total_memory_mib", hard: used > 2*b.shared.limit}
		if first := b.record(over); first || over.hard {
			return over
		}
	}
	return nil
}

// Exceeded returns the error of a search whose next value alone is more than
// what is left.
func (b *Budget) Exceeded() error {
	over := b.tooMuch(false)
	b.record(over)
	return over
}

func (b *Budget) tooMuch(hard bool) *OverBudget {
	return &OverBudget{Budget: fmt.Sprintf("memory budget of %d MiB", b.limit>>20), Key: "search.memory_mib", hard: hard}
}

// record keeps the first budget that was exceeded; it reports whether this is
// the one.
func (b *Budget) record(over *OverBudget) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over != nil {
		return false
	}
	b.over = over
	return true
}

// End notes that a budget was exceeded which is not counted here.
func (b *Budget) End(over *OverBudget) { b.record(over) }

// Over returns the budget that was exceeded first, nil when none was.
func (b *Budget) Over() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil {
		return nil
	}
	return b.over
}

// Free reports how many bytes are left, negative when over.
func (b *Budget) Free() int64 { return b.limit - b.used.Load() }

// Used reports how many bytes are counted.
func (b *Budget) Used() int64 { return b.used.Load() }

func (b *Budget) tooLong() *OverBudget {
	return &OverBudget{Budget: fmt.Sprintf("time budget of %s", b.allowed), Key: "search.time"}
}

// Late returns *OverBudget, once, when the time is over.
func (b *Budget) Late() error {
	if b.deadline.IsZero() || !time.Now().After(b.deadline) || b.late.Swap(true) {
		return nil
	}
	over := b.tooLong()
	b.record(over)
	return over
}

// Deadline returns a context for what reads events; it ends when the time is
// over, and EndsEarly holds for its cause then.
func (b *Budget) Deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if b.deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, b.deadline, b.tooLong())
}

type budgetKey struct{}

// WithBudget makes Drain mind the time of a budget.
func WithBudget(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

func late(ctx context.Context) error {
	if b, ok := ctx.Value(budgetKey{}).(*Budget); ok {
		return b.Late()
	}
	return nil
}
