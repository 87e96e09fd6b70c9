package exposure

import (
	"cmp"
	"slices"
	"time"
)

// Change is a call that changed something.
type Change struct {
	Time    time.Time `json:"time"`
	EventID string    `json:"event_id,omitempty"`
	Event   string    `json:"event"`             // eventName; Described for facts that were read from AWS
	By      string    `json:"by,omitempty"`      // ARN of the caller, or what else names it
	Address string    `json:"address,omitempty"` // where it called from
}

// Described is the event of facts that AWS described, rather than a call that changed
// something.
const Described = "described"

// after reports whether c came after other; nil came before everything.
func (c *Change) after(other *Change) bool {
	switch {
	case c == nil:
		return false
	case other == nil:
		return true
	}
	return cmp.Or(c.Time.Compare(other.Time), cmp.Compare(c.EventID, other.EventID)) > 0
}

// latest is a value with the change that set it last.
type latest[T any] struct {
	Value T       `json:"value"`
	At    *Change `json:"at,omitempty"` // nil = unknown
}

// set sets a value, unless a later change did.
func (l *latest[T]) set(v T, at *Change) {
	if at.after(l.At) {
		l.Value, l.At = v, at
	}
}

func (l *latest[T]) known() bool { return l.At != nil }

// maxHistory is how many changes a history remembers; the oldest go.
const maxHistory = 64

// history is what something was after each of its changes, in their order.
type history[T any] []moment[T]

// moment is a value from a change on; nil = it was closed, or deleted.
type moment[T any] struct {
	Value *T      `json:"value,omitempty"`
	At    *Change `json:"at"`
}

// add adds a change. One that is there already is not added again.
func (h *history[T]) add(v *T, at *Change) {
	i := len(*h)
	for i > 0 && !at.after((*h)[i-1].At) {
		i--
		if (*h)[i].At.EventID == at.EventID && (*h)[i].At.Time.Equal(at.Time) {
			return
		}
	}
	*h = slices.Insert(*h, i, moment[T]{v, at})
	if len(*h) > maxHistory {
		*h = slices.Delete(*h, 0, 1)
	}
}

// now returns the current value, nil = none.
func (h history[T]) now() *T {
	if len(h) == 0 {
		return nil
	}
	return h[len(h)-1].Value
}
