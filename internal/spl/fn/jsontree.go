package fn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/vector"
)

// node is a JSON value being edited. Members keep their order.
type node struct {
	kind   byte     // '{', '[' or 0 for a scalar
	text   string   // of a scalar
	keys   []string // of an object
	vals   []node   // of an object or array
	absent bool     // the path does not exist
}

// extended appends elements to n, which becomes an array if it is not one. It
// returns false if n is absent.
func (n node) extended(more ...node) (node, bool) {
	if n.absent {
		return n, false
	}
	if n.kind != '[' {
		n = node{kind: '[', vals: []node{n}}
	}
	n.vals = append(n.vals, more...)
	return n, true
}

func parseNode(value []byte) node {
	switch value[0] {
	case '{':
		n := node{kind: '{'}
		jsonscan.Object(value, 0, jsonscan.MaxDepth, func(key string, val []byte) bool {
			n.keys, n.vals = append(n.keys, key), append(n.vals, parseNode(val))
			return true
		})
		return n
	case '[':
		n := node{kind: '['}
		jsonscan.Array(value, 0, jsonscan.MaxDepth, func(val []byte) bool {
			n.vals = append(n.vals, parseNode(val))
			return true
		})
		return n
	}
	return node{text: string(value)}
}

func (n *node) print(b *strings.Builder) {
	if n.kind == 0 {
		b.WriteString(n.text)
		return
	}
	b.WriteByte(n.kind)
	for i := range n.vals {
		if i > 0 {
			b.WriteByte(',')
		}
		if n.kind == '{' {
			b.Write(jsonscan.AppendQuoted(nil, n.keys[i]))
			b.WriteByte(':')
		}
		n.vals[i].print(b)
	}
	b.WriteByte(n.kind + 2)
}

// steps splits a.b{0}.c into a, b, {0}, c.
func steps(path string) []string {
	var list []string
	for _, part := range strings.Split(path, ".") {
		for part != "" {
			i := strings.IndexByte(part[1:], '{')
			if i < 0 {
				list = append(list, part)
				break
			}
			list = append(list, part[:i+1])
			part = part[i+1:]
		}
	}
	return list
}

// edit applies op to the value at the path and creates missing objects on the
// way. It reports whether the path is valid. If the path does not fit the
// existing value, it changes nothing.
func (n *node) edit(steps []string, op func(old node) (node, bool)) bool {
	if len(steps) == 0 {
		changed, ok := op(*n)
		if ok {
			*n = changed
		}
		return ok
	}
	step := steps[0]
	if strings.HasPrefix(step, "{") && strings.HasSuffix(step, "}") {
		if n.kind != '[' {
			return false
		}
		at, err := strconv.Atoi(step[1 : len(step)-1])
		found := false
		for i := range n.vals {
			if step == "{}" || err == nil && i == at {
				found = n.vals[i].edit(steps[1:], op) || found
			}
		}
		return found
	}
	fresh := n.kind == 0 && n.text == "null"
	if n.kind != '{' && !fresh {
		return false
	}
	for i, k := range n.keys {
		if k == step {
			return n.vals[i].edit(steps[1:], op)
		}
	}
	made := node{text: "null", absent: true}
	if !made.edit(steps[1:], op) {
		return false
	}
	if fresh {
		*n = node{kind: '{'}
	}
	n.keys, n.vals = append(n.keys, step), append(n.vals, made)
	return true
}

// remove deletes the value at the path and reports whether it existed. Keys may
// contain dots.
func (n *node) remove(steps []string) bool {
	step := steps[0]
	if strings.HasPrefix(step, "{") && strings.HasSuffix(step, "}") {
		if n.kind != '[' {
			return false
		}
		if step == "{}" {
			found := false
			for i := range n.vals {
				found = len(steps) > 1 && n.vals[i].remove(steps[1:]) || found
			}
			return found
		}
		at, err := strconv.Atoi(step[1 : len(step)-1])
		return err == nil && at >= 0 && at < len(n.vals) && n.removeAt(at, steps[1:])
	}
	if n.kind != '{' {
		return false
	}
	for used := 1; ; used++ {
		if i := slices.Index(n.keys, step); i >= 0 && n.removeAt(i, steps[used:]) {
			return true
		}
		if used == len(steps) || strings.HasPrefix(steps[used], "{") {
			return false
		}
		step += "." + steps[used]
	}
}

func (n *node) removeAt(i int, steps []string) bool {
	if len(steps) > 0 {
		return n.vals[i].remove(steps)
	}
	n.vals = slices.Delete(n.vals, i, i+1)
	if n.kind == '{' {
		n.keys = slices.Delete(n.keys, i, i+1)
	}
	return true
}

func jsonEdit(a []vector.Value, exact bool, op func(old, val node) (node, bool)) (vector.Value, error) {
	if kindOf(a[0]) == 0 {
		return null, nil
	}
	doc := []byte(strings.TrimSpace(a[0].Text()))
	root := parseNode(doc)
	added := 0
	for i := 1; i+1 < len(a); i += 2 {
		val := []byte(encode(a[i+1]))
		path := steps(a[i].Text())
		if exact {
			path = []string{a[i].Text()}
		}
		if len(path) > jsonscan.MaxDepth {
			return null, fmt.Errorf("a path has more than %d steps", jsonscan.MaxDepth)
		}
		root.edit(path, func(old node) (node, bool) {
			if added += len(val); added > expr.MaxValue {
				return old, false
			}
			return op(old, parseNode(val)) // a copy for each path, since a later path may change it
		})
		if added > expr.MaxValue {
			return null, expr.ErrTooLarge
		}
	}
	return vector.String(root.String()), nil
}

func (n *node) String() string {
	var b strings.Builder
	n.print(&b)
	return b.String()
}

func jsonDelete(a []vector.Value) vector.Value {
	if kindOf(a[0]) == 0 {
		return null
	}
	root := parseNode([]byte(strings.TrimSpace(a[0].Text())))
	for _, arg := range a[1:] {
		if kindOf(arg) == '[' { // an array of paths
			arg = arrayToMV(arg, false)
		}
		for _, p := range arg.All() {
			if path := steps(p); len(path) > 0 {
				root.remove(path)
			}
		}
	}
	return vector.String(root.String())
}
