package cmd

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Join combines the main rows with the matching rows of a subsearch.
type Join struct {
	Outer     bool
	UseTime   bool
	Earlier   bool
	Overwrite bool
	Max       int // 0 = all
	Left      []string
	Right     []string  // same length as Left; the names in the subsearch
	Prefixes  [2]string // including the dot; "" for none
	Query     *syntax.Query

	pairs int // number of pairs in the where clause
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "join", Kind: syntax.KindSerial,
		Summary: "Join the rows with those of a subsearch.",
		Syntax:  "join [type=inner|outer|left] [max=<n>] [overwrite=<bool>] [usetime=<bool>] [earlier=<bool>] [left=<alias> right=<alias> where <l.field>=<r.field> …] [<field-list>] [<subsearch>]",
		Doc: "The order of the main rows is kept. Keys are case-sensitive. A row without a key matches nothing; a multivalue key\n" +
			"matches by any of its values. Without a list, the keys are all fields that both sides have, except `_…`. Fields of the\n" +
			"subsearch replace those of the main rows unless `overwrite=false`. At most 50,000 rows of the subsearch are used; more\n" +
			"rows give a warning. With `left=L right=R`, the fields of the result are named `L.<field>` and `R.<field>`; internal\n" +
			"fields keep their names.",
		Args: []syntax.Arg{
			{Name: "type", Default: "inner", Doc: "`outer` or `left` also keeps main rows without a match."},
			{Name: "max", Default: "1", Doc: "Maximum number of matches for each main row; 0 means all."},
			{Name: "overwrite", Default: "true", Doc: "Whether fields of the subsearch replace those of the main row."},
			{Name: "usetime", Default: "false", Doc: "Use only matches earlier than the main row, or later ones with earlier=false; matches of the same second always count."},
			{Name: "earlier", Default: "true", Doc: "With usetime: whether to use earlier or later matches."},
			{Name: "left, right, where", Doc: "Names for the two sides, and the pairs of fields that must be equal."},
			{Name: "<field-list>", Default: "all common fields", Doc: "The keys."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="id,a
1,x
2,y" | join type=outer id [| makeresults format=csv data="id,b
1,p"] | table id a b`,
			Want: []string{`{"id":"1","a":"x","b":"p"}`, `{"id":"2","a":"y"}`},
		}, {
			Search: `| makeresults format=csv data="id,a
1,x
2,y" | join left=L right=R where L.id=R.key [| makeresults format=csv data="key,b
1,p"]`,
			Want: []string{`{"L.id":"1","L.a":"x","R.key":"1","R.b":"p"}`},
		}},
		Parse: parseJoin,
	})
}

var joinOptions = []string{"type", "max", "overwrite", "usetime", "earlier", "left", "right"}

func parseJoin(p *syntax.Parser) (syntax.Command, error) {
	c := &Join{Max: 1, Overwrite: true, Earlier: true}
	start := p.Peek().Span
	for !p.Peek().Is("[") {
		if p.AcceptWord("where") {
			if err := c.where(p); err != nil {
				return nil, err
			}
			continue
		}
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if ok {
			if err := c.option(o); err != nil {
				return nil, err
			}
			p.Accept(",")
			continue
		}
		if p.AtEnd() {
			return nil, diag.At(start, "join needs a subsearch in [ ]")
		}
		names, err := p.Fields("where")
		if err != nil {
			return nil, err
		}
		c.Left = append(c.Left, names...)
		c.Right = append(c.Right, names...)
	}
	if (c.Prefixes[0] == "") != (c.Prefixes[1] == "") || c.Prefixes[0] != "" && (c.pairs == 0 || c.pairs < len(c.Left)) {
		return nil, diag.At(start, "use left=, right= and where together, without a list of fields").WithHint("join left=L right=R where L.user=R.name [ … ]")
	}
	var err error
	c.Query, err = p.Subsearch()
	return c, err
}

