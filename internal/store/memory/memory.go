// Package memory is a store of events in a list: the plainest of the stores,
// for tests and for what fits.
package memory

import (
	"context"
	"maps"
	"math"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// Store holds events as rows of all their fields. Add may not run beside
// searches.
type Store struct {
	rows []row
	seen map[[16]byte]bool
	// Rows is the size of the batches that scans hand over; 0 = the usual one.
	Rows int
	// Shuffle, when set, says which of n workers gets the i-th batch.
	Shuffle func(i, n int) int
}

type row struct {
	names []string
	vals  []vector.Value
	time  int64
	raw   []byte
	meta  event.Meta
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Indexed = (*Store)(nil)
)

// Indexes implements store.Indexed.
func (s *Store) Indexes(context.Context) ([]string, error) {
	names := map[string]bool{}
	for i := range s.rows {
		names[s.rows[i].meta.Index] = true
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// New returns an empty store.
func New() *Store { return &Store{seen: map[[16]byte]bool{}} }

// Add takes in one record; it reports false for a duplicate by eventID.
func (s *Store) Add(raw []byte, m *event.Meta) (bool, error) {
	if id, ok := event.ID(raw); ok {
		if s.seen[id] {
			return false, nil
		}
		s.seen[id] = true
	}
	var r row
	r.time, r.raw, r.meta = m.Fallback, slices.Clone(raw), *m
	if ns, ok := event.TimeOf(raw); ok {
		r.time = ns
	}
	err := event.Flatten(context.Background(), raw, m, func(name string, c event.Cell) {
		r.names = append(r.names, name)
		r.vals = append(r.vals, store.Value(&c).Clone())
	})
	if err != nil {
		return false, err
	}
	s.rows = append(s.rows, r)
	return true, nil
}

// Len returns the number of events.
func (s *Store) Len() int { return len(s.rows) }

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Prepare implements store.Store: nothing is answered but the time range.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) {
	return &scan{s, q}, nil
}

type scan struct {
	s *Store
	q *store.Query
}

// workers is how many streams a scan pretends to have, so that what runs above
// is tested with several.
const workers = 3

func (s *scan) Residual() filter.Expr { return s.q.Filter }
func (s *scan) Workers() int          { return workers }
func (s *scan) Explain() []string     { return []string{"memory: every event of the time range"} }

func (s *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	size := s.s.Rows
	if size == 0 {
		size = vector.DefaultRows
	}
	want := s.q.Fields.Add(filter.FieldsOf(s.q.Filter)...)
	named := store.NewRequested(want)
	n := 0
	b := vector.NewBuilder()
	flush := func() error {
		if b.Len() == 0 {
			return nil
		}
		worker := n % workers
		if s.s.Shuffle != nil {
			worker = s.s.Shuffle(n, workers)
		}
		n++
		return emit(worker, b.Batch())
	}
	for seq, r := range s.s.rows {
		if r.time < s.q.Earliest || s.q.Latest != math.MaxInt64 && r.time >= s.q.Latest {
			continue
		}
		if a := s.q.Arrived; !a.Any() && !a.Holds(int64(math.Round(r.meta.IndexTime*1000))) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Add()
		for i, name := range r.names {
			if want.Has(name) || s.q.Ordered && name == event.Time {
				b.Set(name, r.vals[i])
			}
		}
		if err := named.Read(b, r.raw, &r.meta); err != nil {
			return err
		}
		if s.q.Ordered {
			b.Set(store.Seq, vector.Int(seq))
		}
		if b.Len() == size {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
