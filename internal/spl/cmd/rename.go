package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Rename renames fields.
type Rename struct{ Pairs []RenamePair }

// RenamePair is one "from AS to". Both have the same number of wildcards.
type RenamePair struct{ From, To string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "rename", Kind: syntax.KindStreaming,
		Summary: "Rename fields.",
		Syntax:  "rename <field> AS <new-name> [, <field> AS <new-name>]…",
		Doc: "With `*` on both sides, several fields are renamed at once: `rename userIdentity.* AS ui_*`. An existing field with\n" +
			"the new name is replaced, even where the renamed field is missing. Pairs are processed from left to right.",
		Args: []syntax.Arg{{Name: "<field> AS <new-name>", Doc: "Put names with spaces in double quotes."}},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval a.x=1, a.y=2 | rename a.* AS b_* | table b_x b_y`,
			Want:   []string{`{"b_x":"1","b_y":"2"}`},
		}},
		Parse: parseRename,
	})
}

func parseRename(p *syntax.Parser) (syntax.Command, error) {
	c := &Rename{}
	for !p.AtEnd() {
		start := p.Peek().Span
		from, err := p.Field()
		if err != nil {
			return nil, err
		}
		if !p.AcceptWord("as") && !p.AcceptWord("to") {
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
			return nil, diag.At(start, "%q and %q must contain the same number of *", from, to)
		}
		if c.Pairs = append(c.Pairs, RenamePair{from, to}); len(c.Pairs) > syntax.MaxNames {
			return nil, diag.At(start, "rename accepts at most %d fields", syntax.MaxNames).WithHint("a name with * matches several fields")
		}
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

// Print implements syntax.Command.
func (c *Rename) Print() string {
	parts := make([]string, len(c.Pairs))
	for i, r := range c.Pairs {
		parts[i] = syntax.PrintField(r.From) + " AS " + syntax.PrintField(r.To)
	}
	return "rename " + strings.Join(parts, ", ")
}

// Needs implements syntax.Command.
func (c *Rename) Needs(out filter.FieldSet) filter.FieldSet {
	var plain []filter.Replacement // not in out yet
	for _, r := range slices.Backward(c.Pairs) {
		if strings.Contains(r.To, "*") {
			out, plain = r.needsWild(out.Replace(plain)), nil
			continue
		}
		plain = append(plain, filter.Replacement{Name: r.To, With: r.From})
	}
	return out.Replace(plain)
}

// needsWild adds the fields that wildcards may rename to the wanted fields. The
// wanted fields stay, since a row may already have them.
func (r RenamePair) needsWild(out filter.FieldSet) filter.FieldSet {
	for _, name := range out.Names() {
		if strings.Contains(name, "*") || strings.Count(r.To, "*") > 1 {
			return out.Add(r.From)
		}
		if from, ok := op.Substitute(r.To, r.From, name); ok {
			out = out.Add(from)
		} else if filter.MatchName(r.To, name) { // an internal name, which wildcards usually skip
			return out.Add(r.From)
		}
	}
	return out
}

// NewMapper implements exec.Streaming.
func (c *Rename) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Rename) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	m := moving{cols: slices.Clone(b.Cols)}
	for _, r := range c.Pairs {
		if !strings.Contains(r.From, "*") {
			m.move(r.From, r.To)
			continue
		}
		for _, name := range m.names() {
			if to, ok := op.Substitute(r.From, r.To, name); ok {
				m.move(name, to)
			}
		}
	}
	return m.batch(b.Len), nil
}

// moving holds the columns of a batch while they are renamed.
type moving struct {
	cols []*vector.Column // nil = removed
	at   map[string]int
}

// move renames a column and removes the column that had the new name, even if
// from does not exist.
func (m *moving) move(from, to string) {
	if from == to {
		return
	}
	if m.at == nil {
		m.at = make(map[string]int, len(m.cols))
		for i, c := range m.cols {
			m.at[c.Name] = i
		}
	}
	if i, ok := m.at[to]; ok {
		m.cols[i] = nil
		delete(m.at, to)
	}
	if i, ok := m.at[from]; ok {
		m.cols[i] = m.cols[i].Renamed(to)
		delete(m.at, from)
		m.at[to] = i
	}
}

// names returns the current names of the columns, in order.
func (m *moving) names() []string {
	list := make([]string, 0, len(m.cols))
	for _, c := range m.cols {
		if c != nil {
			list = append(list, c.Name)
		}
	}
	return list
}

func (m *moving) batch(rows int) *vector.Batch {
	gone := func(c *vector.Column) bool { return c == nil }
	return &vector.Batch{Len: rows, Cols: slices.DeleteFunc(m.cols, gone)}
}
