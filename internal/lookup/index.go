package lookup

import (
	"cmp"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Index finds the rows of a lookup table by keys. It is not changed once
// it is made.
type Index struct {
	Table   *Table
	columns []string
	exact   []int            // positions in columns that are compared as they are
	loose   []looseKey       // those that are patterns or blocks
	first   map[string]int32 // by the exact keys: the first row
	next    []int32          // by row: the next one with the same exact keys, -1 = none
	times   []float64        // by row, for tables with times; NaN = none
}

// looseKey is a key column whose cells are tested one by one.
type looseKey struct {
	at    int // in columns
	tests []func(string) bool
}

// What the index takes for each row, for each different key and for each different
// cell that is tested, beside texts, about.
const (
	rowBytes  = 16
	keyBytes  = 64
	testBytes = 256
)

// NewIndex returns an index of t by the given columns. It calls grow every now and
// then with how many bytes of memory it takes more; an error ends it, as does a panic.
func NewIndex(t *Table, columns []string, now time.Time, grow func(bytes int) error) (*Index, error) {
	x := &Index{Table: t, columns: columns, first: map[string]int32{}}
	if err := grow(rowBytes * len(t.Rows)); err != nil {
		return nil, err
	}
	x.next = make([]int32, len(t.Rows))
	at := make([]int, len(columns))
	for i, name := range columns {
		var err error
		if at[i], err = Column(t, name); err != nil {
			return nil, err
		}
		if kind := t.Match[name]; kind == "WILDCARD" || kind == "CIDR" {
			tests, err := cellTests(t, at[i], kind, grow)
			if err != nil {
				return nil, err
			}
			x.loose = append(x.loose, looseKey{at: i, tests: tests})
		} else {
			x.exact = append(x.exact, i)
		}
	}
	vals := make([]string, len(columns))
	var key []byte
	grown := 0
	for r := len(t.Rows) - 1; r >= 0; r-- { // backwards, so that each row is put before those of its key
		if r%256 == 0 {
			if err := grow(grown); err != nil {
				return nil, err
			}
			grown = 0
		}
		complete := true
		for i := range columns {
			v := t.Value(r, at[i])
			complete = complete && !v.IsNull()
			vals[i] = v.Text()
		}
		if complete { // an empty cell matches nothing
			key = x.key(key[:0], vals)
			next, known := x.first[string(key)]
			if !known {
				next = -1
				grown += keyBytes + len(key)
			}
			x.next[r] = next
			x.first[string(key)] = int32(r)
		}
	}
	if t.TimeField != "" {
		return x, x.readTimes(now)
	}
	return x, nil
}

// IsKey reports whether a column is one that rows are found by.
func (x *Index) IsKey(column string) bool { return slices.Contains(x.columns, column) }

// cellTests returns the test of each cell of a column; equal cells share one.
func cellTests(t *Table, col int, kind string, grow func(bytes int) error) ([]func(string) bool, error) {
	tests := make([]func(string) bool, len(t.Rows))
	known := map[string]func(string) bool{}
	for r := range t.Rows {
		cell := t.Value(r, col).Text()
		if known[cell] == nil {
			if err := grow(testBytes + len(cell)); err != nil {
				return nil, err
			}
			known[cell] = cellTest(cell, kind, t.IgnoreCase)
		}
		tests[r] = known[cell]
	}
	return tests, nil
}

func cellTest(cell, kind string, fold bool) func(string) bool {
	if kind == "WILDCARD" {
		return filter.Wildcard(cell, !fold)
	}
	block, err := netip.ParsePrefix(strings.TrimSpace(cell))
	if err != nil {
		return func(s string) bool { return s == cell } // a single address
	}
	block = block.Masked()
	return func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && block.Contains(a.Unmap()) || s == cell
	}
}

func (x *Index) key(buf []byte, vals []string) []byte {
	for _, i := range x.exact {
		s := vals[i]
		if x.Table.IgnoreCase {
			s = strings.ToLower(s)
		}
		buf = vector.AppendPart(buf, s)
	}
	return buf
}

// Find returns the matching rows for one value of each key: the first ones of
// the table, or the nearest in time. -1 stands for the default match.
func (x *Index) Find(vals []string, at vector.Value) []int32 {
	t := x.Table
	limit := t.MaxMatches
	if limit == 0 {
		limit = 100
	}
	var found []int32
	when, timed := at.Num()
	r, ok := x.first[string(x.key(nil, vals))]
	if !ok {
		r = -1
	}
	for ; r >= 0; r = x.next[r] {
		if !x.passes(r, vals) || x.times != nil && !(timed && x.near(when, r)) {
			continue
		}
		if found = append(found, r); len(found) == limit && x.times == nil {
			break
		}
	}
	if x.times != nil {
		slices.SortStableFunc(found, func(a, b int32) int { return cmp.Compare(x.times[b], x.times[a]) })
		found = found[:min(len(found), limit)]
	}
	for len(found) < t.MinMatches {
		found = append(found, -1)
	}
	return found
}

func (x *Index) passes(row int32, vals []string) bool {
	for _, l := range x.loose {
		if !l.tests[row](vals[l.at]) {
			return false
		}
	}
	return true
}

// near reports whether a row of the table is old enough, and not too old, for
// an event at when.
func (x *Index) near(when float64, row int32) bool {
	age := when - x.times[row]
	return age >= float64(x.Table.MinOffsetSecs) && age <= float64(x.Table.MaxOffsetSecs)
}

// Values returns the cells of a column in the given rows as one value.
func (x *Index) Values(rows []int32, col int) vector.Value {
	if len(rows) == 1 && rows[0] >= 0 {
		return x.Table.Value(int(rows[0]), col)
	}
	var list []string
	for _, r := range rows {
		if r < 0 {
			list = append(list, x.Table.DefaultMatch)
		} else if v := x.Table.Value(int(r), col); !v.IsNull() {
			list = append(list, v.Text())
		}
	}
	return vector.Strings(list)
}

func (x *Index) readTimes(now time.Time) error {
	col, err := Column(x.Table, x.Table.TimeField)
	if err != nil {
		return err
	}
	x.times = make([]float64, len(x.Table.Rows))
	for r := range x.times {
		x.times[r] = nan
		text := x.Table.Value(r, col).Text()
		if f, ok := vector.ParseNumber(text); ok {
			x.times[r] = f
		} else if tm, err := splunktime.ParseTimeFormat(text, x.Table.TimeFormat, now); err == nil {
			x.times[r] = splunktime.Epoch(tm)
		}
	}
	return nil
}

// Column returns the place of a column; the error of an unknown one says which
// there are.
func Column(t *Table, name string) (int, error) {
	for i, c := range t.Columns {
		if c == name {
			return i, nil
		}
	}
	return 0, errors.New("lookup " + t.Name + " has no column " + name + " (" + diag.Suggest(name, t.Columns, "columns") + ")")
}

var nan = math.NaN()
