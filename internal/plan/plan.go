// Package plan turns a parsed search into running operators: the store's query,
// the commands that run beside the scan in every worker, and the commands that
// run after it.
package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	_ "bluetrail/internal/spl/agg"
	_ "bluetrail/internal/spl/cmd"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	_ "bluetrail/internal/spl/fn"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/vector"
)

// Plan is a planned search, ready to run. It is an Operator over the result
// rows; Close must be called.
type Plan struct {
	out    exec.Operator
	env    *exec.Env
	rows   int  // rows delivered
	ended  bool // ended early, over a budget
	main   bool // not a subsearch
	events bool
	steps  []Step
	lacks  []*lacking
	why    *reasons   // nil: the search cannot lack rows, or is a subsearch
	texts  *exec.Held // of subsearches
	actors *actors.Search
	cancel context.CancelFunc
}

// Step is one line of explain: a part of the search and where it runs.
type Step struct {
	Where string // "store", "workers", "after", "subsearch"
	What  string
}

// Next implements exec.Operator. A panic in a command fails only this search.
func (s *Plan) Next(ctx context.Context) (b *vector.Batch, err error) {
	if s.ended {
		return nil, io.EOF
	}
	defer func() {
		if exec.EndsEarly(err) {
			s.ended, err = true, io.EOF
		}
	}()
	defer recovered(&err)
	if s.main {
		s.env.RunBy(ctx)
	}
	if b, err = s.out.Next(exec.WithBudget(ctx, s.env.Memory)); err != nil || b == nil {
		if err == io.EOF && s.why != nil && s.Over() == nil {
			s.why.lacks = s.lacks
			s.why.find(ctx)
		}
		return b, err
	}
	if s.why != nil {
		s.why.given += b.Len
	}
	if most := s.env.Limits.Rows; most > 0 && s.main {
		if s.rows += b.Len; s.rows > most {
			s.env.Memory.End(&exec.OverBudget{Budget: fmt.Sprintf("budget of %d rows", most), Key: "search.rows"})
			b, s.ended = b.Slice(0, b.Len-(s.rows-most)), true
		}
	}
	if s.env.Memory.TimeOver() != nil {
		s.ended = true
	}
	return b, nil
}

// Over returns the budget that the search exceeded, nil when the result is
// complete. It is valid once all rows have been read.
func (s *Plan) Over() error { return s.env.Memory.Over() }

// Close implements exec.Operator. It releases everything that the search holds
// of the memory shared by all searches.
func (s *Plan) Close() {
	s.cancel()
	s.texts.Release()
	if s.main {
		defer s.env.Memory.Close()
		defer s.env.ReleaseTables()
		defer s.actors.Close()
	}
	s.out.Close()
}

// Events reports whether the rows are events as ingested, rather than a table
// computed from them.
func (s *Plan) Events() bool { return s.events }

// Steps describes how the search is run.
func (s *Plan) Steps() []Step { return s.steps }

func recovered(err *error) {
	if r := recover(); r != nil {
		if stopped, ok := r.(*exec.Stopped); ok {
			*err = stopped.Cause
			return
		}
		if e, ok := r.(error); ok && errors.As(e, new(*exec.OverBudget)) {
			*err = e
			return
		}
		*err = fmt.Errorf("the search failed inside a command: %v; please report it with the search", r)
	}
}

// Parse expands macros and parses.
func Parse(text string, m syntax.Macros) (*syntax.Query, error) {
	text, err := syntax.ExpandMacros(text, m, expr.EvalConstant)
	if err != nil {
		return nil, err
	}
	return syntax.Parse(text)
}

// Open plans a search over st and env. Subsearches that become part of the text
// run immediately. st may be nil if the search reads no events.
func Open(ctx context.Context, q *syntax.Query, st store.Store, env *exec.Env) (s *Plan, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		if s == nil {
			cancel()
			env.Memory.Close()
		}
	}()
	defer recovered(&err)
	env.RunBy(ctx)
	p := &planner{store: st, env: env, own: env, texts: env.Memory.Hold(), actors: env.Actors.NewSearch(st, env.Warn)}
	defer func() {
		if s == nil {
			p.actors.Close()
		}
	}()
	if env.Run == nil {
		env.Run = p.subsearch
	}
	if env.Pipe == nil {
		env.Pipe = p.pipe
	}
	s, err = p.open(ctx, q)
	if err != nil {
		var d *diag.Error
		if errors.As(err, &d) && d.Src == "" {
			d.Src, d.Name = q.Text, "search"
		}
		return nil, err
	}
	s.cancel = cancel
	return s, nil
}

