package sigma

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile bounds a file of rules, in bytes.
const maxFile = 4 << 20

// kind is what a node of YAML is.
type kind uint8

const (
	null kind = iota
	boolean
	number
	str
	list
	mapping
)

// node is a value of YAML with its place. Scalars keep the text that the file
// has, so that 0x10 and 1.0 are not changed.
type node struct {
	kind kind
	text string // of a scalar
	span diag.Span
	list []node
	keys []member
}

type member struct {
	key  string
	span diag.Span
	node node
}

// get returns the value of a key.
func (n *node) get(key string) (*node, bool) {
	for i := range n.keys {
		if n.keys[i].key == key {
			return &n.keys[i].node, true
		}
	}
	return nil, false
}

// scalar reports whether n is one value.
func (n *node) scalar() bool { return n.kind < list }

// document is one document of a file: its root, or the fault that it has.
type document struct {
	root  node
	line  int // where it begins, counted from 1
	at    int // the byte
	end   int
	fault *diag.Error
}

// maxDocuments bounds the documents of a file.
const maxDocuments = 20_000

// documents parses a file into its documents, each by itself, so that a fault
// fails its own document only. Documents that do not look like Sigma are left out.
func documents(name, src string) (docs []document) {
	line := 1
	for at := 0; at < len(src); {
		end := at + documentEnd(src[at:])
		if text := src[at:end]; Looks([]byte(text)) {
			root, fault := parse(src, at, end)
			if fault != nil {
				fault.Src, fault.Name = src, name
			}
			if len(docs) == maxDocuments {
				fault = diag.At(diag.Span{Start: at, End: at + 1}, "the file has more than %d documents", maxDocuments)
				fault.Src, fault.Name = src, name
				return append(docs, document{line: line, at: at, end: end, fault: fault})
			}
			docs = append(docs, document{root, line, at, end, fault})
		}
		line += strings.Count(src[at:end], "\n")
		at = end
	}
	return docs
}

// documentEnd returns the length of the first document of a text, which may begin
// with its own "---".
func documentEnd(src string) int {
	for at := 0; ; {
		next := strings.Index(src[at:], "\n---")
		if next < 0 {
			return len(src)
		}
		at += next + 1
		if rest := src[at+3:]; rest == "" || strings.IndexByte("\n\r \t", rest[0]) >= 0 {
			return at
		}
	}
}

// parse reads the document at src[at:end]. A parser that panics on hostile text
// fails this document only.
func parse(src string, at, end int) (root node, fault *diag.Error) {
	here := diag.Span{Start: at, End: min(end, at+1)}
	defer func() {
		if r := recover(); r != nil {
			root, fault = node{}, diag.At(here, "cannot read YAML: %v", r)
		}
	}()
	text := src[at:end]
	unreadable := func(err error) *diag.Error {
		var line, column int
		msg := err.Error()
		if n, _ := fmt.Sscanf(msg, "line %d, column %d:", &line, &column); n == 2 {
			_, msg, _ = strings.Cut(msg, ": ")
			r := &reader{src: text}
			start := at + r.offset(&token.Token{Position: &token.Position{Line: line, Column: column}})
			here = diag.Span{Start: start, End: min(end, start+1)}
		}
		return diag.At(here, "cannot read YAML: %s", firstLine(msg))
	}
	if err := yamldoc.Check([]byte(text)); err != nil {
		return node{}, unreadable(err)
	}
	f, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return node{}, unreadable(yamldoc.Describe(err, []byte(text)))
	}
	r := &reader{src: text, base: at, anchors: map[string]ast.Node{}}
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if root.kind != null {
			return node{}, diag.At(here, "cannot read YAML: a document begins without ---")
		}
		if root, fault = r.read(d.Body); fault != nil {
			return node{}, fault
		}
	}
	return root, nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

// Looks reports whether a file, or a document of one, holds Sigma rather than
// another kind of rule, even if it cannot be parsed.
func Looks(data []byte) bool { return sigmaKey.Match(data) }

var sigmaKey = regexp.MustCompile(`(?m)^(\x{FEFF})?["']?(detection|correlation|filter|logsource|action)["']?[ \t]*:`)

// reader turns the parser's tree into nodes; aliases are written out.
type reader struct {
	src     string // of the document
	base    int    // where it begins in the file
	anchors map[string]ast.Node
	nodes   int
	lines   []int // where they begin
	// The last place that offset found; most tokens follow it on its line.
	line, column, at int
}

