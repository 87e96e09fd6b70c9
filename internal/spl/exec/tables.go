package exec

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"bluetrail/internal/lookup"
)

// heldTables are the lookup tables and their indexes that a search and its
// subsearches use. They are counted against the memory of the search, each once, until
// it is closed: another search may use them, too, or the cache may have let go of them.
type heldTables struct {
	mu      sync.Mutex
	held    *Held
	tables  map[*lookup.Table]bool
	indexes map[string]*lookup.Index
}

// Table opens a lookup as Knowledge.Table does, and counts it against the memory of
// the search. The search needs some Knowledge.
func (e *Env) Table(name string) (*lookup.Table, error) {
	if e.Knowledge == nil {
		return nil, fmt.Errorf("cannot open lookup %q: no folder of lookups is known (give one with --knowledge)", name)
	}
	t, err := e.Knowledge.Table(e, name)
	if err != nil || t.Bytes == 0 || e.tables == nil {
		return t, err
	}
	h := e.tables
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begin(e)
	if h.tables[t] {
		return t, nil
	}
	if err := h.held.Add(t.Bytes); err != nil {
		h.held.Add(-t.Bytes)
		return nil, TooLarge(fmt.Sprintf("lookup %q", name), err)
	}
	h.tables[t] = true
	return t, nil
}

// Index returns the index of a table by the given columns, which all parts of the
// search share.
func (e *Env) Index(t *lookup.Table, columns []string) (*lookup.Index, error) {
	now := e.Now.In(e.Zone)
	h := e.tables
	if h == nil {
		return lookup.NewIndex(t, columns, now, func(int) error { e.Poll(); return nil })
	}
	// The index keeps t, so that no other table gets its address.
	key := fmt.Sprintf("%p\x00%s", t, strings.Join(columns, "\x00"))
	h.mu.Lock()
	defer h.mu.Unlock()
	if x := h.indexes[key]; x != nil {
		return x, nil
	}
	h.begin(e)
	before := h.held.Size()
	x, err := lookup.NewIndex(t, columns, now, func(bytes int) error {
		e.Poll()
		return h.held.Add(bytes)
	})
	if err != nil {
		h.held.Set(before)
		return nil, TooLarge(fmt.Sprintf("the index of lookup %q", t.Name), err)
	}
	h.indexes[key] = x
	return x, nil
}

func (h *heldTables) begin(e *Env) {
	if h.held == nil {
		h.held, h.tables, h.indexes = e.Memory.Hold(), map[*lookup.Table]bool{}, map[string]*lookup.Index{}
	}
}

// ReleaseTables gives back what tables take of the memory of the search, which is over.
func (e *Env) ReleaseTables() {
	if h := e.tables; h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.held.Release()
		h.held, h.tables, h.indexes = nil, nil, nil
	}
}

// TooLarge returns the error of what does not fit into the memory of a search, when
// err says so. There is no result to show then.
func TooLarge(what string, err error) error {
	var over *OverBudget
	if !errors.As(err, &over) {
		return err
	}
	return fmt.Errorf("%s does not fit in the search's %s; leave out rows and columns that no search needs, or raise %s in the configuration", what, over.Budget, over.Key)
}
