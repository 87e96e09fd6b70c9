package op

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// EachValue calls fn with the field's value in every row that has it.
func EachValue(env *exec.Env, rows []*vector.Batch, name string, fn func(v vector.Value)) {
	var every exec.Every
	for _, b := range rows {
		col := b.Col(name)
		if col == nil {
			continue
		}
		for i := range b.Len {
			every.Poll(env, 256)
			if v := col.At(i); !v.IsNull() {
				fn(v)
			}
		}
	}
}

// Over returns col, with the values of the column that has its name where col
// has none.
func Over(b *vector.Batch, col *vector.Column) *vector.Column {
	if old := b.Col(col.Name); old != nil {
		return OrElse(b.Len, col, old)
	}
	return col
}

// OrElse returns col with the values of old where col has none.
func OrElse(rows int, col, old *vector.Column) *vector.Column {
	vals := make([]vector.Value, rows)
	for i := range vals {
		if vals[i] = col.At(i); vals[i].IsNull() {
			vals[i] = old.At(i)
		}
	}
	return vector.NewColumn(col.Name, vals)
}

// Present returns the values a field has already, missing ones for none.
func Present(b *vector.Batch, name string) []vector.Value {
	vals := make([]vector.Value, b.Len)
	if col := b.Col(name); col != nil {
		for i := range vals {
			vals[i] = col.At(i)
		}
	}
	return vals
}

// Covers reports whether a field is one of those that a name or pattern stands
// for. Patterns leave internal fields alone unless they begin like one.
func Covers(pattern, name string) bool {
	return filter.MatchName(pattern, name) && (!Internal(name) || Internal(pattern))
}

// Internal reports whether a field is one that lists of all fields leave out.
func Internal(name string) bool { return strings.HasPrefix(name, "_") }

// Listed reports whether a field is among names and patterns. Internal fields
// are only when they are named; no names stand for all others.
func Listed(names []string, field string) bool {
	if len(names) == 0 {
		return !Internal(field)
	}
	return slices.ContainsFunc(names, func(n string) bool { return Covers(n, field) })
}

// FieldNames returns the fields that some row has.
func FieldNames(rows []*vector.Batch) []string {
	return slices.DeleteFunc(ColumnNames(rows), func(name string) bool {
		return !slices.ContainsFunc(rows, func(b *vector.Batch) bool {
			col := b.Col(name)
			for i := 0; col != nil && i < b.Len; i++ {
				if !col.At(i).IsNull() {
					return true
				}
			}
			return false
		})
	})
}

// ColumnNames returns the names of the columns of all batches, in the order in
// which they are met.
func ColumnNames(rows []*vector.Batch) []string {
	var names []string
	seen := map[string]bool{}
	for _, b := range rows {
		for _, c := range b.Cols {
			if !seen[c.Name] {
				seen[c.Name] = true
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// MapField returns b with the field to set to fn of the field from; rows that
// lack from keep what they have. fn is called once for each value of a coded
// or constant column.
func MapField(ctx context.Context, b *vector.Batch, from, to string, fn func(vector.Value) vector.Value) *vector.Batch {
	s := Set(b)
	s.Map(ctx, from, to, fn)
	return s.Batch()
}

// Substitute fits name to the pattern from and puts what its wildcards stand
// for into to.
func Substitute(from, to, name string) (string, bool) {
	if !Covers(from, name) {
		return "", false
	}
	parts := strings.Split(from, "*")
	rest := name[len(parts[0]):]
	for i, part := range parts[1:] {
		n := strings.Index(rest, part)
		if i == len(parts)-2 {
			n = len(rest) - len(part)
		}
		to = strings.Replace(to, "*", rest[:n], 1)
		rest = rest[n+len(part):]
	}
	return to, true
}
