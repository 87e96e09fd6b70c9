package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Outputlookup writes the rows to a lookup table and passes them on.
type Outputlookup struct {
	Table    string
	Append   bool
	Create   bool // create the table even without rows
	Override bool // replace an existing table even without rows
	Max      int  // 0 = all
	Key      string
	Lists    bool // keep several values of a field as a list

	header bool // append does not add columns to the table
	all    bool // include the internal fields of events
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "outputlookup", Kind: syntax.KindSerial,
		Summary: "Write the rows to a lookup table and pass them on.",
		Syntax:  "outputlookup [append=<bool>] [create_empty=<bool>] [override_if_empty=<bool>] [max=<n>] [key_field=<field>] [output_format=splunk_sv_csv|splunk_mv_csv] <table>",
		Doc: "The table is a .csv file in the knowledge folder, given by its name or that of a definition. It is replaced atomically\n" +
			"once all rows have arrived. Internal fields (`_time`, …) are written when the rows are a table. They are left out when\n" +
			"the rows are events, which have `_raw`, and when they would be new columns of a table that is appended to.",
		Args: []syntax.Arg{
			{Name: "<table>", Doc: "The name of a transforms.conf definition or of a .csv file."},
			{Name: "append", Default: "false", Doc: "Keep the existing rows of the table and add the new ones."},
			{Name: "create_empty", Default: "false", Doc: "Create a new table even when there are no rows."},
			{Name: "override_if_empty", Default: "true", Doc: "Empty an existing table when there are no rows."},
			{Name: "max", Default: "all", Doc: "Maximum number of rows to write."},
			{Name: "key_field", Doc: "Rows replace table rows that have the same value in this field; other rows are added."},
			{Name: "output_format", Default: "splunk_sv_csv", Doc: "Several values of a field are written in one cell, one per line; with `splunk_mv_csv` they become several values again when the table is read."},
			{Name: "createinapp, create_context, allow_updates", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Doc:    "Add one row.",
			Lookup: "user\nalice\n",
			Search: `| makeresults | eval user="bob" | table user | outputlookup append=true example.csv | inputlookup append=true example.csv`,
			Want:   []string{`{"user":"bob"}`, `{"user":"alice"}`, `{"user":"bob"}`},
		}},
		Parse: parseOutputlookup,
	})
}

func parseOutputlookup(p *syntax.Parser) (syntax.Command, error) {
	c := &Outputlookup{Override: true}
	options := func() error {
		return p.Options([]string{"append", "create_empty", "override_if_empty", "max", "key_field", "createinapp", "create_context", "output_format", "allow_updates", "singlefile", "usexml", "dispatch"}, func(o syntax.Option) (err error) {
			switch o.Name {
			case "append":
				c.Append, err = o.Bool()
			case "create_empty":
				c.Create, err = o.Bool()
			case "override_if_empty":
				c.Override, err = o.Bool()
			case "max":
				c.Max, err = o.Int(1)
			case "key_field":
				c.Key = o.Value.Text
			case "output_format":
				switch strings.ToLower(o.Value.Text) {
				case "splunk_mv_csv":
					c.Lists = true
				case "splunk_sv_csv":
					c.Lists = false
				default:
					err = diag.At(o.Value.Span, "output_format must be splunk_sv_csv or splunk_mv_csv, not %q", o.Value.Text)
				}
			}
			return err
		})
	}
	if err := options(); err != nil {
		return nil, err
	}
	var err error
	if c.Table, err = tableName(p); err != nil {
		return nil, err
	}
	return c, options()
}

// tableName reads the name of a lookup or file.
func tableName(p *syntax.Parser) (string, error) {
	tok := p.Peek()
	if p.AtEnd() || tok.Kind != syntax.Word && tok.Kind != syntax.Quoted {
		return "", p.Unexpected(tok, "the name of a lookup or of a .csv file")
	}
	return p.Field()
}

// Writes returns the lookup that is written.
func (c *Outputlookup) Writes() string { return c.Table }

// Print implements syntax.Command.
func (c *Outputlookup) Print() string {
	s := "outputlookup "
	if c.Append {
		s += "append=true "
	}
	if c.Create {
		s += "create_empty=true "
	}
	if !c.Override {
		s += "override_if_empty=false "
	}
	if c.Max > 0 {
		s += "max=" + strconv.Itoa(c.Max) + " "
	}
	if c.Lists {
		s += "output_format=splunk_mv_csv "
	}
	if c.Key != "" {
		s += "key_field=" + syntax.PrintOption(c.Key) + " "
	}
	return s + syntax.PrintField(c.Table)
}

// Needs implements syntax.Command.
func (c *Outputlookup) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Union(filter.AllFields())
}

// Open implements exec.Serial.
func (c *Outputlookup) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		if err := c.write(ctx, env, rows); err != nil {
			return nil, err
		}
		return exec.Rows(rows...), nil
	}), nil
}

