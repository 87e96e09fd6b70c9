package splrule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/cmd"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Knowledge is what searches of rules reach by name.
type Knowledge interface {
	syntax.Macros
	exec.Knowledge
}

// Search is the search of a rule, parsed, with what its runner has to know. It is
// safe for concurrent use.
type Search struct {
	Rule     *Rule
	Schedule *Schedule // of the rule, with the time bounds that the search itself sets

	// Base passes every event that the search could use, and perhaps others. It has
	// no subsearches and no time bounds.
	Base filter.Expr
	// Idle reports that there is nothing to tell when no event passes Base.
	Idle bool
	// Keeps lists the lookups that the search writes.
	Keeps []string
	// Pure reports that the result follows from the events alone, not from lookups,
	// which change.
	Pure bool
	// Accumulates reports that the search adds to a lookup that it reads, so that
	// one run over a longer time is as good as several.
	Accumulates bool

	stages []syntax.Command // of a search that looks at one event at a time, else nil
}

// Compile parses the search of a rule. know may be nil.
func Compile(r *Rule, know Knowledge) (*Search, error) {
	if r.Kind != SPL || r.Search == "" {
		return nil, fmt.Errorf("the rule %q has no search", r.Name)
	}
	var macros syntax.Macros
	var classes filter.Classes
	if know != nil {
		macros, classes = know, know
	}
	q, err := plan.Parse(r.Search, macros)
	if err != nil {
		return nil, err
	}
	s := &Search{Rule: r, Schedule: &Schedule{}}
	*s.Schedule = r.Schedule
	w := &walk{macros: macros, know: know, classes: classes, writes: map[string]bool{}, reads: map[string]bool{}, idle: true}
	s.Base, s.Schedule.bounds = w.query(q, 0)
	if w.any || s.Base == nil && !w.nothing {
		s.Base = &filter.Everything{}
	} else if s.Base == nil { // it reads no events
		s.Base = &filter.Not{Arg: &filter.Everything{}}
	}
	s.Idle = w.idle && !w.nothing && (r.Alert.Relation == "" || r.Alert.Relation == "greater than" || r.Alert.Relation == "rises by")
	s.Pure = !w.any && !w.tables
	for name := range w.writes {
		s.Keeps = append(s.Keeps, name)
		s.Accumulates = s.Accumulates || w.reads[name]
	}
	slices.Sort(s.Keeps)
	if s.Schedule.bounds != nil {
		if _, err := filter.ResolveTimes(s.Schedule.bounds, time.Unix(1_700_000_000, 0).UTC()); err != nil {
			return nil, err
		}
	}
	s.stages = w.perEvent(q)
	if r.Alert.Type != "" || r.Alert.Suppress.Period != 0 || len(s.Keeps) > 0 {
		s.stages = nil // what came before decides whether an event is told
	}
	return s, nil
}

// Stateless reports whether the search looks at one event at a time, so that an
// Evaluator decides all of it.
func (s *Search) Stateless() bool { return s.stages != nil }

// walk goes through a search and its subsearches.
type walk struct {
	macros        syntax.Macros
	know          Knowledge
	classes       filter.Classes
	writes, reads map[string]bool // lookups
	any           bool            // events are read that no filter describes
	tables        bool            // lookups or models are read
	nothing       bool            // the main search reads no events
	idle          bool
}

// mostDepth bounds saved searches that run one another.
const mostDepth = 8

// withoutEvents are the commands that begin a search without reading events.
var withoutEvents = []string{"makeresults", "inputlookup", "inputcsv", "gentimes"}

// fruitless are the commands that give no rows when they get none.
var fruitless = []string{
	"search", "where", "eval", "rename", "fields", "table", "stats", "tstats", "eventstats", "streamstats", "dedup", "sort", "head", "tail", "transaction", "top", "rare", "chart", "bin",
	"lookup", "iplocation", "fillnull", "rex", "regex", "spath", "convert", "mvexpand", "makemv", "nomv", "mvcombine", "replace", "reverse", "join", "collect", "filldown",
	"foreach", "strcat", "uniq", "addinfo", "rangemap", "extract", "xyseries", "untable", "datamodel", "from", "metasearch",
}

