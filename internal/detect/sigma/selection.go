package sigma

import (
	"crypto/sha256"
	"slices"
	"strings"

	"bluetrail/internal/diag"
)

const (
	maxSelections   = 2000
	maxAlternatives = 10_000 // maps of a selection that is a list
	maxBlocks       = 5      // how deep array blocks nest
)

// detection reads the selections and the condition of a rule or a filter. skipped
// are keys that are no selections.
func (h *Header) detection(n *node, c *Collection, version3 bool, skipped ...string) (cond expr, sels []*selection, err error) {
	compiler := &compiler{c: c, table: &c.table, version3: version3}
	var names []string
	var conditions []*node
	for i := range n.keys {
		m := &n.keys[i]
		switch {
		case m.key == "condition":
			if m.node.scalar() {
				conditions = append(conditions, &m.node)
			}
			for j := range m.node.list {
				conditions = append(conditions, &m.node.list[j])
			}
			continue
		case m.key == "timeframe":
			return nil, nil, h.fault(m.span, "timeframe belongs to Sigma 1 and is no longer supported").WithHint("write a correlation with a timespan")
		case slices.Contains(skipped, m.key):
			continue
		}
		s, fault := compiler.selection(m.key, &m.node)
		if fault != nil {
			return nil, nil, h.placed(fault)
		}
		names = append(names, m.key)
		sels = append(sels, s)
	}
	switch {
	case len(sels) == 0:
		return nil, nil, h.fault(n.span, "the detection has no selection")
	case len(sels) > maxSelections:
		return nil, nil, h.fault(n.span, "the detection has more than %d selections", maxSelections)
	case len(conditions) == 0:
		return nil, nil, h.fault(n.span, "the detection has no condition")
	}
	var all or
	used := make([]bool, len(sels))
	for _, c := range conditions {
		if !c.scalar() {
			return nil, nil, h.fault(c.span, "a condition must be text")
		}
		e, fault := parseCondition(c.text, names, "selection")
		if fault != nil {
			return nil, nil, h.fault(h.within(c, fault.at), "%s", fault.msg).WithHint("%s", fault.hint)
		}
		e.uses(used)
		all = append(all, e)
	}
	for i, u := range used {
		if !u && !strings.HasPrefix(names[i], "_") {
			h.warn("the condition does not use the selection %q", names[i])
		}
	}
	if len(all) == 1 {
		return all[0], sels, nil
	}
	return all, sels, nil
}

// within returns the place of a byte of a text, where the file has the text on one
// line.
func (h *Header) within(n *node, at int) diag.Span {
	from := min(n.span.Start, len(h.src))
	if i := strings.Index(h.src[from:min(len(h.src), from+len(n.text)+3)], n.text); i >= 0 {
		start := from + i + at
		end := start
		for end < len(h.src) && strings.IndexByte(" \n)'\"", h.src[end]) < 0 {
			end++
		}
		return diag.Span{Start: start, End: max(end, start+1)}
	}
	return n.span
}

// place returns where the document first has a text, or where it begins.
func (h *Header) place(text string) diag.Span {
	from := min(h.span.Start, len(h.src))
	doc := h.src[from:][:documentEnd(h.src[from:])]
	at := max(0, strings.Index(doc, "rules:"))
	if i := strings.Index(doc[at:], text); i >= 0 {
		return diag.Span{Start: from + at + i, End: from + at + i + len(text)}
	}
	return h.span
}

// compiler turns selections into tests.
type compiler struct {
	c        *Collection
	table    *fieldTable // of the events, or of the elements of an array block
	version3 bool
	depth    int // of array blocks
}

func (c *compiler) selection(name string, n *node) (*selection, *diag.Error) {
	alternatives, err := c.alternatives(n)
	if err != nil {
		return nil, err
	}
	s := newSelection(name, alternatives)
	if c.depth == 0 {
		said := n.append(nil)
		if c.version3 {
			said = append(said, 3)
		}
		s.sum = sha256.Sum256(said)
	}
	return s, nil
}

// alternatives reads a map, a list of maps, or keywords.
func (c *compiler) alternatives(n *node) ([][]*test, *diag.Error) {
	switch {
	case n.kind == mapping:
		tests, err := c.tests(n)
		return [][]*test{tests}, err
	case n.kind == null:
		return nil, diag.At(n.span, "the selection is empty")
	case n.scalar():
		t, err := c.keywords(n.span, "", []node{*n}, nil)
		return [][]*test{{t}}, err
	case len(n.list) == 0:
		return nil, diag.At(n.span, "the selection is empty")
	}
	var any [][]*test
	var words []node
	for i := range n.list {
		item := &n.list[i]
		switch {
		case item.kind == mapping:
			tests, err := c.tests(item)
			if err != nil {
				return nil, err
			}
			any = append(any, tests)
		case item.scalar():
			words = append(words, *item)
		default:
			return nil, diag.At(item.span, "a selection must be a map, a list of maps or a list of keywords")
		}
	}
	if len(any) > maxAlternatives {
		return nil, diag.At(n.span, "the selection has more than %d alternatives", maxAlternatives)
	}
	if len(words) > 0 {
		t, err := c.keywords(n.span, "", words, nil)
		if err != nil {
			return nil, err
		}
		any = append(any, []*test{t})
	}
	return any, nil
}

