package sigma

import (
	"errors"
	"fmt"
	"strings"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
)

// Collection is the Sigma documents of some files. Add the files, then call Link
// once. It is for one goroutine until then, and constant afterwards.
type Collection struct {
	Rules        []*Rule
	Correlations []*Correlation
	Filters      []*Filter
	Others       []*Other // rules for other logs than CloudTrail, which is no fault
	Faults       []Fault  // documents that could not be loaded

	table fieldTable
	lists Lists
	// size is the instructions of all regular expressions.
	size       int
	anyFilters int // how many filters are for all rules
}

// Fault says why a document was not loaded.
type Fault struct {
	File string
	Line int // counted from 1; 0 = the whole file
	Err  error
}

// Reason says what is wrong and how to mend it, without the place.
func (f Fault) Reason() string {
	var at *diag.Error
	if !errors.As(f.Err, &at) {
		return f.Err.Error()
	}
	if at.Hint == "" {
		return at.Msg
	}
	return at.Msg + " (" + at.Hint + ")"
}

// NewCollection returns an empty collection. lists gives the values of placeholders
// such as %admins%; it may be nil.
func NewCollection(lists Lists) *Collection { return &Collection{lists: lists} }

// Fields returns the record fields that the event rules test.
func (c *Collection) Fields() []string { return append([]string(nil), c.table.names...) }

// Add reads the documents of a file that are Sigma. What cannot be loaded goes to
// Faults and stops nothing else.
func (c *Collection) Add(file string, data []byte) {
	if len(data) > maxFile {
		c.Faults = append(c.Faults, Fault{File: file, Err: fmt.Errorf("the file is larger than %d MiB; split it", maxFile>>20)})
		return
	}
	src := strings.TrimPrefix(string(data), "\ufeff")
	faults := 0
	for _, doc := range documents(file, src) {
		var err error
		if doc.fault != nil {
			err = doc.fault
		} else {
			err = c.document(file, src, &doc)
		}
		if err == nil {
			continue
		}
		if faults++; faults > maxFaults {
			c.Faults = append(c.Faults, Fault{File: file, Line: doc.line, Err: fmt.Errorf("the file has more faults; mend these %d first", maxFaults)})
			return
		}
		c.fail(err)
	}
}

// maxFaults is how many faults of one file are listed; what comes after is not read.
const maxFaults = 1000

// fail records why a document is not loaded.
func (c *Collection) fail(err error) {
	var at *diag.Error
	f := Fault{Err: err}
	if errors.As(err, &at) {
		f.File, f.Line = at.Name, lineOf(at.Src, at.Span.Start)
	}
	c.Faults = append(c.Faults, f)
}

func (c *Collection) document(file, src string, doc *document) error {
	n := &doc.root
	h := Header{span: n.span, src: src, text: src[doc.at:doc.end]}
	h.File, h.Line = file, doc.line+strings.Count(src[doc.at:max(doc.at, min(n.span.Start, len(src)))], "\n")
	if n.kind != mapping {
		return h.fault(n.span, "a rule must be a map")
	}
	if action, ok := n.get("action"); ok && action.scalar() {
		return h.fault(action.span, "action: %s belongs to Sigma 1 and is no longer supported", action.text).WithHint("write the shared keys into each rule")
	}
	if err := h.read(n); err != nil {
		return err
	}
	if v, ok := n.get("correlation"); ok {
		return c.correlation(h, n, v)
	}
	if err := h.logsource(n); err != nil {
		return err
	}
	if !h.Logsource.CloudTrail() {
		if err := h.level(n); err != nil {
			h.Severity = rule.Medium // of a rule that never runs
		}
		c.Others = append(c.Others, &Other{h})
		return nil
	}
	version3 := false
	if v, ok := n.get("sigma-version"); ok {
		version3 = v.text == "3" || strings.HasPrefix(v.text, "3.")
	}
	if v, ok := n.get("filter"); ok {
		return c.filter(h, v, version3)
	}
	if err := h.level(n); err != nil {
		return err
	}
	v, ok := n.get("detection")
	if !ok || v.kind != mapping {
		return h.fault(h.span, "the rule has no detection")
	}
	h.Kind = rule.Event
	r := &Rule{Header: h, table: &c.table}
	var err error
	if r.cond, r.sels, err = r.detection(v, c, version3); err != nil {
		return err
	}
	c.Rules = append(c.Rules, r)
	return nil
}

// maxAnyFilters bounds the filters that apply to all rules.
const maxAnyFilters = 500

// filter reads a filter; Link gives it to its rules.
func (c *Collection) filter(h Header, n *node, version3 bool) error {
	if n.kind != mapping {
		return h.fault(n.span, "filter must be a map")
	}
	f := &Filter{Header: h}
	v, ok := n.get("rules")
	if !ok {
		return h.fault(n.span, "the filter names no rules").WithHint("write rules: any, or a list of ids")
	}
	names, err := h.texts(v, "rules")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return h.fault(v.span, "the filter names no rules").WithHint("write rules: any, or a list of ids")
	}
	if len(names) != 1 || !strings.EqualFold(names[0], "any") {
		f.Rules = names
	}
	if f.cond, f.sels, err = f.detection(n, c, version3, "rules"); err != nil {
		return err
	}
	if f.Rules == nil {
		if c.anyFilters++; c.anyFilters > maxAnyFilters {
			return h.fault(h.span, "there are more than %d filters for all rules", maxAnyFilters)
		}
	}
	c.Filters = append(c.Filters, f)
	return nil
}

// Link gives filters to the rules that they name and resolves the references of
// correlations. Call it once, when all files are added.
func (c *Collection) Link() {
	find := c.finder()
	for _, f := range c.Filters {
		if f.Rules == nil {
			for _, r := range c.Rules {
				r.filters = append(r.filters, f)
			}
			continue
		}
		for _, name := range f.Rules {
			to, byTitle := find(name)
			switch {
			case to.Rule < 0 && to.Correlation >= 0:
				c.fail(f.fault(f.place(name), "filters apply to event rules; %q is a correlation", name))
				continue
			case to.Rule < 0:
				c.fail(f.fault(f.place(name), "there is no rule %q for this filter", name).WithHint("%s", c.whyMissing(name)))
				continue
			case byTitle:
				f.warn("names the rule %q by its title; use its id or name", name)
			}
			c.Rules[to.Rule].filters = append(c.Rules[to.Rule].filters, f)
		}
	}
	c.linkCorrelations(find)
}

// finder returns a function that finds the document that a reference means.
func (c *Collection) finder() func(name string) (to Ref, byTitle bool) {
	exact, titles := map[string]Ref{}, map[string]Ref{}
	add := func(h *Header, to Ref) {
		for _, name := range []string{strings.ToLower(h.ID), h.Name} {
			if first, taken := exact[name]; taken && first != to {
				h.warn("another rule has the id or name %q, too; references resolve to that one", name)
			} else if name != "" {
				exact[name] = to
			}
		}
		if _, taken := titles[h.Title]; !taken {
			titles[h.Title] = to
		}
	}
	for i, r := range c.Rules {
		add(&r.Header, Ref{Rule: i, Correlation: -1})
	}
	for i, r := range c.Correlations {
		add(&r.Header, Ref{Rule: -1, Correlation: i})
	}
	return func(name string) (to Ref, byTitle bool) {
		if to, ok := exact[name]; ok {
			return to, false
		}
		if to, ok := exact[strings.ToLower(name)]; ok {
			return to, false
		}
		if to, ok := titles[name]; ok {
			return to, true
		}
		return Ref{Rule: -1, Correlation: -1}, false
	}
}