func (c *Outputlookup) write(ctx context.Context, env *exec.Env, rows []*vector.Batch) error {
	if env.Memory.Over() != nil {
		env.Warn("the lookup %q was not written: the search ended before it had all rows", c.Table)
		return nil
	}
	w := env.Knowledge
	var old *lookup.Table
	adds := c.Append || c.Key != ""
	if w != nil {
		var err error
		if old, err = env.Table(c.Table); err != nil && adds && !errors.Is(err, exec.ErrNoTable) {
			return fmt.Errorf("the lookup %q is left as it is: %w", c.Table, err)
		} // a missing table is created
	}
	t := &tableWriter{at: map[string]int{}, lists: map[int]int{}}
	if old != nil && adds {
		t.columns = slices.Clone(old.Columns)
	}
	count := 0
	for _, b := range rows {
		env.Poll()
		count += b.Len
	}
	if count == 0 {
		switch {
		case adds || old != nil && !c.Override || old == nil && !c.Create:
			return nil
		case old != nil:
			t.columns = slices.Clone(old.Columns)
		}
	}
	if w == nil {
		return fmt.Errorf("cannot write lookup %q: no folder of lookups is known (give one with --knowledge)", c.Table)
	}
	c.addColumns(env, t, old != nil && adds, op.ColumnNames(rows))
	if len(t.columns) == 0 {
		env.Warn("the lookup %q was not written: there are no fields to name its columns", c.Table)
		return nil
	}
	if old != nil && adds {
		for r := range old.Rows {
			cells := make([]string, len(t.columns))
			for col := range old.Columns {
				t.set(&cells, col, old.Value(r, col), true)
			}
			t.rows = append(t.rows, cells)
		}
	}
	c.fill(env, t, rows)
	return w.WriteTable(ctx, c.Table, t.table(c.Table))
}

// addColumns adds the written fields as columns. added says that the table
// already has columns.
func (c *Outputlookup) addColumns(env *exec.Env, t *tableWriter, added bool, fields []string) {
	for i, name := range t.columns {
		t.at[name] = i
	}
	events := slices.Contains(fields, "_raw")
	for _, name := range fields {
		if _, known := t.at[name]; known {
			continue
		}
		if op.Internal(name) && name != c.Key && (added || events && !c.all) {
			continue
		}
		if added && c.header {
			env.Warn("the file %q has no column %s; these values are left out", c.Table, name)
			continue
		}
		t.at[name] = len(t.columns)
		t.columns = append(t.columns, name)
	}
}

func (c *Outputlookup) fill(env *exec.Env, t *tableWriter, rows []*vector.Batch) {
	byKey := map[string]int{}
	if key, ok := t.at[c.Key]; ok {
		for r := range t.rows {
			byKey[t.rows[r][key]] = r
		}
	}
	written := 0
	var every exec.Every
	for _, b := range rows {
		env.Poll()
		for i := range b.Len {
			every.Poll(env, 64)
			if c.Max > 0 && written == c.Max {
				env.Warn("the lookup %q gets only the first %d rows, the limit set by max", c.Table, c.Max)
				return
			}
			written++
			place := len(t.rows)
			if v := b.At(c.Key, i); c.Key != "" && !v.IsNull() {
				if r, ok := byKey[v.Text()]; ok {
					place = r
				} else {
					byKey[v.Text()] = place
				}
			}
			if place == len(t.rows) {
				t.rows = append(t.rows, make([]string, len(t.columns)))
			}
			for _, col := range b.Cols {
				if n, ok := t.at[col.Name]; ok {
					t.set(&t.rows[place], n, col.At(i), c.Lists)
				}
			}
		}
	}
}

// tableWriter builds a table. Its rows may have extra cells after the columns
// for values that are lists.
type tableWriter struct {
	columns []string
	at      map[string]int // column by name
	lists   map[int]int    // column -> cell
	rows    [][]string
}

// set stores a value in a row, as a list if lists is set and there are several
// values.
func (t *tableWriter) set(cells *[]string, col int, v vector.Value, lists bool) {
	(*cells)[col] = v.Text()
	at, has := t.lists[col]
	several := lists && v.Len() > 1
	if several && !has {
		at = len(t.columns) + len(t.lists)
		t.lists[col], has = at, true
	}
	if !has || !several && len(*cells) <= at {
		return
	}
	for len(*cells) <= at {
		*cells = append(*cells, "")
	}
	(*cells)[at] = ""
	if several {
		(*cells)[at] = lookup.JoinList(v.All())
	}
}

// table returns the finished table. The extra cells of lists become columns
// with the prefix lookup.ListColumn.
func (t *tableWriter) table(name string) *lookup.Table {
	out := &lookup.Table{Name: name, Columns: append(t.columns, make([]string, len(t.lists))...), Rows: t.rows}
	for col, at := range t.lists {
		out.Columns[at] = lookup.ListColumn + t.columns[col]
	}
	for i, cells := range out.Rows {
		for len(cells) < len(out.Columns) {
			cells = append(cells, "")
		}
		out.Rows[i] = cells
	}
	return out
}
