package splrule

import (
	"errors"
	"sync"

	"bluetrail/internal/spl"
	"bluetrail/internal/spl/cmd"
)

// dryTables gives a search its lookups, keeps what it writes from reaching
// them, and remembers which could not be opened: inputlookup only warns of
// those, and a rule without its table never fires.
type dryTables struct {
	spl.Tables
	written map[string]bool // tables that searches bring into being

	mu  sync.Mutex
	err error // the first
}

var (
	_ spl.TableWriter      = (*dryTables)(nil)
	_ spl.SavedSearches    = (*dryTables)(nil)
	_ spl.TransactionTypes = (*dryTables)(nil)
)

// Table implements spl.Tables.
func (d *dryTables) Table(name string) (*spl.Table, error) {
	t, err := d.Tables.Table(name)
	switch {
	case err == nil:
	case errors.Is(err, spl.ErrNoTable) && d.written[name]:
		return nil, later{err}
	case errors.Is(err, spl.ErrNoTable) && cmd.IsModelTable(name):
		// A model is learned from events, and no part of what comes with rules.
	default:
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.err == nil {
			d.err = err
		}
	}
	return t, err
}

// later is the error of a lookup that is not there before a search has written
// it.
type later struct{ error }

func (l later) Unwrap() error { return l.error }

// WriteTable implements spl.TableWriter; it does nothing.
func (d *dryTables) WriteTable(string, *spl.Table) error { return nil }

// SavedSearch implements spl.SavedSearches.
func (d *dryTables) SavedSearch(name string) (string, bool) {
	if s, ok := d.Tables.(spl.SavedSearches); ok {
		return s.SavedSearch(name)
	}
	return "", false
}

// SavedSearchNames implements spl.SavedSearches.
func (d *dryTables) SavedSearchNames() []string {
	if s, ok := d.Tables.(spl.SavedSearches); ok {
		return s.SavedSearchNames()
	}
	return nil
}

// TransactionType implements spl.TransactionTypes.
func (d *dryTables) TransactionType(name string) (map[string]string, bool) {
	if t, ok := d.Tables.(spl.TransactionTypes); ok {
		return t.TransactionType(name)
	}
	return nil, false
}

// TransactionTypeNames implements spl.TransactionTypes.
func (d *dryTables) TransactionTypeNames() []string {
	if t, ok := d.Tables.(spl.TransactionTypes); ok {
		return t.TransactionTypeNames()
	}
	return nil
}

// missing returns why a table could not be opened, nil when all could.
func (d *dryTables) missing() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}
