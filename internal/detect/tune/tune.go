// Package tune proposes a Sigma filter that keeps the false findings of a rule away,
// and tries it: it says what else the filter would hide.
package tune

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
)

// Options say which rule to tune, and how to try a filter.
type Options struct {
	Rules    *ruleset.Ruleset
	Position int
	False    []Marked // findings of the rule that were harmless
	True     []Marked // those that must not be hidden

	// Hunt runs rules over the trail. change sets what the hunt shows.
	Hunt func(rs *ruleset.Ruleset, change func(*hunt.Options)) (*hunt.Result, error)
	// Reload loads the rules once more, with a filter beside them.
	Reload func(filter string) (*ruleset.Ruleset, error)
}

// Marked is a finding that people have looked at.
type Marked struct {
	ID       string   `json:"id"`
	RuleID   string   `json:"rule_id"`
	EventIDs []string `json:"event_ids"`
}

// Result is a proposal and what it would do.
type Result struct {
	Filter    *Filter // nil = there is none that is safe
	Why       string  // why there is none
	Warnings  []string
	False     int // findings marked false that the rule still raises on these events
	Covered   int // those of them that the filter hides
	Others    int // further findings of all rules that the filter concerns
	Hides     []Hidden
	Appears   []*finding.Finding // raised only with the filter
	Unwatched int                // matched events that were not looked at for lack of memory
}

// Hidden is a finding, not marked false, that the filter would hide as a whole or in
// part.
type Hidden struct {
	*finding.Finding
	Status string // open or true
	Left   int64  // events that stay; 0 = all are hidden
}

// ErrSearch says that the rule is no Sigma rule.
var ErrSearch = errors.New("the rule is a search, to which Sigma filters do not apply; change its text, or the macro that it leaves for exceptions")

// Run proposes a filter. An error is for what cannot be tried.
func Run(o Options) (*Result, error) {
	r := &o.Rules.Rules[o.Position]
	if r.Search != nil {
		return nil, ErrSearch
	}
	targets := targets(o.Rules, o.Position)
	t := &tuning{o: &o, res: &Result{}, status: map[string]string{}}
	known := map[string]bool{}
	for _, m := range o.True {
		t.status[m.ID] = "true"
	}
	for _, m := range o.False {
		t.status[m.ID] = "false"
		for _, id := range m.EventIDs {
			known[id] = true
		}
	}
	for _, i := range o.Rules.Using(targets...) {
		if x := &o.Rules.Rules[i]; i == o.Position || x.Off == "" && !x.Silent {
			t.ids = append(t.ids, x.ID)
		}
	}
	t.evidence = newEvidence(known)
	before, err := t.hunt(o.Rules, func(h *hunt.Options) { h.Record = t.evidence.record })
	if err != nil {
		return nil, err
	}
	t.res.Unwatched = t.evidence.left
	exceptions, err := t.propose(before, known)
	if err != nil {
		return nil, err
	}
	if exceptions == nil {
		t.res.Why = "the events of the false findings have no field in common that a filter could test; mark fewer of them, those of one cause"
		return t.res, nil
	}
	f := &Filter{Title: line("Exception to " + r.Title), Description: "Proposed by bluetrail rules tune from findings marked false.", exceptions: exceptions}
	for _, i := range targets {
		x := &o.Rules.Rules[i]
		f.Rules = append(f.Rules, line(cmp.Or(x.Event.ID, x.Event.Name, x.Title)))
	}
	with, err := o.Reload(f.YAML())
	if err != nil {
		return nil, err
	}
	after, err := t.hunt(with, nil)
	if err != nil {
		return nil, err
	}
	t.compare(before, after)
	t.judge(f)
	return t.res, nil
}

