package cmd

import (
	"cmp"
	"context"
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

// Contingency counts how often pairs of values of two fields occur together.
type Contingency struct {
	Row, Col         string
	MaxRows, MaxCols int
	RowCover         float64 // share of the total count that the shown rows cover, 0 to 1
	ColCover         float64
	Total            bool
	TotalName        string
}

// maxContingency bounds the rows and the columns of a contingency table.
const maxContingency = 1000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "contingency", Aliases: []string{"counttable", "ctable"}, Kind: syntax.KindTransforming,
		Summary: "Build a table of how often the values of two fields occur together.",
		Syntax:  "contingency [maxrows=<n>] [maxcols=<n>] [mincolcover=<share>] [minrowcover=<share>] [usetotal=<bool>] [totalstr=<text>] <row-field> <column-field>",
		Doc:     "The most frequent values come first. The last row and column hold the totals, which include the rows and columns left out.",
		Args: []syntax.Arg{
			{Name: "maxrows, maxcols", Default: "1000", Doc: "Maximum number of rows and columns; 0 means 1000."},
			{Name: "mincolcover, minrowcover", Default: "1", Doc: "Show columns or rows until they cover this share of the total."},
			{Name: "usetotal", Default: "true", Doc: "Whether to show totals."},
			{Name: "totalstr", Default: "TOTAL", Doc: "The label of the totals."},
			{Name: "<row-field>", Doc: "The field whose values make the rows."},
			{Name: "<column-field>", Doc: "The field whose values make the columns."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,region
a,eu
b,eu
a,eu
a,us" | contingency u region`,
			Want: []string{`{"u":"a","eu":"2","us":"1","TOTAL":"3"}`, `{"u":"b","eu":"1","us":"0","TOTAL":"1"}`, `{"u":"TOTAL","eu":"3","us":"1","TOTAL":"4"}`},
		}},
		Parse: parseContingency,
	})
}

func parseContingency(p *syntax.Parser) (syntax.Command, error) {
	c := &Contingency{RowCover: 1, ColCover: 1, Total: true, TotalName: "TOTAL"}
	start := p.Peek().Span
	names, err := p.OptionsAndFields([]string{"maxrows", "maxcols", "mincolcover", "minrowcover", "usetotal", "totalstr"}, c.option)
	if err != nil {
		return nil, err
	}
	if len(names) != 2 || names[0] == names[1] {
		return nil, diag.At(start, "contingency needs two fields, not %d", len(slices.Compact(names)))
	}
	c.Row, c.Col = names[0], names[1]
	return c, nil
}

func (c *Contingency) option(o syntax.Option) (err error) {
	switch o.Name {
	case "maxrows":
		c.MaxRows, err = o.Int(0)
	case "maxcols":
		c.MaxCols, err = o.Int(0)
	case "minrowcover":
		c.RowCover, err = op.Fraction(o)
	case "mincolcover":
		c.ColCover, err = op.Fraction(o)
	case "usetotal":
		c.Total, err = o.Bool()
	case "totalstr":
		c.TotalName = o.Value.Text
	}
	return err
}

// Print implements syntax.Command.
func (c *Contingency) Print() string {
	s := "contingency"
	if c.MaxRows != 0 {
		s += " maxrows=" + strconv.Itoa(c.MaxRows)
	}
	if c.MaxCols != 0 {
		s += " maxcols=" + strconv.Itoa(c.MaxCols)
	}
	if c.ColCover != 1 {
		s += " mincolcover=" + vector.FormatNumber(c.ColCover)
	}
	if c.RowCover != 1 {
		s += " minrowcover=" + vector.FormatNumber(c.RowCover)
	}
	if !c.Total {
		s += " usetotal=false"
	}
	if c.TotalName != "TOTAL" {
		s += " totalstr=" + syntax.PrintOption(c.TotalName)
	}
	return s + " " + syntax.PrintFields([]string{c.Row, c.Col})
}

// Needs implements syntax.Command.
func (c *Contingency) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.Row, c.Col) }

// Ordered implements exec.Transforming.
func (c *Contingency) Ordered() bool { return false }

