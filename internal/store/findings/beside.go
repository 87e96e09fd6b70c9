package findings

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// Events is a store of events that findings may lie beside.
type Events interface {
	store.Store
	store.Spanning
	store.Naming
	store.Indexed
}

// Beside is a store of events and of findings. A search has to ask for findings:
// index=* means the indexes whose names do not begin with an underscore.
type Beside struct {
	Events
	findings *Store
	shut     func() error
}

var (
	_ store.Store    = (*Beside)(nil)
	_ store.Spanning = (*Beside)(nil)
	_ store.Naming   = (*Beside)(nil)
	_ store.Indexed  = (*Beside)(nil)
)

// NewBeside joins events with the findings of a state that is open as long as the
// events are.
func NewBeside(events Events, db *state.DB) *Beside {
	return &Beside{events, New(func() (*state.DB, error) { return db, nil }), func() error { return nil }}
}

// OpenBeside is NewBeside with the state of a data directory, which is opened once
// findings are read, and closed with the store.
func OpenBeside(events Events, data string) *Beside {
	var db *state.DB
	open := sync.OnceValues(func() (_ *state.DB, err error) {
		db, err = state.OpenReadable(data)
		return db, err
	})
	return &Beside{events, New(open), func() error {
		if db == nil {
			return nil
		}
		return db.Close()
	}}
}

// Close implements store.Store.
func (b *Beside) Close() error { return errors.Join(b.Events.Close(), b.shut()) }

// Indexes implements store.Indexed.
func (b *Beside) Indexes(ctx context.Context) ([]string, error) {
	names, err := b.Events.Indexes(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	names = append(names, Index)
	slices.Sort(names)
	return names, nil
}

// FieldNames implements store.Naming.
func (b *Beside) FieldNames(ctx context.Context) (list []string, all bool) {
	list, all = b.Events.FieldNames(ctx)
	return append(slices.Clone(list), names...), all
}

// asked says of what a search may read: events, findings or both.
func asked(where filter.Expr) (events, findings bool) {
	names := filter.Demanded(where, event.Index)
	for _, name := range names {
		if !strings.HasPrefix(name, "_") {
			events = true
			continue
		}
		findings = findings || filter.Wildcard(name, false)(Index)
	}
	return events || !findings, findings
}

// Prepare implements store.Store.
func (b *Beside) Prepare(q *store.Query) (store.Scan, error) {
	events, findings := asked(q.Filter)
	switch {
	case !findings:
		return b.Events.Prepare(q)
	case !events:
		return b.findings.Prepare(q)
	}
	both := *q
	both.Alike = false
	both.Fields = q.Fields.Add(filter.FieldsOf(q.Filter)...) // all rows are checked again
	first, err := b.Events.Prepare(&both)
	if err != nil {
		return nil, err
	}
	second, err := b.findings.Prepare(&both)
	if err != nil {
		return nil, err
	}
	return &joined{q.Filter, first, second}, nil
}

// joined runs a scan of events, then one of findings.
type joined struct {
	where            filter.Expr
	events, findings store.Scan
}

func (j *joined) Residual() filter.Expr { return j.where }
func (j *joined) Workers() int          { return j.events.Workers() }
func (j *joined) Explain() []string     { return append(j.events.Explain(), j.findings.Explain()...) }

func (j *joined) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	if err := j.events.Run(ctx, emit); err != nil {
		return err
	}
	return j.findings.Run(ctx, emit)
}