// Over runs the commands of q, none of which begins a search, on rows that are at
// hand. It closes in.
func Over(ctx context.Context, q *syntax.Query, in exec.Operator, env *exec.Env) (exec.Operator, error) {
	p := &planner{env: env, own: env, texts: env.Memory.Hold()}
	env.Run, env.Pipe = p.subsearch, p.pipe
	return p.pipe(ctx, q, in)
}

type planner struct {
	store   store.Store
	env     *exec.Env
	own     *exec.Env // env with the time range that the search's own text sets
	depth   int
	actors  *actors.Search // of the whole search
	texts   *exec.Held     // text that replaced subsearches
	formats formats        // of the whole search; subsearches return plain values
}

// subsearch runs a separate query, as for append and join.
func (p *planner) subsearch(ctx context.Context, q *syntax.Query) (exec.Operator, error) {
	env := *p.env // the environment of a nested search, one level deeper
	sub := &planner{store: p.store, env: &env, own: &env, depth: p.depth + 1, texts: env.Memory.Hold(), actors: p.actors}
	env.Run, env.Pipe = sub.subsearch, sub.pipe
	if sub.depth > p.env.Limits.SubsearchDepth {
		return nil, fmt.Errorf("subsearches are nested more than %d deep (raise search.subsearch_depth in the configuration); does one run itself?", p.env.Limits.SubsearchDepth)
	}
	ctx, cancel := context.WithCancel(ctx)
	s, err := sub.open(ctx, q)
	if err != nil {
		cancel()
		sub.texts.Release()
		return nil, err
	}
	s.cancel = cancel
	return s, nil
}

