// Package seen remembers which tuples of values first_seen rules have seen: the time
// of the first and the last event of each.
//
// A tuple takes 16 bytes in a table with room to grow, some 27 in all: its
// fingerprint, a keyed hash of 64 bits, and two times. Among ten million tuples two
// share a fingerprint with a probability of 3 in a million; then the second one is
// taken for known. The values themselves are not kept in memory. They are handed out
// with Changed, to be stored and looked at, and come back with Restore.
package seen

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"iter"
	"math"
	"strings"
	"sync"
)

// Row is a remembered tuple as it is stored.
type Row struct {
	Rule   string   // ID; a rule within a correlation has that one's ID and a slash before its own
	Scope  []string // values of group-by
	Values []string // nil = the scope itself, whose First starts its learning period
	First  int64    // unix seconds
	Last   int64    // rounded down, to the hour or so; -1 = forgotten
}

// IDs yields the IDs that the rule of a row may have: the whole, then what follows each
// slash, since IDs may hold slashes, too.
func (r *Row) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest, more := r.Rule, true; more && yield(rest); {
			_, rest, more = strings.Cut(rest, "/")
		}
	}
}

// Tuple writes scope and values as JSON, as in [["alice"],["ap-east-1"]]: the key of
// the row beside its rule.
func (r *Row) Tuple() string {
	scope, values := r.Scope, r.Values
	if scope == nil {
		scope = []string{}
	}
	if values == nil {
		values = []string{}
	}
	data, err := json.Marshal([2][]string{scope, values})
	if err != nil {
		panic(err) // strings always have an encoding
	}
	return string(data)
}

// ParseTuple sets scope and values to what Tuple wrote.
func (r *Row) ParseTuple(text string) error {
	var lists [2][]string
	if err := json.Unmarshal([]byte(text), &lists); err != nil {
		return err
	}
	r.Scope, r.Values = lists[0], lists[1]
	return nil
}

// Pack encodes a tuple so that different tuples differ; none is "".
func Pack(values []string) string {
	n := 0
	for _, v := range values {
		n += len(v) + 3
	}
	key := make([]byte, 0, n)
	for _, v := range values {
		key = binary.AppendUvarint(key, uint64(len(v)))
		key = append(key, v...)
	}
	return string(key)
}

// Unpack takes an encoding of Pack apart. What is no such encoding is one value.
func Unpack(key string) []string {
	var out []string
	for key != "" {
		n, size := binary.Uvarint([]byte(key[:min(len(key), binary.MaxVarintLen64)]))
		if size <= 0 || n > uint64(len(key)-size) {
			return append(out, key)
		}
		out = append(out, key[size:size+int(n)])
		key = key[size+int(n):]
	}
	return out
}

// Memory remembers tuples. It may be used by several goroutines.
type Memory struct {
	mu      sync.Mutex
	seed    maphash.Seed
	table   table
	limit   int
	dropped int64
	changed map[place]times // nil = changes are not recorded
}

type place struct{ rule, scope, tuple string }

type times struct{ first, last int64 }

// DefaultLimit is how many tuples a Memory holds, in up to 700 MB.
const DefaultLimit = 20_000_000

// New returns an empty Memory that holds up to limit tuples, 0 = DefaultLimit. When
// it is full, those seen longest ago go. With record, changes are kept until Changed
// takes them.
func New(limit int, record bool) *Memory {
	if limit <= 0 {
		limit = DefaultLimit
	}
	m := &Memory{seed: maphash.MakeSeed(), limit: limit}
	if record {
		m.changed = map[place]times{}
	}
	return m
}

func (m *Memory) print(rule, scope, tuple string) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	var n [8]byte
	binary.LittleEndian.PutUint32(n[:], uint32(len(rule)))
	binary.LittleEndian.PutUint32(n[4:], uint32(len(scope)))
	h.Write(n[:])
	h.WriteString(rule)
	h.WriteString(scope)
	h.WriteString(tuple)
	return max(h.Sum64(), 1)
}

// Get returns when a tuple was seen first and last, false if it is not remembered.
// Scope and tuple are encoded by Pack.
func (m *Memory) Get(rule, scope, tuple string) (first, last int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.table.get(m.print(rule, scope, tuple))
	return int64(e.first), int64(e.last), ok
}

// Put replaces the times of a tuple. Times outside of 1970 to 2106 are moved there.
func (m *Memory) Put(rule, scope, tuple string, first, last int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(rule, scope, tuple, first, last)
	if m.changed != nil {
		m.changed[place{rule, scope, tuple}] = times{first, last}
	}
}

func (m *Memory) put(rule, scope, tuple string, first, last int64) {
	if m.table.n >= m.limit {
		m.dropped += int64(m.table.thin())
	}
	m.table.put(entry{m.print(rule, scope, tuple), second(first), second(last)})
}

func second(t int64) uint32 { return uint32(min(max(t, 0), math.MaxUint32)) }

// Add remembers a tuple by hand, or extends its times.
func (m *Memory) Add(rule string, scope, values []string, first, last int64) {
	s, t := Pack(scope), Pack(values)
	if f, l, ok := m.Get(rule, s, t); ok {
		first, last = min(first, f), max(last, l)
	}
	m.Put(rule, s, t, first, last)
}

// Forget removes a tuple, so that it is new again, and reports whether it was there.
// Without values it removes when the scope was observed first: learning starts anew.
func (m *Memory) Forget(rule string, scope, values []string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, t := Pack(scope), Pack(values)
	ok := m.table.remove(m.print(rule, s, t))
	if ok && m.changed != nil {
		m.changed[place{rule, s, t}] = times{0, -1}
	}
	return ok
}

// Restore takes a stored row.
func (m *Memory) Restore(r *Row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(r.Rule, Pack(r.Scope), Pack(r.Values), r.First, r.Last)
}

// Pending returns how many rows Changed would return.
func (m *Memory) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.changed)
}

// Changed returns the rows that changed since the last call, as they are now. Whoever
// feeds many events takes them now and then: they are held until then.
func (m *Memory) Changed() []Row {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]Row, 0, len(m.changed))
	for p, t := range m.changed {
		rows = append(rows, Row{Rule: p.rule, Scope: Unpack(p.scope), Values: Unpack(p.tuple), First: t.first, Last: t.last})
	}
	clear(m.changed)
	return rows
}

// Len returns how many tuples and scopes are remembered, and how many went because
// there were too many.
func (m *Memory) Len() (n int, dropped int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.n, m.dropped
}
