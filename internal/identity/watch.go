package identity

import (
	"strings"
	"sync"
)

// asked holds the rows that answers of Resolve depend on, including rows that were
// missing.
type asked struct {
	mu   sync.Mutex
	rows map[rowID]bool
	full bool // rows would not hold more
}

// mostAsked bounds asked, in rows.
const mostAsked = 500_000

func (a *asked) note(kind Kind, key string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := rowID{kind, key}
	if a.full || a.rows[id] {
		return
	}
	if len(a.rows) == mostAsked {
		a.full = true
		return
	}
	id.key = strings.Clone(key)
	a.rows[id] = true
}

// Watch starts over in noting which rows the answers of Resolve depend on.
func (t *Trail) Watch() {
	t.asked, t.stirred = &asked{rows: map[rowID]bool{}}, false
}

// Stirred reports whether Resolve might now give another answer than one it has given
// since Watch was called. Rows that were dropped for lack of memory do not count.
func (t *Trail) Stirred() bool { return t.stirred }

// stir notes that a row has changed in a way that matters to Resolve.
func (t *Trail) stir(kind Kind, key string) {
	if t.asked != nil && !t.stirred {
		t.stirred = t.asked.full || t.asked.rows[rowID{kind, key}]
	}
}
