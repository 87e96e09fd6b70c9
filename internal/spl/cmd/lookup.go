package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Lookup adds fields from the rows of a table that match the row's keys.
type Lookup struct {
	Table     string
	TimeField string       // time field of the events, for time-based tables
	Keys      []LookupPair // column of the table, field of the row
	Outputs   []LookupPair // none = all columns that are not keys
	New       bool         // OUTPUTNEW: only where the field is missing
}

// LookupPair is one "column AS field".
type LookupPair struct{ Column, Field string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "lookup", Kind: syntax.KindStreaming,
		Summary: "Add fields from a lookup table.",
		Syntax:  "lookup [event_time_field=<field>] <table> <column> [AS <field>] … [OUTPUT|OUTPUTNEW <column> [AS <field>] …]",
		Doc: "The table is a transforms.conf definition or a .csv file in lookups/. The definition says how keys match (exactly, by\n" +
			"wildcard or CIDR block, case-sensitive or not), how many matches are used, and what to fill in when there are too few.\n" +
			"Several matches give several values, in table order. A multivalue key is looked up value by value. OUTPUT sets its\n" +
			"fields, and removes them where nothing matches; OUTPUTNEW keeps existing values. A row that lacks a key is unchanged.",
		Args: []syntax.Arg{
			{Name: "<table>", Doc: "The name of a definition or file."},
			{Name: "<column> AS <field>", Doc: "A key: a column of the table, and the field to compare it with if that has another name."},
			{Name: "OUTPUT", Default: "all columns except the keys", Doc: "The columns to add, and their names."},
			{Name: "event_time_field", Default: "_time", Doc: "For tables with times: the time of the row."},
			{Name: "local, update", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Lookup: "user,team\nalice,blue\nbob,red\nbob,green\n",
			Search: `| makeresults | eval name="bob" | lookup example.csv user AS name OUTPUT team | table name team`,
			Want:   []string{`{"name":"bob","team":["red","green"]}`},
		}},
		Parse: parseLookup,
	})
}

func parseLookup(p *syntax.Parser) (syntax.Command, error) {
	c := &Lookup{TimeField: "_time"}
	err := p.Options([]string{"local", "update", "event_time_field"}, func(o syntax.Option) (err error) {
		if o.Name == "event_time_field" {
			c.TimeField = o.Value.Text
			return nil
		}
		_, err = o.Bool()
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.Table, err = tableName(p); err != nil {
		return nil, err
	}
	if c.Keys, err = lookupPairs(p); err != nil {
		return nil, err
	}
	if len(c.Keys) == 0 {
		return nil, diag.At(p.Peek().Span, "lookup needs a column to compare").WithHint("lookup %s <column> [AS <field>]", c.Table)
	}
	switch {
	case p.AcceptWord("outputnew"):
		c.New = true
	case !p.AcceptWord("output"):
		return c, nil
	}
	c.Outputs, err = lookupPairs(p)
	return c, err
}

func lookupPairs(p *syntax.Parser) ([]LookupPair, error) {
	var list []LookupPair
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		if tok := p.Peek(); tok.IsWord("output") || tok.IsWord("outputnew") {
			break
		}
		name, err := p.Field()
		if err != nil {
			return nil, err
		}
		pair := LookupPair{name, name}
		if p.AcceptWord("as") {
			if pair.Field, err = p.Field(); err != nil {
				return nil, err
			}
		}
		list = append(list, pair)
	}
	return list, nil
}

// Print implements syntax.Command.
func (c *Lookup) Print() string {
	var b strings.Builder
	b.WriteString("lookup ")
	if c.TimeField != "_time" {
		b.WriteString("event_time_field=" + syntax.PrintOption(c.TimeField) + " ")
	}
	b.WriteString(syntax.PrintField(c.Table))
	pairs := func(list []LookupPair) {
		for i, pair := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(" " + syntax.PrintField(pair.Column))
			if pair.Field != pair.Column {
				b.WriteString(" AS " + syntax.PrintField(pair.Field))
			}
		}
	}
	pairs(c.Keys)
	if c.New {
		b.WriteString(" OUTPUTNEW")
	} else if len(c.Outputs) > 0 {
		b.WriteString(" OUTPUT")
	}
	pairs(c.Outputs)
	return b.String()
}

