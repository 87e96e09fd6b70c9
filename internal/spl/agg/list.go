package agg

import (
	"encoding/binary"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: "list", Syntax: "list(<field>)", Ordered: true,
		Doc:      "All values in row order, up to 100 of them (search.list_values in the configuration sets the limit). A warning says when there are more.",
		Examples: example("list(x)", `{"r":["2","4","9","4"]}`),
	}, func(env *exec.Env, _ float64) exec.Aggregate {
		return &list{env: env, limit: env.Limits.ListValues}
	})
}

var _ exec.Divisible = (*list)(nil)

type list struct {
	env   *exec.Env
	vals  []string
	limit int
	more  bool // than limit
	bytes int
}

func (l *list) Update(v vector.Value, _ float64) {
	n := l.room(v.Len())
	for i := range n {
		l.add(strings.Clone(v.At(i)))
	}
}

func (l *list) Merge(other exec.Aggregate) {
	o := other.(*list)
	for _, v := range o.vals[:l.room(len(o.vals))] {
		l.add(v)
	}
	l.more = l.more || o.more
}

// Marshal implements exec.Aggregate: whether there were more values, and the values.
func (l *list) Marshal(dst []byte) []byte {
	more := byte(0)
	if l.more {
		more = 1
	}
	dst = binary.AppendUvarint(append(dst, exec.StateList, more), uint64(len(l.vals)))
	for _, v := range l.vals {
		dst = vector.AppendText(dst, v)
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (l *list) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateList)
	more := d.Byte() != 0
	for range d.Items(1) {
		text := d.Text()
		if l.room(1) == 1 {
			l.add(strings.Clone(text))
		}
	}
	if _, ok := d.Rest(); ok && more {
		l.cut()
	}
	return exec.StateRead(d)
}

// Divide implements exec.Divisible.
func (l *list) Divide(size int) exec.Aggregate {
	part := &list{env: l.env, limit: l.limit}
	n := 0
	for ; n < len(l.vals) && (n == 0 || part.bytes < size); n++ {
		part.add(l.vals[n])
		l.vals[n] = ""
	}
	l.vals = l.vals[n:]
	l.bytes -= part.bytes
	return part
}

func (l *list) add(text string) {
	l.vals = append(l.vals, text)
	l.bytes += len(text) + 16
}

// room returns how many of n values are kept, and warns of the first that are not.
func (l *list) room(n int) int {
	left := l.limit - len(l.vals)
	if n <= left {
		return n
	}
	l.cut()
	return left
}

// cut notes that there are more values than are kept, and warns of the first.
func (l *list) cut() {
	if !l.more {
		l.more = true
		l.env.Warn("list() kept the first %d values of a group; raise search.list_values in the configuration to keep more", l.limit)
	}
}

func (l *list) Result() vector.Value { return vector.Strings(append([]string(nil), l.vals...)) }
func (l *list) Size() int            { return l.bytes }
