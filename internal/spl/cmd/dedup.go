package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Dedup keeps the first rows of each combination of values.
type Dedup struct {
	N           int
	Fields      []string
	KeepEvents  bool
	KeepEmpty   bool
	Consecutive bool
	SortBy      []SortKey
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "dedup", Kind: syntax.KindSerial,
		Summary: "Keep the first rows of each combination of values.",
		Syntax:  "dedup [<n>] <field-list> [keepevents=<bool>] [keepempty=<bool>] [consecutive=<bool>] [sortby <sort-list>]",
		Doc: "Values are case-sensitive, and a multivalue field is compared as a whole. Rows that lack one of the fields are dropped\n" +
			"unless `keepempty=true`. With `keepevents=true`, all rows are kept and duplicates lose the fields.",
		Args: []syntax.Arg{
			{Name: "<n>", Default: "1", Doc: "Number of rows of each combination to keep."},
			{Name: "keepevents", Default: "false", Doc: "Keep duplicate rows, without the fields."},
			{Name: "keepempty", Default: "false", Doc: "Keep rows that lack one of the fields."},
			{Name: "consecutive", Default: "false", Doc: "Drop only consecutive duplicates."},
			{Name: "sortby", Doc: "Sort the rows this way first."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,2
a,3" | dedup u`,
			Want: []string{`{"u":"a","n":"1"}`, `{"u":"b","n":"2"}`},
		}},
		Parse: parseDedup,
	})
}

func parseDedup(p *syntax.Parser) (syntax.Command, error) {
	c := &Dedup{N: 1}
	if tok := p.Peek(); tok.Kind == syntax.Word {
		if n, err := strconv.Atoi(tok.Text); err == nil {
			if n < 1 {
				return nil, diag.At(tok.Span, "dedup needs a number of at least 1")
			}
			c.N = n
			p.Take()
		}
	}
	for !p.AtEnd() {
		err := p.Options([]string{"keepevents", "keepempty", "consecutive"}, func(o syntax.Option) (err error) {
			switch o.Name {
			case "keepevents":
				c.KeepEvents, err = o.Bool()
			case "keepempty":
				c.KeepEmpty, err = o.Bool()
			default:
				c.Consecutive, err = o.Bool()
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.AcceptWord("sortby") {
			sorted, err := parseSort(p)
			if err != nil {
				return nil, err
			}
			c.SortBy = sorted.(*Sort).Keys
			break
		}
		if p.AtEnd() {
			break
		}
		names, err := p.Fields("sortby")
		if err != nil {
			return nil, err
		}
		c.Fields = append(c.Fields, names...)
	}
	if len(c.Fields) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field name")
	}
	return c, nil
}

// Chooses tells the planner that few rows may remain; how many is unknown.
func (c *Dedup) Chooses() (rows int, ok bool) { return 0, !c.Consecutive && !c.KeepEvents }

// Print implements syntax.Command.
func (c *Dedup) Print() string {
	s := "dedup "
	_, err := strconv.Atoi(c.Fields[0])
	if c.N != 1 || err == nil { // else a field with a numeric name would be read as the count
		s += strconv.Itoa(c.N) + " "
	}
	s += syntax.PrintFields(c.Fields)
	for _, o := range []struct {
		name string
		set  bool
	}{{"keepevents", c.KeepEvents}, {"keepempty", c.KeepEmpty}, {"consecutive", c.Consecutive}} {
		if o.set {
			s += " " + o.name + "=true"
		}
	}
	if len(c.SortBy) > 0 {
		s += " sortby" + (&Sort{Limit: -1, Keys: c.SortBy}).Print()[len("sort"):]
	}
	return s
}

// Needs implements syntax.Command.
func (c *Dedup) Needs(out filter.FieldSet) filter.FieldSet {
	for _, k := range c.SortBy {
		out = out.Add(k.Field)
	}
	return out.Add(c.Fields...)
}

// Open implements exec.Serial.
func (c *Dedup) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if len(c.SortBy) > 0 {
		r, err := (&Sort{Limit: 0, Keys: c.SortBy}).NewReducer(env)
		if err != nil {
			return nil, err
		}
		in = exec.Reduced(in, r)
	}
	return &dedup{c: c, held: env.Memory.Hold(), in: in, keys: vector.NewFieldKeys(c.Fields...), seen: map[string]int{}}, nil
}

type dedup struct {
	c    *Dedup
	in   exec.Operator
	keys *vector.FieldKeys
	seen map[string]int
	last string
	run  int // length of the current run of rows with key last
	held *exec.Held
}

func (d *dedup) Close() {
	d.in.Close()
	d.held.Release()
	d.seen = nil
}

// repeats records the key and reports whether enough rows with it were seen.
func (d *dedup) repeats(key []byte) (bool, error) {
	if d.c.Consecutive {
		if string(key) != d.last || d.run == 0 {
			d.last, d.run = string(key), 0
		}
		d.run++
		return d.run > d.c.N, nil
	}
	n := d.seen[string(key)]
	d.seen[string(key)] = n + 1
	if n == 0 {
		return false, d.held.Add(len(key) + 48)
	}
	return n >= d.c.N, nil
}

func (d *dedup) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := d.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	d.keys.Use(b)
	var rows []int32
	var blank []bool
	for i := range b.Len {
		key, ok := d.keys.Key(i)
		repeated := false
		if ok {
			if repeated, err = d.repeats(key); err != nil {
				return nil, err
			}
		} else if !d.c.KeepEmpty {
			d.run = 0
			continue
		}
		if repeated && !d.c.KeepEvents {
			continue
		}
		rows, blank = append(rows, int32(i)), append(blank, repeated)
	}
	out := b.Pick(rows)
	if !d.c.KeepEvents {
		return out, nil
	}
	set := op.Set(out)
	for _, n := range d.c.Fields {
		if c := out.Col(n); c != nil {
			vals := make([]vector.Value, out.Len)
			for i := range vals {
				if !blank[i] {
					vals[i] = c.At(i)
				}
			}
			set.With(vector.NewColumn(n, vals))
		}
	}
	return set.Batch(), nil
}
