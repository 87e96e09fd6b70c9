package cmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Outputlookup writes the rows to a lookup table and passes them on.
type Outputlookup struct {
	Table    string
	Append   bool
	Create   bool // also without rows
	Override bool // an existing table also when there are no rows
	Max      int  // 0 = all
	Key      string
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "outputlookup", Kind: spl.KindSerial,
		Summary: "Write the rows to a lookup table and pass them on.",
		Syntax:  "outputlookup [append=<bool>] [create_empty=<bool>] [override_if_empty=<bool>] [max=<n>] [key_field=<field>] <table>",
		Doc: "The table is a .csv file of the knowledge folder, by its name or that of a definition; it is replaced in one step once\n" +
			"all rows are there. Fields that begin with _ are left out. The values of a field with several are written in one cell, a\n" +
			"line each.",
		Args: []spl.Arg{
			{Name: "<table>", Doc: "The name of a definition of transforms.conf or of a .csv file."},
			{Name: "append", Default: "false", Doc: "Keep the rows that the table has and add the new ones."},
			{Name: "create_empty", Default: "false", Doc: "Make a new table also when there are no rows."},
			{Name: "override_if_empty", Default: "true", Doc: "Empty an existing table when there are no rows."},
			{Name: "max", Default: "all", Doc: "How many rows are written."},
			{Name: "key_field", Doc: "Rows replace those of the table that have the same value in this field, the others are added."},
			{Name: "createinapp, create_context, output_format, allow_updates", Doc: "Taken for the sake of searches that have them."},
		},
		Examples: []spl.Example{{
			Doc:    "One row more.",
			Lookup: "user\nalice\n",
			Search: `| makeresults | eval user="bob" | table user | outputlookup append=true example.csv | inputlookup append=true example.csv`,
			Want:   []string{`{"user":"bob"}`, `{"user":"alice"}`, `{"user":"bob"}`},
		}},
		Parse: parseOutputlookup,
	})
}

func parseOutputlookup(p *spl.Parser) (spl.Command, error) {
	c := &Outputlookup{Override: true}
	options := func() error {
		return p.Options([]string{"append", "create_empty", "override_if_empty", "max", "key_field", "createinapp", "create_context", "output_format", "allow_updates", "singlefile", "usexml", "dispatch"}, func(o spl.Option) (err error) {
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
			}
			return err
		})
	}
	if err := options(); err != nil {
		return nil, err
	}
	var err error
	if c.Table, err = p.Field(); err != nil {
		return nil, err
	}
	return c, options()
}

// Print implements spl.Command.
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
	if c.Key != "" {
		s += "key_field=" + spl.PrintOption(c.Key) + " "
	}
	return s + spl.PrintField(c.Table)
}

// Needs implements spl.Command.
func (c *Outputlookup) Needs(out spl.FieldSet) spl.FieldSet { return out.Union(spl.AllFields()) }

// Open implements spl.Serial.
func (c *Outputlookup) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	return whole(env, in, func(_ context.Context, rows []*vector.Batch) (spl.Operator, error) {
		if err := c.write(env, rows); err != nil {
			return nil, err
		}
		return spl.Rows(rows...), nil
	}), nil
}

func (c *Outputlookup) write(env *spl.Env, rows []*vector.Batch) error {
	w, ok := env.Tables.(spl.TableWriter)
	var old *spl.Table
	if ok {
		old, _ = env.Tables.Table(c.Table) // one that is not there yet is made
	}
	t := &spl.Table{Name: c.Table}
	if old != nil && (c.Append || c.Key != "") {
		t.Columns = slices.Clone(old.Columns)
		t.Rows = slices.Clone(old.Rows)
	}
	count := 0
	for _, b := range rows {
		count += b.Len
	}
	if count == 0 {
		switch {
		case c.Append || c.Key != "" || old != nil && !c.Override || old == nil && !c.Create:
			return nil
		case old != nil:
			t.Columns = old.Columns
		}
	}
	if !ok {
		return fmt.Errorf("cannot write lookup %q: no folder of lookups is known (give one by --knowledge)", c.Table)
	}
	at := map[string]int{}
	for i, name := range t.Columns {
		at[name] = i
	}
	for _, name := range columnsOf(rows) {
		if _, known := at[name]; !known && (!internal(name) || name == c.Key) {
			at[name] = len(t.Columns)
			t.Columns = append(t.Columns, name)
		}
	}
	if len(t.Columns) == 0 {
		env.Warn("the lookup %q is not written: there are no fields to name its columns", c.Table)
		return nil
	}
	c.fill(env, t, at, rows)
	return w.WriteTable(c.Table, t)
}

func (c *Outputlookup) fill(env *spl.Env, t *spl.Table, at map[string]int, rows []*vector.Batch) {
	byKey := map[string]int{}
	if key, ok := at[c.Key]; ok {
		for r := range t.Rows {
			byKey[t.Value(r, key).Text()] = r
		}
	}
	written := 0
	for _, b := range rows {
		for i := range b.Len {
			if c.Max > 0 && written == c.Max {
				env.Warn("the lookup %q gets only the first %d rows, as max says", c.Table, c.Max)
				return
			}
			written++
			cells := make([]string, len(t.Columns))
			place := -1
			if v := b.At(c.Key, i); c.Key != "" && !v.IsNull() {
				if r, ok := byKey[v.Text()]; ok {
					place = r
					copy(cells, t.Rows[r])
				} else {
					byKey[v.Text()] = len(t.Rows)
				}
			}
			for _, col := range b.Cols {
				if n, ok := at[col.Name]; ok {
					cells[n] = col.At(i).Text()
				}
			}
			if place >= 0 {
				t.Rows[place] = cells
			} else {
				t.Rows = append(t.Rows, cells)
			}
		}
	}
}
