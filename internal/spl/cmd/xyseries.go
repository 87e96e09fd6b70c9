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

// Xyseries turns the values of a field into columns.
type Xyseries struct {
	Key, Name string
	Values    []string
	Sep       string
	Format    string // with $AGG$ and $VAL$; "" = as Sep says
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "xyseries", Aliases: []string{"maketable"}, Kind: syntax.KindSerial,
		Summary: "Build a table with a column for each value of a field; the inverse of untable.",
		Syntax:  "xyseries <key-field> <name-field> <value-field>… [sep=<text>] [format=<text>]",
		Doc: "There is one row for each value of the key, in order of first appearance; columns are in alphabetical order. With\n" +
			"several value fields, columns are named `field: name`. If several rows fill the same cell, the last one wins.",
		Args: []syntax.Arg{
			{Name: "<key-field>", Doc: "The field whose values become rows."},
			{Name: "<name-field>", Doc: "The field whose values become columns."},
			{Name: "<value-field>", Doc: "The fields for the cells."},
			{Name: "sep", Default: ": ", Doc: "The separator in column names with several value fields."},
			{Name: "format", Doc: "The format of these names, such as `$VAL$/$AGG$`: the name and the value field; takes precedence over sep."},
			{Name: "grouped", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="ip,dom,n
a,y,2
a,x,1
b,x,3" | xyseries ip dom n`,
			Want: []string{`{"ip":"a","x":"1","y":"2"}`, `{"ip":"b","x":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Xyseries{Sep: ": "}
			start := p.Peek().Span
			options := func() error {
				return p.Options([]string{"sep", "format", "grouped"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "sep":
						c.Sep = o.Value.Text
					case "format":
						c.Format = o.Value.Text
					default:
						_, err = o.Bool()
					}
					return err
				})
			}
			if err := options(); err != nil {
				return nil, err
			}
			names, err := p.Fields()
			if err == nil {
				err = options()
			}
			if err != nil {
				return nil, err
			}
			if len(names) < 3 {
				return nil, diag.At(start, "xyseries needs a key, a name and a value field")
			}
			c.Key, c.Name, c.Values = names[0], names[1], names[2:]
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Xyseries) Print() string {
	s := "xyseries "
	if c.Sep != ": " {
		s += "sep=" + filter.Quote(c.Sep) + " "
	}
	if c.Format != "" {
		s += "format=" + filter.Quote(c.Format) + " "
	}
	return s + syntax.PrintFields(append([]string{c.Key, c.Name}, c.Values...))
}

// Needs implements syntax.Command.
func (c *Xyseries) Needs(filter.FieldSet) filter.FieldSet {
	return filter.Fields(c.Values...).Add(c.Key, c.Name)
}

// Tabulates says that the rows are no longer events.
func (c *Xyseries) Tabulates() bool { return true }

// maxSeries bounds the columns of a table. A field with more values is rarely
// meant to become columns.
const maxSeries = 10000

// Open implements exec.Serial.
func (c *Xyseries) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		t := &seriesTable{c: c, env: env, rows: rows, held: env.Memory.Hold(), byKey: map[string]int32{}, known: map[string]bool{}}
		if err := t.read(ctx); err != nil {
			t.held.Release()
			return nil, err
		}
		return exec.Emitted(t.emit, t.held.Release), nil
	}), nil
}

// column returns the name of a column of a value field, used if there are
// several value fields.
func (c *Xyseries) column(field, name string) string {
	if c.Format == "" {
		return field + c.Sep + name
	}
	return strings.NewReplacer("$AGG$", field, "$VAL$", name, "$VALUE$", name).Replace(c.Format)
}

// seriesTable is the result of xyseries. It records which input rows make up
// each of its rows and builds the cells on demand.
type seriesTable struct {
	c      *Xyseries
	env    *exec.Env
	rows   []*vector.Batch
	held   *exec.Held
	keys   []seriesKey
	byKey  map[string]int32
	series [][]string // column names, by value field
	known  map[string]bool
}

type seriesKey struct {
	key  vector.Value
	rows []seriesRow
}

// seriesRow is the position of a row in the batches.
type seriesRow struct{ batch, row int32 }

func (t *seriesTable) read(ctx context.Context) error {
	t.series = make([][]string, len(t.c.Values))
	for n, b := range t.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		keys, names := b.Col(t.c.Key), b.Col(t.c.Name)
		if keys == nil || names == nil {
			continue
		}
		size := 0
		for i := range b.Len {
			t.env.Poll()
			key, name := keys.At(i), names.At(i)
			if key.IsNull() || name.IsNull() {
				continue
			}
			size += 16 + t.columns(name.Text())
			at, ok := t.byKey[key.Text()]
			if !ok {
				at = int32(len(t.keys))
				t.byKey[key.Text()] = at
				t.keys = append(t.keys, seriesKey{key: key})
				size += 160
			}
			k := &t.keys[at]
			k.rows = append(k.rows, seriesRow{int32(n), int32(i)})
		}
		if err := t.held.Add(size); exec.EndsEarly(err) {
			break
		} else if err != nil {
			return err
		}
	}
	t.byKey = nil
	for _, list := range t.series {
		exec.Sort(t.env, list, strings.Compare)
	}
	return nil
}

// columns creates the columns for a value of the name field and returns their
// size in bytes.
func (t *seriesTable) columns(name string) (size int) {
	for n, field := range t.c.Values {
		col := name
		if len(t.c.Values) > 1 {
			col = t.c.column(field, name)
		}
		if t.known[col] {
			continue
		}
		if len(t.known) == maxSeries {
			t.env.Warn("xyseries makes at most %d columns; the other values of %s are left out", maxSeries, t.c.Name)
			continue
		}
		t.known[col] = true
		t.series[n] = append(t.series[n], col)
		size += len(col) + 96
	}
	return size
}

func (t *seriesTable) emit(ctx context.Context, emit func(*vector.Batch) error) error {
	out := op.NewEmitter(emit, slices.Concat([]string{t.c.Key}, slices.Concat(t.series...)))
	for i, k := range t.keys {
		t.env.Poll()
		out.Add()
		for _, at := range k.rows {
			b := t.rows[at.batch]
			name := b.At(t.c.Name, int(at.row)).Text()
			for _, field := range t.c.Values {
				col := name
				if len(t.c.Values) > 1 {
					col = t.c.column(field, name)
				}
				if t.known[col] {
					out.Set(col, b.At(field, int(at.row)))
				}
			}
		}
		out.SetAt(0, k.key) // set last, since another column may have the same name
		t.keys[i] = seriesKey{}
		if err := out.Row(ctx); err != nil {
			return err
		}
	}
	return out.End()
}