// Needs implements syntax.Command. Rows without a key keep their values, so the
// outputs are needed too.
func (c *Lookup) Needs(out filter.FieldSet) filter.FieldSet {
	for _, k := range c.Keys {
		out = out.Add(k.Field)
	}
	return out.Add(c.TimeField)
}

// NewMapper implements exec.Streaming.
func (c *Lookup) NewMapper(env *exec.Env) (exec.Mapper, error) {
	t, err := env.Table(c.Table)
	if err != nil {
		return nil, err
	}
	for _, note := range t.Notes {
		env.Warn("%s", note)
	}
	fields, columns := make([]string, len(c.Keys)), make([]string, len(c.Keys))
	for i, k := range c.Keys {
		fields[i], columns[i] = k.Field, k.Column
	}
	m := &lookupMapper{c: c, outputs: c.Outputs, keys: vector.NewFieldKeys(fields...), known: map[string][]int32{}}
	if m.index, err = env.Index(t, columns); err != nil {
		return nil, err
	}
	if len(m.outputs) == 0 {
		for _, name := range t.Columns {
			if !m.index.IsKey(name) {
				m.outputs = append(m.outputs, LookupPair{name, name})
			}
		}
	}
	for _, o := range m.outputs {
		col, err := lookup.Column(t, o.Column)
		if err != nil {
			return nil, err
		}
		m.cols = append(m.cols, col)
	}
	return m, nil
}

type lookupMapper struct {
	c       *Lookup
	index   *lookup.Index
	outputs []LookupPair
	cols    []int // of the outputs in the table
	keys    *vector.FieldKeys
	known   map[string][]int32 // matches by key, if times do not matter
	taken   int                // approximate bytes in known
}

// maxKnown bounds the bytes of matches that one worker caches.
const maxKnown = 8 << 20

func (m *lookupMapper) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	if slices.ContainsFunc(m.c.Keys, func(k LookupPair) bool { return b.Col(k.Field) == nil }) {
		return b, nil
	}
	m.keys.Use(b)
	time := b.Col(m.c.TimeField)
	out := make([][]vector.Value, len(m.outputs))
	old := make([]*vector.Column, len(m.outputs))
	for n, o := range m.outputs {
		out[n], old[n] = make([]vector.Value, b.Len), b.Col(o.Field)
	}
	pulse := exec.NewPulse(ctx)
	for i := range b.Len {
		rows, complete := m.matches(time, i)
		pulse.Work(64)
		for n := range m.outputs {
			var was vector.Value
			if old[n] != nil {
				was = old[n].At(i)
			}
			if out[n][i] = was; complete && (!m.c.New || was.IsNull()) {
				out[n][i] = m.index.Values(rows, m.cols[n])
			}
		}
	}
	set := op.Set(b)
	for n, o := range m.outputs {
		set.With(vector.NewColumn(o.Field, out[n]))
	}
	return set.Batch(), nil
}

// matches returns the table rows for row i. complete is false if the row lacks
// a key. It looks up at most maxKeys combinations of its values.
func (m *lookupMapper) matches(time *vector.Column, i int) (rows []int32, complete bool) {
	at := vector.Value{}
	if time != nil {
		at = time.At(i)
	}
	looked := 0
	m.keys.Each(i, func(key []byte, vals []string) bool {
		switch found := m.find(key, vals, at); {
		case looked == 0:
			rows = found[:len(found):len(found)] // clip it, since it is shared
		default:
			rows = append(rows, found...)
		}
		looked++
		return looked < maxKeys
	})
	return rows, looked > 0
}

// find looks up one combination of values. It caches the result if times do not
// matter.
func (m *lookupMapper) find(key []byte, vals []string, at vector.Value) []int32 {
	if m.index.Table.TimeField != "" {
		return m.index.Find(vals, at)
	}
	rows, ok := m.known[string(key)]
	if !ok {
		rows = m.index.Find(vals, at)
		if m.taken += 128 + len(key) + 4*len(rows); m.taken > maxKnown {
			m.known, m.taken = map[string][]int32{}, 128+len(key)+4*len(rows)
		}
		m.known[string(key)] = rows
	}
	return rows
}
