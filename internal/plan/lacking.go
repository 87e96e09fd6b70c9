package plan

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"github.com/dustin/go-humanize"
)

// grouping commands drop rows that lack one of some fields.
type grouping interface {
	// DropsWithout returns the fields.
	DropsWithout() []string
}

// lacking counts the rows that a command which groups rows drops.
type lacking struct {
	command string
	fields  []string
	rows    atomic.Int64
	without []atomic.Int64 // by field
}

// lackingOf returns what counts for c, nil when it drops no rows.
func lackingOf(c syntax.Command) *lacking {
	g, ok := c.(grouping)
	if !ok || len(g.DropsWithout()) == 0 {
		return nil
	}
	name, _, _ := strings.Cut(c.Print(), " ")
	return &lacking{command: name, fields: g.DropsWithout(), without: make([]atomic.Int64, len(g.DropsWithout()))}
}

// A person is told of rows that are dropped when they are this share of all, one
// in so many.
const lackingShare = 10

// notes returns a line for each field that many rows lack.
func (l *lacking) notes() (list []string) {
	rows := l.rows.Load()
	for i, name := range l.fields {
		n := l.without[i].Load()
		if n == 0 || n == rows || n*lackingShare < rows { // without any there are no rows, which has its own reason
			continue
		}
		why := ""
		if isPlace(name) {
			why = ": private addresses, AWS services"
		}
		list = append(list, fmt.Sprintf("%s of %s rows have no %s%s; %s leaves them out (to keep them: | fillnull value=none %s)",
			humanize.Comma(n), humanize.Comma(rows), name, why, l.command, syntax.PrintField(name)))
	}
	return list
}

// isPlace reports whether a field is one that iplocation makes.
func isPlace(name string) bool {
	for _, place := range []string{"Country", "City", "Region", "Continent", "lat", "lon"} {
		if strings.HasSuffix(name, place) {
			return true
		}
	}
	return false
}

// Lacking returns a line for each field by which rows are grouped and that many of
// them lack.
func (s *Plan) Lacking() (list []string) {
	for _, l := range s.lacks {
		list = append(list, l.notes()...)
	}
	return list
}

// lackReducer counts the rows that its reducer drops.
type lackReducer struct {
	exec.Reducer
	l *lacking
}

// Add implements exec.Reducer.
func (r *lackReducer) Add(ctx context.Context, b *vector.Batch) error {
	rows, alike := rowsIn(b), b.Col(vector.Alike)
	r.l.rows.Add(rows)
	for n, name := range r.l.fields {
		col, without := b.Col(name), int64(0)
		if col == nil {
			r.l.without[n].Add(rows)
			continue
		}
		if v, ok := col.Constant(); ok && !v.IsNull() {
			continue
		}
		if dict, codes := col.Codes(); codes != nil && !hasNull(dict) {
			continue
		}
		for i := range b.Len {
			if col.At(i).IsNull() {
				without += weight(alike, i)
			}
		}
		r.l.without[n].Add(without)
	}
	return r.Reducer.Add(ctx, b)
}

// rowsIn returns how many rows a batch stands for.
func rowsIn(b *vector.Batch) int64 {
	alike := b.Col(vector.Alike)
	if alike == nil {
		return int64(b.Len)
	}
	rows := int64(0)
	for i := range b.Len {
		rows += weight(alike, i)
	}
	return rows
}

func weight(alike *vector.Column, i int) int64 {
	if alike == nil {
		return 1
	}
	f, _ := alike.Num(i)
	return max(1, int64(f))
}

func hasNull(dict []vector.Value) bool {
	for i := range dict {
		if dict[i].IsNull() {
			return true
		}
	}
	return false
}

// Merge implements exec.Reducer.
func (r *lackReducer) Merge(ctx context.Context, other exec.Reducer) error {
	return r.Reducer.Merge(ctx, other.(*lackReducer).Reducer)
}