// maxChecked is how many keys of a map are compared with each other; only events of
// tests have more.
const maxChecked = 2000

// maxNodes bounds the values of a document, aliases written out.
const maxNodes = 250_000

func (r *reader) read(n ast.Node) (node, *diag.Error) {
	out := node{span: r.span(n)}
	if r.nodes++; r.nodes > maxNodes {
		return out, diag.At(out.span, "the document has more than %d values", maxNodes)
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		r.anchors[n.Name.GetToken().Value] = n.Value
		return r.read(n.Value)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := r.anchors[name]
		if !ok {
			return out, diag.At(out.span, "there is no anchor %q before this alias", name)
		}
		delete(r.anchors, name) // an anchor cannot hold itself
		value, err := r.read(target)
		r.anchors[name] = target
		return value, err
	case *ast.TagNode:
		value, err := r.read(n.Value)
		if n.Start.Value == "!!str" && value.scalar() {
			value.kind = str
		}
		return value, err
	case *ast.NullNode:
		out.text = n.GetToken().Value
	case *ast.BoolNode:
		out.kind, out.text = boolean, strconv.FormatBool(n.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = number, n.GetToken().Value
	case *ast.StringNode:
		out.kind, out.text = str, n.Value
	case *ast.LiteralNode:
		out.kind, out.text = str, n.Value.Value
	case *ast.SequenceNode:
		out.kind = list
		for _, v := range n.Values {
			item, err := r.read(v)
			if err != nil {
				return out, err
			}
			out.list = append(out.list, item)
		}
	case *ast.MappingNode:
		out.kind = mapping
		for _, v := range n.Values {
			if err := r.member(&out, v); err != nil {
				return out, err
			}
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		if err := r.member(&out, n); err != nil {
			return out, err
		}
	default:
		return out, diag.At(out.span, "a rule cannot contain %s", strings.ToLower(n.Type().String()))
	}
	return out, nil
}

func (r *reader) member(into *node, v *ast.MappingValueNode) *diag.Error {
	value, err := r.read(v.Value)
	if err != nil {
		return err
	}
	if v.Key.Type() == ast.MergeKeyType {
		for _, m := range value.keys {
			if _, own := into.get(m.key); !own {
				into.keys = append(into.keys, m)
			}
		}
		return nil
	}
	key, err := r.read(v.Key.(ast.Node))
	if err != nil {
		return err
	}
	if !key.scalar() {
		return diag.At(key.span, "a key must be a scalar")
	}
	if _, twice := into.get(key.text); twice && len(into.keys) <= maxChecked {
		return diag.At(key.span, "the key %q appears twice", key.text)
	}
	if value.span == (diag.Span{}) {
		value.span = key.span
	}
	into.keys = append(into.keys, member{key: key.text, span: key.span, node: value})
	return nil
}

// span returns where a node stands in the file.
func (r *reader) span(n ast.Node) diag.Span {
	tok := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		tok = m.Values[0].Key.GetToken()
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		tok = m.Key.GetToken()
	}
	if tok == nil || tok.Position == nil {
		return diag.Span{}
	}
	start := r.offset(tok)
	end := min(len(r.src), start+max(1, len(strings.TrimSpace(tok.Origin))))
	return diag.Span{Start: r.base + start, End: r.base + end}
}

// offset returns the byte at which a token begins; its column counts characters.
func (r *reader) offset(tok *token.Token) int {
	if r.lines == nil {
		r.lines = []int{0}
		for i := range len(r.src) {
			if r.src[i] == '\n' {
				r.lines = append(r.lines, i+1)
			}
		}
	}
	line := tok.Position.Line - 1
	if line < 0 || line >= len(r.lines) {
		return len(r.src)
	}
	if line != r.line || tok.Position.Column < r.column || r.column == 0 {
		r.line, r.column, r.at = line, 1, r.lines[line]
	}
	for ; r.column < tok.Position.Column && r.at < len(r.src) && r.src[r.at] != '\n'; r.column++ {
		r.at++
		for r.at < len(r.src) && r.src[r.at]&0xC0 == 0x80 {
			r.at++
		}
	}
	return r.at
}

// append appends what a node says, without the places where it says it.
func (n *node) append(b []byte) []byte {
	b = appendText(append(b, byte(n.kind)), n.text)
	b = binary.AppendUvarint(b, uint64(len(n.list)))
	for i := range n.list {
		b = n.list[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(n.keys)))
	for i := range n.keys {
		b = n.keys[i].node.append(appendText(b, n.keys[i].key))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
