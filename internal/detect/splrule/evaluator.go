package splrule

import (
	"context"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// Evaluator decides about one record at a time. It belongs to one goroutine.
type Evaluator struct {
	ctx     context.Context
	literal *event.Prefilter
	names   []string // values of eventName of which a record must have one; nil = any
	matcher *filter.Matcher
	stages  []exec.Mapper
	reader  *store.FieldReader
}

// NewEvaluator returns an Evaluator of the whole search. The error is ErrStateful
// when the search looks at several events; then BaseEvaluator says which.
func (s *Search) NewEvaluator(ctx context.Context, geo exec.Geo) (*Evaluator, error) {
	if s.stages == nil {
		return nil, ErrStateful
	}
	return newEvaluator(ctx, s.stages[0].(exec.Filtering).Filter(), s.stages[1:], geo)
}

// BaseEvaluator returns an Evaluator of Base.
func (s *Search) BaseEvaluator(ctx context.Context) (*Evaluator, error) {
	return newEvaluator(ctx, s.Base, nil, nil)
}

func newEvaluator(ctx context.Context, e filter.Expr, stages []syntax.Command, geo exec.Geo) (*Evaluator, error) {
	env := exec.NewEnv(time.Unix(0, 0).UTC()) // no stage reads the clock
	env.Geo = geo
	ev := &Evaluator{ctx: ctx, literal: event.NewPrefilter(store.Literals(e))}
	if names := filter.Demanded(e, "eventName"); len(names) <= mostNames && !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "*") }) {
		ev.names = names
	}
	var err error
	if ev.matcher, err = filter.NewMatcher(e, env.Now); err != nil {
		return nil, err
	}
	need := filter.Fields()
	for i := len(stages) - 1; i >= 0; i-- {
		need = stages[i].Needs(need)
	}
	for _, c := range stages {
		if w, ok := c.(rowWise); ok {
			ev.stages = append(ev.stages, w)
			continue
		}
		m, err := c.(exec.Streaming).NewMapper(env)
		if err != nil {
			return nil, err
		}
		ev.stages = append(ev.stages, m)
	}
	ev.reader = store.NewFieldReader(ctx, store.Wanted(need, e).Add(filter.FieldsOf(e)...))
	return ev, nil
}

// mostNames is how many names of calls are compared one by one.
const mostNames = 30

// Skips reports whether no record of a call passes. An empty name is unknown.
func (ev *Evaluator) Skips(eventName string) bool {
	return ev.names != nil && eventName != "" && !slices.ContainsFunc(ev.names, func(n string) bool { return strings.EqualFold(n, eventName) })
}

// Match reports whether a record passes. It fails for a record that is no JSON
// object, and when the evaluator's context ends.
func (ev *Evaluator) Match(raw []byte, m *event.Meta) (bool, error) {
	if !ev.literal.Empty() && !ev.literal.Match(raw) {
		return false, nil
	}
	b := vector.NewBuilder()
	b.Add()
	if err := ev.reader.Read(b, raw, m); err != nil {
		return false, err
	}
	batch := ev.matcher.Filter(b.Batch())
	for _, s := range ev.stages {
		if batch.Len == 0 {
			return false, nil
		}
		var err error
		if batch, err = s.Map(ev.ctx, batch); err != nil {
			return false, err
		}
	}
	return batch.Len > 0, nil
}
