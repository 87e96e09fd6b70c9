package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/dustin/go-humanize"
)

// reasons says why a search has no rows, from its text and from what the store
// knows without reading the events again.
type reasons struct {
	planner *planner
	stages  []syntax.Command
	query   *store.Query // nil: the search reads no events
	first   int          // the first stage behind the filters of query
	matched atomic.Int64 // events that passed those filters
	given   int          // rows of the result
	lacks   []*lacking
	list    []string
	found   bool
}

// Reasons returns why the result has no rows, once all of it is read.
func (s *Plan) Reasons() []string {
	if s.why == nil {
		return nil
	}
	return s.why.list
}

// count counts the events that op gives as matched.
func (w *reasons) count(op exec.Operator) exec.Operator {
	if w == nil {
		return op
	}
	return &counted{op, &w.matched}
}

type counted struct {
	exec.Operator
	rows *atomic.Int64
}

func (c *counted) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := c.Operator.Next(ctx)
	if b != nil {
		c.rows.Add(rowsIn(b))
	}
	return b, err
}

// find fills the list when there are no rows, or when those there are count no
// events.
func (w *reasons) find(ctx context.Context) {
	empty := w.query != nil && w.matched.Load() == 0
	if w.found || w.given > 0 && !(empty && w.given == 1) {
		return
	}
	w.found = true
	if w.query != nil && empty {
		w.times()
		w.words()
	}
	if len(w.list) > 0 && w.query != nil && empty && w.outside() {
		return
	}
	known, all := w.names(ctx)
	w.fields(known, all)
	for _, c := range w.stages {
		if e, ok := c.(exprs); ok {
			for _, x := range e.Exprs() {
				w.expression(x, known)
			}
		}
	}
	if len(w.list) == 0 {
		w.without()
	}
	if len(w.list) == 0 {
		w.otherwise(empty)
	}
}

// without names the fields by which a command groups rows and that none of them has.
func (w *reasons) without() {
	for _, l := range w.lacks {
		rows := l.rows.Load()
		for i, name := range l.fields {
			if rows > 0 && l.without[i].Load() == rows {
				w.add("none of the %s rows before %s has the field %q", humanize.Comma(rows), l.command, name)
			}
		}
	}
}

// exprs are commands with expressions over fields.
type exprs interface{ Exprs() []syntax.Expr }

func (w *reasons) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.list, text) {
		w.list = append(w.list, text)
	}
}

// warned reports whether a warning of the search holds a text.
func (w *reasons) warned(of string) bool {
	return slices.ContainsFunc(w.planner.env.Warnings(), func(text string) bool { return strings.Contains(text, of) })
}

// span returns when the events of the store happened, as far as it is known.
func (w *reasons) span() (first, last int64, ok bool) {
	switch st := w.planner.store.(type) {
	case store.Spanning:
		first, last = st.Span()
		return first, last, first < last
	case store.Passing:
		n, first, last := st.Passed()
		return first, last + 1, n > 0
	}
	return 0, 0, false
}

// outside reports whether no event lies in the range of the search.
func (w *reasons) outside() bool {
	first, last, ok := w.span()
	return ok && (last <= w.query.Earliest || first >= w.query.Latest || isPassing(w.planner.store))
}

func isPassing(st store.Store) bool {
	_, spanning := st.(store.Spanning)
	p, ok := st.(store.Passing)
	if !ok || spanning {
		return false
	}
	n, _, _ := p.Passed()
	return n > 0
}

// times compares the range of the search with that of the events.
func (w *reasons) times() {
	if s, ok := w.planner.store.(store.Spanning); ok {
		if first, last := s.Span(); first >= last {
			w.add("there are no events in the data directory; bluetrail ingest PATH reads some")
			return
		}
	}
	if !w.outside() {
		return
	}
	first, last, _ := w.span()
	what := "events"
	if isPassing(w.planner.store) {
		what = "matching events"
		if isEverything(w.query.Filter) {
			what = "events"
		}
	}
	w.add("%s lie between %s and %s, the search looked at %s", what, w.at(first), w.at(last-1), w.looked())
}

