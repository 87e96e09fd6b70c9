package cmd

import (
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fromjson creates fields from the members of a JSON object.
type Fromjson struct{ Field, Prefix string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fromjson", Kind: syntax.KindStreaming,
		Summary: "Extract the members of a JSON object as fields.",
		Syntax:  "fromjson <field> [prefix=<text>]",
		Doc:     "Only the object's own members are extracted; nested objects and arrays stay JSON text. A value that is not an object gives nothing.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field with the object."},
			{Name: "prefix", Doc: "A prefix for the names."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval j="{\"name\":\"bob\",\"tags\":[1,2]}" | fromjson j prefix=my_ | table my_name my_tags`,
			Want:   []string{`{"my_name":"bob","my_tags":"[1,2]"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Fromjson{}
			options := func() error {
				return p.Options([]string{"prefix"}, func(o syntax.Option) error {
					c.Prefix = o.Value.Text
					return nil
				})
			}
			err := options()
			if err == nil {
				c.Field, err = p.Field()
			}
			if err == nil {
				err = options()
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Fromjson) Print() string {
	s := "fromjson " + syntax.PrintField(c.Field)
	if c.Prefix != "" {
		s += " prefix=" + syntax.PrintOption(c.Prefix)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Fromjson) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Fromjson) NewMapper(*exec.Env) (exec.Mapper, error) {
	return op.Discover{Open: func(b *vector.Batch) func(int, func(name, value string)) {
		col := b.Col(c.Field)
		if col == nil {
			return nil
		}
		return func(row int, add func(name, value string)) {
			for _, text := range col.At(row).All() {
				c.keys(text, add)
			}
		}
	}}, nil
}

// keys calls add for every member of a text that is a JSON object.
func (c *Fromjson) keys(text string, add func(name, value string)) {
	doc, ok := jsonDocument(text)
	if !ok || doc[0] != '{' {
		return
	}
	// The document was validated above, so this cannot fail.
	_, _ = jsonscan.Object(doc, 0, jsonscan.MaxDepth, func(key string, value []byte) bool {
		if jsonscan.KindOf(value) != jsonscan.Null && key != "" {
			add(c.Prefix+key, spath.Text(value))
		}
		return true
	})
}
