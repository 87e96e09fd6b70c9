package files

import (
	"context"
	"errors"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

var _ store.Naming = (*Store)(nil)

// sampled is about how many events are read for the names of their fields.
const sampled = 1000

var errEnough = errors.New("enough events")

// FieldNames implements store.Naming by reading some events, which are not counted
// in Stats.
func (s *Store) FieldNames(ctx context.Context) (names []string, all bool) {
	some := &Store{files: s.files, opt: s.opt}
	some.opt.Workers, some.opt.Remote = 1, nil // what is remote costs too much for a hint
	sc, err := some.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.AllFields(), Earliest: store.Beginning, Latest: store.End})
	if err != nil {
		return nil, false
	}
	rows := 0
	seen := map[string]bool{}
	err = sc.Run(ctx, func(_ int, b *vector.Batch) error {
		for _, c := range b.Cols {
			if !seen[c.Name] {
				name := strings.Clone(c.Name)
				seen[name] = true
				names = append(names, name)
			}
		}
		if rows += b.Len; rows >= sampled {
			return errEnough
		}
		return nil
	})
	return names, err == nil && s.opt.Remote == nil
}
