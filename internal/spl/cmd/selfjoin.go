package cmd

import (
	"context"
	"io"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Selfjoin joins rows with later rows that have the same values in some fields.
type Selfjoin struct {
	Fields    []string
	Overwrite bool
	Max       int // 0 = all
	Single    bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "selfjoin", Kind: syntax.KindSerial,
		Summary: "Join rows with other rows that have the same values in some fields.",
		Syntax:  "selfjoin [overwrite=<bool>] [max=<n>] [keepsingle=<bool>] <field-list>",
		Doc: "Each row is joined with the next rows that have the same values, one after the other. The last such row has no partner\n" +
			"and is dropped. Fields of the later row replace those of the earlier one. Rows that lack one of the fields are\n" +
			"dropped.",
		Args: []syntax.Arg{
			{Name: "<field-list>", Doc: "The fields whose values must be the same."},
			{Name: "overwrite", Default: "true", Doc: "Whether fields of the later row replace those of the earlier one, or are only added to them."},
			{Name: "max", Default: "1", Doc: "Maximum number of later rows to join to each row; 0 means all."},
			{Name: "keepsingle", Default: "false", Doc: "Keep rows whose values no other row has."},
		},
		Examples: []syntax.Example{{
			Doc: "Put an API call and its response in one row.",
			Search: `| makeresults format=csv data="id,asked,answered
7,10:00,
8,10:01,
7,,10:05" | selfjoin id`,
			Want: []string{`{"id":"7","asked":"10:00","answered":"10:05"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Selfjoin{Overwrite: true, Max: 1}
			options := func() error {
				return p.Options([]string{"overwrite", "max", "keepsingle"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "overwrite":
						c.Overwrite, err = o.Bool()
					case "max":
						c.Max, err = o.Int(0)
					case "keepsingle":
						c.Single, err = o.Bool()
					}
					return err
				})
			}
			err := options()
			if err == nil {
				c.Fields, err = p.Fields()
			}
			if err == nil {
				err = options()
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Selfjoin) Print() string {
	s := "selfjoin "
	if !c.Overwrite {
		s += "overwrite=false "
	}
	if c.Max != 1 {
		s += "max=" + strconv.Itoa(c.Max) + " "
	}
	if c.Single {
		s += "keepsingle=true "
	}
	return s + syntax.PrintFields(c.Fields)
}

// Needs implements syntax.Command.
func (c *Selfjoin) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Fields...) }

// Open implements exec.Serial.
func (c *Selfjoin) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		all := vector.NewBuilder(op.ColumnNames(rows)...)
		for _, b := range rows {
			env.Poll()
			for i := range b.Len {
				env.Poll()
				all.AddRow(b, i)
			}
		}
		s := &selfjoin{c: c, rows: all.Batch()}
		s.link()
		return s, nil
	}), nil
}

// selfjoin emits the joined rows.
type selfjoin struct {
	c      *Selfjoin
	rows   *vector.Batch
	next   []int32 // next row with the same values, or a constant below
	at     int     // the earlier row
	later  int32   // the later row to join next, if joined > 0
	joined int     // number of later rows joined with at
}

// Values in next for rows without a next row.
const (
	lastOfKey = -1
	lonely    = -2 // no other row has the same values
	keyless   = -3 // a key field is missing
)

// link finds, for each row, the next row with the same values.
func (s *selfjoin) link() {
	s.next = make([]int32, s.rows.Len)
	last := map[string]int32{}
	keys := vector.NewFieldKeys(s.c.Fields...)
	keys.Use(s.rows)
	for i := range s.rows.Len {
		key, ok := keys.Key(i)
		if !ok {
			s.next[i] = keyless
			continue
		}
		s.next[i] = lonely
		if before, ok := last[string(key)]; ok {
			s.next[before], s.next[i] = int32(i), lastOfKey
		}
		last[string(key)] = int32(i)
	}
}

// Next implements exec.Operator.
func (s *selfjoin) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := vector.NewBuilder(s.rows.Names()...)
	for s.at < s.rows.Len && out.Len() < vector.DefaultRows {
		next := s.next[s.at]
		switch {
		case next == lonely && s.c.Single:
			out.AddRow(s.rows, s.at)
			fallthrough
		case next < 0:
			s.at++
			continue
		case s.joined > 0:
			next = s.later
		}
		s.glue(out, int(next))
		s.joined++
		if s.later = s.next[next]; s.later < 0 || s.joined == s.c.Max {
			s.at, s.joined = s.at+1, 0
		}
	}
	if out.Len() == 0 && s.at >= s.rows.Len {
		return nil, io.EOF
	}
	return out.Batch(), nil
}

// glue adds row at, combined with the fields of a later row.
func (s *selfjoin) glue(out *vector.Builder, later int) {
	out.Add()
	for n, col := range s.rows.Cols {
		v, other := col.At(s.at), col.At(later)
		if v.IsNull() || s.c.Overwrite && !other.IsNull() {
			v = other
		}
		if !v.IsNull() {
			out.SetAt(n, v)
		}
	}
}

// Close implements exec.Operator.
func (s *selfjoin) Close() { s.at = s.rows.Len }
