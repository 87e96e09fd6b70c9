package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Spath takes values out of JSON text.
type Spath struct {
	Input  string
	Output string // "" = the path
	Path   string // "" = all leaves
	path   jsonscan.Path
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "spath", Kind: spl.KindStreaming,
		Summary: "Take values out of JSON, by path or all of them.",
		Syntax:  "spath [input=<field>] [output=<field>] [path=<path> | <path>]",
		Doc: "A path is keys joined by dots; `{}` stands for all elements of an array, `{0}` for the first. Objects and arrays\n" +
			"come as JSON text, several hits as several values. `{}` over a plain object means the object itself. Where nothing is\n" +
			"found the output field is left as it is. Without a path every leaf becomes a field, named by its path, in the place of a\n" +
			"field that has the name. The whole text is read: Splunk's cut after 5,000 characters is not kept.",
		Args: []spl.Arg{
			{Name: "input", Default: "_raw", Doc: "The field that holds the JSON."},
			{Name: "output", Default: "the path", Doc: "The field to set."},
			{Name: "path", Default: "all leaves", Doc: "Where the value is."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults | eval j="{\"a\":[{\"b\":1},{\"b\":2}]}" | spath input=j output=b path=a{}.b | table b`,
			Want:   []string{`{"b":["1","2"]}`},
		}, {
			Doc:    "All leaves.",
			Search: `| makeresults | eval j="{\"a\":{\"b\":true},\"c\":[3]}" | spath input=j | table a.b c{}`,
			Want:   []string{`{"a.b":"true","c{}":"3"}`},
		}},
		Parse: parseSpath,
	})
}

func parseSpath(p *spl.Parser) (spl.Command, error) {
	c := &Spath{Input: "_raw"}
	var at diag.Span
	for !p.AtEnd() {
		err := p.Options([]string{"input", "output", "path"}, func(o spl.Option) error {
			switch o.Name {
			case "input":
				c.Input = o.Value.Text
			case "output":
				c.Output = o.Value.Text
			default:
				c.Path, at = o.Value.Text, o.Value.Span
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		at = p.Peek().Span
		if c.Path, err = p.Field(); err != nil {
			return nil, err
		}
	}
	var err error
	if c.path, err = jsonscan.ParsePath(c.Path); err != nil {
		return nil, diag.At(at, "%s", err)
	}
	if c.Path == "" && c.Output != "" {
		return nil, diag.At(at, "spath with output= needs a path")
	}
	return c, nil
}

// Print implements spl.Command.
func (c *Spath) Print() string {
	var b strings.Builder
	b.WriteString("spath")
	for _, o := range [][2]string{{"input", c.Input}, {"output", c.Output}, {"path", c.Path}} {
		if o[1] != "" && o != [2]string{"input", "_raw"} {
			b.WriteString(" " + o[0] + "=" + spl.PrintOption(o[1]))
		}
	}
	return b.String()
}

func (c *Spath) output() string {
	if c.Output != "" {
		return c.Output
	}
	return c.Path
}

// Needs implements spl.Command. Where nothing is found the output keeps what
// it had, so that is needed too.
func (c *Spath) Needs(out spl.FieldSet) spl.FieldSet { return out.Add(c.Input) }

// NewMapper implements spl.Streaming.
func (c *Spath) NewMapper(*spl.Env) (spl.Mapper, error) { return c, nil }

// Map implements spl.Mapper.
func (c *Spath) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	in := b.Col(c.Input)
	if in == nil {
		return b, nil
	}
	if c.Path == "" {
		return spathAll(b, in), nil
	}
	vals := make([]vector.Value, b.Len)
	old := b.Col(c.output())
	for i := range vals {
		var found []string
		each := in.At(i)
		for j := range each.Len() {
			// What is no JSON has nothing at any path.
			_ = c.path.Get([]byte(each.At(j)), func(v []byte) bool {
				if jsonscan.KindOf(v) != jsonscan.Null {
					found = append(found, jsonText(v))
				}
				return true
			})
		}
		vals[i] = vector.Strings(found)
		if found == nil && old != nil {
			vals[i] = old.At(i)
		}
	}
	return b.With(vector.NewColumn(c.output(), vals)), nil
}

// jsonText is a value as spath gives it: scalars as they read, the rest as
// JSON without white space.
func jsonText(v []byte) string {
	if jsonscan.KindOf(v) == jsonscan.Composite {
		return string(jsonscan.Compact(v))
	}
	return jsonscan.Scalar(v)
}

func spathAll(b *vector.Batch, in *vector.Column) *vector.Batch {
	var order []string
	found := map[string][][]string{}
	for i := range b.Len {
		each := in.At(i)
		for j := range each.Len() {
			doc := []byte(each.At(j))
			type leaf struct{ path, value string }
			var leaves []leaf
			if jsonscan.Leaves(doc, jsonscan.MaxDepth, func(path, value string) bool {
				leaves = append(leaves, leaf{path, value})
				return true
			}) != nil {
				continue
			}
			for _, l := range leaves {
				if l.path == "" {
					continue // a lone scalar has no name
				}
				if found[l.path] == nil {
					order = append(order, l.path)
					found[l.path] = make([][]string, b.Len)
				}
				found[l.path][i] = append(found[l.path][i], l.value)
			}
		}
	}
	for _, name := range order {
		old := b.Col(name)
		vals := make([]vector.Value, b.Len)
		for i, list := range found[name] {
			vals[i] = vector.Strings(list)
			if list == nil && old != nil {
				vals[i] = old.At(i)
			}
		}
		b = b.With(vector.NewColumn(name, vals))
	}
	return b
}
