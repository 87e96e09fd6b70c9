package op

import (
	"context"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Setting is a batch whose columns are set one after the other. The columns of the
// batch are copied once, however many are set.
type Setting struct {
	batch *vector.Batch
	cols  []*vector.Column
	at    map[string]int // in cols
}

// Set returns a Setting of b's columns.
func Set(b *vector.Batch) *Setting { return &Setting{batch: b, at: map[string]int{}} }

// Col returns the column as it was set last, nil for none.
func (s *Setting) Col(name string) *vector.Column {
	if i, ok := s.at[name]; ok {
		return s.cols[i]
	}
	return s.batch.Col(name)
}

// With sets a column.
func (s *Setting) With(c *vector.Column) {
	if i, ok := s.at[c.Name]; ok {
		s.cols[i] = c
		return
	}
	s.at[c.Name] = len(s.cols)
	s.cols = append(s.cols, c)
}

// Batch returns the batch with the columns that were set.
func (s *Setting) Batch() *vector.Batch {
	if len(s.cols) == 0 {
		return s.batch
	}
	return s.batch.With(s.cols...)
}

// Map sets to to what fn makes of the values of from. Where from has none, to keeps
// its own.
func (s *Setting) Map(ctx context.Context, from, to string, fn func(vector.Value) vector.Value) {
	col := s.Col(from)
	if col == nil {
		return
	}
	old := s.Col(to)
	if from == to || old == nil {
		old = nil
		if v, ok := col.Constant(); ok {
			if !v.IsNull() {
				v = fn(v)
			}
			s.With(vector.Constant(to, v))
			return
		}
	}
	vals := make([]vector.Value, s.batch.Len)
	dict, codes := col.Codes()
	var known []vector.Value
	var seen []bool
	if codes != nil && len(dict) <= len(vals) {
		known, seen = make([]vector.Value, len(dict)), make([]bool, len(dict))
	}
	pulse := exec.NewPulse(ctx)
	for i := range vals {
		v := col.At(i)
		pulse.Work(v.Size())
		switch {
		case v.IsNull():
			if old != nil {
				vals[i] = old.At(i)
			}
		case known != nil:
			code := codes[i]
			if !seen[code] {
				known[code], seen[code] = fn(v), true
			}
			vals[i] = known[code]
		default:
			vals[i] = fn(v)
		}
	}
	s.With(vector.NewColumn(to, vals))
}
