package files

import (
	"context"

	"bluetrail/internal/event"
	"bluetrail/internal/store"
)

var _ store.Visiting = (*Store)(nil)

// Visit implements store.Visiting. Stats does not count it; Progress does. Of remote
// files it reads those of the time ranges of the queries so far.
func (s *Store) Visit(ctx context.Context, x *event.Extractor, visit func(worker int, raw []byte, row *event.Row)) error {
	s.visits.Add(1)
	quiet := &Store{files: s.files, opt: s.opt, counter: &s.visited}
	quiet.opt.Earliest, quiet.opt.Latest = s.asked()
	return quiet.Each(ctx, x, func(worker int) (func(*Record) error, error) {
		return func(r *Record) error {
			visit(worker, r.Raw, r.Row)
			return nil
		}, nil
	})
}