func (c *Join) option(o syntax.Option) (err error) {
	switch o.Name {
	case "type":
		switch strings.ToLower(o.Value.Text) {
		case "inner":
			c.Outer = false
		case "outer", "left":
			c.Outer = true
		default:
			return diag.At(o.Value.Span, "type must be inner, outer or left, not %q", o.Value.Text)
		}
	case "max":
		c.Max, err = o.Int(0)
	case "overwrite":
		c.Overwrite, err = o.Bool()
	case "usetime":
		c.UseTime, err = o.Bool()
	case "earlier":
		c.Earlier, err = o.Bool()
	case "left":
		c.Prefixes[0] = o.Value.Text + "."
	case "right":
		c.Prefixes[1] = o.Value.Text + "."
	default:
		return o.Unknown(joinOptions...)
	}
	return err
}

// where reads pairs of the form L.a=R.b.
func (c *Join) where(p *syntax.Parser) error {
	for !p.Peek().Is("[") && !p.AtEnd() {
		if p.AcceptWord("and") || p.Accept(",") {
			continue
		}
		o, ok, err := p.Option()
		if err != nil {
			return err
		}
		if !ok {
			tok, err := p.Take()
			if err != nil {
				return err
			}
			return p.Unexpected(tok, "%sfield=%sfield", c.Prefixes[0], c.Prefixes[1])
		}
		// Option lowercases the name, but here the original text matters.
		p.Reset(o.Span.Start)
		l, err := p.Field()
		if err != nil {
			return err
		}
		p.Reset(o.Value.Span.End)
		r := o.Value.Text
		if slices.Contains(joinOptions, o.Name) && !strings.HasPrefix(l, c.Prefixes[0]) {
			if err := c.option(o); err != nil {
				return err
			}
			continue
		}
		if strings.HasPrefix(l, c.Prefixes[1]) && strings.HasPrefix(r, c.Prefixes[0]) {
			l, r = r, l
		}
		left, okl := strings.CutPrefix(l, c.Prefixes[0])
		right, okr := strings.CutPrefix(r, c.Prefixes[1])
		if !okl || !okr || c.Prefixes[0] == "" || c.Prefixes[1] == "" {
			return diag.At(o.Span, "write the fields after where with the aliases of left= and right=")
		}
		c.Left, c.Right = append(c.Left, left), append(c.Right, right)
		c.pairs++
	}
	return nil
}

// Print implements syntax.Command.
func (c *Join) Print() string {
	var b strings.Builder
	b.WriteString("join")
	if c.Outer {
		b.WriteString(" type=outer")
	}
	if c.Max != 1 {
		b.WriteString(" max=" + strconv.Itoa(c.Max))
	}
	if !c.Overwrite {
		b.WriteString(" overwrite=false")
	}
	if c.UseTime {
		b.WriteString(" usetime=true")
	}
	if !c.Earlier {
		b.WriteString(" earlier=false")
	}
	if c.Prefixes[0] != "" {
		fmt.Fprintf(&b, " left=%s right=%s where", strings.TrimSuffix(c.Prefixes[0], "."), strings.TrimSuffix(c.Prefixes[1], "."))
		for i := range c.Left {
			b.WriteString(" " + syntax.PrintField(c.Prefixes[0]+c.Left[i]) + "=" + syntax.PrintOption(c.Prefixes[1]+c.Right[i]))
		}
	} else if len(c.Left) > 0 {
		b.WriteString(" " + syntax.PrintFields(c.Left))
	}
	return b.String() + " [" + c.Query.String() + "]"
}

// Needs implements syntax.Command.
func (c *Join) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Left) == 0 {
		return out.Union(filter.AllFields())
	}
	if prefix := c.Prefixes[0]; prefix != "" {
		plain := filter.Fields()
		if out.All() || out.HasPatterns() {
			plain = filter.AllFields()
		}
		for _, name := range out.Named() {
			plain = plain.Add(strings.TrimPrefix(name, prefix))
		}
		out = plain
	}
	if c.UseTime {
		out = out.Add("_time")
	}
	return out.Add(c.Left...)
}

