package dashboard

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
)

// Left is something of an imported dashboard that does not carry over.
type Left struct {
	Line  int    `json:"line"` // of the XML, 0 = the whole
	Where string `json:"where"`
	What  string `json:"what"`
}

// String returns the line that reports l.
func (l Left) String() string {
	s := l.What
	if l.Where != "" {
		s = l.Where + ": " + s
	}
	if l.Line > 0 {
		s = fmt.Sprintf("line %d: %s", l.Line, s)
	}
	return s
}

// node is an element of an XML document.
type node struct {
	name  string
	attrs map[string]string
	text  string // of the element itself, trimmed
	nodes []*node
	line  int
}

const (
	maxNodes = 20000
	maxNest  = 50
	maxLeft  = 500
)

// readXML reads a document into a tree. There are no external entities.
func readXML(data []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %q is not read; save the file as UTF-8", charset)
	}
	root := &node{}
	open := []*node{root}
	count := 0
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not well-formed XML: %w", err)
		}
		top := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(open) > maxNest {
				return nil, fmt.Errorf("more than %d elements, or nested more than %d deep", maxNodes, maxNest)
			}
			line, _ := dec.InputPos()
			n := &node{name: t.Name.Local, attrs: map[string]string{}, line: line}
			for _, a := range t.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			top.nodes = append(top.nodes, n)
			open = append(open, n)
		case xml.EndElement:
			top.text = strings.TrimSpace(top.text)
			open = open[:len(open)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
	if len(root.nodes) == 0 {
		return nil, errors.New("the file holds no XML element")
	}
	return root.nodes[0], nil
}

// child returns the first element of a name, or nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.nodes {
		if c.name == name {
			return c
		}
	}
	return nil
}

// says returns the text of the first element of a name.
func (n *node) says(names ...string) string {
	for _, name := range names {
		if c := n.child(name); c != nil {
			return c.text
		}
	}
	return ""
}

// importer turns Splunk's Simple XML into a dashboard.
type importer struct {
	d    *Dashboard
	left []Left
	set  map[string]string // tokens that <init> and <change> set
	over int               // left-overs beyond maxLeft
}

func (x *importer) leave(n *node, where, format string, args ...any) {
	if len(x.left) >= maxLeft {
		x.over++
		return
	}
	line := 0
	if n != nil {
		line = n.line
	}
	x.left = append(x.left, Left{line, where, fmt.Sprintf(format, args...)})
}

// FromSimpleXML reads a dashboard or form of Splunk's Simple XML. What does not
// carry over is named one by one; the rest works. Macros may be nil.
func FromSimpleXML(data []byte, m syntax.Macros) (*Dashboard, []Left, error) {
	if len(data) > MaxBytes {
		return nil, nil, fmt.Errorf("the file has more than %d bytes", MaxBytes)
	}
	root, err := readXML(data)
	if err != nil {
		return nil, nil, err
	}
	if root.name != "dashboard" && root.name != "form" {
		return nil, nil, fmt.Errorf("the file begins with <%s>; a Simple XML dashboard begins with <dashboard> or <form>", root.name)
	}
	if root.child("definition") != nil {
		return nil, nil, errors.New("this is a Dashboard Studio dashboard (JSON within XML); only Simple XML can be imported")
	}
	x := &importer{d: &Dashboard{}, set: map[string]string{}}
	x.d.Title = defaulted(strings.TrimSpace(root.says("label")), "Imported dashboard")
	x.d.ID = slug(x.d.Title)
	x.d.Description = root.says("description")
	for _, a := range []string{"script", "stylesheet", "hideFilters", "hideEdit", "refresh"} {
		if v := root.attrs[a]; v != "" {
			x.leave(root, "", "the attribute %s=%q", a, v)
		}
	}
	x.searches(root)
	for _, n := range root.nodes {
		switch n.name {
		case "label", "description", "search":
		case "fieldset":
			x.inputs(n, "fieldset")
		case "input":
			x.input(n)
		case "init":
			x.setters(n)
		case "row":
			x.row(n)
		default:
			x.leave(n, "", "the element <%s>", n.name)
		}
	}
	x.finish()
	if len(x.d.Panels()) == 0 {
		return nil, x.left, errors.New("the dashboard has no panel that can be imported")
	}
	if err := x.d.check(); err != nil {
		return nil, x.left, err
	}
	for _, f := range x.d.Validate(m) {
		what := f.Err.Error()
		if e := f.Place(); e != nil {
			what = e.Msg
			if e.Hint != "" {
				what += " (" + e.Hint + ")"
			}
		}
		x.leave(nil, f.Where, "the search cannot be run as it is: %s", what)
	}
	if x.over > 0 {
		x.left = append(x.left, Left{What: fmt.Sprintf("and %d more", x.over)})
	}
	return x.d, x.left, nil
}

