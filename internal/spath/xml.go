package spath

import (
	"encoding/xml"
	"errors"
	"strings"

	"bluetrail/internal/jsonscan"
)

// Bounds of a document: how deep elements lie in each other, and how many there
// are, each of which takes some 200 bytes.
const (
	maxDepth    = 512
	maxElements = 200_000
)

var (
	errLarge    = errors.New("too many elements, or elements nested too deeply")
	errUnclosed = errors.New("an element is not closed, or is closed with another name")
)

// IsXML reports whether a text looks like XML rather than JSON.
func IsXML(doc string) bool { return strings.HasPrefix(strings.TrimLeft(doc, " \t\r\n"), "<") }

// element is one element, or the document, whose only child is the root.
type element struct {
	name     string // with its prefix
	attrs    []attribute
	children []*element
	text     string // what lies between the tags of an element without children
	inner    string // the same as it is written
}

type attribute struct{ name, value string }

// name is a name as the document has it.
func name(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// parse reads a document. Entities of its own, and references to outside, are
// left as they are written.
func parse(doc string) (*element, error) {
	type open struct {
		*element
		from int64 // where its content begins
		text strings.Builder
	}
	d := xml.NewDecoder(strings.NewReader(doc))
	d.Strict = false
	elements := 0
	stack := []*open{{element: &element{}}}
	for {
		at := d.InputOffset()
		tok, err := d.RawToken()
		if tok == nil {
			if len(stack) > 1 {
				return nil, errUnclosed
			}
			if err != nil && len(stack[0].children) == 0 {
				return nil, err
			}
			return stack[0].element, nil
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if elements++; elements > maxElements || len(stack) > maxDepth {
				return nil, errLarge
			}
			e := &element{name: name(tok.Name)}
			for _, a := range tok.Attr {
				e.attrs = append(e.attrs, attribute{name(a.Name), a.Value})
			}
			top.children = append(top.children, e)
			stack = append(stack, &open{element: e, from: d.InputOffset()})
		case xml.EndElement:
			if len(stack) == 1 || name(tok.Name) != top.name {
				return nil, errUnclosed
			}
			top.element.text, top.inner = strings.TrimSpace(top.text.String()), strings.TrimSpace(doc[min(top.from, at):at])
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text.Write(tok)
		}
	}
}

// value is what stands for an element: its text, or the XML inside it.
func (e *element) value() string {
	if len(e.children) > 0 {
		return e.inner
	}
	return e.text
}

// xmlGet calls yield for each value at the path, in document order, until it
// reports false.
func xmlGet(doc string, path jsonscan.Path, yield func(value string) bool) error {
	root, err := parse(doc)
	if err != nil {
		return err
	}
	get([]*element{root}, path.Steps(), yield)
	return nil
}

// get looks for steps in elements of one name that lie side by side.
func get(same []*element, steps []jsonscan.Step, yield func(string) bool) bool {
	if len(steps) == 0 {
		for _, e := range same {
			if !yield(e.value()) {
				return false
			}
		}
		return true
	}
	st, rest := steps[0], steps[1:]
	switch {
	case st.Attr != "":
		for _, e := range same {
			for _, a := range e.attrs {
				if a.name == st.Attr && len(rest) == 0 && !yield(a.value) {
					return false
				}
			}
		}
		return true
	case st.Key == "" && st.Index == jsonscan.Every:
		return get(same, rest, yield)
	case st.Key == "":
		if st.Index < 1 || st.Index > len(same) {
			return true
		}
		return get(same[st.Index-1:st.Index], rest, yield)
	}
	for _, e := range same {
		var found []*element
		for _, c := range e.children {
			if c.name == st.Key {
				found = append(found, c)
			}
		}
		if len(found) > 0 && !get(found, rest, yield) {
			return false
		}
	}
	return true
}

// xmlLeaves calls yield for every attribute, and every element without others
// inside, with its path, until it reports false.
func xmlLeaves(doc string, yield func(path, value string) bool) error {
	root, err := parse(doc)
	if err != nil {
		return err
	}
	root.leaves("", yield)
	return nil
}

func (e *element) leaves(path string, yield func(path, value string) bool) bool {
	for _, a := range e.attrs {
		if !yield(path+"{@"+a.name+"}", a.value) {
			return false
		}
	}
	for _, c := range e.children {
		at := c.name
		if path != "" {
			at = path + "." + c.name
		}
		if !c.leaves(at, yield) {
			return false
		}
	}
	return len(e.children) > 0 || path == "" || e.text == "" || yield(path, e.text)
}
