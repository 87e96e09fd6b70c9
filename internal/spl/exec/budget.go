package exec

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
// A search that exceeds its budget ends early and shows what it reached: operators
// that gather rows stop reading when Held.Add or Late says so, and the rest of the
// search goes on with the rows it has.
//
// What a search holds is given back when its budget is closed, however the search
// ended.
type Budget struct {
	limit    int64
	shared   *Budget // of all searches together, nil = none
	deadline time.Time
	allowed  time.Duration
	late     atomic.Bool

	mu     sync.Mutex
	used   int64
	closed bool
	over   *OverBudget
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
	shown := "the rows are the result so far"
	if e.hard {
		shown = "the result so far is too large to show"
	}
	return fmt.Sprintf("the search needs more than its %s, %s; narrow the time range or the filter, or raise %s in the configuration", e.Budget, shown, e.Key)
}

// EndsEarly reports whether err says that a search is over its budget and goes
// on with what it has.
func EndsEarly(err error) bool {
	var over *OverBudget
	return errors.As(err, &over) && !over.hard
}

// take counts n more bytes (fewer when negative); it returns *OverBudget when that
// exceeds the limit, and has counted them all the same. It does so once: finishing
// with the rows at hand may need some more. Beyond that there is a hard limit.
func (b *Budget) take(n int64) error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		if n > 0 {
			return errClosed
		}
		return nil
	}
	b.used += n
	used, all := b.used, int64(0)
	if b.shared != nil { // under the lock, so that Close gives back exactly what was taken
		all = b.shared.add(n)
	}
	b.mu.Unlock()
	if n <= 0 {
		return nil
	}
	if used > b.limit {
		over := b.tooMuch(used > hardLimit(b.limit))
		if first := b.record(over); first || over.hard {
			return over
		}
	}
	if b.shared != nil && all > b.shared.limit {
		over := &OverBudget{Budget: fmt.Sprintf("share of the %d MiB for all searches together", b.shared.limit>>20), Key: "search.total_memory_mib", hard: all > hardLimit(b.shared.limit)}
		if first := b.record(over); first || over.hard {
			return over
		}
	}
	return nil
}

// hardLimit is where a search ends without a result: the limit and what finishing
// with the rows at hand may need, a few batches at least. A process promises to be
// resident with no more than the limit and 300 MB.
func hardLimit(limit int64) int64 { return limit + max(min(limit/2, 160<<20), 16<<20) }

var errClosed = fmt.Errorf("the search is closed: %w", context.Canceled)

func (b *Budget) add(n int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used += n
	return b.used
}

// Close gives back all that is counted and reports how much that was: 0 when every
// part of the search let go of what it held. Nothing can be taken afterwards.
func (b *Budget) Close() (left int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left = b.used
	if b.shared != nil {
		b.shared.add(-left)
	}
	b.used, b.closed = 0, true
	return left
}

// Hold returns an empty Held of b.
func (b *Budget) Hold() *Held { return &Held{budget: b} }

// Held is what one part of a search holds of the search's memory. It is the only
// way to take memory. A Held is used by one goroutine at a time.
type Held struct {
	budget *Budget
	size   int64
}

// Add counts n more bytes, fewer when n is negative. The error is *OverBudget; the
// bytes are counted all the same. EndsEarly tells whether to go on with what is held.
func (h *Held) Add(n int) error {
	h.size += int64(n)
	return h.budget.take(int64(n))
}

// Size reports how many bytes are held.
func (h *Held) Size() int { return int(h.size) }

// Set makes n the number of bytes held.
func (h *Held) Set(n int) error { return h.Add(n - h.Size()) }

// TakeOver makes h hold what other holds; other is empty afterwards.
func (h *Held) TakeOver(other *Held) {
	h.size += other.size
	other.size = 0
}

// Release gives back all that is held. It may be called more than once.
func (h *Held) Release() {
	if h != nil && h.size != 0 {
		h.Set(0)
	}
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

// Free reports how many bytes are left, negative when the limit is exceeded.
func (b *Budget) Free() int64 { return b.limit - b.Used() }

// Used reports how many bytes are counted.
func (b *Budget) Used() int64 { return b.add(0) }

func (b *Budget) tooLong() *OverBudget {
	return &OverBudget{Budget: fmt.Sprintf("time budget of %s", b.allowed), Key: "search.time"}
}

// TimeOver returns *OverBudget, once, when the time is over.
func (b *Budget) TimeOver() error {
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

func timeOver(ctx context.Context) error {
	if b, ok := ctx.Value(budgetKey{}).(*Budget); ok {
		return b.TimeOver()
	}
	return nil
}