// Queries implements syntax.WithQueries.
func (c *Join) Queries() []*syntax.Query { return []*syntax.Query{c.Query} }

// Open implements exec.Serial. The subsearch runs when the first row is
// requested, and its rows stay in memory.
func (c *Join) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	j := &join{c: c, env: env, held: env.Memory.Hold(), in: in}
	if len(c.Left) == 0 {
		// The common fields are known only after all rows are read.
		j.in = op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
			j.fields = op.FieldNames(rows)
			return exec.Rows(rows...), nil
		})
	}
	return j, nil
}

type join struct {
	c     *Join
	env   *exec.Env
	in    exec.Operator
	right *vector.Batch
	names []string          // key fields in the main rows
	keys  *vector.FieldKeys // of the main rows
	index map[string][]int32
	held  *exec.Held

	left *vector.Batch // main rows being joined; nil = read the next batch
	at   int           // index of the next row in left
	more []int32       // remaining matches of row at-1

	fields []string // of the main rows, if they must be known up front
}

func (j *join) Close() {
	j.in.Close()
	j.held.Release()
	j.index = nil
}

func (j *join) load(ctx context.Context) error {
	b := vector.NewBuilder()
	rows, err := op.ReadAll(ctx, j.held, new(subOptions).open(j.env, j.c.Query, "join"))
	if err != nil {
		return err
	}
	for n, part := range rows {
		for i := range part.Len {
			j.env.Poll()
			b.AddRow(part, i)
		}
		rows[n] = nil
	}
	j.right = b.Batch()
	// The rows read and the copies kept share their texts.
	if err := j.held.Set(j.right.Size()); err != nil && !exec.EndsEarly(err) {
		return err
	}
	return nil
}

// prepare determines the keys once the columns of both sides are known.
func (j *join) prepare() error {
	left, right := j.c.Left, j.c.Right
	if len(left) == 0 {
		known := make(map[string]bool, len(j.fields))
		for _, name := range j.fields {
			known[name] = true
		}
		for _, name := range op.FieldNames([]*vector.Batch{j.right}) {
			if !op.Internal(name) && known[name] {
				left = append(left, name)
			}
		}
		right = left
	}
	j.keys, j.names = vector.NewFieldKeys(left...), left
	keys := vector.NewFieldKeys(right...)
	keys.Use(j.right)
	j.index = make(map[string][]int32, j.right.Len)
	size := 0
	for i := range j.right.Len {
		j.env.Poll()
		eachKey(j.env, keys, i, func(key []byte) {
			rows := j.index[string(key)]
			if len(rows) == 0 {
				size += len(key) + 96
			} else if rows[len(rows)-1] == int32(i) {
				return
			}
			j.index[string(key)] = append(rows, int32(i))
			size += 8
		})
		if size < 64<<10 && i+1 < j.right.Len {
			continue
		}
		if err := j.held.Add(size); err != nil && !exec.EndsEarly(err) {
			return err
		}
		size = 0
	}
	return nil
}

// maxKeys bounds the keys of one row, which are all combinations of the values
// of its key fields.
const maxKeys = 10000

// eachKey calls yield for every combination of the values of row i's key
// fields, at most maxKeys times.
func eachKey(env *exec.Env, k *vector.FieldKeys, i int, yield func(key []byte)) {
	keys := 0
	k.Each(i, func(key []byte, _ []string) bool {
		if keys++; keys > maxKeys {
			env.Warn("join tries at most %d combinations of the values of one row; the others are left out", maxKeys)
			return false
		}
		yield(key)
		return true
	})
}

