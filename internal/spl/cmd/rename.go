package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Rename gives fields other names.
type Rename struct{ Pairs []RenamePair }

// RenamePair is one "from AS to"; both may hold the same number of wildcards.
type RenamePair struct{ From, To string }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "rename", Kind: spl.KindStreaming,
		Summary: "Give fields other names.",
		Syntax:  "rename <field> AS <new-name> [, <field> AS <new-name>]…",
		Doc: "With `*` on both sides several fields are renamed at once: `rename userIdentity.* AS ui_*`. What has the new name\n" +
			"already is replaced, also where the renamed field is missing. Pairs are done from left to right.",
		Args: []spl.Arg{{Name: "<field> AS <new-name>", Doc: "Names with blanks stand in double quotes."}},
		Examples: []spl.Example{{
			Search: `| makeresults | eval a.x=1, a.y=2 | rename a.* AS b_* | table b_x b_y`,
			Want:   []string{`{"b_x":"1","b_y":"2"}`},
		}},
		Parse: parseRename,
	})
}

func parseRename(p *spl.Parser) (spl.Command, error) {
	c := &Rename{}
	for !p.AtEnd() {
		start := p.Peek().Span
		from, err := p.Field()
		if err != nil {
			return nil, err
		}
		if !p.AcceptWord("as") {
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			return nil, p.Unexpected(tok, "AS and the new name of %q", from)
		}
		to, err := p.Field()
		if err != nil {
			return nil, err
		}
		if n := strings.Count(to, "*"); n > 0 && n != strings.Count(from, "*") || n == 0 && strings.Contains(from, "*") {
			return nil, diag.At(start, "%q and %q must hold the same number of *", from, to)
		}
		c.Pairs = append(c.Pairs, RenamePair{from, to})
		p.Accept(",")
	}
	if len(c.Pairs) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field name")
	}
	return c, nil
}

// Print implements spl.Command.
func (c *Rename) Print() string {
	parts := make([]string, len(c.Pairs))
	for i, r := range c.Pairs {
		parts[i] = spl.PrintField(r.From) + " AS " + spl.PrintField(r.To)
	}
	return "rename " + strings.Join(parts, ", ")
}

// Needs implements spl.Command.
func (c *Rename) Needs(out spl.FieldSet) spl.FieldSet {
	for i := len(c.Pairs) - 1; i >= 0; i-- {
		r := c.Pairs[i]
		if strings.Contains(r.To, "*") {
			out = r.needsWild(out)
			continue
		}
		if out.Has(r.To) {
			out = out.Without(r.To).Add(r.From)
		}
	}
	return out
}

// needsWild adds the fields that wildcards may make the wanted ones of; these
// stay wanted, since a row may have them under that name already.
func (r RenamePair) needsWild(out spl.FieldSet) spl.FieldSet {
	for _, name := range out.Names() {
		if strings.Contains(name, "*") || strings.Count(r.To, "*") > 1 {
			return out.Add(r.From)
		}
		if from, ok := substitute(r.To, r.From, name); ok {
			out = out.Add(from)
		} else if spl.MatchName(r.To, name) { // an internal name, which wildcards leave alone elsewhere
			return out.Add(r.From)
		}
	}
	return out
}

// NewMapper implements spl.Streaming.
func (c *Rename) NewMapper(*spl.Env) (spl.Mapper, error) { return c, nil }

// Map implements spl.Mapper.
func (c *Rename) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	for _, r := range c.Pairs {
		if !strings.Contains(r.From, "*") {
			b = renamed(b, r.From, r.To)
			continue
		}
		for _, name := range b.Names() {
			if to, ok := substitute(r.From, r.To, name); ok {
				b = renamed(b, name, to)
			}
		}
	}
	return b, nil
}

// substitute fits name to the pattern from and puts what its wildcards stand
// for into to.
func substitute(from, to, name string) (string, bool) {
	if !covers(from, name) {
		return "", false
	}
	parts := strings.Split(from, "*")
	rest := name[len(parts[0]):]
	for i, part := range parts[1:] {
		n := strings.Index(rest, part)
		if i == len(parts)-2 {
			n = len(rest) - len(part)
		}
		to = strings.Replace(to, "*", rest[:n], 1)
		rest = rest[n+len(part):]
	}
	return to, true
}

// renamed moves a column; where there is none, what has the new name goes.
func renamed(b *vector.Batch, from, to string) *vector.Batch {
	if from == to {
		return b
	}
	col := b.Col(from)
	out := &vector.Batch{Len: b.Len}
	for _, c := range b.Cols {
		switch {
		case c == col:
			out.Cols = append(out.Cols, c.Renamed(to))
		case c.Name != to:
			out.Cols = append(out.Cols, c)
		}
	}
	return out
}
