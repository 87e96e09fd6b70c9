package cmd

import (
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Sort orders rows by fields.
type Sort struct {
	Limit   int // -1 = the configured default, 0 = all
	Keys    []SortKey
	Reverse bool // desc at the end: reverse the whole order
}

// SortKey is one field to sort by.
type SortKey struct {
	Field string
	As    string // auto, num, str or ip
	Desc  bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "sort", Kind: syntax.KindTransforming,
		Summary: "Sort rows.",
		Syntax:  "sort [<n> | limit=<n>] [+|-] <field> … [desc]",
		Doc: "Numbers are sorted as numbers, addresses as addresses, and other text by its bytes: digits, capitals, lower case. A\n" +
			"sign followed by a space applies to all following fields; a sign without one applies to its field. Rows without the\n" +
			"field come last in both directions, and equal rows keep their order. A multivalue field is sorted by its first value.\n" +
			"Without a count, the first 10,000 rows are kept, and a warning says so; `sort 0` keeps all.",
		Args: []syntax.Arg{
			{Name: "<n>", Default: "10000", Doc: "Maximum number of rows; 0 means all."},
			{Name: "<field>", Doc: "A field, or auto(field), num(field), str(field), ip(field)."},
			{Name: "desc", Doc: "Reverses the whole order."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="x,k
9,a
100,b
70,c" | sort - x | table k`,
			Want: []string{`{"k":"b"}`, `{"k":"c"}`, `{"k":"a"}`},
		}},
		Parse: parseSort,
	})
}

func parseSort(p *syntax.Parser) (syntax.Command, error) {
	c := &Sort{Limit: -1}
	desc := false // set by a sign followed by a blank
	for first := true; !p.AtEnd(); first = false {
		if p.Accept(",") {
			continue
		}
		if o, ok, err := p.Option(); err != nil {
			return nil, err
		} else if ok {
			if o.Name != "limit" {
				return nil, o.Unknown("limit")
			}
			if c.Limit, err = o.Int(0); err != nil {
				return nil, err
			}
			continue
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		if n, err := strconv.Atoi(tok.Text); err == nil && first && tok.Kind == syntax.Word && tok.Text[0] != '-' && tok.Text[0] != '+' {
			c.Limit = n
			continue
		}
		if next := p.Peek(); len(c.Keys) > 0 && (tok.IsWord("desc") || tok.IsWord("d")) && (next.Kind == syntax.EOF || next.Is("|") || next.Is("]")) {
			c.Reverse = true
			break
		}
		key, all, err := sortKey(p, tok, desc)
		if err != nil {
			return nil, err
		}
		if all {
			desc = key.Desc
			continue
		}
		c.Keys = append(c.Keys, key)
	}
	if len(c.Keys) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field to sort by")
	}
	return c, nil
}

// sortKey reads one field with its sign. all is true for a sign on its own.
func sortKey(p *syntax.Parser, tok syntax.Token, desc bool) (key SortKey, all bool, err error) {
	key = SortKey{Field: tok.Text, As: "auto", Desc: desc}
	if tok.Kind == syntax.Word && (tok.Text[0] == '-' || tok.Text[0] == '+') {
		key.Desc = tok.Text[0] == '-'
		key.Field = tok.Text[1:]
		if key.Field == "" {
			if next := p.Peek(); next.Kind == syntax.Quoted && !next.Spaced { // -"a b"
				key.Field, err = p.Field()
				return key, false, err
			}
			return key, true, nil
		}
	}
	if tok.Kind != syntax.Word && tok.Kind != syntax.Quoted {
		return key, false, p.Unexpected(tok, "a field to sort by")
	}
	if tok.Kind == syntax.Word && p.Peek().Is("(") && !p.Peek().Spaced {
		as := strings.ToLower(key.Field)
		if arg := p.Argument(syntax.Token{Kind: tok.Kind, Text: as, Span: tok.Span}); arg != "" { // sort -sum(bytes)
			key.Field += arg
			return key, false, nil
		}
		if comparers[as] == nil {
			return key, false, diag.At(tok.Span, "cannot sort as %q", as).WithHint("auto, num, str or ip")
		}
		p.Accept("(")
		if key.Field, err = p.Field(); err != nil {
			return key, false, err
		}
		key.As = as
		err = p.Expect(")")
	}
	return key, false, err
}

var comparers = map[string]func(a, b vector.Value) int{
	"auto": vector.CompareAuto,
	"num":  vector.CompareNumbers,
	"ip":   vector.CompareIPs,
	"str":  func(a, b vector.Value) int { return strings.Compare(a.Text(), b.Text()) },
}

// Print implements syntax.Command.
func (c *Sort) Print() string {
	var b strings.Builder
	b.WriteString("sort")
	if c.Limit >= 0 {
		b.WriteString(" " + strconv.Itoa(c.Limit))
	}
	for i, k := range c.Keys {
		sep := " "
		if i > 0 {
			sep = ", "
		}
		sign := "+"
		if k.Desc {
			sign = "-"
		}
		field := syntax.PrintField(k.Field)
		if k.As != "auto" {
			field = k.As + "(" + field + ")"
		}
		b.WriteString(sep + sign + field)
	}
	if c.Reverse {
		b.WriteString(" desc")
	}
	return b.String()
}

// Needs implements syntax.Command.
func (c *Sort) Needs(out filter.FieldSet) filter.FieldSet {
	for _, k := range c.Keys {
		out = out.Add(k.Field)
	}
	return out
}

// Chooses tells the planner how many rows remain.
func (c *Sort) Chooses() (rows int, ok bool) { return c.Limit, c.Limit > 0 }

// NewestFirst tells the planner whether events are sorted by descending time
// and how many remain: 0 = all, below 0 = the default limit of the environment.
func (c *Sort) NewestFirst() (limit int, ok bool) {
	if len(c.Keys) != 1 {
		return 0, false
	}
	k := c.Keys[0]
	return c.Limit, k.Field == event.Time && k.Desc != c.Reverse && (k.As == "auto" || k.As == "num")
}

// Tabulates says that sorted events are still events.
func (c *Sort) Tabulates() bool { return false }

// Ordered implements exec.Transforming. Equal rows keep their order.
func (c *Sort) Ordered() bool { return true }
