package cmd

import (
	"context"
	"slices"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Transpose turns rows into columns and columns into rows.
type Transpose struct {
	Rows         int // 0 = all
	ColumnName   string
	HeaderField  string
	IncludeEmpty bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "transpose", Kind: syntax.KindSerial,
		Summary: "Turn rows into columns and columns into rows.",
		Syntax:  "transpose [<n>] [column_name=<name>] [header_field=<field>] [include_empty=<bool>]",
		Args: []syntax.Arg{
			{Name: "<n>", Default: "5", Doc: "Maximum number of rows to turn into columns; 0 means all, up to 10,000."},
			{Name: "column_name", Default: "column", Doc: "The name of the column with the field names."},
			{Name: "header_field", Doc: "The field whose values name the new columns, instead of `row 1`, `row 2` …"},
			{Name: "include_empty", Default: "true", Doc: "Whether to keep fields that no row has."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
alice,1
bob,2" | transpose`,
			Want: []string{`{"column":"u","row 1":"alice","row 2":"bob"}`, `{"column":"n","row 1":"1","row 2":"2"}`},
		}, {
			Search: `| makeresults format=csv data="u,n
alice,1
bob,2" | transpose header_field=u column_name=what`,
			Want: []string{`{"what":"n","alice":"1","bob":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Transpose{Rows: 5, ColumnName: "column", IncludeEmpty: true}
			for !p.AtEnd() {
				err := p.Options([]string{"column_name", "header_field", "include_empty"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "column_name":
						c.ColumnName = o.Value.Text
					case "header_field":
						c.HeaderField = o.Value.Text
					default:
						c.IncludeEmpty, err = o.Bool()
					}
					return err
				})
				if err != nil {
					return nil, err
				}
				if p.AtEnd() {
					break
				}
				tok, err := p.Take()
				if err != nil {
					return nil, err
				}
				if c.Rows, err = strconv.Atoi(tok.Text); err != nil || c.Rows < 0 {
					return nil, p.Unexpected(tok, "a number of rows or an option")
				}
			}
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Transpose) Print() string {
	s := "transpose"
	if c.Rows != 5 {
		s += " " + strconv.Itoa(c.Rows)
	}
	if c.ColumnName != "column" {
		s += " column_name=" + syntax.PrintOption(c.ColumnName)
	}
	if c.HeaderField != "" {
		s += " header_field=" + syntax.PrintOption(c.HeaderField)
	}
	if !c.IncludeEmpty {
		s += " include_empty=false"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Transpose) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Transpose) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Transpose) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	limit := c.Rows
	if limit == 0 {
		limit = maxSeries
	}
	return op.Gathered(env, &op.First{In: in, Left: limit + 1}, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		if kept := firstOf(rows, limit); kept != nil {
			rows = kept
			if c.Rows == 0 {
				env.Warn("transpose turns the first %d rows into columns; the others are left out", limit)
			}
		}
		return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
			return c.table(ctx, env, rows, emit)
		}, nil), nil
	}), nil
}

// firstOf returns the first n rows, or nil if there are no more than n.
func firstOf(rows []*vector.Batch, n int) []*vector.Batch {
	for i, b := range rows {
		if b.Len > n {
			return append(slices.Clone(rows[:i]), b.Slice(0, n))
		}
		n -= b.Len
	}
	return nil
}

// table emits the rows, one for each field.
func (c *Transpose) table(ctx context.Context, env *exec.Env, rows []*vector.Batch, emit func(*vector.Batch) error) error {
	names := []string{c.ColumnName}
	taken := map[string]bool{c.ColumnName: true}
	for _, b := range rows {
		for i := range b.Len {
			env.Poll()
			name := ""
			if c.HeaderField != "" {
				name = b.At(c.HeaderField, i).Text()
			}
			for n := len(names); name == "" || taken[name]; n++ { // a duplicate name would hide a row
				name = "row " + strconv.Itoa(n)
			}
			taken[name] = true
			names = append(names, name)
		}
	}
	out := op.NewEmitter(emit, names)
	cells := make([]vector.Value, 0, len(names)-1)
	for _, field := range op.ColumnNames(rows) {
		if field == c.HeaderField {
			continue
		}
		cells = cells[:0]
		empty := true
		for _, b := range rows {
			env.Poll()
			col := b.Col(field)
			for i := range b.Len {
				var v vector.Value
				if col != nil {
					v = col.At(i)
				}
				empty = empty && v.IsNull()
				cells = append(cells, v)
			}
		}
		if empty && !c.IncludeEmpty {
			continue
		}
		out.Add()
		out.SetAt(0, vector.String(field))
		for n, v := range cells {
			out.SetAt(n+1, v)
		}
		if err := out.Row(ctx); err != nil {
			return err
		}
	}
	return out.End()
}
