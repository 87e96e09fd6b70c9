package op

import (
	"context"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Discover is the mapper of commands that make fields of texts which say
// themselves what the fields are called. open returns what hands out the fields
// of a row of b, nil when no row of b has any; a name that comes again in a row
// gives several values. Rows with none of a name keep what they have there.
type Discover struct {
	Open func(b *vector.Batch) func(row int, add func(name, value string))
}

var _ exec.Spreading = Discover{}

// maxFound bounds the texts that are found for one batch, so that a search can be
// cancelled between two of them.
const maxFound = 1 << 20

// maxCells bounds the rows times the new fields of a batch: texts that all have
// other names make many fields of few rows each.
const maxCells = 1 << 18

// Map implements exec.Mapper.
func (d Discover) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	each := d.Open(b)
	if each == nil {
		return b, nil
	}
	return (&discovery{b: b, each: each}).take(math.MaxInt), nil
}

// Spread implements exec.Spreading.
func (d Discover) Spread(b *vector.Batch) func() *vector.Batch {
	each := d.Open(b)
	if each == nil || b.Len == 0 {
		return Alone(b)
	}
	x := &discovery{b: b, each: each}
	return func() *vector.Batch { return x.take(maxCells) }
}

// Alone hands out b and nothing else.
func Alone(b *vector.Batch) func() *vector.Batch {
	return func() (only *vector.Batch) {
		only, b = b, nil
		return only
	}
}

// discovery is a batch on its way through a discover.
type discovery struct {
	b    *vector.Batch
	each func(row int, add func(name, value string))
	row  int // to be looked at next
}

// take returns the next rows with their fields, so many that there are no more
// than that many cells, but one at least; nil behind the last.
func (x *discovery) take(cells int) *vector.Batch {
	if x.row >= x.b.Len && x.b.Len > 0 {
		return nil
	}
	first := x.row
	out := vector.NewBuilder()
	names := map[string]bool{}
	var order []string // of the row at hand
	values := map[string][]string{}
	texts := 0
	for x.row < x.b.Len && (x.row == first || (x.row-first+1)*len(names) <= cells && (texts < maxFound || cells == math.MaxInt)) {
		order = order[:0]
		clear(values)
		x.each(x.row, func(name, value string) {
			if values[name] == nil {
				order = append(order, name)
			}
			values[name] = append(values[name], value)
			texts += len(name) + len(value)
		})
		out.Add()
		for _, name := range order {
			names[name] = true
			out.Set(name, vector.Strings(values[name]))
		}
		x.row++
	}
	part := x.b.Slice(first, x.row)
	there := make(map[string]*vector.Column, len(part.Cols))
	for _, c := range part.Cols {
		there[c.Name] = c
	}
	found := out.Batch().Cols
	for i, c := range found {
		if old := there[c.Name]; old != nil {
			found[i] = OrElse(part.Len, c, old)
		}
	}
	return part.With(found...)
}
