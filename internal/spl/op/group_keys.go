package op

import (
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// members are the groups that the rows of a batch belong to.
type members struct {
	member  []*Group // nil: the row is in none
	rows    []int32  // the row of each member; nil: it is the index
	touched []*Group // each group once; group.fresh is its number of members
	weights []int    // of each row of a condensed batch, else nil
}

func (m *members) row(k int) int {
	if m.rows == nil {
		return k
	}
	return int(m.rows[k])
}

// weight is how many rows row i stands for, at least one.
func (m *members) weight(i int) int {
	if m.weights == nil {
		return 1
	}
	return m.weights[i]
}

// join makes row i a member of a group.
func (m *members) join(grp *Group, i int) {
	if grp.fresh == 0 {
		m.touched = append(m.touched, grp)
	}
	grp.fresh += m.weight(i)
	m.member = append(m.member, grp)
}

// keyer numbers the values of the by-fields and their combinations, from 1.
type keyer struct {
	values []map[string]int32 // by by-field
	pairs  []map[uint64]int32 // by by-field: what is to the left of it, and its value
	groups []*Group           // by number of the whole combination
	grown  int                // bytes that were not counted yet

	// Scratch space from batch to batch.
	vals   []vector.Value // the by-fields of a row
	ids    [][]int32      // by by-field, by row
	known  []*Group       // by code
	codes  []int32
	zeros  []int32
	picked []int32
	buf    []byte
}

// What a number can be that stands for no value.
const (
	idUnknown = -2
	idList    = -1 // several values
	idNull    = 0
)

func newKeyer(by int) keyer {
	k := keyer{values: make([]map[string]int32, by), pairs: make([]map[uint64]int32, by), vals: make([]vector.Value, by), ids: make([][]int32, by)}
	for i := range by {
		k.values[i], k.pairs[i] = map[string]int32{}, map[uint64]int32{}
	}
	return k
}

// Assign finds the groups of the rows of b, and makes those that are new.
func (g *Grouper) Assign(b *vector.Batch) error {
	for _, grp := range g.touched {
		grp.fresh = 0
	}
	g.member, g.touched, g.rows = g.member[:0], g.touched[:0], nil
	if g.total != nil {
		g.fill(g.total)
		for i := range b.Len {
			g.join(g.total, i)
		}
		return nil
	}
	cols := make([]*vector.Column, len(g.by))
	for i, name := range g.by {
		if cols[i] = b.Col(name); cols[i] == nil {
			return nil // no row has the field
		}
	}
	if codes, n := g.coded(cols, b.Len); codes != nil {
		return g.assignCoded(cols, codes, n)
	}
	return g.assignRows(cols, b.Len)
}

// coded numbers the combinations of columns that are coded or constant: the
// code of each row, and how many codes there are. It returns nil when a column
// is neither or has lists, and when there are more codes than rows.
func (g *Grouper) coded(cols []*vector.Column, rows int) ([]int32, int) {
	codes, n := []int32(nil), 1
	for _, c := range cols {
		if v, ok := c.Constant(); ok {
			if v.Kind() == vector.List {
				return nil, 0
			}
			continue
		}
		dict, own := c.Codes()
		if own == nil || len(dict)*n > rows || slices.ContainsFunc(dict, isList) {
			return nil, 0
		}
		if codes == nil {
			codes, n = own, len(dict)
			continue
		}
		both := slices.Grow(g.keys.codes[:0], rows)[:rows]
		for i, code := range own[:rows] {
			both[i] = codes[i]*int32(len(dict)) + code
		}
		codes, n, g.keys.codes = both, n*len(dict), both
	}
	if codes == nil { // all are constant
		if len(g.keys.zeros) < rows {
			g.keys.zeros = make([]int32, rows)
		}
		codes = g.keys.zeros
	}
	return codes[:rows], n
}

func isList(v vector.Value) bool { return v.Kind() == vector.List }

// none is the group of rows that are in none.
var none = &Group{}

// assignCoded looks a group up only once for each code.
func (g *Grouper) assignCoded(cols []*vector.Column, codes []int32, n int) error {
	known := slices.Grow(g.keys.known[:0], n)[:n]
	clear(known)
	g.keys.known = known
	for i, code := range codes {
		grp := known[code]
		if grp == nil {
			grp = none
			if g.cells(cols, i) == single {
				grp = g.group(g.keys.vals)
			}
			known[code] = grp
		}
		if grp == none {
			g.member = append(g.member, nil)
		} else {
			g.join(grp, i)
		}
	}
	return g.account()
}

// assignRows looks the group of every row up. A row with several values is a
// member of a group for each combination of them.
func (g *Grouper) assignRows(cols []*vector.Column, rows int) error {
	for n, c := range cols {
		g.keys.ids[n] = slices.Grow(g.keys.ids[n][:0], rows)[:rows]
		g.number(n, c, g.keys.ids[n])
	}
	g.rows = slices.Grow(g.keys.picked[:0], rows)
	defer func() { g.keys.picked = g.rows }()
	join := func(grp *Group, i int) {
		g.join(grp, i)
		g.rows = append(g.rows, int32(i))
	}
	for i := range rows {
		g.every.Poll(g.env, 64)
		switch id, kind := g.combination(i); kind {
		case single:
			if grp := g.keys.group(id); grp != nil {
				join(grp, i)
				continue
			}
			g.cells(cols, i)
			join(g.newGroup(id, g.keys.vals), i)
		case several:
			g.cells(cols, i)
			err := g.combine(cols, i, 0, func() error {
				join(g.group(g.keys.vals), i)
				if g.keys.grown < 1<<20 {
					return nil
				}
				return g.account() // one row may make very many groups
			})
			if err != nil {
				return err
			}
		}
	}
	return g.account()
}

// number finds the number of each row's value of one by-field.
func (g *Grouper) number(n int, c *vector.Column, ids []int32) {
	if v, ok := c.Constant(); ok {
		id := g.intern(n, v)
		for i := range ids {
			ids[i] = id
		}
		return
	}
	dict, codes := c.Codes()
	if codes == nil || len(dict) > len(ids) {
		for i := range ids {
			ids[i] = g.intern(n, c.At(i))
		}
		return
	}
	known := slices.Grow(g.keys.codes[:0], len(dict))[:len(dict)]
	g.keys.codes = known
	for i := range known {
		known[i] = idUnknown
	}
	for i := range ids {
		id := known[codes[i]]
		if id == idUnknown {
			id = g.intern(n, dict[codes[i]])
			known[codes[i]] = id
		}
		ids[i] = id
	}
}

// intern returns the number of a value of by-field n.
func (g *Grouper) intern(n int, v vector.Value) int32 {
	k := &g.keys
	text := ""
	switch v.Kind() {
	case vector.Null:
		return idNull
	case vector.List:
		return idList
	case vector.Text:
		text = v.Text()
		if id, ok := k.values[n][text]; ok {
			return id
		}
	default:
		k.buf = v.AppendText(k.buf[:0])
		if id, ok := k.values[n][string(k.buf)]; ok {
			return id
		}
		text = string(k.buf)
	}
	id := int32(len(k.values[n]) + 1)
	k.values[n][strings.Clone(text)] = id
	k.grown += len(text) + 64
	return id
}

// pair returns the number of the combination of what is to the left of
// by-field n with a value of it.
func (k *keyer) pair(n int, left, id int32) int32 {
	key := uint64(left)<<32 | uint64(id)
	both, ok := k.pairs[n][key]
	if !ok {
		both = int32(len(k.pairs[n]) + 1)
		k.pairs[n][key] = both
		k.grown += 40
	}
	return both
}

// combination returns the number of the by-fields of row i, when they have one
// value each.
func (g *Grouper) combination(i int) (id int32, kind cellKind) {
	kind = single
	for n, ids := range g.keys.ids {
		own := ids[i]
		switch {
		case own == idNull:
			return 0, lacking
		case own == idList:
			kind = several
		case n == 0:
			id = own
		case kind == single:
			id = g.keys.pair(n, id, own)
		}
	}
	return id, kind
}

// cellKind says what the by-fields of a row hold.
type cellKind int

const (
	lacking cellKind = iota // one of them is missing
	single
	several
)

// cells puts the by-fields of row i into g.keys.vals.
func (g *Grouper) cells(cols []*vector.Column, i int) cellKind {
	kind := single
	for j, c := range cols {
		v := c.At(i)
		g.keys.vals[j] = v
		switch v.Kind() {
		case vector.Null:
			return lacking
		case vector.List:
			kind = several
		}
	}
	return kind
}

// combine calls fn for the combinations of the values from column n on; they are
// in g.keys.vals then.
func (g *Grouper) combine(cols []*vector.Column, i, n int, fn func() error) error {
	if n == len(cols) {
		return fn()
	}
	list := cols[n].At(i).All()
	if g.split {
		list = slices.Clone(list)
		exec.Sort(g.env, list, strings.Compare)
		list = slices.Compact(list)
	}
	for _, s := range list {
		g.every.Poll(g.env, 256)
		g.keys.vals[n] = vector.String(s)
		if err := g.combine(cols, i, n+1, fn); err != nil {
			return err
		}
	}
	return nil
}

// group returns the group of the values, none of which is missing; it is made
// when there is none.
func (g *Grouper) group(vals []vector.Value) *Group {
	id := int32(0)
	for n, v := range vals {
		own := g.intern(n, v)
		if own == idList { // as a whole, where rows are not split
			own = g.intern(n, vector.String(v.Text()))
		}
		if n == 0 {
			id = own
		} else {
			id = g.keys.pair(n, id, own)
		}
	}
	if grp := g.keys.group(id); grp != nil {
		return grp
	}
	return g.newGroup(id, vals)
}

func (k *keyer) group(id int32) *Group {
	if int(id) >= len(k.groups) {
		return nil
	}
	return k.groups[id]
}

func (g *Grouper) newGroup(id int32, vals []vector.Value) *Group {
	grp := &Group{keys: make([]vector.Value, len(vals))}
	for i, v := range vals {
		grp.keys[i] = v.Clone()
	}
	g.fill(grp)
	for int(id) >= len(g.keys.groups) {
		g.keys.groups = append(g.keys.groups, nil)
	}
	g.keys.groups[id] = grp
	g.order = append(g.order, grp)
	size := 128
	for _, v := range grp.keys {
		size += v.Size()
	}
	g.keys.grown += size
	return grp
}

// account counts what was made since against the memory of the search.
func (g *Grouper) account() error {
	n := g.keys.grown
	g.keys.grown = 0
	if n == 0 {
		return nil
	}
	return g.Held.Add(n)
}