// query returns what all events that a query uses pass, nil for nothing to pass, and
// the time bounds of its first filters.
func (w *walk) query(q *syntax.Query, depth int) (base filter.Expr, bounds []*filter.TimeBound) {
	if depth > mostDepth {
		w.any = true
		return nil, nil
	}
	var bases []filter.Expr
	add := func(q *syntax.Query) {
		if b, _ := w.query(q, depth+1); b != nil {
			bases = append(bases, b)
		}
	}
	first := true // so far there are only filters
	var filters []filter.Expr
	for i, st := range q.Stages {
		if f, ok := st.Cmd.(exec.Filtering); ok && first {
			e, err := filter.ExpandClasses(f.Filter(), w.classes)
			if err != nil {
				w.any = true
			} else {
				bounds = append(bounds, boundsOf(e)...)
				filters = append(filters, widened(e))
			}
		} else {
			first = false
		}
		if i == 0 && !first {
			bounds = w.generating(st, depth, &bases)
		} else if r, ok := st.Cmd.(interface{ Reads() (string, error) }); ok && i > 0 { // tstats append=true
			w.text(r, depth, &bases)
		}
		if c, ok := st.Cmd.(*cmd.Inputlookup); ok {
			w.reads[c.Table] = true
		}
		if c, ok := st.Cmd.(writing); ok && c.Writes() != "" {
			w.writes[c.Writes()] = true
		}
		if depth == 0 && !gives(st) {
			w.idle = false
		}
		switch st.Def.Name {
		case "lookup", "inputlookup", "inputcsv", "apply", "from":
			w.tables = true
		case "map", "savedsearch", "loadjob", "searchtxn": // what they read is known only when they run
			w.any = true
		}
		if c, ok := st.Cmd.(syntax.WithQueries); ok {
			for _, sub := range c.Queries() {
				add(sub)
			}
		}
		if c, ok := st.Cmd.(syntax.Resolving); ok {
			for _, sub := range c.Subsearches() {
				add(sub)
			}
		}
	}
	if len(filters) > 0 {
		bases = append(bases, conjunction(filters))
	}
	switch {
	case len(bases) == 0:
		return nil, bounds
	case slices.ContainsFunc(bases, func(e filter.Expr) bool { _, all := e.(*filter.Everything); return all }):
		return &filter.Everything{}, bounds
	case len(bases) == 1:
		return bases[0], bounds
	}
	return &filter.Or{Args: bases}, bounds
}

// generating looks at the command that begins a search.
func (w *walk) generating(st *syntax.Stage, depth int, bases *[]filter.Expr) (bounds []*filter.TimeBound) {
	_, alone := st.Cmd.(interface{ Sourceless() })
	switch c := st.Cmd.(type) {
	case interface{ Reads() (string, error) }:
		return w.text(c, depth, bases)
	default:
		if alone || slices.Contains(withoutEvents, st.Def.Name) {
			w.nothing = w.nothing || depth == 0
			return nil
		}
		if len(withQueries(st.Cmd)) == 0 { // others such as multisearch are their subsearches
			w.any = true
		}
	}
	return nil
}

func withQueries(c syntax.Command) []*syntax.Query {
	if c, ok := c.(syntax.WithQueries); ok {
		return c.Queries()
	}
	return nil
}

// text looks at the search that a command runs.
func (w *walk) text(c interface{ Reads() (string, error) }, depth int, bases *[]filter.Expr) []*filter.TimeBound {
	text, err := c.Reads()
	var q *syntax.Query
	if err == nil && text != "" {
		q, err = plan.Parse(text, w.macros)
	}
	if err != nil || q == nil {
		w.any = true
		return nil
	}
	base, bounds := w.query(q, depth+1)
	if base != nil {
		*bases = append(*bases, base)
	}
	return bounds
}

// gives reports whether a stage gives no rows when it gets none.
func gives(st *syntax.Stage) bool {
	switch c := st.Cmd.(type) {
	case *cmd.Stats:
		return len(c.By) > 0
	case *cmd.Tstats:
		return len(c.By) > 0 && !c.Append
	case *cmd.Chart:
		return !c.Time && c.Row != ""
	}
	return slices.Contains(fruitless, st.Def.Name)
}

// boundsOf returns the time bounds that apply to all of an expression.
func boundsOf(e filter.Expr) (list []*filter.TimeBound) {
	switch e := e.(type) {
	case *filter.And:
		for _, a := range e.Args {
			list = append(list, boundsOf(a)...)
		}
	case *filter.TimeBound:
		if !strings.HasPrefix(e.Name, "_index") {
			list = append(list, e)
		}
	}
	return list
}

func conjunction(list []filter.Expr) filter.Expr {
	list = slices.DeleteFunc(list, func(e filter.Expr) bool { _, all := e.(*filter.Everything); return all })
	switch len(list) {
	case 0:
		return &filter.Everything{}
	case 1:
		return list[0]
	}
	return &filter.And{Args: list}
}