// NewReducer implements exec.Transforming.
func (c *Contingency) NewReducer(env *exec.Env) (exec.Reducer, error) {
	return &contingency{c: c, env: env, held: env.Memory.Hold(), pairs: map[[2]string]*int{}}, nil
}

type contingency struct {
	c     *Contingency
	env   *exec.Env
	pairs map[[2]string]*int
	held  *exec.Held
	every exec.Every
}

// Add implements exec.Reducer.
func (r *contingency) Add(_ context.Context, b *vector.Batch) error {
	grown := 0
	rows, cols := op.Present(b, r.c.Row), op.Present(b, r.c.Col)
	for i := range rows {
		r.every.Poll(r.env, 64)
		for _, x := range rows[i].All() {
			for _, y := range cols[i].All() {
				grown += r.count([2]string{x, y}, 1)
			}
		}
	}
	return r.held.Add(grown)
}

func (r *contingency) count(pair [2]string, n int) (grown int) {
	if known := r.pairs[pair]; known != nil { // do not assign through r.pairs: that would also store the borrowed key
		*known += n
		return 0
	}
	r.pairs[[2]string{strings.Clone(pair[0]), strings.Clone(pair[1])}] = &n
	return len(pair[0]) + len(pair[1]) + 88
}

// Merge implements exec.Reducer.
func (r *contingency) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*contingency)
	grown := 0
	pulse := exec.NewPulse(ctx)
	for pair, n := range o.pairs {
		if err := pulse.Err(); err != nil {
			return err
		}
		grown += r.count(pair, *n)
	}
	o.Close()
	return r.held.Add(grown)
}

// Close implements exec.Reducer.
func (r *contingency) Close() {
	r.held.Release()
	r.pairs = nil
}

// Results implements exec.Reducer.
func (r *contingency) Results(context.Context) (exec.Operator, error) {
	byRow, byCol, total := map[string]int{}, map[string]int{}, 0
	for pair, n := range r.pairs {
		r.every.Poll(r.env, 256)
		byRow[pair[0]] += *n
		byCol[pair[1]] += *n
		total += *n
	}
	if err := r.held.Add(64 * (len(byRow) + len(byCol))); err != nil && !exec.EndsEarly(err) {
		return nil, err
	}
	rows := r.frequent(byRow, total, r.c.MaxRows, r.c.RowCover, r.c.Row)
	cols := r.frequent(byCol, total, r.c.MaxCols, r.c.ColCover, r.c.Col)
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		out := op.NewEmitter(emit, append([]string{r.c.Row}, cols...))
		add := func(name string, count func(col string) int, sum int) error {
			out.Add()
			r.env.Poll()
			for _, col := range cols {
				out.Set(col, vector.Int(count(col)))
			}
			if r.c.Total {
				out.Set(r.c.TotalName, vector.Int(sum))
			}
			out.Set(r.c.Row, vector.String(name))
			return out.Row(ctx)
		}
		for _, row := range rows {
			err := add(row, func(col string) int {
				if n := r.pairs[[2]string{row, col}]; n != nil {
					return *n
				}
				return 0
			}, byRow[row])
			if err != nil {
				return err
			}
		}
		if r.c.Total && len(rows) > 0 {
			if err := add(r.c.TotalName, func(col string) int { return byCol[col] }, total); err != nil {
				return err
			}
		}
		return out.End()
	}, r.Close), nil
}

// frequent returns the values with the highest counts, in descending order.
func (r *contingency) frequent(counts map[string]int, total, limit int, cover float64, field string) []string {
	var list []string
	for v := range counts {
		list = append(list, v)
	}
	exec.Sort(r.env, list, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), vector.CompareAuto(vector.String(a), vector.String(b)), strings.Compare(a, b))
	})
	if limit == 0 || limit > maxContingency {
		limit = maxContingency
		if len(list) > limit {
			r.env.Warn("contingency shows at most %d values of %s", limit, field)
		}
	}
	list = list[:min(len(list), limit)]
	covered := 0
	for i, v := range list {
		if float64(covered) >= cover*float64(total) {
			return list[:i]
		}
		covered += counts[v]
	}
	return list
}
