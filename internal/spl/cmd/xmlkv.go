package cmd

import (
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// XMLkv creates fields from XML elements.
type XMLkv struct{ Field string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "xmlkv", Kind: syntax.KindStreaming,
		Summary: "Extract fields from XML elements that contain text.",
		Syntax:  "xmlkv [<field>] [maxinputs=<n>]",
		Doc:     "Each `<name …>text</name>` sets the field `name`; repeated elements give several values. Attributes and nested elements are skipped, and entities are decoded. At most 100 elements of each text are read.",
		Args: []syntax.Arg{
			{Name: "<field>", Default: "_raw", Doc: "The field to read."},
			{Name: "maxinputs", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="<e><user id=\"1\">alice</user><n>5</n></e>" | xmlkv | table user n`,
			Want:   []string{`{"user":"alice","n":"5"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			field, err := parseXMLInput(p)
			return &XMLkv{field}, err
		},
	})
}

// parseXMLInput reads the arguments of xmlkv and xmlunescape.
func parseXMLInput(p *syntax.Parser) (field string, err error) {
	given := false
	for !p.AtEnd() {
		err := p.Options([]string{"maxinputs"}, func(o syntax.Option) error {
			_, err := o.Int(1)
			return err
		})
		if err != nil {
			return "", err
		}
		if p.AtEnd() {
			break
		}
		tok := p.Peek()
		if given {
			return "", p.Unexpected(tok, "one field, or an option")
		}
		given = true
		if field, err = p.Field(); err != nil {
			return "", err
		}
	}
	if !given {
		field = "_raw"
	}
	return field, nil
}

// Print implements syntax.Command.
func (c *XMLkv) Print() string { return "xmlkv " + syntax.PrintField(c.Field) }

// Needs implements syntax.Command.
func (c *XMLkv) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *XMLkv) NewMapper(env *exec.Env) (exec.Mapper, error) {
	return op.Discover{Open: func(b *vector.Batch) func(int, func(name, value string)) {
		col := b.Col(c.Field)
		if col == nil {
			return nil
		}
		return func(row int, add func(name, value string)) {
			n := 0
			for name, text := range elements(col.At(row).Text()) {
				if n++; n > maxElements {
					env.Warn("xmlkv reads at most %d elements of each text; the others are left out", maxElements)
					return
				}
				add(name, text)
			}
		}
	}}, nil
}

// maxElements bounds how many elements of a text become fields.
const maxElements = 100

// elements yields the elements of s that contain only text.
func elements(s string) func(yield func(name, text string) bool) {
	return func(yield func(name, text string) bool) {
		name := "" // the last opened tag, if only text followed it
		start := 0
		for pos := 0; ; {
			open := strings.IndexByte(s[pos:], '<')
			if open < 0 {
				return
			}
			open += pos
			shut := strings.IndexByte(s[open:], '>')
			if shut < 0 {
				return
			}
			tag := s[open+1 : open+shut]
			pos = open + shut + 1
			if closes, ok := strings.CutPrefix(tag, "/"); ok {
				if name != "" && strings.TrimSpace(closes) == name && open > start && !yield(name, unescapeXML(s[start:open])) {
					return
				}
				name = ""
				continue
			}
			name, start = "", pos
			if words := strings.Fields(tag); len(words) > 0 && strings.IndexByte("!?", tag[0]) < 0 && !strings.HasSuffix(tag, "/") {
				name = words[0]
			}
		}
	}
}
