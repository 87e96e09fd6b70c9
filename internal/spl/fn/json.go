package fn

import (
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

const jsons = "JSON"

func init() {
	function(jsons, "json", "json(<text>)", "The text when it is valid JSON, else null.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == 0 {
			return null
		}
		return a[0]
	}, `json("{\"a\":1}")`, `"{\"a\":1}"`)
	function(jsons, "json_valid", "json_valid(<text>)", "Whether the text is valid JSON.", 1, 1, func(a []vector.Value) vector.Value {
		return vector.Truth(kindOf(a[0]) != 0)
	}, `if(json_valid("{a:1}"), 1, 2)`, `"2"`)
	function(jsons, "json_object", "json_object(<key>, <value>, …)", "A JSON object of the keys and values. JSON objects and arrays among the values stay what they are.", 0, -1, jsonObject, `json_object("a", 1, "b", "x")`, `"{\"a\":1,\"b\":\"x\"}"`)
	function(jsons, "json_array", "json_array(<value>, …)", "A JSON array of the values.", 0, -1, func(a []vector.Value) vector.Value {
		parts := make([]string, len(a))
		for i, v := range a {
			parts[i] = encode(v)
		}
		return vector.String("[" + strings.Join(parts, ",") + "]")
	}, `json_array("a", 1)`, `"[\"a\",1]"`)
	function(jsons, "json_extract", "json_extract(<json>, <path>, …)", "The value at a path; of several paths, or with several hits, a JSON array of them.", 1, -1, func(a []vector.Value) vector.Value { return jsonExtract(a, false) }, `json_extract("{\"a\":{\"b\":[1,2]}}", "a.b{1}")`, `"2"`)
	function(jsons, "json_extract_exact", "json_extract_exact(<json>, <key>, …)", "The value of a key of the object, taken as it is written: dots are part of it.", 1, -1, func(a []vector.Value) vector.Value { return jsonExtract(a, true) }, `json_extract_exact("{\"a.b\":1}", "a.b")`, `"1"`)
	function(jsons, "json_keys", "json_keys(<json>)", "The keys of an object as a JSON array; null for what is no object.", 1, 1, func(a []vector.Value) vector.Value {
		return members(a[0], func(key string, _ []byte) string { return string(jsonscan.AppendQuoted(nil, key)) })
	}, `json_keys("{\"a\":1,\"b\":2}")`, `"[\"a\",\"b\"]"`)
	function(jsons, "json_entries", "json_entries(<json>)", `The members of an object as a JSON array of {"key":…,"value":…}.`, 1, 1, func(a []vector.Value) vector.Value {
		return members(a[0], func(key string, val []byte) string {
			return `{"key":` + string(jsonscan.AppendQuoted(nil, key)) + `,"value":` + string(jsonscan.Compact(val)) + "}"
		})
	}, `json_entries("{\"a\":1}")`, `"[{\"key\":\"a\",\"value\":1}]"`)
	function(jsons, "json_has_key_exact", "json_has_key_exact(<json>, <key>)", "Whether the object has the key, taken as it is written.", 2, 2, func(a []vector.Value) vector.Value {
		found := false
		eachMember(a[0], func(key string, _ []byte) { found = found || key == a[1].Text() })
		return vector.Truth(found)
	}, `if(json_has_key_exact("{\"a\":1}", "a"), 1, 2)`, `"1"`)
	edit := func(name, doc string, exact bool, op func(old node, val node) node, expr, want string) {
		bounded(jsons, name, name+"(<json>, <path>, <value>, …)", doc, 3, -1, func(a []vector.Value) (vector.Value, error) { return jsonEdit(a, exact, op) }, expr, want)
	}
	edit("json_set", "The JSON with the values at the paths set; what is not there is made.", false, func(_, val node) node { return val }, `json_set("{\"a\":{}}", "a.b", 1)`, `"{\"a\":{\"b\":1}}"`)
	edit("json_set_exact", "The JSON with the keys, taken as they are written, set.", true, func(_, val node) node { return val }, `json_set_exact("{}", "a.b", 1)`, `"{\"a.b\":1}"`)
	edit("json_append", "The JSON with the values put at the ends of the arrays at the paths.", false, func(old, val node) node {
		if old.kind != '[' {
			return old
		}
		old.vals = append(old.vals, val)
		return old
	}, `json_append("{\"a\":[1]}", "a", 2)`, `"{\"a\":[1,2]}"`)
	edit("json_extend", "The JSON with the elements of the given arrays put at the ends of the arrays at the paths.", false, func(old, val node) node {
		switch {
		case old.kind != '[':
		case val.kind == '[':
			old.vals = append(old.vals, val.vals...)
		default:
			old.vals = append(old.vals, val)
		}
		return old
	}, `json_extend("{\"a\":[1]}", "a", "[2,3]")`, `"{\"a\":[1,2,3]}"`)
	function(jsons, "json_delete", "json_delete(<json>, <path>, …)", "The JSON without what is at the paths.", 2, -1, jsonDelete, `json_delete("{\"a\":1,\"b\":2}", "a")`, `"{\"b\":2}"`)
	function(jsons, "json_array_to_mv", "json_array_to_mv(<json array> [, <keep quotes>])", "The elements of a JSON array as several values.", 1, 2, func(a []vector.Value) vector.Value {
		return arrayToMV(a[0], len(a) == 2 && a[1].True())
	}, `json_array_to_mv("[\"a\",1]")`, `["a","1"]`)
}

// encode writes a value as JSON: numbers as numbers, tests as true and false,
// texts that are JSON objects or arrays as they are.
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
	if k := kindOf(v); k == '{' || k == '[' {
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
		if one := vector.String(s); infer && kindOf(one) != 0 {
			parts[i] = s
			continue
		}
		parts[i] = string(jsonscan.AppendQuoted(nil, s))
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

func jsonObject(a []vector.Value) vector.Value {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i+1 < len(a); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsonscan.AppendQuoted(nil, a[i].Text()))
		b.WriteByte(':')
		b.WriteString(encode(a[i+1]))
	}
	b.WriteByte('}')
	return vector.String(b.String())
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
			// The document was checked above.
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