// at writes a time as a person reads it, in the zone of the search.
func (w *reasons) at(ns int64) string {
	return time.Unix(0, ns).In(w.planner.env.Zone).Format("2006-01-02 15:04:05 MST")
}

func (w *reasons) looked() string {
	q := w.query
	switch {
	case q.Earliest == store.Beginning && q.Latest == store.End:
		return "all times"
	case q.Earliest == store.Beginning:
		return "times before " + w.at(q.Latest)
	case q.Latest == store.End:
		return "times from " + w.at(q.Earliest) + " on"
	}
	return w.at(q.Earliest) + " to " + w.at(q.Latest)
}

// words finds words of the search that were hardly meant to be searched for.
func (w *reasons) words() {
	var terms []string
	eachFilter(w.query.Filter, func(e filter.Expr) {
		if t, ok := e.(*filter.Term); ok && !t.Phrase {
			terms = append(terms, t.Text)
		}
	})
	for i, term := range terms {
		switch strings.ToLower(term) {
		case "and", "or", "not":
			if strings.ToUpper(term) != term {
				w.add("%q was searched for as a word; the operator is written %s", term, strings.ToUpper(term))
			}
		case "select", "where", "having", "limit":
			if i == 0 || !strings.EqualFold(terms[0], "select") {
				if hint := syntax.Foreign(term); hint != "" {
					w.add("%q was searched for as a word; %s", term, hint)
				}
			}
		}
	}
	eachFilter(w.query.Filter, func(e filter.Expr) {
		if c, ok := e.(*filter.Compare); ok && c.Field == "actor" && c.Op == "=" && !strings.ContainsAny(c.Value, ":*@/.") && strings.IndexFunc(c.Value, unicode.IsLetter) >= 0 {
			w.add("actor is the ARN of a user or role: actor=%q finds them by name", "*/"+c.Value)
		}
	})
	eachFilter(w.query.Filter, func(e filter.Expr) {
		if c, ok := e.(*filter.Compare); ok && len(c.Field) > 2 && c.Field[0] == '\'' && strings.HasSuffix(c.Field, "'") {
			w.add("in a search, field names need no single quotes: %s%s…", strings.Trim(c.Field, "'"), c.Op)
		}
	})
}

func eachFilter(e filter.Expr, fn func(filter.Expr)) {
	fn(e)
	switch e := e.(type) {
	case *filter.And:
		for _, a := range e.Args {
			eachFilter(a, fn)
		}
	case *filter.Or:
		for _, a := range e.Args {
			eachFilter(a, fn)
		}
	case *filter.Not:
		eachFilter(e.Arg, fn)
	}
}

// names returns the fields that events have, sorted; all is false when there may be
// more.
func (w *reasons) names(ctx context.Context) (known []string, all bool) {
	if w.query == nil {
		return nil, false
	}
	for _, f := range event.Fields() {
		known = append(known, f.Name)
	}
	known = append(known, "_time", "_raw", "_indextime")
	if st, ok := w.planner.store.(store.Naming); ok {
		var more []string
		more, all = st.FieldNames(ctx)
		known = append(known, more...)
	}
	slices.Sort(known)
	return slices.Compact(known), all
}

// keepsFields are the commands that make no fields: what comes behind them still
// reads those of the events.
var keepsFields = []string{"search", "where", "table", "fields", "head", "tail", "sort", "dedup", "regex", "reverse"}

// fields names those that the search reads and no event has.
func (w *reasons) fields(known []string, all bool) {
	if w.query == nil {
		return
	}
	has := func(name string) bool {
		_, ok := slices.BinarySearch(known, name)
		return ok || strings.Contains(name, "*") || strings.HasPrefix(name, "tag::") || event.Lookup(name) != nil
	}
	report := func(name string, sure bool) {
		if has(name) {
			return
		}
		near := diag.DidYouMean(name, known)
		if near == "" {
			near = w.tail(name, known)
		}
		switch {
		case all && near != "":
			w.add("no event has the field %q; %s", name, near)
		case all && sure:
			w.add("no event has the field %q; bluetrail fields lists those there are", name)
		case near != "":
			w.add("no event that was looked at has the field %q; %s", name, near)
		}
	}
	for _, name := range filter.FieldsOf(w.query.Filter) {
		report(strings.Trim(name, "'"), w.matched.Load() == 0)
	}
	for _, c := range w.stages[w.first:] {
		for _, name := range c.Needs(filter.FieldSet{}).Named() {
			if !w.literal(c, name) {
				report(name, false)
			}
		}
		if name, _, _ := strings.Cut(c.Print(), " "); !slices.Contains(keepsFields, name) {
			break
		}
	}
}