// widened returns e with everything in place of the parts that are not exact.
func widened(e filter.Expr) filter.Expr {
	switch e := e.(type) {
	case *filter.And:
		args := make([]filter.Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = widened(a)
		}
		return conjunction(args)
	case *filter.Or:
		args := make([]filter.Expr, len(e.Args))
		for i, a := range e.Args {
			args[i] = widened(a)
			if _, all := args[i].(*filter.Everything); all {
				return args[i]
			}
		}
		return &filter.Or{Span: e.Span, Args: args}
	case *filter.Not:
		if exact(e.Arg) {
			return e
		}
		return &filter.Everything{}
	}
	if exact(e) {
		return e
	}
	return &filter.Everything{}
}

// exact reports whether an event alone decides an expression: it has neither subsearches
// nor time bounds, and no fields that depend on other events.
func exact(e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Args, func(a filter.Expr) bool { return !exact(a) })
	case *filter.Or:
		return !slices.ContainsFunc(e.Args, func(a filter.Expr) bool { return !exact(a) })
	case *filter.Not:
		return exact(e.Arg)
	case *filter.Compare:
		return e.Sub == nil && !event.Resolved(e.Field)
	case *filter.In:
		return !event.Resolved(e.Field)
	case *filter.TimeBound, *filter.Sub:
		return false
	}
	return true
}

// eventwise are the commands that make at most one row of each event, by looking at
// that event alone. Lookups change, so that they are not among them.
var eventwise = []string{"search", "where", "regex", "eval", "rename", "fields", "table", "fillnull", "rex", "spath", "convert", "makemv", "nomv", "strcat", "rangemap", "replace", "iplocation", "extract"}

// rowWise commands are mappers themselves, with arguments that make them look at one
// row at a time.
type rowWise interface {
	exec.Mapper
	RowWise() bool
}

// choosing are those of them that drop events.
var choosing = []string{"search", "where", "regex"}

// clocked are the functions whose value does not follow from the event.
var clocked = []string{"now", "time", "random", "lookup"}

// perEvent returns the stages of a search that looks at one event at a time, up to
// the last that drops events; nil for other searches.
func (w *walk) perEvent(q *syntax.Query) []syntax.Command {
	var stages []syntax.Command
	last := 0
	for i, st := range q.Stages {
		c := st.Cmd
		if !slices.Contains(eventwise, st.Def.Name) {
			return nil
		}
		_, streaming := c.(exec.Streaming)
		if w, ok := c.(rowWise); !streaming && (!ok || !w.RowWise()) {
			return nil
		}
		if r, ok := c.(syntax.Resolving); ok && len(r.Subsearches()) > 0 {
			return nil
		}
		if d, ok := c.(exec.Defined); ok {
			if w.know == nil {
				return nil
			}
			var err error
			if c, err = d.Define(w.know); err != nil {
				return nil
			}
		}
		if e, ok := c.(interface{ Exprs() []syntax.Expr }); ok && slices.ContainsFunc(e.Exprs(), usesClock) {
			return nil
		}
		if f, ok := c.(exec.Filtering); ok {
			e, err := filter.ExpandClasses(f.Filter(), w.classes)
			if err != nil || i > 0 && !exact(e) {
				return nil
			}
			if e, ok = unbounded(e); !ok {
				return nil
			}
			c = f.WithFilter(e)
		} else if i == 0 {
			return nil // an eval without events
		}
		if stages = append(stages, c); slices.Contains(choosing, st.Def.Name) {
			last = len(stages)
		}
	}
	need := filter.Fields()
	for i := last - 1; i > 0; i-- {
		need = stages[i].Needs(need)
	}
	if slices.ContainsFunc(need.Named(), event.Resolved) {
		return nil
	}
	return stages[:last:last]
}

// unbounded returns a filter without the time bounds that apply to all of it; ok is
// false when others remain.
func unbounded(e filter.Expr) (filter.Expr, bool) {
	if b, ok := e.(*filter.TimeBound); ok {
		return &filter.Everything{}, !strings.HasPrefix(b.Name, "_index")
	}
	a, ok := e.(*filter.And)
	if !ok {
		return e, exact(e)
	}
	args := make([]filter.Expr, len(a.Args))
	for i := range a.Args {
		if args[i], ok = unbounded(a.Args[i]); !ok {
			return nil, false
		}
	}
	return conjunction(args), true
}

// usesClock reports whether an expression calls one of the functions in clocked.
func usesClock(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Unary:
		return usesClock(e.X)
	case *syntax.Binary:
		return usesClock(e.L) || usesClock(e.R)
	case *syntax.Among:
		return usesClock(e.X) || slices.ContainsFunc(e.List, usesClock)
	case *syntax.Call:
		return slices.Contains(clocked, e.Def.Name) || slices.ContainsFunc(e.Args, usesClock)
	case *syntax.Literal, *syntax.Field:
		return false
	}
	return true
}

// ErrStateful is the error of asking for an Evaluator of a search that looks at
// several events.
var ErrStateful = errors.New("the search looks at more than one event")
