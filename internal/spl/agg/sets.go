package agg

import (
	"encoding/binary"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, want string
		aliases         []string
		result          func(s *set) vector.Value
	}{
		{"dc", "The number of distinct values; case-sensitive. estdc is exact here too.", `{"r":"3"}`, []string{"distinct_count", "estdc"}, func(s *set) vector.Value { return vector.Int(len(s.seen)) }},
		{"estdc_error", "The error of estdc: always 0, since it counts exactly.", `{"r":"0"}`, nil, func(*set) vector.Value { return vector.Int(0) }},
		{"values", "The distinct values, in byte order.", `{"r":["a","b","c"]}`, nil, func(s *set) vector.Value { return vector.Strings(exec.SortedKeys(s.env, s.seen)) }},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Aliases: d.aliases, Syntax: d.name + "(<field>)", Doc: d.doc, Examples: example(d.name+"(u)", d.want),
		}, func(env *exec.Env, _ float64) exec.Aggregate { return &set{env: env, result: d.result} })
	}
}

// set keeps the different values.
type set struct {
	env    *exec.Env
	seen   map[string]struct{}
	last   string // a value it has, as neighbours are often alike
	bytes  int
	result func(*set) vector.Value
}

var (
	_ exec.Repeater  = (*set)(nil)
	_ exec.Divisible = (*set)(nil)
)

func (s *set) Update(v vector.Value, _ float64) { s.Repeat(v, 1) }

// Repeat implements exec.Repeater: a set cares for no repetitions.
func (s *set) Repeat(v vector.Value, _ int) {
	switch v.Kind() {
	case vector.Null:
	case vector.List:
		var every exec.Every
		for _, text := range v.All() {
			every.Poll(s.env, 1024)
			s.add(text)
		}
	case vector.Number:
		var buf [32]byte
		if text := v.AppendText(buf[:0]); !s.has(string(text)) {
			s.add(string(text))
		}
	default:
		s.add(v.Text())
	}
}

func (s *set) has(text string) bool {
	_, ok := s.seen[text]
	return ok
}

func (s *set) add(text string) {
	if len(s.seen) > 0 && text == s.last {
		return
	}
	if s.has(text) {
		return
	}
	if s.seen == nil {
		s.seen = map[string]struct{}{}
	}
	s.last = strings.Clone(text)
	s.seen[s.last] = struct{}{}
	s.bytes += len(text) + setEntry
}

// What a value costs beside its bytes, and a set that has any, about.
const (
	setEntry = 48
	setBytes = 160
)

// sized returns the bytes of a map with n entries that take so many.
func sized(n, bytes int) int {
	if n == 0 {
		return bytes
	}
	return bytes + setBytes
}

func (s *set) Merge(other exec.Aggregate) {
	o := other.(*set)
	if s.seen == nil {
		s.seen, s.bytes, s.last = o.seen, o.bytes, o.last
		return
	}
	var every exec.Every
	for text := range o.seen {
		every.Poll(s.env, 1024)
		if !s.has(text) {
			s.seen[text] = struct{}{}
			s.bytes += len(text) + setEntry
		}
	}
}

// Marshal implements exec.Aggregate.
func (s *set) Marshal(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, exec.StateSet), uint64(len(s.seen)))
	for text := range s.seen {
		dst = vector.AppendText(dst, text)
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (s *set) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateSet)
	for range d.Items(1) {
		s.add(d.Text())
	}
	return exec.StateRead(d)
}

// Divide implements exec.Divisible.
func (s *set) Divide(size int) exec.Aggregate {
	part := &set{seen: map[string]struct{}{}, result: s.result}
	for text := range s.seen {
		delete(s.seen, text)
		part.seen[text] = struct{}{}
		if part.bytes += len(text) + setEntry; part.bytes >= size {
			break
		}
	}
	s.bytes -= part.bytes
	for s.last = range s.seen {
		break
	}
	return part
}

func (s *set) Result() vector.Value { return s.result(s) }
func (s *set) Size() int            { return sized(len(s.seen), s.bytes) }
