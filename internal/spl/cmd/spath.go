package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Spath extracts values from JSON or XML text.
type Spath struct {
	Input  string
	Output string // "" = the path
	Path   string // "" = all leaves
	path   spath.Path
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "spath", Kind: syntax.KindStreaming,
		Summary: "Extract values from JSON or XML, by path or all of them.",
		Syntax:  "spath [input=<field>] [output=<field>] [path=<path> | <path>]",
		Doc: "A path is a list of keys joined by dots; `{}` stands for all elements of an array, `{0}` for the first. Objects and\n" +
			"arrays are returned as JSON text, several matches as several values. `{}` after a plain object means the object\n" +
			"itself. If nothing is found, the output field is unchanged. Without a path, every leaf becomes a field named by its\n" +
			"path and replaces any existing field of that name. The whole text is read; Splunk's cutoff after 5,000 characters does\n" +
			"not apply.\n" +
			"\n" +
			"In XML, a path starts with the root element. Sibling elements with the same name give several values, and `{2}` is the\n" +
			"second of them; `{@name}` is an attribute. An element with child elements is returned as the XML inside it.",
		Args: []syntax.Arg{
			{Name: "input", Default: "_raw", Doc: "The field that holds the text."},
			{Name: "output", Default: "the path", Doc: "The field to set."},
			{Name: "path", Default: "all leaves", Doc: "The path of the value."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval j="{\"a\":[{\"b\":1},{\"b\":2}]}" | spath input=j output=b path=a{}.b | table b`,
			Want:   []string{`{"b":["1","2"]}`},
		}, {
			Doc:    "All leaves.",
			Search: `| makeresults | eval j="{\"a\":{\"b\":true},\"c\":[3]}" | spath input=j | table a.b c{}`,
			Want:   []string{`{"a.b":"true","c{}":"3"}`},
		}, {
			Doc:    "An XML attribute.",
			Search: `| makeresults | eval x="<books><book year='1996'>A</book><book year='2004'>B</book></books>" | spath input=x output=year path=books.book{@year} | spath input=x | table year books.book`,
			Want:   []string{`{"year":["1996","2004"],"books.book":["A","B"]}`},
		}},
		Parse: parseSpath,
	})
}

func parseSpath(p *syntax.Parser) (syntax.Command, error) {
	c := &Spath{Input: "_raw"}
	var at diag.Span
	for !p.AtEnd() {
		err := p.Options([]string{"input", "output", "path"}, func(o syntax.Option) error {
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
		if tok := p.Peek(); c.Path != "" {
			return nil, p.Unexpected(tok, "one path, or an option")
		}
		at = p.Peek().Span
		if c.Path, err = p.Field(); err != nil {
			return nil, err
		}
	}
	var err error
	if c.path, err = spath.Parse(c.Path); err != nil {
		return nil, diag.At(at, "%s", err)
	}
	if c.Path == "" && c.Output != "" {
		return nil, diag.At(at, "spath with output= needs a path")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Spath) Print() string {
	var b strings.Builder
	b.WriteString("spath")
	for _, o := range [][2]string{{"input", c.Input}, {"output", c.Output}, {"path", c.Path}} {
		if o[1] != "" && o != [2]string{"input", "_raw"} {
			b.WriteString(" " + o[0] + "=" + syntax.PrintOption(o[1]))
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

// Needs implements syntax.Command. The output field keeps its value if nothing
// is found, so it is needed too.
func (c *Spath) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Input) }

// NewMapper implements exec.Streaming.
func (c *Spath) NewMapper(*exec.Env) (exec.Mapper, error) {
	if c.Path != "" {
		return c, nil
	}
	return op.Discover{Open: func(b *vector.Batch) func(int, func(name, value string)) {
		col := b.Col(c.Input)
		if col == nil {
			return nil
		}
		return func(row int, add func(name, value string)) {
			for _, doc := range col.At(row).All() {
				for _, l := range spath.Leaves(doc) {
					if l.Path != "" { // a scalar document has no path
						add(l.Path, l.Value)
					}
				}
			}
		}
	}}, nil
}

// Map implements exec.Mapper for one path.
func (c *Spath) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	in := b.Col(c.Input)
	if in == nil {
		return b, nil
	}
	vals := make([]vector.Value, b.Len)
	old := b.Col(c.output())
	pulse := exec.NewPulse(ctx)
	for i := range vals {
		var found []string
		each := in.At(i)
		pulse.Work(each.Size())
		for j := range each.Len() {
			found = append(found, spath.Find(each.At(j), c.path)...)
		}
		vals[i] = vector.Strings(found)
		if found == nil && old != nil {
			vals[i] = old.At(i)
		}
	}
	return b.With(vector.NewColumn(c.output(), vals)), nil
}