func (c *compiler) tests(n *node) ([]*test, *diag.Error) {
	if len(n.keys) == 0 {
		return nil, diag.At(n.span, "the selection is empty")
	}
	tests := make([]*test, len(n.keys))
	for i := range n.keys {
		var err *diag.Error
		if tests[i], err = c.test(&n.keys[i]); err != nil {
			return nil, err
		}
	}
	return tests, nil
}

// test reads one line of a selection.
func (c *compiler) test(m *member) (*test, *diag.Error) {
	field, mods := m.key, []string(nil)
	if i := strings.IndexByte(m.key, '|'); i >= 0 {
		field, mods = m.key[:i], strings.Split(m.key[i+1:], "|")
	}
	field = strings.TrimSpace(field)
	items := m.node.list
	if m.node.scalar() {
		items = []node{m.node}
	}
	if field == "" {
		return c.keywords(m.span, m.key, items, mods)
	}
	if name, how, ok := blockKey(field); ok {
		if !c.version3 {
			return nil, diag.At(m.span, "%s is an array block, which belongs to Sigma 3", field).WithHint("write sigma-version: 3 into the rule")
		}
		if _, ok := derivedField(name); ok {
			return nil, diag.At(m.span, "%s has no elements that a block could look at", name).WithHint("test it as %s: a field with several values matches if any does", name)
		}
		return c.block(m, name, how)
	}
	if m.node.kind == mapping {
		return nil, diag.At(m.node.span, "the field %q has a map as its value", field).WithHint("write the full path: %s.%s", field, firstKey(&m.node))
	}
	if len(items) == 0 {
		return nil, diag.At(m.span, "the field %q has an empty list of values", field)
	}
	ch, fault := parseChain(mods)
	if fault != nil {
		return nil, fault.at(m)
	}
	derived, err := c.checkDerived(m.span, field)
	if err != nil {
		return nil, err
	}
	t := &test{key: m.key, field: field, id: c.table.id(field), derived: derived, all: ch.all, negated: ch.negated}
	if ch.how == "exists" {
		want, ok := truth(items[0].text)
		if len(items) != 1 || !ok {
			return nil, diag.At(m.node.span, "exists needs true or false")
		}
		t.exists = &want
		t.want(items)
		return t, nil
	}
	err = ch.compileValues(t, items, c)
	return t, err
}

// truth reads a boolean, in the words of YAML 1.1, too, which the reference
// implementation reads.
func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off":
		return false, true
	}
	return false, false
}

func firstKey(n *node) string {
	if len(n.keys) == 0 {
		return "…"
	}
	return n.keys[0].key
}

// keywords are texts that are looked for anywhere in an event.
func (c *compiler) keywords(at diag.Span, key string, items []node, mods []string) (*test, *diag.Error) {
	ch, fault := parseChain(mods)
	switch {
	case fault != nil:
		return nil, fault.at(&member{key: key, span: at})
	case ch.how != "" && ch.how != "contains" && ch.how != "re" || ch.ref || ch.part != "":
		return nil, diag.At(at, "keywords support only all, contains, re, cased, neq, expand, windash and the encodings")
	case len(items) == 0:
		return nil, diag.At(at, "the list of keywords is empty")
	}
	t := &test{key: key, keyword: true, all: ch.all, negated: ch.negated}
	if ch.how == "" {
		ch.how = "contains"
	}
	words := slices.Clone(items)
	for i := range words {
		if !words[i].scalar() {
			return nil, diag.At(words[i].span, "a keyword must be text or a number")
		}
		if words[i].kind == null || words[i].text == "" {
			return nil, diag.At(words[i].span, "an empty keyword matches every event")
		}
		words[i].kind = str
	}
	err := ch.compileValues(t, words, c)
	return t, err
}

// blockKey reads field[any].
func blockKey(field string) (name, how string, ok bool) {
	name, how, found := strings.Cut(field, "[")
	how, closed := strings.CutSuffix(how, "]")
	return name, how, found && closed && (how == "any" || how == "all" || how == "none")
}

// block reads the tests of an array block, which look at one element at a time.
func (c *compiler) block(m *member, name, how string) (*test, *diag.Error) {
	if c.depth >= maxBlocks {
		return nil, diag.At(m.span, "array blocks nest deeper than %d levels", maxBlocks)
	}
	inner := &compiler{c: c.c, table: &fieldTable{}, version3: true, depth: c.depth + 1}
	alternatives, err := inner.alternatives(&m.node)
	if err != nil {
		return nil, err
	}
	return &test{key: m.key, field: name, id: c.table.id(name), block: &block{how: how, of: newSelection(m.key, alternatives), fields: inner.table, tree: inner.table.tree()}}, nil
}
