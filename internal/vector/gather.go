package vector

// Place identifies a row of a batch.
type Place struct {
	Batch *Batch
	Row   int32
}

// Gather returns a batch of the given rows, in that order. It is a cheaper
// equivalent of Builder.AddRow for each row.
func Gather(places []Place) *Batch {
	g := gathering{n: len(places), at: map[string]int32{}}
	g.group(places)
	for _, s := range g.from {
		g.columns(s)
	}
	out := &Batch{Len: g.n, Cols: make([]*Column, len(g.cols))}
	for i := range g.cols {
		g.cols[i].room(g.n)
		out.Cols[i] = &g.cols[i].Column
	}
	for _, s := range g.from {
		for n, c := range s.batch.Cols {
			g.cols[s.to[n]].take(c, s.rows, s.places)
		}
	}
	return out
}

type gathering struct {
	n    int // rows
	from []*gathered
	cols []gatheredColumn
	at   map[string]int32 // of cols by name
}

// gathered is a batch from which rows are taken.
type gathered struct {
	batch  *Batch
	rows   []int32 // rows taken from it
	places []int32 // their positions in the result
	to     []int32 // its columns' positions in the result
}

type gatheredColumn struct {
	Column
	most int   // upper bound of rows with a value
	next int32 // the column that followed it last time
}

// group groups the places by batch, in order of first appearance.
func (g *gathering) group(places []Place) {
	at := map[*Batch]*gathered{}
	var last *gathered
	for i, p := range places {
		if last == nil || last.batch != p.Batch {
			if last = at[p.Batch]; last == nil {
				last = &gathered{batch: p.Batch}
				at[p.Batch] = last
				g.from = append(g.from, last)
			}
		}
		last.rows = append(last.rows, p.Row)
		last.places = append(last.places, int32(i))
	}
}

// columns maps the columns of a batch to those of the result. Batches are
// alike, so a column mostly follows the same one as before.
func (g *gathering) columns(s *gathered) {
	s.to = make([]int32, len(s.batch.Cols))
	before := int32(-1)
	for n, c := range s.batch.Cols {
		to := int32(0)
		if before >= 0 {
			to = g.cols[before].next
		}
		if int(to) >= len(g.cols) || g.cols[to].Name != c.Name {
			var ok bool
			if to, ok = g.at[c.Name]; !ok {
				to = int32(len(g.cols))
				g.at[c.Name] = to
				g.cols = append(g.cols, gatheredColumn{Column: Column{Name: c.Name}})
			}
			if before >= 0 {
				g.cols[before].next = to
			}
		}
		g.cols[to].most += len(s.rows)
		s.to[n], before = to, to
	}
}

// room allocates the values: one per row for columns that may have a value in
// most rows.
func (c *gatheredColumn) room(n int) {
	if 2*c.most >= n {
		c.vals = make([]Value, n)
		return
	}
	c.rows = make([]int32, n)
	c.vals = make([]Value, 1, c.most+1) // the first is null
}

func (c *gatheredColumn) take(from *Column, rows, places []int32) {
	for k, row := range rows {
		v := from.at(int(row))
		if v.kind == Null {
			continue
		}
		switch at := places[k]; {
		case c.rows == nil:
			c.vals[at] = *v
		case c.rows[at] != 0:
			c.vals[c.rows[at]] = *v
		default:
			c.rows[at] = int32(len(c.vals))
			c.vals = append(c.vals, *v)
		}
	}
}
