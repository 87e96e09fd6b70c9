package plan

import (
	"cmp"
	"math"
	"strings"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/store"
)

// query builds the store's query from the leading filters. Time modifiers that
// apply to all of them become its range.
func (p *planner) query(filters []filter.Expr) (*store.Query, error) {
	q := &store.Query{Earliest: store.Beginning, Latest: store.End, Arrived: p.env.Arrived, Now: p.env.Now.In(p.env.Zone)}
	var terms []filter.Expr
	var bounds []*filter.TimeBound
	var flat func(e filter.Expr)
	flat = func(e filter.Expr) {
		switch e := e.(type) {
		case *filter.And:
			for _, a := range e.Args {
				flat(a)
			}
		case *filter.TimeBound:
			if strings.HasPrefix(e.Name, "_index") {
				terms = append(terms, e)
			} else {
				bounds = append(bounds, e)
			}
		case *filter.Everything:
		default:
			terms = append(terms, e)
		}
	}
	for _, f := range filters {
		flat(f)
	}
	switch len(terms) {
	case 0:
		q.Filter = &filter.Everything{}
	case 1:
		q.Filter = terms[0]
	default:
		q.Filter = &filter.And{Args: terms}
	}
	written, err := filter.ResolveTimes(bounds, q.Now)
	if err != nil {
		return nil, err
	}
	if t := cmp.Or(written["earliest"], p.env.Earliest); !t.IsZero() && !t.Equal(time.Unix(0, 0)) { // 0 is the beginning of data
		q.Earliest = nanos(t)
	}
	if t := cmp.Or(written["latest"], p.env.Latest); !t.IsZero() {
		q.Latest = nanos(t)
	}
	if len(written) > 0 {
		if q.Latest <= q.Earliest {
			p.env.Warn("the time range of the search ends before it starts, so it contains no events")
		}
		at := func(ns, open int64) time.Time {
			if ns == open {
				return time.Time{}
			}
			return time.Unix(0, ns)
		}
		p.own = p.env.Within(at(q.Earliest, store.Beginning), at(q.Latest, store.End))
	}
	return q, nil
}

// nanos converts t to unix nanoseconds, clamped to int64.
func nanos(t time.Time) int64 {
	const limit = math.MaxInt64 / int64(time.Second)
	switch s := t.Unix(); {
	case s <= -limit:
		return store.Beginning
	case s >= limit:
		return store.End
	}
	return t.UnixNano()
}
