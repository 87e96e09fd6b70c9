package splrule

import (
	"encoding/json"
	"fmt"
	"strings"

	"bluetrail/internal/detect/example"
	"bluetrail/internal/detect/sigma"

	"github.com/goccy/go-yaml/ast"
)

// maxTests bounds the tests of a rule.
const maxTests = 1000

// testsOf reads the tests of a rule, which have the form of those of Sigma rules. The
// published content has tests of its own under the same key, which name files of events
// in the network (attack_data); they are left out.
func testsOf(v any, lineOf func(i int) int) (list []sigma.Test, err error) {
	items, ok := v.([]any)
	if v == nil || !ok {
		return nil, nil
	}
	if len(items) > maxTests {
		return nil, fmt.Errorf("the rule has more than %d tests", maxTests)
	}
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("test %d must be a map with name, events and fire", i+1)
		}
		if m["attack_data"] != nil || m["file"] != nil {
			continue
		}
		t := sigma.Test{Name: text(m["name"]), Line: lineOf(i)}
		events := first(m, "events", "event")
		if one, list := events.([]any); list {
			for _, e := range one {
				if err := addEvent(&t, e); err != nil {
					return nil, fmt.Errorf("test %d: %w", i+1, err)
				}
			}
		} else if events != nil {
			if err := addEvent(&t, events); err != nil {
				return nil, fmt.Errorf("test %d: %w", i+1, err)
			}
		}
		if len(t.Events) == 0 {
			return nil, fmt.Errorf("test %d has no events", i+1)
		}
		if t.Fire, ok = first(m, "fire", "expect").(bool); !ok {
			return nil, fmt.Errorf("test %d does not say whether the rule must fire; write fire: true or fire: false", i+1)
		}
		list = append(list, t)
	}
	return list, nil
}

// addEvent adds a record, written as YAML or JSON, or the name of a file.
func addEvent(t *sigma.Test, v any) error {
	switch v := v.(type) {
	case map[string]any:
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("an event cannot be written as JSON: %w", err)
		}
		e, err := example.Read(raw)
		if err != nil {
			return err
		}
		t.Events = append(t.Events, sigma.TestEvent{Example: e})
		return nil
	case string:
		s := strings.TrimSpace(v)
		switch {
		case strings.HasPrefix(s, "{") && !json.Valid([]byte(s)):
			return fmt.Errorf("an event is not valid JSON")
		case strings.HasPrefix(s, "{"):
			t.Events = append(t.Events, sigma.TestEvent{Record: json.RawMessage(s)})
			return nil
		case s != "":
			t.Events = append(t.Events, sigma.TestEvent{File: s})
			return nil
		}
	}
	return fmt.Errorf("an event must be a map, a JSON object or the name of a file")
}

// testLine returns the line of a test in a document, that of the rule if it is not found.
func testLine(rule ast.Node, i int) int {
	if m, ok := rule.(*ast.MappingNode); ok {
		for _, kv := range m.Values {
			if list, ok := kv.Value.(*ast.SequenceNode); ok && kv.Key.String() == "tests" && i < len(list.Values) {
				return firstLineOf(list.Values[i])
			}
		}
	}
	return firstLineOf(rule)
}