// pipe runs the commands of a subsearch on rows already in memory.
func (p *planner) pipe(ctx context.Context, q *syntax.Query, in exec.Operator) (exec.Operator, error) {
	stages, err := p.resolve(ctx, q)
	for i := 0; err == nil && i < len(stages); i++ {
		var next exec.Operator
		p.formats.join(stages[i])
		if next, err = attach(ctx, p.env, in, stages[i]); err == nil {
			in = next
		}
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// text runs a bracketed subsearch and returns the text that replaces it.
func (p *planner) text(ctx context.Context, q *syntax.Query) (string, error) {
	lim := p.env.Limits
	ctx, cancel := context.WithTimeout(ctx, lim.SubsearchTime)
	defer cancel()
	op, err := p.subsearch(ctx, q)
	if err != nil {
		return "", err
	}
	held := p.env.Memory.Hold()
	defer held.Release()
	var got []*vector.Batch
	rows := 0
	err = exec.Drain(ctx, op, func(b *vector.Batch) error {
		if rows+b.Len > lim.SubsearchRows {
			got = append(got, b.Slice(0, lim.SubsearchRows-rows))
			p.env.Warn("a subsearch returned more than %d rows; the rest is left out (raise search.subsearch_rows in the configuration)", lim.SubsearchRows)
			return io.EOF
		}
		rows += b.Len
		got = append(got, b)
		return held.Add(b.Size() + 2*syntax.TextSize(b)) // each row as text, and the whole text
	})
	if errors.Is(err, context.DeadlineExceeded) {
		p.env.Warn("a subsearch ran longer than %s; its result so far is used (raise search.subsearch_time in the configuration)", lim.SubsearchTime)
		err = nil
	}
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("cannot run subsearch: %w", err)
	}
	text := syntax.SubsearchText(got)
	if err := p.texts.Add(2 * len(text)); err != nil && !exec.EndsEarly(err) { // the text and what it is parsed to
		return "", err
	}
	return text, nil
}

func (p *planner) open(ctx context.Context, q *syntax.Query) (*Plan, error) {
	stages, err := p.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	s := &Plan{events: true, cancel: func() {}, env: p.env, texts: p.texts, actors: p.actors, main: p.depth == 0}
	for _, c := range stages {
		if isTransforming(c) {
			s.events = false
		}
	}
	p.formats.of(stages)
	var op exec.Operator
	rest := stages
	if s.main && !p.env.Unwatched {
		s.why = &reasons{planner: p, stages: stages}
	}
	if _, ok := stages[0].(sourceless); ok {
		stages = append([]syntax.Command{command("makeresults")}, stages...)
	}
	if g, ok := stages[0].(exec.Generating); ok {
		s.events = false
		s.step("after", g.Print())
		if op, err = g.Generate(ctx, p.env); err == nil {
			op = s.why.count(op)
		}
		rest = stages[1:]
	} else {
		op, rest, err = p.scan(ctx, stages, s)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range rest {
		s.step("after", c.Print())
		var l *lacking
		if s.main {
			if l = lackingOf(c); l != nil {
				s.lacks = append(s.lacks, l)
			}
		}
		next, err := attachCounting(ctx, p.own, op, c, l)
		if err != nil {
			op.Close()
			return nil, err
		}
		op = next
	}
	if p.depth == 0 {
		op = newFormatted(p.env, op, p.formats.held)
	}
	s.out = op
	return s, nil
}

func (s *Plan) step(where, what string) { s.steps = append(s.steps, Step{where, what}) }

// isTransforming reports whether a command turns events into a table.
func isTransforming(c syntax.Command) bool {
	if t, ok := c.(interface{ Tabulates() bool }); ok {
		return t.Tabulates()
	}
	_, ok := c.(exec.Transforming)
	return ok
}

// resolve runs the subsearches in commands' texts.
func (p *planner) resolve(ctx context.Context, q *syntax.Query) ([]syntax.Command, error) {
	stages := make([]syntax.Command, len(q.Stages))
	for i, st := range q.Stages {
		c := st.Cmd
		if r, ok := c.(syntax.Resolving); ok && len(r.Subsearches()) > 0 {
			var err error
			c, err = r.Resolve(func(q *syntax.Query) (string, error) { return p.text(ctx, q) })
			if err != nil {
				return nil, err
			}
		}
		if d, ok := c.(exec.Defined); ok {
			var err error
			if c, err = d.Define(p.env.Knowledge); err != nil {
				return nil, err
			}
		}
		if f, ok := c.(exec.Filtering); ok {
			var classes filter.Classes
			if p.env.Knowledge != nil {
				classes = p.env.Knowledge
			}
			e, err := filter.ExpandClasses(f.Filter(), classes)
			if err != nil {
				return nil, err
			}
			c = f.WithFilter(e)
		}
		if _, ok := c.(exec.Generating); ok && i > 0 {
			if _, both := c.(exec.Serial); !both {
				return nil, diag.At(st.Span, "%s must be the first command of a search", st.Def.Name).WithHint("start the search or a subsearch with | %s", st.Def.Name)
			}
		}
		stages[i] = c
	}
	return stages, nil
}

func attach(ctx context.Context, env *exec.Env, in exec.Operator, c syntax.Command) (exec.Operator, error) {
	return attachCounting(ctx, env, in, c, nil)
}

// attachCounting is attach with what counts the rows that c drops, which may be nil.
func attachCounting(ctx context.Context, env *exec.Env, in exec.Operator, c syntax.Command, l *lacking) (exec.Operator, error) {
	switch c := c.(type) {
	case exec.Streaming:
		m, err := c.NewMapper(env)
		if err != nil {
			return nil, err
		}
		return exec.Mapped(in, m), nil
	case exec.Transforming:
		r, err := c.NewReducer(env)
		if err != nil {
			return nil, err
		}
		if l != nil {
			r = &lackReducer{r, l}
		}
		return exec.Reduced(in, r), nil
	case exec.Serial:
		return c.Open(ctx, env, in)
	}
	return nil, fmt.Errorf("%s cannot be used in the middle of a search", c.Print())
}

// scan plans the part that reads events. It returns the operator and the
// commands that still have to run after it.
func (p *planner) scan(ctx context.Context, stages []syntax.Command, s *Plan) (exec.Operator, []syntax.Command, error) {
	if p.store == nil {
		return nil, nil, errors.New("this search reads events, and there are none to read (give --files or --data)")
	}
	var filters []filter.Expr
	n := 0
	for ; n < len(stages); n++ {
		f, ok := stages[n].(exec.Filtering)
		if !ok {
			break
		}
		filters = append(filters, f.Filter())
	}
	q, err := p.query(filters)
	if err != nil {
		return nil, nil, err
	}
	if p.typed(stages[n:]) {
		stages = slices.Insert(slices.Clone(stages), n, command("typer"))
	}
	needs := make([]filter.FieldSet, len(stages)+1) // needs[i]: the fields that stage i and all later stages read
	needs[len(stages)] = filter.AllFields()
	for i := len(stages) - 1; i >= n; i-- {
		needs[i] = stages[i].Needs(needs[i+1])
	}
	q.Fields = store.Wanted(needs[n], q.Filter)

	// Row-wise commands run in the workers if the command that collects their
	// rows does not depend on order; otherwise the events are sorted first.
	last := n
	for last < len(stages) {
		if _, ok := stages[last].(exec.Streaming); !ok {
			break
		}
		last++
	}
	var beside []syntax.Command
	var reducer func() (exec.Reducer, error)
	rest := stages[n:]
	if last < len(stages) {
		if t, ok := stages[last].(exec.Transforming); ok && !t.Ordered() {
			beside, rest = stages[n:last], stages[last+1:]
			reducer = func() (exec.Reducer, error) { return t.NewReducer(p.own) }
			if l := lackingOf(t); l != nil && s.main {
				s.lacks = append(s.lacks, l)
				reducer = func() (exec.Reducer, error) {
					r, err := t.NewReducer(p.own)
					if err != nil {
						return nil, err
					}
					return &lackReducer{r, l}, nil
				}
			}
			if c, ok := t.(exec.Condensing); ok && len(beside) == 0 {
				q.Step, q.Alike = c.Condenses(p.own)
			}
		}
	}
	limit := 0 // number of newest events wanted, 0 = all
	after := "gather"
	if reducer != nil {
		after = stages[last].Print()
	} else if last == len(stages) && s.main && p.env.Gather != nil {
		beside, rest, reducer = stages[n:], nil, p.env.Gather
	} else {
		q.Ordered = true
		rest = newestFirst(rest, p.own)
		if len(rest) > 0 {
			if h, ok := rest[0].(limited); ok {
				limit = h.Rows()
			}
		}
		reducer = func() (exec.Reducer, error) { return newNewest(p.env, limit), nil }
	}
	if s.why != nil {
		s.why.query, s.why.first = q, n
	}
	from := p.store
	named := func(op exec.Operator) exec.Operator { return op }
	if _, ok := p.store.(store.Indexed); ok && !p.env.Unwatched {
		if names := demandedIndexes(q.Filter); names != nil {
			w := &watched{Store: p.store}
			from = w
			named = func(op exec.Operator) exec.Operator {
				return &noIndex{Operator: op, env: p.env, store: w, names: names}
			}
		}
	}
	from = p.actors.Over(from)
	sc, err := from.Prepare(q)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range sc.Explain() {
		s.step("store", line)
	}
	if r := sc.Residual(); r != nil {
		s.step("workers", "check again: search "+filter.Print(r))
	}
	for _, c := range beside {
		s.step("workers", c.Print())
	}
	if q.Ordered {
		s.step("after", orderStep(limit))
	} else {
		s.step("workers", "partial "+after)
		s.step("after", "merge "+after)
	}
	if span, ok := p.store.(store.Spanning); ok && q.Ordered {
		if first, last := span.Span(); first < last {
			if l := newTwoPass(p.env, from, q, first, last, rest); l != nil {
				s.step("after", "choose by "+strings.Join(l.keys.Names(), ", ")+" when there are many events, then read the chosen whole")
				return s.why.count(named(l)), rest, nil
			}
			return s.why.count(named(newBackward(p.env, from, q, first, last, limit))), rest, nil
		}
	}
	par := &parallel{env: p.env, scan: sc, now: q.Now, beside: beside, reducer: reducer}
	if !q.Ordered && s.why != nil {
		par.matched = &s.why.matched
		return named(par), rest, nil
	}
	return s.why.count(named(par)), rest, nil
}

// typed reports whether commands read event types or tags and there are
// definitions besides the built-in ones.
func (p *planner) typed(stages []syntax.Command) bool {
	classes := p.env.Knowledge
	if classes == nil || len(classes.EventTypes()) == 0 && len(classes.FieldTags()) == 0 {
		return false
	}
	need := filter.AllFields()
	for i := len(stages) - 1; i >= 0; i-- {
		need = stages[i].Needs(need)
	}
	return need.Has("eventtype") || need.Has("tag") || need.Has("tag::eventtype")
}

func orderStep(limit int) string {
	if limit > 0 {
		return fmt.Sprintf("newest %d events first", limit)
	}
	return "newest events first"
}
