package hunt

import (
	"context"
	"fmt"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
	"bluetrail/internal/vector"
)

// Records is where a hunt reads: files, or a store.
type Records interface {
	// Workers returns how many workers visit records side by side.
	Workers() int
	// Each visits all records; see files.Store.Each.
	Each(ctx context.Context, x *event.Extractor, visitor func(worker int) (func(*files.Record) error, error)) error
}

// FromStore returns the events of a store. latest and earliest narrow what is read;
// zero = open.
func FromStore(st store.Store, earliest, latest time.Time) (Records, error) {
	return Arrived(st, store.Arrival{}, earliest, latest)
}

// Arrived returns the events of a store that arrived in a range, see FromStore.
func Arrived(st store.Store, when store.Arrival, earliest, latest time.Time) (Records, error) {
	if f, ok := st.(*files.Store); ok {
		return f, nil
	}
	q := &store.Query{
		Filter: &filter.Everything{}, Fields: filter.Fields(event.Raw, event.Time, event.Index, event.Sourcetype, event.Source, event.Host, event.IndexTime),
		Earliest: store.Beginning, Latest: store.End, Arrived: when, Now: time.Now(),
	}
	if !earliest.IsZero() {
		q.Earliest = earliest.UnixNano()
	}
	if !latest.IsZero() {
		q.Latest = latest.UnixNano()
	}
	sc, err := st.Prepare(q)
	if err != nil {
		return nil, err
	}
	return stored{sc}, nil
}

type stored struct{ scan store.Scan }

func (s stored) Workers() int { return max(s.scan.Workers(), 1) }

// visits is what one worker of a store's scan needs.
type visits struct {
	visit func(*files.Record) error
	row   *event.Row
}

// Each implements Records.
func (s stored) Each(ctx context.Context, x *event.Extractor, visitor func(worker int) (func(*files.Record) error, error)) error {
	workers := make([]visits, s.Workers())
	for n := range workers {
		visit, err := visitor(n)
		if err != nil {
			return err
		}
		workers[n] = visits{visit, x.NewRow()}
	}
	return s.scan.Run(ctx, func(n int, b *vector.Batch) error {
		if n < 0 || n >= len(workers) {
			return fmt.Errorf("the store has a worker %d of %d", n, len(workers))
		}
		w := &workers[n]
		rec := files.Record{Row: w.row}
		for i := range b.Len {
			rec.Raw = []byte(b.At(event.Raw, i).Text())
			if err := x.Read(rec.Raw, w.row); err != nil {
				continue // text that is no JSON object; no rule looks at it
			}
			rec.Identity = x.Identity(rec.Raw, w.row)
			rec.Meta = event.Meta{
				Index: b.At(event.Index, i).Text(), Sourcetype: b.At(event.Sourcetype, i).Text(), Source: b.At(event.Source, i).Text(), Host: b.At(event.Host, i).Text(),
			}
			rec.Meta.IndexTime, _ = b.At(event.IndexTime, i).Num()
			if rec.Time = rec.Identity.Time; !rec.Identity.Timed {
				seconds, _ := b.At(event.Time, i).Num()
				rec.Time = int64(seconds * 1e9)
			}
			if err := w.visit(&rec); err != nil {
				return err
			}
		}
		return nil
	})
}