// slug makes an id of a title.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	return defaulted(strings.Trim(b.String(), "-"), "imported")
}

// searches reads those that panels build on.
func (x *importer) searches(root *node) {
	bases := map[string]*node{}
	var names []string
	for _, n := range root.nodes {
		if id := n.attrs["id"]; n.name == "search" && id != "" {
			bases[id] = n
			names = append(names, id)
		} else if n.name == "search" {
			x.leave(n, "", "a search without an id, which only sets tokens")
		}
	}
	var text func(id string, depth int) string
	text = func(id string, depth int) string {
		n := bases[id]
		own := x.query(n, "search "+id)
		if base := n.attrs["base"]; base != "" && bases[base] != nil && depth < maxNest {
			return strings.TrimSpace(text(base, depth+1) + "\n" + piped(own))
		}
		return own
	}
	for _, id := range names {
		if x.d.Searches == nil {
			x.d.Searches = map[string]string{}
		}
		x.d.Searches[id] = text(id, 0)
		for _, c := range bases[id].nodes {
			if !slices.Contains([]string{"query", "earliest", "latest"}, c.name) {
				x.leave(c, "search "+id, "<%s>", c.name)
			}
		}
	}
}

// query returns the text of a search with its tokens in our form.
func (x *importer) query(n *node, where string) string {
	text := n.says("query", "searchString")
	if text == "" && n.name == "query" {
		text = n.text
	}
	if n.attrs["ref"] != "" {
		x.leave(n, where, "the saved search %q; write out its search", n.attrs["ref"])
	}
	return x.tokens(n, where, text)
}

// tokens translates $form.x$ and $x|s$. Splunk puts values in as they are, so that
// $x|s$ stands for a quoted value; ours are safe within and without quotes.
func (x *importer) tokens(n *node, where, text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '$' {
			b.WriteByte(text[i])
			i++
			continue
		}
		if strings.HasPrefix(text[i:], "$$") {
			b.WriteString("$$")
			i += 2
			continue
		}
		end := strings.IndexByte(text[i+1:], '$')
		if end < 0 {
			b.WriteByte('$')
			i++
			continue
		}
		name := text[i+1 : i+1+end]
		name, filter, _ := strings.Cut(name, "|")
		if !tokenForm.MatchString("$"+name+"$") || len(filter) > 2 {
			b.WriteByte('$')
			i++
			continue
		}
		if filter != "" && filter != "s" && filter != "n" {
			x.leave(n, where, "the filter |%s of $%s$", filter, name)
		}
		b.WriteString("$" + strings.ReplaceAll(strings.TrimPrefix(name, "form."), ":", "_") + "$")
		i += end + 2
	}
	return b.String()
}

// finish adds an input for each token that nothing gives a value.
func (x *importer) finish() {
	add := func(where, text string) {
		list, err := tokens(text)
		if err != nil {
			return // Validate reports it
		}
		for _, t := range list {
			id, _, timed := strings.Cut(t.name, ".")
			if x.d.input(t.name) != nil || !inputForm.MatchString(id) || len(x.d.Inputs) >= MaxInputs || slices.ContainsFunc(x.d.Inputs, func(in Input) bool { return in.ID == id }) {
				continue
			}
			in := Input{ID: id, Type: "text", Label: id}
			if timed {
				if in.Type = "time"; !strings.HasSuffix(t.name, ".earliest") && !strings.HasSuffix(t.name, ".latest") {
					continue
				}
			} else if v, ok := x.set[id]; ok {
				in.Default = Strings{v}
			}
			x.leave(nil, where, "the token $%s$ is set by a click or a search in Splunk; it became an input", diag.Printable(t.name))
			x.d.Inputs = append(x.d.Inputs, in)
		}
	}
	for _, p := range x.d.Panels() {
		add("panel "+p.Title, x.d.SearchOf(p))
	}
	for i := range x.d.Inputs {
		add("input "+x.d.Inputs[i].ID, x.d.Inputs[i].Search)
	}
}
