package exposure

import (
	"encoding/json"
	"strings"
)

// tree is a JSON value of a record. Names are compared without case, because AWS writes
// some parameters both ways.
type tree struct{ v any }

// at returns the value at a path of names, nothing when there is none.
func (t tree) at(path ...string) tree {
	for _, name := range path {
		m, ok := t.v.(map[string]any)
		if !ok {
			return tree{}
		}
		v, ok := m[name]
		if !ok {
			for key, val := range m {
				if strings.EqualFold(key, name) {
					v = val
					break
				}
			}
		}
		t = tree{v}
	}
	return t
}

// list returns the elements of an array, or of the array that AWS calls items or item. An
// object is the only element of itself.
func (t tree) list() []tree {
	switch v := t.v.(type) {
	case []any:
		list := make([]tree, len(v))
		for i := range v {
			list[i] = tree{v[i]}
		}
		return list
	case map[string]any:
		for _, name := range []string{"items", "item"} {
			if _, ok := v[name]; ok {
				return tree{v[name]}.list()
			}
		}
		if len(v) > 0 {
			return []tree{t}
		}
	}
	return nil
}

// first returns the text at the first of some names that has any.
func (t tree) first(names ...string) string {
	for _, name := range names {
		if s := t.at(name).text(); s != "" {
			return s
		}
	}
	return ""
}

// text returns a scalar as text, "" for anything else. Values of objects of the form
// {"value": x} are their x.
func (t tree) text() string {
	switch v := t.v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	case map[string]any:
		if x, ok := v["value"]; ok && len(v) == 1 {
			return tree{x}.text()
		}
	}
	return ""
}
