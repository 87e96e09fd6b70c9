package vector

import (
	"slices"
	"strconv"
)

// RowKeys writes rows so that two are the same text when they show the same
// in every field but those left out.
type RowKeys struct {
	but  []string
	cols []*Column
	buf  []byte
}

// NewRowKeys returns keys of all columns but the named ones.
func NewRowKeys(but ...string) *RowKeys { return &RowKeys{but: but} }

// Use makes b the batch that keys are of.
func (k *RowKeys) Use(b *Batch) {
	k.cols = k.cols[:0]
	for _, c := range b.Cols {
		if !slices.Contains(k.but, c.Name) {
			k.cols = append(k.cols, c)
		}
	}
	slices.SortFunc(k.cols, func(a, b *Column) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// Key returns the text of row i; it is good until the next call.
func (k *RowKeys) Key(i int) []byte {
	k.buf = k.buf[:0]
	for _, c := range k.cols {
		v := c.At(i)
		if v.IsNull() {
			continue
		}
		k.buf = AppendPart(k.buf, c.Name)
		k.buf = append(strconv.AppendInt(k.buf, int64(v.Len()), 10), '=')
		for j := range v.Len() {
			k.buf = AppendPart(k.buf, v.At(j))
		}
	}
	return k.buf
}

// AppendPart appends s so that parts of a key cannot run into each other.
func AppendPart(buf []byte, s string) []byte {
	return append(append(strconv.AppendInt(buf, int64(len(s)), 10), ':'), s...)
}
