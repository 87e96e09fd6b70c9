package cmd

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Tojson writes the fields of a row as a JSON object.
type Tojson struct {
	Fields   []TojsonField // none = all
	Default  string
	Output   string
	FillNull bool
	Internal bool
}

// TojsonField is a field or a pattern, and the JSON type of its values.
type TojsonField struct{ Type, Field string }

var tojsonTypes = []string{"auto", "bool", "json", "none", "num", "str"}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "tojson", Kind: syntax.KindStreaming,
		Summary: "Write the fields of each row as a JSON object.",
		Syntax:  "tojson [<type>(<field-list>)|<field>…] [default_type=<type>] [output_field=<field>] [fill_null=<bool>] [include_internal=<bool>]",
		Doc: "Types: `none` writes numbers as numbers and everything else as strings; `str` writes strings; `num` writes numbers;\n" +
			"`bool` writes true for t, true, yes and nonzero numbers, and false for f, false, no and 0; `json` writes valid JSON as\n" +
			"is; `auto` picks one of these by the value. Values that do not fit the type are left out. Several values become an\n" +
			"array.",
		Args: []syntax.Arg{
			{Name: "<field>", Default: "all fields", Doc: "Names and patterns, bare or in the parentheses of a type."},
			{Name: "default_type", Default: "none", Doc: "The type of fields outside parentheses."},
			{Name: "output_field", Default: "_raw", Doc: "The field for the object."},
			{Name: "fill_null", Default: "false", Doc: "Write null for values that do not fit the type and for listed fields that the row lacks."},
			{Name: "include_internal", Default: "false", Doc: "Include fields that start with _ when no fields are listed."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="a,b
1,x" | tojson output_field=j | table j`,
			Want: []string{`{"j":"{\"a\":1,\"b\":\"x\"}"}`},
		}, {
			Search: `| makeresults format=csv data="a,b
1,t" | tojson str(a) bool(b) output_field=j | table j`,
			Want: []string{`{"j":"{\"a\":\"1\",\"b\":true}"}`},
		}},
		Parse: parseTojson,
	})
}

func parseTojson(p *syntax.Parser) (syntax.Command, error) {
	c := &Tojson{Default: "none", Output: "_raw"}
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		tok := p.Peek()
		err := p.Options([]string{"default_type", "output_field", "fill_null", "include_internal"}, func(o syntax.Option) (err error) {
			switch o.Name {
			case "default_type":
				if c.Default = strings.ToLower(o.Value.Text); !slices.Contains(tojsonTypes, c.Default) {
					err = diag.At(o.Value.Span, "unknown type %q", o.Value.Text).WithHint("types: %s", strings.Join(tojsonTypes, ", "))
				}
			case "output_field":
				c.Output = o.Value.Text
			case "fill_null":
				c.FillNull, err = o.Bool()
			default:
				c.Internal, err = o.Bool()
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.Peek() != tok {
			continue
		}
		name, err := p.Field()
		if err != nil {
			return nil, err
		}
		if !p.Accept("(") {
			c.Fields = append(c.Fields, TojsonField{"", name})
			continue
		}
		kind := strings.ToLower(name)
		if !slices.Contains(tojsonTypes, kind) {
			return nil, diag.At(tok.Span, "unknown type %q", name).WithHint("types: %s", strings.Join(tojsonTypes, ", "))
		}
		for !p.Accept(")") {
			if p.Accept(",") {
				continue
			}
			if name, err = p.Field(); err != nil {
				return nil, err
			}
			c.Fields = append(c.Fields, TojsonField{kind, name})
		}
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Tojson) Print() string {
	s := "tojson"
	for _, f := range c.Fields {
		if f.Type == "" {
			s += " " + syntax.PrintField(f.Field)
		} else {
			s += " " + f.Type + "(" + syntax.PrintField(f.Field) + ")"
		}
	}
	if c.Default != "none" {
		s += " default_type=" + c.Default
	}
	if c.Output != "_raw" {
		s += " output_field=" + syntax.PrintOption(c.Output)
	}
	if c.FillNull {
		s += " fill_null=true"
	}
	if c.Internal {
		s += " include_internal=true"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Tojson) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return out.Union(filter.AllFields())
	}
	out = out.Without(c.Output)
	for _, f := range c.Fields {
		out = out.Add(f.Field)
	}
	return out
}

// NewMapper implements exec.Streaming.
func (c *Tojson) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Tojson) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	type member struct {
		col  *vector.Column // nil = no row has the field
		name string
		kind string
	}
	var members []member
	seen := map[string]bool{}
	add := func(col *vector.Column, name, kind string) {
		if !seen[name] {
			seen[name] = true
			if kind == "" {
				kind = c.Default
			}
			members = append(members, member{col, name, kind})
		}
	}
	for _, f := range c.Fields {
		if !strings.Contains(f.Field, "*") {
			add(b.Col(f.Field), f.Field, f.Type)
			continue
		}
		names := b.Names()
		slices.Sort(names)
		for _, name := range names {
			if filter.MatchName(f.Field, name) && (c.Internal || op.Covers(f.Field, name)) {
				add(b.Col(name), name, f.Type)
			}
		}
	}
	if len(c.Fields) == 0 {
		for _, col := range b.Cols {
			if c.Internal || !op.Internal(col.Name) {
				add(col, col.Name, "")
			}
		}
	}
	vals := make([]vector.Value, b.Len)
	var buf []byte
	pulse := exec.NewPulse(ctx)
	for i := range vals {
		buf = append(buf[:0], '{')
		pulse.Work(16*len(members) + len(buf))
		for _, m := range members {
			var v vector.Value
			if m.col != nil {
				v = m.col.At(i)
			}
			before := len(buf)
			if before > 1 {
				buf = append(buf, ',')
			}
			buf = append(jsonscan.AppendQuoted(buf, m.name), ':')
			start := len(buf)
			if buf = appendJSON(buf, v, m.kind, c.FillNull); len(buf) == start {
				if !c.FillNull {
					buf = buf[:before]
					continue
				}
				buf = append(buf, "null"...)
			}
		}
		vals[i] = vector.String(string(append(buf, '}')))
	}
	return b.With(vector.NewColumn(c.Output, vals)), nil
}

