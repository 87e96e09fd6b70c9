package actors

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// fields are the fields that this package adds, in the order of values.
var fields = [...]string{"actor", "actor_type", "session_id", "actor_chain", "actor_class"}

// sessionField is the place of session_id in fields.
const sessionField = 2

// classField is that of actor_class.
const classField = 4

// values are those of fields.
type values [len(fields)]vector.Value

// Over returns a store that answers queries with the events of from and adds the
// fields. from holds the events of the search's store.
func (s *Search) Over(from store.Store) store.Store { return &over{from, s} }

type over struct {
	store.Store
	search *Search
}

// Prepare implements store.Store.
func (o *over) Prepare(q *store.Query) (store.Scan, error) {
	sc := &scan{search: o.search, from: o.Store, where: q.Filter}
	named := append(q.Fields.Named(), filter.FieldsOf(q.Filter)...)
	for i, name := range fields {
		sc.asked[i] = slices.Contains(named, name)
	}
	if sc.asked == [len(fields)]bool{} || elsewhere(q.Filter) {
		return o.Store.Prepare(q)
	}
	in := *q
	in.Alike = false // sessions hardly repeat
	var rest []filter.Expr
	in.Filter, rest = split(q.Filter)
	in.Fields = q.Fields.Add(identity.Leaves...).Add(event.Sourcetype)
	for i, name := range fields {
		if sc.asked[i] { // the leaf of events that are not CloudTrail's
			in.Fields = in.Fields.Add(name)
		}
	}
	for _, e := range rest {
		in.Fields = in.Fields.Add(filter.FieldsOf(e)...)
	}
	var err error
	if sc.Scan, err = o.Store.Prepare(&in); err != nil {
		return nil, err
	}
	if e := sc.Scan.Residual(); e != nil {
		rest = append(rest, e)
	}
	sc.query = in
	sc.rest = joined(rest)
	sc.wanted = q.Fields
	if sc.rest != nil {
		sc.wanted = sc.wanted.Add(filter.FieldsOf(sc.rest)...)
	}
	return sc, nil
}

// elsewhere reports whether a search reads only indexes of bluetrail's own, such as
// _findings, whose records have such fields themselves.
func elsewhere(where filter.Expr) bool {
	names := filter.Demanded(where, event.Index)
	return names != nil && !slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, "_") })
}

// split returns the part of a condition that can be decided without the fields, and
// the conditions that cannot.
func split(where filter.Expr) (first filter.Expr, rest []filter.Expr) {
	var plain []filter.Expr
	var divide func(e filter.Expr)
	divide = func(e filter.Expr) {
		if a, ok := e.(*filter.And); ok {
			for _, e := range a.Args {
				divide(e)
			}
		} else if slices.ContainsFunc(filter.FieldsOf(e), event.Resolved) {
			rest = append(rest, e)
		} else {
			plain = append(plain, e)
		}
	}
	divide(where)
	if first = joined(plain); first == nil {
		first = &filter.Everything{}
	}
	return first, rest
}

func joined(list []filter.Expr) filter.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &filter.And{Args: list}
}

// scan adds the fields to the rows of another.
type scan struct {
	store.Scan
	search *Search
	from   store.Store
	query  store.Query // of from
	where  filter.Expr // the whole condition
	asked  [len(fields)]bool
	rest   filter.Expr
	wanted filter.FieldSet // columns that are passed on
}

// Residual implements store.Scan.
func (s *scan) Residual() filter.Expr { return s.rest }

// Explain implements store.Scan.
func (s *scan) Explain() []string {
	var names []string
	for i, name := range fields {
		if s.asked[i] {
			names = append(names, name)
		}
	}
	lines := append(s.Scan.Explain(), "actors: read first who issued credentials to whom, then add "+strings.Join(names, ", "))
	for _, field := range []string{"actor", fields[sessionField]} {
		if names, ok := demanded(s.where, field); ok {
			return append(lines, "actors: read only events with credentials or names that lead to "+field+" "+strings.Join(names, ", "))
		}
	}
	return lines
}

// Run implements store.Scan.
func (s *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	k, err := s.search.known(ctx, s.asked[sessionField], s.asked[classField])
	if err != nil {
		return err
	}
	workers := make([]*resolver, max(1, s.Workers()))
	for i := range workers {
		workers[i] = newResolver(k.trail, s.asked)
		if workers[i].class = k.class; s.search.all.Class != nil {
			workers[i].class = s.search.all.Class
		}
	}
	return s.narrowed(k).Run(ctx, func(n int, b *vector.Batch) error {
		if b != nil {
			b = workers[n].add(b).Keep(func(name string) bool {
				return s.wanted.Has(name) || name == store.Seq || name == event.Time
			})
		}
		return emit(n, b)
	})
}
