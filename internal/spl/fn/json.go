package fn

import (
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json", "json(<text>)", "The text if it is valid JSON, otherwise null.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == 0 {
			return null
		}
		return a[0]
	}, `json("{\"a\":1}")`, `"{\"a\":1}"`)
}

// edit registers a function that changes JSON at paths. With exact, the paths
// are keys.
func edit(name, doc string, exact bool, op func(old node, val node) (node, bool), expr, want string) {
	bounded(jsons, name, name+"(<json>, <path>, <value>, …)", doc, 3, -1, func(a []vector.Value) (vector.Value, error) { return jsonEdit(a, exact, op) }, expr, want)
	checked(pairs(1, "a path and a value"), name)
}

// encode writes a value as JSON: numbers as numbers, tests as booleans, and
// texts that hold a JSON object or array unchanged.
func encode(v vector.Value) string {
	switch v.Kind() {
	case vector.Null:
		return "null"
	case vector.Bool:
		return strings.ToLower(v.Text())
	case vector.Number:
		s := v.Text()
		if _, err := jsonscan.Skip([]byte(s), 0, 1); err == nil {
			return s
		}
	case vector.List:
		return mvToArray(v, false).Text()
	}
	s := v.Text()
	if first := strings.TrimLeft(s, " \t\r\n"); first != "" && (first[0] == '{' || first[0] == '[') && kindOf(v) != 0 {
		return string(jsonscan.Compact([]byte(s)))
	}
	return string(jsonscan.AppendQuoted(nil, s))
}

func mvToArray(v vector.Value, infer bool) vector.Value {
	if v.IsNull() {
		return null
	}
	parts := make([]string, v.Len())
	for i := range parts {
		s := v.At(i)
		switch {
		case !infer:
			parts[i] = string(jsonscan.AppendQuoted(nil, s))
		case kindOf(vector.String(s)) != 0:
			parts[i] = s
		default:
			parts[i] = "null"
		}
	}
	return vector.String("[" + strings.Join(parts, ",") + "]")
}

func arrayToMV(v vector.Value, quotes bool) vector.Value {
	if kindOf(v) != '[' {
		return null
	}
	doc := []byte(v.Text())
	var list []string
	jsonscan.Array(doc, jsonscan.Space(doc, 0), jsonscan.MaxDepth, func(el []byte) bool {
		switch {
		case quotes || jsonscan.KindOf(el) == jsonscan.Composite:
			list = append(list, string(jsonscan.Compact(el)))
		case jsonscan.KindOf(el) == jsonscan.Null:
			list = append(list, "null")
		default:
			list = append(list, jsonscan.Scalar(el))
		}
		return true
	})
	return vector.Strings(list)
}

func eachMember(v vector.Value, yield func(key string, val []byte)) bool {
	if kindOf(v) != '{' {
		return false
	}
	doc := []byte(v.Text())
	jsonscan.Object(doc, jsonscan.Space(doc, 0), jsonscan.MaxDepth, func(key string, val []byte) bool {
		yield(key, val)
		return true
	})
	return true
}

func members(v vector.Value, print func(key string, val []byte) string) vector.Value {
	var parts []string
	if !eachMember(v, func(key string, val []byte) { parts = append(parts, print(key, val)) }) {
		return null
	}
	return vector.String("[" + strings.Join(parts, ",") + "]")
}

func jsonExtract(a []vector.Value, exact bool) vector.Value {
	if kindOf(a[0]) == 0 {
		return null
	}
	if len(a) == 1 {
		return a[0]
	}
	doc := []byte(a[0].Text())
	var hits [][]byte
	for _, arg := range a[1:] {
		before := len(hits)
		if exact {
			eachMember(a[0], func(key string, val []byte) {
				if key == arg.Text() {
					hits = append(hits, val)
				}
			})
		} else if p, err := jsonscan.ParsePath(arg.Text()); err == nil {
			// The document was validated above, so this cannot fail.
			_ = p.Get(doc, func(v []byte) bool { hits = append(hits, v); return true })
		}
		if len(hits) == before && len(a) > 2 {
			hits = append(hits, []byte("null"))
		}
	}
	if len(hits) == 0 {
		return null
	}
	if len(hits) == 1 && len(a) == 2 {
		switch jsonscan.KindOf(hits[0]) {
		case jsonscan.Null:
			return null
		case jsonscan.Composite:
			return vector.String(string(jsonscan.Compact(hits[0])))
		}
		return vector.String(jsonscan.Scalar(hits[0]))
	}
	parts := make([]string, len(hits))
	for i, h := range hits {
		parts[i] = string(jsonscan.Compact(h))
	}
	return vector.String("[" + strings.Join(parts, ",") + "]")
}
