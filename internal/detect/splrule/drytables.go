package splrule

import (
	"context"
	"errors"
	"sync"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/cmd"
	"bluetrail/internal/spl/exec"
)

// dryTables gives a search its lookups, keeps what it writes from reaching
// them, and remembers which could not be opened: inputlookup only warns of
// those, and a rule without its table never fires.
type dryTables struct {
	*knowledge.Knowledge
	written map[string]bool // tables that searches bring into being

	mu  sync.Mutex
	err error // the first
}

var _ exec.Knowledge = (*dryTables)(nil)

// Table implements exec.Knowledge.
func (d *dryTables) Table(env *exec.Env, name string) (*lookup.Table, error) {
	t, err := d.Knowledge.Table(env, name)
	switch {
	case err == nil:
	case errors.Is(err, exec.ErrNoTable) && d.written[name]:
		return nil, unwritten{err}
	case errors.Is(err, exec.ErrNoTable) && cmd.IsModelTable(name):
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

// unwritten is the error of a lookup that is not there before a search has written
// it.
type unwritten struct{ error }

func (l unwritten) Unwrap() error { return l.error }

// WriteTable implements exec.Knowledge; it does nothing.
func (d *dryTables) WriteTable(context.Context, string, *lookup.Table) error { return nil }

// missing returns why a table could not be opened, nil when all could.
func (d *dryTables) missing() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}
