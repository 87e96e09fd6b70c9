package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Strcat concatenates fields and literal text into a field.
type Strcat struct {
	AllRequired bool
	Parts       []StrcatPart
	Field       string
}

// StrcatPart is a field or a quoted literal.
type StrcatPart struct {
	Text    string
	Literal bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "strcat", Kind: syntax.KindStreaming,
		Summary: "Concatenate fields and quoted texts into a field.",
		Syntax:  `strcat [allrequired=<bool>] <field>|"<text>" … <new-field>`,
		Doc:     "A missing field counts as an empty string.",
		Args: []syntax.Arg{
			{Name: `<field>|"<text>"`, Doc: "The parts to concatenate, in this order."},
			{Name: "<new-field>", Doc: "The field to set; the last word."},
			{Name: "allrequired", Default: "false", Doc: "Set the field only if all other fields exist."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval h="web", port=80 | strcat h "::" port address | table address`,
			Want:   []string{`{"address":"web::80"}`},
		}},
		Parse: parseStrcat,
	})
}

func parseStrcat(p *syntax.Parser) (syntax.Command, error) {
	c := &Strcat{}
	err := p.Options([]string{"allrequired"}, func(o syntax.Option) (err error) {
		c.AllRequired, err = o.Bool()
		return err
	})
	if err != nil {
		return nil, err
	}
	start := p.Peek().Span
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		if tok.Kind != syntax.Word && tok.Kind != syntax.Quoted {
			return nil, p.Unexpected(tok, "a field or a quoted text")
		}
		c.Parts = append(c.Parts, StrcatPart{tok.Text, tok.Kind == syntax.Quoted})
	}
	if len(c.Parts) < 2 {
		return nil, diag.At(start, "strcat needs something to concatenate and the field to set")
	}
	last := c.Parts[len(c.Parts)-1]
	c.Field, c.Parts = last.Text, c.Parts[:len(c.Parts)-1]
	if c.Field == "" {
		return nil, diag.At(start, "strcat needs the name of the field to set")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Strcat) Print() string {
	var b strings.Builder
	b.WriteString("strcat ")
	if c.AllRequired {
		b.WriteString("allrequired=true ")
	}
	for _, part := range c.Parts {
		if part.Literal {
			b.WriteString(syntax.QuoteArg(part.Text) + " ")
		} else {
			b.WriteString(part.Text + " ")
		}
	}
	return b.String() + syntax.PrintField(c.Field)
}

// Needs implements syntax.Command.
func (c *Strcat) Needs(out filter.FieldSet) filter.FieldSet {
	if !c.AllRequired {
		out = out.Without(c.Field)
	}
	for _, part := range c.Parts {
		if !part.Literal {
			out = out.Add(part.Text)
		}
	}
	return out
}

// NewMapper implements exec.Streaming.
func (c *Strcat) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Strcat) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	cols := make([]*vector.Column, len(c.Parts))
	for i, part := range c.Parts {
		if !part.Literal {
			cols[i] = b.Col(part.Text)
		}
	}
	old := b.Col(c.Field)
	vals := make([]vector.Value, b.Len)
	var text []byte
	pulse := exec.NewPulse(ctx)
	for row := range vals {
		pulse.Work(len(text))
		text = text[:0]
		complete := true
		for i, part := range c.Parts {
			switch {
			case part.Literal:
				text = append(text, part.Text...)
			case cols[i] == nil || cols[i].At(row).IsNull():
				complete = false
			default:
				text = cols[i].At(row).AppendText(text)
			}
		}
		switch {
		case complete || !c.AllRequired:
			vals[row] = vector.String(string(text))
		case old != nil:
			vals[row] = old.At(row)
		}
	}
	return b.With(vector.NewColumn(c.Field, vals)), nil
}
