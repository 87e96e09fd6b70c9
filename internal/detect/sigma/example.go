package sigma

import (
	"encoding/json"
	"strings"

	"bluetrail/internal/detect/example"
	"bluetrail/internal/jsonscan"
)

// Test is one item of the tests: of a rule.
type Test struct {
	Name   string
	Line   int // counted from 1
	Events []TestEvent
	Fire   bool // whether the events must raise a finding
}

// TestEvent is what a test names one event, or several, by. One of its fields is set.
type TestEvent struct {
	Example *example.Event  // fields that the standard record completes
	Record  json.RawMessage // a whole record
	File    string          // of records, as written, relative to the rule's file
}

// maxTests bounds the tests of a rule.
const maxTests = 1000

// readTests reads a list of {name, event | events, fire}.
func (h *Header) readTests(v *node) error {
	if v.kind == null {
		return nil
	}
	if v.kind != list {
		return h.fault(v.span, "tests must be a list").WithHint("- {name: …, event: {eventName: …}, fire: true}")
	}
	if len(v.list) > maxTests {
		return h.fault(v.span, "the rule has more than %d tests", maxTests)
	}
	for i := range v.list {
		n := &v.list[i]
		if n.kind != mapping {
			return h.fault(n.span, "a test must be a map with name, events and fire")
		}
		t := Test{Line: lineOf(h.src, n.span.Start)}
		given := false
		for k := range n.keys {
			m := &n.keys[k]
			switch m.key {
			case "name":
				t.Name = m.node.text
			case "event", "events":
				items := []node{m.node}
				if m.node.kind == list {
					items = m.node.list
				}
				for j := range items {
					e, err := h.testEvent(&items[j])
					if err != nil {
						return err
					}
					t.Events = append(t.Events, e)
				}
			case "fire", "expect":
				if m.node.kind != boolean {
					return h.fault(m.node.span, "%s must be true or false", m.key)
				}
				t.Fire, given = m.node.text == "true", true
			default:
				return h.fault(m.span, "a test has no key %q", m.key).WithHint("keys are name, event, events and fire")
			}
		}
		if len(t.Events) == 0 {
			return h.fault(n.span, "the test has no events")
		}
		if !given {
			return h.fault(n.span, "the test does not say whether the rule must fire").WithHint("write fire: true or fire: false")
		}
		h.Tests = append(h.Tests, t)
	}
	return nil
}

func (h *Header) testEvent(n *node) (TestEvent, error) {
	switch {
	case n.kind == mapping:
		e, err := example.Read(n.json(nil))
		if err != nil {
			return TestEvent{}, h.fault(n.span, "%s", err)
		}
		return TestEvent{Example: e}, nil
	case n.kind == str && strings.HasPrefix(strings.TrimSpace(n.text), "{"):
		if raw := strings.TrimSpace(n.text); json.Valid([]byte(raw)) {
			return TestEvent{Record: json.RawMessage(raw)}, nil
		}
		return TestEvent{}, h.fault(n.span, "the event is not valid JSON")
	case n.kind == str && n.text != "":
		return TestEvent{File: n.text}, nil
	}
	return TestEvent{}, h.fault(n.span, "an event must be a map, a JSON object or the name of a file")
}

// json appends a node as JSON. Numbers that JSON does not have become strings.
func (n *node) json(dst []byte) []byte {
	switch n.kind {
	case null:
		return append(dst, "null"...)
	case boolean:
		return append(dst, n.text...)
	case number:
		if json.Valid([]byte(n.text)) {
			return append(dst, n.text...)
		}
	case list:
		dst = append(dst, '[')
		for i := range n.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = n.list[i].json(dst)
		}
		return append(dst, ']')
	case mapping:
		dst = append(dst, '{')
		for i := range n.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsonscan.AppendQuoted(dst, n.keys[i].key), ':')
			dst = n.keys[i].node.json(dst)
		}
		return append(dst, '}')
	}
	return jsonscan.AppendQuoted(dst, n.text)
}

// lineOf returns the line of a byte, counted from 1.
func lineOf(src string, at int) int {
	return 1 + strings.Count(src[:min(max(at, 0), len(src))], "\n")
}
