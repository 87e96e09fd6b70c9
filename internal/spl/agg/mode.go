package agg

import (
	"encoding/binary"
	"math"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: "mode", Syntax: "mode(<field>)",
		Doc:      "The most frequent value; among several, the first in byte order.",
		Examples: example("mode(x)", `{"r":"4"}`),
	}, func(env *exec.Env, _ float64) exec.Aggregate { return &mode{env: env, seen: map[string]*int{}} })
}

// mode counts how often each value was seen.
type mode struct {
	env   *exec.Env
	seen  map[string]*int
	bytes int
}

var (
	_ exec.Repeater  = (*mode)(nil)
	_ exec.Divisible = (*mode)(nil)
)

func (m *mode) Update(v vector.Value, _ float64) { m.Repeat(v, 1) }

// Repeat implements exec.Repeater.
func (m *mode) Repeat(v vector.Value, n int) {
	var every exec.Every
	for i := range v.Len() {
		every.Poll(m.env, 1024)
		m.add(v.At(i), n)
	}
}

func (m *mode) add(text string, n int) {
	if seen := m.seen[text]; seen != nil {
		*seen += n
		return
	}
	m.seen[strings.Clone(text)] = &n
	m.bytes += len(text) + setEntry + 16
}

func (m *mode) Merge(other exec.Aggregate) {
	var every exec.Every
	for text, n := range other.(*mode).seen {
		every.Poll(m.env, 1024)
		m.add(text, *n)
	}
}

// Marshal implements exec.Aggregate: the values and how often each was seen.
func (m *mode) Marshal(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, exec.StateMode), uint64(len(m.seen)))
	for text, n := range m.seen {
		dst = binary.AppendUvarint(vector.AppendText(dst, text), uint64(*n))
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (m *mode) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateMode)
	for range d.Items(2) {
		text, n := d.Text(), d.Count(math.MaxInt)
		if n == 0 {
			d.Fail()
			break
		}
		m.add(text, n)
	}
	return exec.StateRead(d)
}

// Divide implements exec.Divisible.
func (m *mode) Divide(size int) exec.Aggregate {
	part := &mode{seen: map[string]*int{}}
	for text, n := range m.seen {
		delete(m.seen, text)
		part.seen[text] = n
		if part.bytes += len(text) + setEntry + 16; part.bytes >= size {
			break
		}
	}
	m.bytes -= part.bytes
	return part
}

func (m *mode) Result() vector.Value {
	best, most := "", 0
	var every exec.Every
	for text, n := range m.seen {
		every.Poll(m.env, 1024)
		if *n > most || *n == most && text < best {
			best, most = text, *n
		}
	}
	if most == 0 {
		return vector.Value{}
	}
	return vector.String(best)
}

func (m *mode) Size() int { return sized(len(m.seen), m.bytes) }
