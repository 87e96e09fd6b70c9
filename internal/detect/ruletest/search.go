package ruletest

import (
	"context"
	"errors"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
)

// searchFires reports whether a search over several events finds something in the
// records, in one of its windows.
func searchFires(ctx context.Context, rs *ruleset.Ruleset, s *splrule.Search, records [][]byte) (fired bool, err error) {
	if len(s.Keeps) > 0 {
		return false, errors.New("the search writes a lookup; such rules have no tests")
	}
	st := memory.New()
	var first, last time.Time
	for _, raw := range records {
		at := time.Unix(0, event.Identify(raw).Time).UTC()
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		if _, err := st.Add(raw, &event.Meta{Index: event.DefaultIndex, Sourcetype: event.CloudTrail, Fallback: at.UnixNano()}); err != nil {
			return false, err
		}
	}
	o := search.Options{Macros: rs.Knowledge, Knowledge: rs.Knowledge}
	err = s.Over(ctx, first, last, o, func(splrule.Window) (store.Store, error) { return st, nil }, func(*finding.Finding) error {
		fired = true
		return nil
	})
	return fired, err
}
