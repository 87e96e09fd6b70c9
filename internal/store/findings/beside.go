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

// Beside is a store of events, of findings, and of what else bluetrail itself says. A
// search has to ask for those: index=* means the indexes whose names do not begin with an
// underscore.
type Beside struct {
	Events
	own   []named
	names []string // of the fields of own
	shut  func() error
}

// named is a store of one index.
type named struct {
	name string
	store.Store
}

func newBeside(events Events, open func() (*state.DB, error), shut func() error) *Beside {
	b := &Beside{Events: events, own: []named{{Index, New(open)}}, names: slices.Clone(names), shut: shut}
	for _, o := range others(open) {
		b.own = append(b.own, named{o.name, o})
		b.names = append(b.names, o.names...)
	}
	slices.Sort(b.names)
	b.names = slices.Compact(b.names)
	return b
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
	return newBeside(events, func() (*state.DB, error) { return db, nil }, func() error { return nil })
}

// OpenBeside is NewBeside with the state of a data directory, which is opened once
// findings are read, and closed with the store.
func OpenBeside(events Events, data string) *Beside {
	var db *state.DB
	open := sync.OnceValues(func() (_ *state.DB, err error) {
		db, err = state.OpenReadable(data)
		return db, err
	})
	return newBeside(events, open, func() error {
		if db == nil {
			return nil
		}
		return db.Close()
	})
}

// Refuse has searches of an index of bluetrail's own fail with err.
func (b *Beside) Refuse(index string, err error) *Beside {
	for i := range b.own {
		if b.own[i].name == index {
			b.own[i].Store = refused{b.own[i].Store, err}
		}
	}
	return b
}

// refused is a store that nobody may read.
type refused struct {
	store.Store
	err error
}

func (r refused) Prepare(*store.Query) (store.Scan, error) { return nil, r.err }

// Triage has findings shown as a function returns them.
func (b *Beside) Triage(shown func(body []byte) ([]byte, error)) *Beside {
	for _, o := range b.own {
		if s, ok := o.Store.(*Store); ok {
			s.Triage = shown
		}
	}
	return b
}

// Close implements store.Store.
func (b *Beside) Close() error { return errors.Join(b.Events.Close(), b.shut()) }

// Indexes implements store.Indexed.
func (b *Beside) Indexes(ctx context.Context) ([]string, error) {
	names, err := b.Events.Indexes(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	for _, o := range b.own {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names, nil
}

// FieldNames implements store.Naming.
func (b *Beside) FieldNames(ctx context.Context) (list []string, all bool) {
	list, all = b.Events.FieldNames(ctx)
	return append(slices.Clone(list), b.names...), all
}

// asked says of what a search may read: events, and which of bluetrail's own indexes.
func (b *Beside) asked(where filter.Expr) (events bool, own []named) {
	names := filter.Demanded(where, event.Index)
	asked := make([]bool, len(b.own))
	for _, name := range names {
		if !strings.HasPrefix(name, "_") {
			events = true
			continue
		}
		matches := filter.Wildcard(name, false)
		for i, o := range b.own {
			asked[i] = asked[i] || matches(o.name)
		}
	}
	for i, o := range b.own {
		if asked[i] {
			own = append(own, o)
		}
	}
	return events || len(own) == 0, own
}

// Prepare implements store.Store.
func (b *Beside) Prepare(q *store.Query) (store.Scan, error) {
	events, own := b.asked(q.Filter)
	switch {
	case len(own) == 0:
		return b.Events.Prepare(q)
	case !events && len(own) == 1:
		return own[0].Prepare(q)
	}
	both := *q
	both.Alike = false
	both.Fields = q.Fields.Add(filter.FieldsOf(q.Filter)...) // all rows are checked again
	j := &joined{where: q.Filter}
	stores := make([]store.Store, 0, len(own)+1)
	if events {
		stores = append(stores, b.Events)
	}
	for _, o := range own {
		stores = append(stores, o)
	}
	for _, st := range stores {
		scan, err := st.Prepare(&both)
		if err != nil {
			return nil, err
		}
		j.scans = append(j.scans, scan)
	}
	return j, nil
}

// joined runs one scan after the other.
type joined struct {
	where filter.Expr
	scans []store.Scan
}

func (j *joined) Residual() filter.Expr { return j.where }

func (j *joined) Workers() int {
	most := 0
	for _, s := range j.scans {
		most = max(most, s.Workers())
	}
	return most
}

func (j *joined) Explain() (lines []string) {
	for _, s := range j.scans {
		lines = append(lines, s.Explain()...)
	}
	return lines
}

func (j *joined) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	for _, s := range j.scans {
		if err := s.Run(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}
