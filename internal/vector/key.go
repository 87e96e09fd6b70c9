package vector

import (
	"slices"
	"strconv"
	"strings"
)

// RowKeys encodes whole rows as keys: two rows have the same key if they
// display the same text in every field that is not excluded.
type RowKeys struct {
	but  []string
	cols []*Column
	buf  []byte
}

// NewRowKeys returns keys of all columns except the named ones.
func NewRowKeys(but ...string) *RowKeys { return &RowKeys{but: but} }

// Use sets the batch for Key.
func (k *RowKeys) Use(b *Batch) {
	k.cols = k.cols[:0]
	for _, c := range b.Cols {
		if !slices.Contains(k.but, c.Name) {
			k.cols = append(k.cols, c)
		}
	}
	slices.SortFunc(k.cols, func(a, b *Column) int { return strings.Compare(a.Name, b.Name) })
}

// Key returns the key of row i. It is valid until the next call.
func (k *RowKeys) Key(i int) []byte {
	k.buf = k.buf[:0]
	for _, c := range k.cols {
		if v := c.At(i); !v.IsNull() {
			k.buf = appendParts(AppendPart(k.buf, c.Name), v)
		}
	}
	return k.buf
}

// FieldKeys encodes some fields of a row as a key. A row that lacks one of them
// has no key.
type FieldKeys struct {
	names []string
	cols  []*Column // nil: no row of the batch has the field
	vals  []string
	buf   []byte
}

// NewFieldKeys returns keys of the named fields, in this order.
func NewFieldKeys(names ...string) *FieldKeys {
	return &FieldKeys{names: names, cols: make([]*Column, len(names)), vals: make([]string, len(names))}
}

// Use sets the batch for Key and Each.
func (k *FieldKeys) Use(b *Batch) {
	for n, name := range k.names {
		k.cols[n] = b.Col(name)
	}
}

// Key returns the key of row i, in which a multivalue field counts as one unit.
// It is valid until the next call. ok is false if the row lacks a field.
func (k *FieldKeys) Key(i int) (key []byte, ok bool) {
	k.buf = k.buf[:0]
	for _, c := range k.cols {
		if c == nil {
			return nil, false
		}
		v := c.At(i)
		if v.IsNull() {
			return nil, false
		}
		k.buf = appendParts(k.buf, v)
	}
	return k.buf, true
}

// Each calls yield for every combination of single values of row i's fields,
// with the combination and its key, until yield returns false. Both are valid
// until yield returns. A row that lacks a field has no combination.
func (k *FieldKeys) Each(i int, yield func(key []byte, vals []string) bool) {
	for _, c := range k.cols {
		if c == nil || c.At(i).IsNull() {
			return
		}
	}
	k.buf = k.buf[:0]
	k.each(i, 0, yield)
}

func (k *FieldKeys) each(i, n int, yield func(key []byte, vals []string) bool) bool {
	if n == len(k.cols) {
		return yield(k.buf, k.vals)
	}
	v, start := k.cols[n].At(i), len(k.buf)
	for j := range v.Len() {
		k.vals[n] = v.At(j)
		k.buf = AppendPart(k.buf[:start], k.vals[n])
		if !k.each(i, n+1, yield) {
			return false
		}
	}
	return true
}

// appendParts appends the number of values and each of them.
func appendParts(buf []byte, v Value) []byte {
	buf = append(strconv.AppendInt(buf, int64(v.Len()), 10), '=')
	for j := range v.Len() {
		buf = AppendPart(buf, v.At(j))
	}
	return buf
}

// AppendPart appends s to a key, prefixed with its length so that parts cannot
// run together.
func AppendPart(buf []byte, s string) []byte {
	return append(append(strconv.AppendInt(buf, int64(len(s)), 10), ':'), s...)
}
