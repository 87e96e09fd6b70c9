package actors

import (
	"context"
	"errors"

	"bluetrail/internal/actor"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// reader takes the facts from records, for one worker.
type reader struct {
	trail *identity.Trail
	calls *actor.Recorder // nil = classes are not asked for
	facts identity.Facts
	row   *event.Row
}

func (r *reader) add(raw []byte, row *event.Row) {
	if identity.FromRow(raw, row, &r.facts) == nil { // otherwise it is broken, and has no caller
		r.trail.Add(&r.facts)
		if r.calls != nil {
			r.calls.AddRow(row, &r.facts)
		}
	}
}

// read returns what events tell that arrived in a range.
func read(ctx context.Context, st store.Store, arrived store.Arrival, windows, classes bool) (*identity.Trail, *actor.Book, error) {
	var readers []*reader
	begin := func(workers int) {
		readers = make([]*reader, workers)
		for i := range readers {
			readers[i] = &reader{trail: identity.NewTrail(identity.DefaultLimit / workers), row: identity.Record.NewRow()}
			if classes {
				readers[i].calls = &actor.Recorder{}
			}
		}
	}
	if v, ok := st.(store.Visiting); ok {
		begin(v.Workers())
		if err := v.Visit(ctx, identity.Record, func(worker int, raw []byte, row *event.Row) { readers[worker].add(raw, row) }); err != nil {
			return nil, nil, err
		}
		trail, book := merged(readers)
		return trail, book, nil
	}
	var where filter.Expr = &filter.Everything{}
	if !classes {
		where = telling(windows)
	}
	sc, err := st.Prepare(&store.Query{Filter: where, Fields: filter.Fields(event.Raw), Earliest: store.Beginning, Latest: store.End, Arrived: arrived})
	if err != nil {
		return nil, nil, err
	}
	begin(max(1, sc.Workers()))
	// What the scan leaves to be checked tells nothing new, but nothing wrong either.
	err = sc.Run(ctx, func(worker int, b *vector.Batch) error {
		if b == nil {
			return nil
		}
		if worker < 0 || worker >= len(readers) {
			return errors.New("the store has more workers than it said")
		}
		r := readers[worker]
		for i := range b.Len {
			raw := []byte(b.At(event.Raw, i).Text())
			if identity.Record.Read(raw, r.row) == nil { // otherwise it is no record
				r.add(raw, r.row)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	trail, book := merged(readers)
	return trail, book, nil
}

// merged joins what the readers have; the book is nil if they have no calls.
func merged(readers []*reader) (*identity.Trail, *actor.Book) {
	all := identity.NewTrail(0)
	var book *actor.Book
	for _, r := range readers {
		all.Merge(r.trail)
		if r.calls != nil {
			if book == nil {
				book = actor.NewBook(nil, all)
			}
			book.Take(r.calls)
		}
	}
	return all, book
}

// telling matches the events from which identity.Trail.Add learns: those that issue
// credentials, that name a sign-in session or a user of Identity Center, and, for idle
// windows, that were not made with temporary credentials.
func telling(windows bool) filter.Expr {
	tests := []filter.Expr{
		&filter.In{Field: "eventName", Values: identity.Issuing()},
		&filter.Compare{Field: "eventSource", Op: "=", Value: identity.MCPServer},
		&filter.Compare{Field: "userIdentity.sessionContext.signInSessionArn", Op: "=", Value: "*"},
		&filter.Compare{Field: "userIdentity.onBehalfOf.userId", Op: "=", Value: "*"},
	}
	if windows {
		tests = append(tests, &filter.Not{Arg: &filter.Compare{Field: "userIdentity.accessKeyId", Op: "=", Value: "ASIA*", Case: true}})
	}
	return &filter.Or{Args: tests}
}
