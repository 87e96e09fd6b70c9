// Package spath takes values out of JSON and XML texts, as Splunk's spath does.
package spath

import "bluetrail/internal/jsonscan"

// Path says where values are: see jsonscan.Path. In XML the elements of one
// name are counted from 1.
type Path = jsonscan.Path

// Parse reads a path.
func Parse(s string) (Path, error) { return jsonscan.ParsePath(s) }

// Find returns the values at a path of a document, in its order: scalars as
// they read, objects and arrays as JSON without white space, an element of XML
// that holds others as the XML inside it. What is neither JSON nor XML has
// nothing at any path.
func Find(doc string, p Path) []string {
	var found []string
	if IsXML(doc) {
		_ = xmlGet(doc, p, func(v string) bool { found = append(found, v); return true })
		return found
	}
	_ = p.Get([]byte(doc), func(v []byte) bool {
		if jsonscan.KindOf(v) != jsonscan.Null {
			found = append(found, Text(v))
		}
		return true
	})
	return found
}

// Text is a JSON value as Find gives it.
func Text(v []byte) string {
	if jsonscan.KindOf(v) == jsonscan.Composite {
		return string(jsonscan.Compact(v))
	}
	return jsonscan.Scalar(v)
}

// Leaf is a scalar of a document and its path.
type Leaf struct{ Path, Value string }

// Leaves returns every scalar, attribute and element without others inside, in
// the order of the document; none of what is neither JSON nor XML.
func Leaves(doc string) []Leaf {
	var list []Leaf
	add := func(path, value string) bool {
		list = append(list, Leaf{path, value})
		return true
	}
	var err error
	if IsXML(doc) {
		err = xmlLeaves(doc, add)
	} else {
		err = jsonscan.Leaves([]byte(doc), jsonscan.MaxDepth, add)
	}
	if err != nil {
		return nil
	}
	return list
}