// targets returns the event rules whose matches a filter has to narrow: the rule itself,
// or those beneath a correlation. Of absent only the last rule counts: hiding what has to
// come first would raise more.
func targets(rs *ruleset.Ruleset, position int) (list []int) {
	c := rs.Rules[position].Correlation
	if c == nil {
		return []int{position}
	}
	refs := c.Rules
	if c.Type == sigma.AbsentType {
		refs = refs[len(refs)-1:]
	}
	for _, ref := range refs {
		list = append(list, targets(rs, int(rs.Position(ref)))...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

type tuning struct {
	o        *Options
	res      *Result
	ids      []string          // of the rules that the filter concerns
	status   map[string]string // by ID of the finding
	evidence *evidence
	own      int // findings of the rule under tuning that are not marked false
}

func (t *tuning) hunt(rs *ruleset.Ruleset, change func(*hunt.Options)) ([]*finding.Finding, error) {
	var at []int
	for _, id := range t.ids {
		i := rs.Find(id)
		if i < 0 {
			return nil, fmt.Errorf("the rule %q is gone since the rules were read", id)
		}
		at = append(at, i)
	}
	res, err := t.o.Hunt(rs.Only(at...), func(h *hunt.Options) {
		h.Severity = ""
		if change != nil {
			change(h)
		}
	})
	if err != nil {
		return nil, err
	}
	if res.Dropped > 0 {
		return nil, fmt.Errorf("the rule has more than %d findings; narrow the time range", hunt.MaxFindings)
	}
	return slices.DeleteFunc(res.Findings, func(f *finding.Finding) bool { return !slices.Contains(t.ids, f.RuleID) }), nil
}

// propose looks for what tells the events of false findings from those of others.
func (t *tuning) propose(all []*finding.Finding, bad map[string]bool) ([]exception, error) {
	for _, f := range all {
		if t.status[f.ID] == "false" {
			t.res.False++
			for _, id := range f.EventIDs {
				bad[id] = true
			}
		}
	}
	var events []*event
	for _, id := range slices.Sorted(maps.Keys(bad)) {
		if ev := t.evidence.events[id]; ev != nil {
			events = append(events, ev)
		}
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("the rule does not match any event of the %d findings marked false in what was read; name the files or the time range that hold them", len(t.o.False))
	}
	rest := &rival{}
	at := map[string]int{}
	for _, f := range all {
		if t.status[f.ID] == "false" {
			continue
		}
		g := group{confirmed: t.status[f.ID] == "true"}
		for _, id := range f.EventIDs {
			ev := t.evidence.events[id]
			if ev == nil || bad[id] {
				continue
			}
			i, ok := at[id]
			if !ok {
				i = len(rest.events)
				at[id] = i
				rest.events = append(rest.events, ev)
			}
			g.events = append(g.events, i)
		}
		rest.findings = append(rest.findings, g)
	}
	return rest.propose(t.evidence, events), nil
}

// compare says what became of the findings.
func (t *tuning) compare(before, after []*finding.Finding) {
	left := map[string]*finding.Finding{}
	for _, f := range after {
		left[f.ID] = f
	}
	was := map[string]bool{}
	for _, f := range before {
		was[f.ID] = true
	}
	type whom struct{ rule, entity, outcome string }
	moved := map[whom][]*finding.Finding{} // new ones: windows of correlations begin elsewhere now
	for _, f := range after {
		if !was[f.ID] {
			k := whom{f.RuleID, f.Entity, f.Outcome}
			moved[k] = append(moved[k], f)
		}
	}
	taken := map[string]bool{}
	for _, f := range before {
		now := left[f.ID]
		if now == nil {
			for _, n := range moved[whom{f.RuleID, f.Entity, f.Outcome}] {
				if !n.First.After(f.Last) && !n.Last.Before(f.First) {
					now = n
					taken[n.ID] = true
					break
				}
			}
		}
		if t.status[f.ID] == "false" {
			if now == nil {
				t.res.Covered++
			}
			continue
		}
		t.res.Others++
		if f.RuleID == t.o.Rules.Rules[t.o.Position].ID {
			t.own++
		}
		h := Hidden{Finding: f, Status: cmp.Or(t.status[f.ID], "open")}
		if now != nil {
			if h.Left = now.Count; h.Left >= f.Count {
				continue
			}
		}
		t.res.Hides = append(t.res.Hides, h)
	}
	for _, f := range after {
		if !was[f.ID] && !taken[f.ID] {
			t.res.Appears = append(t.res.Appears, f)
		}
	}
}

// judge says whether the filter is safe.
func (t *tuning) judge(f *Filter) {
	r := t.res
	confirmed, whole, own := 0, 0, 0
	id := t.o.Rules.Rules[t.o.Position].ID
	for _, h := range r.Hides {
		if h.Status == "true" {
			confirmed++
		}
		if h.Left == 0 {
			whole++
			if h.RuleID == id {
				own++
			}
		}
	}
	switch {
	case confirmed > 0:
		r.Why = fmt.Sprintf("every filter that covers the false findings would also hide events of %d findings marked true", confirmed)
		return
	case r.False > 0 && r.Covered == 0:
		r.Why = "no filter of at most three fields hides one of the false findings"
		return
	case own > 0 && own == t.own:
		r.Why = "nothing tells the false findings from the others: every filter would hide all of them; mark those that are true, or turn the rule off"
		return
	}
	r.Filter = f
	warn := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	for _, x := range f.exceptions {
		switch {
		case x.free():
			warn("the filter tests only what callers write as they like (%s): an intruder who knows it is not seen", fieldsOf(x))
		case x.loose() > int(place):
			warn("the filter is not tied to one identity or address (%s): it hides everybody who shares these values", fieldsOf(x))
		default:
			continue
		}
		break
	}
	if r.False < len(t.o.False) {
		warn("the rule does not raise %d of the %d findings marked false on these events", len(t.o.False)-r.False, len(t.o.False))
	}
	if n := r.False - r.Covered; n > 0 {
		warn("%d of %d false findings stay", n, r.False)
	}
	if whole > 0 {
		of := ""
		if whole > own {
			of = fmt.Sprintf(", %d of them of other rules", whole-own)
		}
		warn("%d of %d other findings would be hidden, too%s", whole, r.Others, of)
	}
	if n := len(r.Appears); n > 0 {
		warn("%d findings appear only with the filter, because correlations then see fewer events", n)
	}
	if r.Unwatched > 0 {
		warn("%d matched events were not compared for lack of memory; narrow the time range", r.Unwatched)
	}
}

func fieldsOf(x exception) string {
	var names []string
	for _, a := range x {
		names = append(names, a.field)
	}
	return strings.Join(names, ", ")
}

// line makes one printable line of a text.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}
