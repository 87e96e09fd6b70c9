package spath

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/antchfx/xpath"
)

// XPath is a compiled XPath expression. It belongs to one goroutine.
type XPath struct{ expr *xpath.Expr }

// maxXPath bounds an expression, in bytes.
const maxXPath = 4096

// maxSteps bounds the nodes an expression is shown of one document: some of
// them go over all nodes for each node.
const maxSteps = 20_000_000

var errSteps = errors.New("the XPath expression visits too many nodes")

// ParseXPath reads an XPath 1.0 expression.
func ParseXPath(s string) (p *XPath, err error) {
	if len(s) > maxXPath {
		return nil, fmt.Errorf("the XPath expression is longer than %d bytes", maxXPath)
	}
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("invalid XPath expression: %v", r)
		}
	}()
	e, err := xpath.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("invalid XPath expression: %s", strings.TrimPrefix(err.Error(), "xpath: "))
	}
	return &XPath{e}, nil
}

// String returns the expression as it was written.
func (p *XPath) String() string { return p.expr.String() }

// Find returns what the expression comes to in an XML document: the text of
// each node of a set, in document order, or the one value that it computes. An
// element that holds others gives the XML inside it.
func (p *XPath) Find(doc string) (found []string, err error) {
	root, err := parseNodes(doc)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			found = nil
			if err, _ = r.(error); !errors.Is(err, errSteps) {
				err = fmt.Errorf("the XPath expression cannot be computed: %v", r)
			}
		}
	}()
	steps := 0
	at := &cursor{node: root, attr: -1, doc: doc, steps: &steps}
	switch v := p.expr.Evaluate(at).(type) {
	case *xpath.NodeIterator:
		var nodes []cursor
		for v.MoveNext() {
			nodes = append(nodes, *v.Current().(*cursor))
		}
		slices.SortStableFunc(nodes, func(a, b cursor) int {
			return cmp.Or(a.node.order-b.node.order, a.attr-b.attr)
		})
		for _, n := range nodes {
			found = append(found, n.text())
		}
	case float64:
		found = []string{strconv.FormatFloat(v, 'f', -1, 64)}
	default:
		found = []string{fmt.Sprint(v)}
	}
	return found, nil
}

// node is a node of a document as XPath sees it.
type node struct {
	kind       xpath.NodeType
	name       xml.Name
	attrs      []xml.Attr
	data       string // of text and comments
	parent     *node
	order      int // in the document
	index      int // among the parent's children
	children   []*node
	from, upto int // its content in the document
}

// parseNodes reads a document into nodes.
func parseNodes(doc string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(doc))
	d.Strict = false
	root := &node{kind: xpath.RootNode}
	top, count, depth := root, 0, 0
	add := func(n *node) *node {
		n.parent, n.order, n.index = top, count, len(top.children)
		top.children = append(top.children, n)
		return n
	}
	for {
		before := int(d.InputOffset())
		tok, err := d.RawToken()
		if tok == nil {
			if top != root {
				return nil, errUnclosed
			}
			if err != nil && len(root.children) == 0 {
				return nil, err
			}
			return root, nil
		}
		if count++; count > maxElements || depth > maxDepth {
			return nil, errLarge
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			top = add(&node{kind: xpath.ElementNode, name: tok.Name, attrs: tok.Copy().Attr, from: int(d.InputOffset())})
			depth++
		case xml.EndElement:
			if top == root || tok.Name != top.name {
				return nil, errUnclosed
			}
			top.upto = max(before, top.from)
			top, depth = top.parent, depth-1
		case xml.CharData:
			if top != root {
				add(&node{kind: xpath.TextNode, data: string(tok)})
			}
		case xml.Comment:
			add(&node{kind: xpath.CommentNode, data: string(tok)})
		}
	}
}

// cursor walks over nodes; every move is a step.
type cursor struct {
	node  *node
	attr  int // -1: on the node itself
	doc   string
	steps *int
}

var _ xpath.NodeNavigator = (*cursor)(nil)

func (c *cursor) step() {
	if *c.steps++; *c.steps > maxSteps {
		panic(errSteps)
	}
}

// text is what the result shows of a node.
func (c *cursor) text() string {
	if c.attr < 0 {
		for _, child := range c.node.children {
			if child.kind == xpath.ElementNode && c.node.kind == xpath.ElementNode {
				return strings.TrimSpace(c.doc[c.node.from:c.node.upto])
			}
		}
	}
	return strings.TrimSpace(c.Value())
}

func (c *cursor) NodeType() xpath.NodeType {
	if c.attr >= 0 {
		return xpath.AttributeNode
	}
	return c.node.kind
}

func (c *cursor) name() xml.Name {
	if c.attr >= 0 {
		return c.node.attrs[c.attr].Name
	}
	return c.node.name
}

func (c *cursor) LocalName() string { return c.name().Local }

func (c *cursor) Prefix() string { return c.name().Space }

// Value is the text of a node and all inside it.
func (c *cursor) Value() string {
	if c.attr >= 0 {
		return c.node.attrs[c.attr].Value
	}
	if len(c.node.children) == 0 {
		return c.node.data
	}
	var b strings.Builder
	var walk func(n *node)
	walk = func(n *node) {
		c.step()
		if n.kind == xpath.TextNode {
			b.WriteString(n.data)
		}
		for _, child := range n.children {
			walk(child)
		}
	}
	walk(c.node)
	return b.String()
}

func (c *cursor) Copy() xpath.NodeNavigator {
	c.step()
	other := *c
	return &other
}

func (c *cursor) MoveToRoot() {
	c.attr = -1
	for c.node.parent != nil {
		c.node = c.node.parent
	}
}

func (c *cursor) MoveToParent() bool {
	c.step()
	if c.attr >= 0 {
		c.attr = -1
		return true
	}
	if c.node.parent == nil {
		return false
	}
	c.node = c.node.parent
	return true
}

func (c *cursor) MoveToNextAttribute() bool {
	c.step()
	if c.attr+1 >= len(c.node.attrs) {
		return false
	}
	c.attr++
	return true
}

func (c *cursor) MoveToChild() bool {
	c.step()
	if c.attr >= 0 || len(c.node.children) == 0 {
		return false
	}
	c.node = c.node.children[0]
	return true
}

func (c *cursor) MoveToFirst() bool { return c.sibling(0) }

func (c *cursor) MoveToNext() bool { return c.sibling(c.node.index + 1) }

func (c *cursor) MoveToPrevious() bool { return c.sibling(c.node.index - 1) }

func (c *cursor) sibling(index int) bool {
	c.step()
	if c.attr >= 0 || c.node.parent == nil || index < 0 || index >= len(c.node.parent.children) {
		return false
	}
	c.node = c.node.parent.children[index]
	return true
}

func (c *cursor) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*cursor)
	if ok {
		c.node, c.attr = o.node, o.attr
	}
	return ok
}
