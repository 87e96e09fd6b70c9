package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Tags adds fields with the tags of field values.
type Tags struct {
	Fields    []string // nil = all
	Output    string   // one field for all tags; "" = tag::<field> for each
	InclName  bool
	InclValue bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "tags", Kind: syntax.KindStreaming,
		Summary: "Write the tags of field values into fields.",
		Syntax:  "tags [outputfield=<field>] [inclname=<bool>] [inclvalue=<bool>] [<field-list>]",
		Doc:     "Tags of each field go to `tag::<field>`, or all together to the field that `outputfield` names. Tags come from tags.conf in the knowledge folder and from the event types of CloudTrail events.",
		Args: []syntax.Arg{
			{Name: "<field-list>", Default: "all fields", Doc: "The fields whose tags to write."},
			{Name: "outputfield", Doc: "One field for all tags."},
			{Name: "inclname", Default: "false", Doc: "With outputfield: write `field::tag`."},
			{Name: "inclvalue", Default: "false", Doc: "With outputfield: write `value::tag`, and with inclname `field::value::tag`."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval eventtype="aws_cloudtrail_errors" | tags outputfield=t inclname=true eventtype | table t`,
			Want:   []string{`{"t":"eventtype::error"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Tags{}
			options := func() error {
				return p.Options([]string{"outputfield", "inclname", "inclvalue"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "outputfield":
						c.Output = o.Value.Text
					case "inclname":
						c.InclName, err = o.Bool()
					case "inclvalue":
						c.InclValue, err = o.Bool()
					}
					return err
				})
			}
			err := options()
			if err == nil && !p.AtEnd() {
				if c.Fields, err = p.Fields(); err == nil {
					err = options()
				}
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Tags) Print() string {
	s := "tags"
	if c.Output != "" {
		s += " outputfield=" + syntax.PrintOption(c.Output)
	}
	if c.InclName {
		s += " inclname=true"
	}
	if c.InclValue {
		s += " inclvalue=true"
	}
	if c.Fields != nil {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Tags) Needs(out filter.FieldSet) filter.FieldSet {
	if c.Fields == nil {
		return out.Union(filter.AllFields())
	}
	return out.Add(c.Fields...)
}

// NewMapper implements exec.Streaming.
func (c *Tags) NewMapper(env *exec.Env) (exec.Mapper, error) {
	m := &tags{c: c, table: fieldTags(env), fields: c.Fields}
	if m.fields == nil {
		m.fields = m.table.fields()
	}
	return m, nil
}

type tags struct {
	c      *Tags
	table  tagTable
	fields []string
}

// Map implements exec.Mapper.
func (m *tags) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	together := make([][]string, b.Len)
	pulse := exec.NewPulse(ctx)
	for _, field := range m.fields {
		col := b.Col(field)
		if col == nil {
			continue
		}
		own := make([][]string, b.Len)
		for i := range b.Len {
			pulse.Work(col.At(i).Size())
			for _, value := range col.At(i).All() {
				for _, tag := range m.table.of(field, vector.String(value)) {
					own[i] = appendNew(own[i], tag)
					together[i] = appendNew(together[i], m.c.label(field, value, tag))
				}
			}
		}
		if m.c.Output == "" {
			b = withLists(b, "tag::"+field, own)
		}
	}
	if m.c.Output == "" {
		return b, nil
	}
	return withLists(b, m.c.Output, together), nil
}

func (c *Tags) label(field, value, tag string) string {
	parts := []string{tag}
	if c.InclValue {
		parts = append([]string{value}, parts...)
	}
	if c.InclName {
		parts = append([]string{field}, parts...)
	}
	return strings.Join(parts, "::")
}
