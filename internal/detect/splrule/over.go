package splrule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/filter"
	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
)

// Unfit says why the search does not run over records that lie in no store, "" if it
// does.
func (s *Search) Unfit() string {
	_, all := s.Base.(*filter.Everything)
	switch {
	case len(s.Keeps) > 0:
		return "it writes a lookup, which only a server changes"
	case all && !s.Stateless():
		return "it looks at every event; run it with bluetrail search --files"
	}
	return ""
}

// ErrFound wraps the error of the function that takes findings.
var ErrFound = errors.New("cannot take a finding")

// Over runs the search once for each of its windows between the times of the first and
// the last event, and calls found with what it finds. open returns the records of a
// window, as far as Base passes them, nil if there is none. o says what else the search
// may use.
func (s *Search) Over(ctx context.Context, first, last time.Time, o search.Options, open func(Window) (store.Store, error), found func(*finding.Finding) error) error {
	before := int64(0)
	for w := range s.Schedule.Windows(first, last, time.UTC) {
		st, err := open(w)
		if err != nil {
			return err
		}
		if st == nil && s.Idle {
			before = 0
			continue
		}
		if o.Store = st; st == nil {
			o.Store = memory.New()
		}
		r, err := s.Run(ctx, w, o)
		if err != nil {
			return err
		}
		tell, err := s.Alerts(ctx, &r, before, o)
		if err != nil {
			return err
		}
		before = r.Count
		if !tell {
			continue
		}
		for _, f := range s.Findings(w, &r) {
			if err := found(f); err != nil {
				return fmt.Errorf("%w: %w", ErrFound, err)
			}
		}
	}
	return nil
}