func (j *join) Next(ctx context.Context) (*vector.Batch, error) {
	if j.right == nil {
		if err := j.load(ctx); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.left == nil {
		b, err := j.in.Next(ctx)
		if err != nil {
			return nil, err
		}
		if j.index == nil && b.Len > 0 {
			if err := j.prepare(); err != nil {
				return nil, err
			}
		}
		j.left, j.at = b, 0
		if j.keys != nil {
			j.keys.Use(b)
		}
	}
	b := j.left
	var leftRows, rightRows []int32 // rightRows: -1 = no match
	// A row may have very many matches, so bound how many are joined at once.
	for len(leftRows) < vector.DefaultRows && (len(j.more) > 0 || j.at < b.Len) {
		if len(j.more) == 0 {
			if j.more = j.matches(b, j.at); len(j.more) == 0 && j.c.Outer {
				j.more = noMatch
			}
			j.at++
		}
		n := min(len(j.more), vector.DefaultRows-len(leftRows))
		for _, r := range j.more[:n] {
			leftRows, rightRows = append(leftRows, int32(j.at-1)), append(rightRows, r)
		}
		j.more = j.more[n:]
	}
	if len(j.more) == 0 && j.at == b.Len {
		j.left = nil
	}
	return j.glue(b.Pick(leftRows), rightRows), nil
}

var noMatch = []int32{-1}

// matches returns the rows of the subsearch that match row i, in order.
func (j *join) matches(b *vector.Batch, i int) []int32 {
	if len(j.names) == 0 {
		return nil
	}
	var found []int32
	eachKey(j.env, j.keys, i, func(key []byte) {
		for _, r := range j.index[string(key)] {
			if j.inTime(b, i, int(r)) {
				found = append(found, r)
			}
		}
	})
	exec.Sort(j.env, found, cmp.Compare)
	found = slices.Compact(found)
	if j.c.Max > 0 && len(found) > j.c.Max {
		found = found[:j.c.Max]
	}
	return found
}

func (j *join) inTime(b *vector.Batch, i, r int) bool {
	if !j.c.UseTime {
		return true
	}
	left, okl := b.At("_time", i).Num()
	right, okr := j.right.At("_time", r).Num()
	left, right = math.Floor(left), math.Floor(right)
	return okl && okr && (j.c.Earlier && right <= left || !j.c.Earlier && right >= left)
}

func (j *join) glue(b *vector.Batch, rows []int32) *vector.Batch {
	if j.c.Prefixes[0] != "" {
		return j.glueAliased(b, rows)
	}
	isKey := make(map[string]bool, len(j.names))
	for _, name := range j.names {
		isKey[name] = true
	}
	var cols []*vector.Column
	for _, col := range j.right.Cols {
		if col.Name == "_time" && b.Col("_time") != nil || isKey[col.Name] {
			continue
		}
		j.env.Poll()
		old := b.Col(col.Name)
		vals := make([]vector.Value, b.Len)
		for i, r := range rows {
			if old != nil {
				vals[i] = old.At(i)
			}
			if r < 0 {
				continue
			}
			if v := col.At(int(r)); !v.IsNull() && (j.c.Overwrite || vals[i].IsNull()) {
				vals[i] = v
			}
		}
		cols = append(cols, vector.NewColumn(col.Name, vals))
	}
	return b.With(cols...)
}

// glueAliased puts the fields of both sides under their aliases. Internal
// fields keep their names, and those of the main row win.
func (j *join) glueAliased(b *vector.Batch, rows []int32) *vector.Batch {
	cols := make([]*vector.Column, 0, len(b.Cols)+len(j.right.Cols))
	internal := map[string]bool{}
	for _, col := range b.Cols {
		if op.Internal(col.Name) {
			internal[col.Name] = true
		} else {
			col = col.Renamed(j.c.Prefixes[0] + col.Name)
		}
		cols = append(cols, col)
	}
	for _, col := range j.right.Cols {
		name := col.Name
		if !op.Internal(name) {
			name = j.c.Prefixes[1] + name
		} else if internal[name] {
			continue
		}
		j.env.Poll()
		vals := make([]vector.Value, b.Len)
		for i, r := range rows {
			if r >= 0 {
				vals[i] = col.At(int(r))
			}
		}
		cols = append(cols, vector.NewColumn(name, vals))
	}
	return (&vector.Batch{Len: b.Len}).With(cols...)
}
