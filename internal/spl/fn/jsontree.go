package fn

import (
	"fmt"
	"strconv"
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// node is a JSON value that is being edited; members keep their order.
type node struct {
	kind byte     // { [ or 0 for a scalar
	text string   // of a scalar
	keys []string // of an object
	vals []node   // of an object or array
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

// steps cuts a.b{0}.c into a, b, {0}, c.
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

// edit applies op at the place that steps lead to, making objects on the way.
func (n *node) edit(steps []string, op func(old node) node) {
	if len(steps) == 0 {
		*n = op(*n)
		return
	}
	step := steps[0]
	if strings.HasPrefix(step, "{") && strings.HasSuffix(step, "}") {
		if n.kind != '[' {
			return
		}
		at, err := strconv.Atoi(step[1 : len(step)-1])
		for i := range n.vals {
			if step == "{}" || err == nil && i == at {
				n.vals[i].edit(steps[1:], op)
			}
		}
		return
	}
	if n.kind == 0 && n.text == "null" {
		*n = node{kind: '{'}
	}
	if n.kind != '{' {
		return
	}
	for i, k := range n.keys {
		if k == step {
			n.vals[i].edit(steps[1:], op)
			return
		}
	}
	made := node{text: "null"}
	made.edit(steps[1:], op)
	n.keys, n.vals = append(n.keys, step), append(n.vals, made)
}

func (n *node) remove(steps []string) {
	step := steps[0]
	index := -1
	if strings.HasPrefix(step, "{") && strings.HasSuffix(step, "}") {
		at, err := strconv.Atoi(step[1 : len(step)-1])
		if step == "{}" && n.kind == '[' && len(steps) > 1 {
			for i := range n.vals {
				n.vals[i].remove(steps[1:])
			}
			return
		}
		if n.kind == '[' && err == nil && at >= 0 && at < len(n.vals) {
			index = at
		}
	} else if n.kind == '{' {
		for i, k := range n.keys {
			if k == step {
				index = i
			}
		}
	}
	if index < 0 {
		return
	}
	if len(steps) > 1 {
		n.vals[index].remove(steps[1:])
		return
	}
	n.vals = append(n.vals[:index], n.vals[index+1:]...)
	if n.kind == '{' {
		n.keys = append(n.keys[:index], n.keys[index+1:]...)
	}
}

func jsonEdit(a []vector.Value, exact bool, op func(old, val node) node) (vector.Value, error) {
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
		root.edit(path, func(old node) node {
			if added += len(val); added > spl.MaxValue {
				return old
			}
			return op(old, parseNode(val)) // for each place its own, as the next path may change it
		})
		if added > spl.MaxValue {
			return null, spl.ErrTooLarge
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
	for _, p := range a[1:] {
		if path := steps(p.Text()); len(path) > 0 {
			root.remove(path)
		}
	}
	return vector.String(root.String())
}
