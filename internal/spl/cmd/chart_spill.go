package cmd

import (
	"cmp"
	"context"
	"io"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// cellRank is the sort key of a cell: the row, as in grid.order, then the
// column.
type cellRank struct {
	row   vector.Value
	text  string
	low   float64
	class int // 0: low is the row's number or the low end of its bucket
	col   string
}

var byCell = op.Rank[cellRank]{
	Of: func(keys []vector.Value) cellRank {
		r := cellRank{row: keys[0], text: keys[0].Text()}
		ok := false
		if r.low, ok = lowEnd(keys[0]); !ok {
			r.class = vector.AutoClass(keys[0])
		}
		if len(keys) > 1 {
			r.col = keys[1].Text()
		}
		return r
	},
	Compare: func(a, b *cellRank) int {
		c := cmp.Compare(a.class, b.class)
		if c == 0 && a.class == 0 {
			c = cmp.Compare(a.low, b.low)
		} else if c == 0 {
			c = vector.CompareAuto(a.row, b.row)
		}
		return cmp.Or(c, strings.Compare(a.text, b.text), strings.Compare(a.col, b.col))
	},
}

// spilled builds the table from cells on disk, row by row. If there are several
// columns, it first reads the cells once to choose them.
func (r *chart) spilled(ctx context.Context) (exec.Operator, error) {
	r.row.settle(r.g.InMemory(), 0)
	if r.col != nil {
		r.col.settle(r.g.InMemory(), 1)
	}
	cells, err := op.Stream(ctx, r.g, byCell, func(_ *op.Grouper, grp *op.Group) ([]vector.Value, error) {
		keys := []vector.Value{r.row.relabel(grp.Key(0))}
		if r.col != nil {
			col := r.col.relabel(grp.Key(1)).Text()
			if r.c.UseNull && col == r.c.Null { // as in grid.joinSpecial
				col = chartNil
			}
			keys = append(keys, vector.String(col))
		}
		return keys, nil
	})
	if err != nil {
		return nil, err
	}
	s := &chartSpill{r: r, g: r.grid(), cells: cells, held: r.env.Memory.Hold(), columns: []string{""}}
	r.g.Close()
	if err := s.read(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return exec.Emitted(s.table, s.Close), nil
}

// chartSpill is a chart whose cells are on disk, ordered by row.
type chartSpill struct {
	r       *chart
	g       *grid // its rows serve only to fill gaps
	cells   *op.GroupStream
	held    *exec.Held
	columns []string
	stays   map[string]bool // columns not merged into OTHER, nil = all
	filled  bool            // g.rows holds every row that has a bucket
	drop    map[string]bool // rows to omit
}

func (s *chartSpill) Close() {
	s.cells.Close()
	s.held.Release()
}

// read reads the cells once to find the range of the rows and to choose the
// columns.
func (s *chartSpill) read(ctx context.Context) error {
	g := s.g
	file, err := s.cells.NewFile()
	if err != nil {
		return err
	}
	scores := map[string][]float64{}
	var first, last vector.Value
	plain := false // a row without a bucket was read
	for {
		grp, err := s.cells.Next(ctx)
		if err == io.EOF {
			break
		}
		if err == nil {
			row := grp.Key(0)
			if g.span != nil {
				if _, ok := g.bucketed(row); !ok {
					plain = true
				} else if !plain {
					if first.IsNull() {
						first = row
					}
					last = row
				}
			}
			if s.r.col != nil {
				col, size := grp.Key(1).Text(), 8
				if scores[col] == nil {
					size += 2*len(col) + 200*len(g.values)
				}
				scores[col] = append(scores[col], g.score(s.cells.Grouper().Aggregates(grp)))
				err = s.held.Add(size)
			}
		}
		if err == nil || exec.EndsEarly(err) {
			err = cmp.Or(file.Add(grp), err)
		}
		if exec.EndsEarly(err) {
			break // the cells read so far are the result
		}
		if err != nil {
			file.Close()
			return err
		}
	}
	s.cells.Close()
	if s.cells, err = file.Stream(); err != nil {
		file.Close()
		return err
	}
	if s.r.col != nil {
		s.columns, s.stays = g.choose(scores)
	}
	if g.span == nil || first.IsNull() {
		return nil
	}
	g.rows = []vector.Value{first}
	if first.Text() != last.Text() {
		g.rows = append(g.rows, last)
	}
	if s.r.c.Continuous && !(g.times && plain) {
		s.filled = g.fillGaps()
	}
	if s.r.c.Time && !s.r.c.Partial {
		whole := g.rows
		g.dropPartial()
		s.drop = map[string]bool{whole[0].Text(): true, whole[len(whole)-1].Text(): true}
		for _, row := range g.rows {
			delete(s.drop, row.Text())
		}
	}
	return nil
}

// table emits the rows.
func (s *chartSpill) table(ctx context.Context, emit func(*vector.Batch) error) error {
	w := s.g.writer(s.columns, emit)
	left := s.g.rows // buckets not emitted yet
	if !s.filled {
		left = nil
	}
	write := func(row vector.Value, cells map[string][]exec.Aggregate) error {
		if len(s.drop) > 0 && s.drop[row.Text()] {
			return nil
		}
		return w.write(ctx, row, cells)
	}
	buckets := func(before string) error { // "" = all
		for len(left) > 0 {
			row := left[0]
			if left = left[1:]; row.Text() == before {
				return nil
			}
			if err := write(row, nil); err != nil {
				return err
			}
		}
		return nil
	}
	var row vector.Value
	var cells map[string][]exec.Aggregate
	end := func() error {
		if cells == nil {
			return nil
		}
		before := ""
		if _, ok := lowEnd(row); ok {
			before = row.Text()
		}
		if len(left) > 0 {
			if err := buckets(before); err != nil {
				return err
			}
		}
		err := write(row, cells)
		s.held.Release()
		return err
	}
	for {
		grp, err := s.cells.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if cells == nil || grp.Key(0).Text() != row.Text() {
			if err := end(); err != nil {
				return err
			}
			row, cells = grp.Key(0), map[string][]exec.Aggregate{}
		}
		col := ""
		if s.r.col != nil {
			col = grp.Key(1).Text()
		}
		if s.stays != nil && !s.stays[col] {
			if !s.r.c.UseOther {
				continue
			}
			col = s.r.c.Other
		}
		aggs := s.cells.Grouper().Aggregates(grp)
		if cells[col] == nil {
			size := 128 * len(aggs)
			for _, a := range aggs {
				size += a.Size()
			}
			if err := s.held.Add(size); err != nil && !exec.EndsEarly(err) {
				return err
			}
		}
		add(cells, col, aggs)
	}
	if err := end(); err != nil {
		return err
	}
	if err := buckets(""); err != nil {
		return err
	}
	return w.End()
}