// appendJSON appends a value as the given JSON type, or nothing if that is
// impossible. In a list, such values are omitted, or null with fill.
func appendJSON(dst []byte, v vector.Value, kind string, fill bool) []byte {
	if v.Len() < 2 {
		if v.IsNull() {
			return dst
		}
		return appendScalar(dst, v.At(0), kind)
	}
	dst = append(dst, '[')
	some := false
	for j := range v.Len() {
		before := len(dst)
		if some {
			dst = append(dst, ',')
		}
		start := len(dst)
		if dst = appendScalar(dst, v.At(j), kind); len(dst) == start {
			if !fill {
				dst = dst[:before]
				continue
			}
			dst = append(dst, "null"...)
		}
		some = true
	}
	return append(dst, ']')
}

func appendScalar(dst []byte, s, kind string) []byte {
	number, isNumber := vector.ParseNumber(s)
	switch {
	case kind == "bool":
		switch lower := strings.ToLower(s); {
		case isNumber:
			return strconv.AppendBool(dst, number != 0)
		case lower == "t" || lower == "true" || lower == "yes":
			return append(dst, "true"...)
		case lower == "f" || lower == "false" || lower == "no":
			return append(dst, "false"...)
		}
		return dst
	case kind == "str":
	case kind != "json" && isNumber:
		if _, ok := jsonDocument(s); ok { // as written, including its zeros
			return append(dst, s...)
		}
		return vector.AppendNumber(dst, number)
	case kind == "num":
		return dst
	case kind == "auto" && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false") || strings.EqualFold(s, "null")):
		return append(dst, strings.ToLower(s)...)
	case kind == "json", kind == "auto" && s != "" && strings.IndexByte("{[", s[0]) >= 0:
		if doc, ok := jsonDocument(s); ok {
			return append(dst, jsonscan.Compact(doc)...)
		}
		if kind == "json" {
			return dst
		}
	}
	return jsonscan.AppendQuoted(dst, s)
}

// jsonDocument trims white space from s and reports whether the rest is a
// single JSON value.
func jsonDocument(s string) ([]byte, bool) {
	doc := []byte(strings.TrimSpace(s))
	if len(doc) == 0 {
		return doc, false
	}
	end, err := jsonscan.Skip(doc, 0, jsonscan.MaxDepth)
	return doc, err == nil && end == len(doc)
}
