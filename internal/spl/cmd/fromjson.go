package cmd

import (
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Fromjson makes fields of the members of a JSON object.
type Fromjson struct{ Field, Prefix string }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "fromjson", Kind: spl.KindStreaming,
		Summary: "Make fields of the members of a JSON object.",
		Syntax:  "fromjson <field> [prefix=<text>]",
		Doc:     "Only the object's own members: objects and arrays in it stay JSON text. What is no object gives nothing.",
		Args: []spl.Arg{
			{Name: "<field>", Doc: "The field with the object."},
			{Name: "prefix", Doc: "Text put before the names."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults | eval j="{\"name\":\"bob\",\"tags\":[1,2]}" | fromjson j prefix=my_ | table my_name my_tags`,
			Want:   []string{`{"my_name":"bob","my_tags":"[1,2]"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			c := &Fromjson{}
			options := func() error {
				return p.Options([]string{"prefix"}, func(o spl.Option) error {
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

// Print implements spl.Command.
func (c *Fromjson) Print() string {
	s := "fromjson " + spl.PrintField(c.Field)
	if c.Prefix != "" {
		s += " prefix=" + spl.PrintOption(c.Prefix)
	}
	return s
}

// Needs implements spl.Command.
func (c *Fromjson) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements spl.Streaming.
func (c *Fromjson) NewMapper(*spl.Env) (spl.Mapper, error) {
	return discover{func(b *vector.Batch) func(int, func(name, value string)) {
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

// keys calls add for every key of a text that is a JSON object.
func (c *Fromjson) keys(text string, add func(name, value string)) {
	doc, ok := jsonDocument(text)
	if !ok || doc[0] != '{' {
		return
	}
	// The whole document was checked above.
	_, _ = jsonscan.Object(doc, 0, jsonscan.MaxDepth, func(key string, value []byte) bool {
		if jsonscan.KindOf(value) != jsonscan.Null && key != "" {
			add(c.Prefix+key, spath.Text(value))
		}
		return true
	})
}
