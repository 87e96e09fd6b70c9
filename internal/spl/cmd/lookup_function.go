package cmd

import (
	"cmp"
	"fmt"
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	d := &syntax.FunctionDef{
		Name: "lookup", Group: "Comparison and conditional", Min: 3, Max: 3,
		Syntax: `lookup("<table>", json_object("<column>", <value>, …), json_array("<column>", …))`,
		Doc: "What the lookup command would add, as a JSON object: the columns listed in the array, from the table rows that match\n" +
			"the columns of the object. Several matching rows make a column an array. Columns without a value are left out. Null\n" +
			"when no row matches.",
		Examples: []syntax.Example{{
			Lookup: "user,team\nalice,blue\nbob,red\nbob,green\n",
			Search: `| makeresults | eval name="bob", r=lookup("example.csv", json_object("user", name), json_array("team")) | table r`,
			Want:   []string{`{"r":"{\"team\":[\"red\",\"green\"]}"}`},
		}},
	}
	syntax.RegisterFunction(d)
	expr.Implement(d, expr.Implementation{Compile: compileLookup})
}

// maxLookupIndexes bounds the sets of key columns that one call indexes.
const maxLookupIndexes = 8

func compileLookup(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	f := &lookupFunction{c: c, indexes: map[string]*lookup.Index{}}
	return func(fr *expr.Frame) vector.Value {
		table, keys, outputs := evs[0](fr), evs[1](fr), evs[2](fr)
		v, err := f.find(table.Text(), keys.Text(), outputs.Text())
		if err != nil {
			c.Warn("lookup: %v", err)
		}
		return v
	}, nil
}

// lookupFunction is one call of lookup() in an expression.
type lookupFunction struct {
	c       *expr.Compiler
	indexes map[string]*lookup.Index // by table and key columns; nil = not available
}

// find looks up the rows of a table that match keys, a JSON object, and returns
// the values of the columns in outputs, a JSON array.
func (f *lookupFunction) find(table, keys, outputs string) (vector.Value, error) {
	var columns, vals []string
	missing := false
	err := object(keys, func(column string, val []byte) {
		missing = missing || jsonscan.KindOf(val) == jsonscan.Null
		columns, vals = append(columns, column), append(vals, jsonscan.Scalar(val))
	})
	if err != nil || missing || len(columns) == 0 {
		return vector.Value{}, err
	}
	index, err := f.index(table, columns)
	if err != nil || index == nil {
		return vector.Value{}, err
	}
	rows := index.Find(vals, vector.Value{})
	if len(rows) == 0 {
		return vector.Value{}, nil
	}
	out := []byte("{")
	doc := []byte(outputs)
	if len(doc) == 0 || doc[0] != '[' {
		return vector.Value{}, fmt.Errorf("the columns must be a JSON array, not %q", outputs)
	}
	var unknown error
	_, err = jsonscan.Array(doc, 0, jsonscan.MaxDepth, func(el []byte) bool {
		name := jsonscan.Scalar(el)
		var col int
		if col, unknown = lookup.Column(index.Table, name); unknown != nil {
			return false
		}
		if v := index.Values(rows, col); !v.IsNull() {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(jsonscan.AppendQuoted(out, name), ':')
			out = appendTexts(out, v)
		}
		return true
	})
	if err = cmp.Or(unknown, err); err != nil {
		return vector.Value{}, err
	}
	return vector.String(string(append(out, '}'))), nil
}

// index returns the index of a table by columns. It reports a table that cannot
// be opened once.
func (f *lookupFunction) index(table string, columns []string) (*lookup.Index, error) {
	env := f.c.Env
	if env == nil { // constants are evaluated before the search
		return nil, nil
	}
	key := table + "\x00" + strings.Join(columns, "\x00")
	if index, ok := f.indexes[key]; ok {
		return index, nil
	}
	if len(f.indexes) >= maxLookupIndexes {
		clear(f.indexes)
	}
	f.indexes[key] = nil
	t, err := env.Table(table)
	if err != nil {
		return nil, err
	}
	index, err := env.Index(t, columns)
	if err != nil {
		return nil, err
	}
	f.indexes[key] = index
	return index, nil
}

// object calls yield for the members of a JSON object in order. null has no
// members.
func object(text string, yield func(key string, val []byte)) error {
	doc := []byte(text)
	switch {
	case len(doc) == 0:
		return nil
	case doc[0] != '{':
		return fmt.Errorf("the keys must be a JSON object, not %q", text)
	}
	_, err := jsonscan.Object(doc, 0, jsonscan.MaxDepth, func(key string, val []byte) bool {
		yield(key, val)
		return true
	})
	return err
}

// appendTexts appends a single value as a JSON string, and several as an array
// of strings.
func appendTexts(dst []byte, v vector.Value) []byte {
	if v.Kind() != vector.List {
		return jsonscan.AppendQuoted(dst, v.Text())
	}
	dst = append(dst, '[')
	for i, s := range v.All() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonscan.AppendQuoted(dst, s)
	}
	return append(dst, ']')
}