// tail returns a hint when a name is the end of a longer one, as userName is of
// userIdentity.userName.
func (w *reasons) tail(name string, known []string) string {
	for _, k := range known {
		if len(k) > len(name) && strings.EqualFold(k[len(k)-len(name)-1:], "."+name) {
			return `did you mean "` + k + `"?`
		}
	}
	return ""
}

// literal reports whether a name of an expression is the part of a longer one or a
// text without quotes, of which expression speaks.
func (w *reasons) literal(c syntax.Command, name string) bool {
	e, ok := c.(exprs)
	if !ok {
		return false
	}
	found := false
	for _, x := range e.Exprs() {
		eachExpr(x, func(x syntax.Expr) {
			if b, ok := x.(*syntax.Binary); ok {
				if joined, _, ok := chain(b); ok && (strings.HasPrefix(joined, name+".") || strings.HasPrefix(joined, name+"-") || strings.HasSuffix(joined, "."+name) || strings.HasSuffix(joined, "-"+name)) {
					found = true
				}
				if f, ok := b.R.(*syntax.Field); ok && isComparison(b.Op) && f.Name == name && bare(f) {
					found = true
				}
			}
		})
	}
	return found
}

// otherwise says what is left to say: how far the rows came.
func (w *reasons) otherwise(empty bool) {
	behind := w.stages[w.first:]
	switch {
	case w.warned(" concatenates fields "), empty && w.warned("there is no index "):
	case w.query == nil:
		switch n := w.matched.Load(); {
		case n == 0 || len(w.stages) == 1:
			w.add("| %s gave no row", cut(w.stages[0].Print()))
		default:
			w.add("the commands left none of %s: %s%s", plural(n, "row"), cut(printed(w.stages[1:])), caseNote(w.stages))
		}
	case empty && !isEverything(w.query.Filter):
		w.add("no event matches the search: %s", cut(filter.Print(w.query.Filter)))
	case empty && w.unread():
		w.add("there are no events to search")
	case empty:
		w.add("the commands of the search left no row: %s", cut(printed(behind)))
	default:
		w.add("%s matched the search; the commands behind it left no row: %s%s", plural(w.matched.Load(), "event"), cut(printed(behind)), caseNote(behind))
	}
}

func isEverything(e filter.Expr) bool {
	_, ok := e.(*filter.Everything)
	return ok
}

// unread reports whether the store has no events.
func (w *reasons) unread() bool {
	switch st := w.planner.store.(type) {
	case store.Spanning:
		first, last := st.Span()
		return first >= last
	case store.Counting:
		read := st.Stats()
		return read.Files > 0 && read.Events == 0
	}
	return false
}

// caseNote adds what is easily forgotten of conditions in expressions.
func caseNote(stages []syntax.Command) string {
	for _, c := range stages {
		e, ok := c.(exprs)
		if !ok || !strings.HasPrefix(c.Print(), "where ") {
			continue
		}
		text := false
		for _, x := range e.Exprs() {
			eachExpr(x, func(x syntax.Expr) {
				if b, ok := x.(*syntax.Binary); ok && isComparison(b.Op) {
					lit, ok := b.R.(*syntax.Literal)
					text = text || ok && lit.Text == ""
				}
			})
		}
		if text {
			return " (where distinguishes upper and lower case)"
		}
	}
	return ""
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}

func printed(stages []syntax.Command) string {
	var parts []string
	for _, c := range stages {
		parts = append(parts, "| "+c.Print())
	}
	return strings.Join(parts, " ")
}

// cut shortens what is repeated of a search.
func cut(s string) string {
	const most = 160
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
