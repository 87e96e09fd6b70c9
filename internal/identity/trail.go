package identity

import (
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Kind says what a row of a Trail holds.
type Kind byte

// Kinds of rows.
const (
	Issued   Kind = 'k' // issued key, sign-in session or request -> who it was issued to
	Assumed  Kind = 'a' // principalId of a role's or federated session, with and without its start -> who started it
	Session  Kind = 's' // session -> ARN of its sign-in session
	Behalf   Kind = 'b' // session -> user of Identity Center
	Named    Kind = 'n' // user of Identity Center -> names of their role sessions
	Windowed Kind = 'w' // holder of a long-lived credential -> its idle windows
)

// DefaultLimit is the memory that a Trail keeps to by default, in bytes.
const DefaultLimit = 256 << 20

const (
	mostParents = 4   // values that a row keeps: above two a link is uncertain anyway
	rowOverhead = 160 // bytes of a row beside its texts
	idleMinutes = 30  // minutes without a call that end an idle window
)

type rowID struct {
	kind Kind
	key  string
}

// row is a set of texts, or the windows of a holder. Merging rows is
// commutative, associative and idempotent, so that order, splits and repeats of
// the input do not matter.
type row struct {
	set   []string // sorted; the smallest mostParents of all that were added
	spans []span   // sorted, more than idleMinutes apart
	last  int64    // latest event time, unix nanoseconds
	size  int
}

// span is from the first to the last call of an idle window, in minutes since
// 1970.
type span struct{ first, last int64 }

// Trail collects the facts of records in any order. It keeps at most its limit
// of memory: beyond it the rows whose last event is oldest go, which Dropped
// counts. A Trail is not safe for concurrent use, but Resolve may run
// concurrently with itself.
type Trail struct {
	rows    map[rowID]*row
	changed map[rowID]bool // nil until Changed is called
	size    int
	limit   int
	dropped int
	buf     []byte // of what Add encodes

	asked   *asked // nil until Watch is called
	stirred bool   // something that Resolve asked for has changed
}

// NewTrail returns an empty trail that keeps to limit bytes; 0 stands for
// DefaultLimit.
func NewTrail(limit int) *Trail {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Trail{rows: map[rowID]*row{}, limit: limit}
}

// Reset forgets everything that was added.
func (t *Trail) Reset() {
	clear(t.rows)
	t.changed, t.size, t.dropped = nil, 0, 0
}

// Dropped returns how many rows were dropped to keep to the limit. While it is
// 0, the trail knows everything it was given.
func (t *Trail) Dropped() int { return t.dropped }

// Empty reports whether the trail was given nothing that it keeps.
func (t *Trail) Empty() bool { return len(t.rows) == 0 && t.dropped == 0 }

// Add takes in the facts of a record. It copies what it keeps.
func (t *Trail) Add(f *Facts) {
	c := &f.Caller
	for i := range f.Links {
		l := &f.Links[i]
		t.buf = appendParent(t.buf[:0], c, l)
		parent := string(t.buf)
		t.put(Issued, l.Key, parent, c.Time)
		if l.Holder != "" && l.What != AccessKey {
			if c.Time != 0 {
				t.put(Assumed, SessionKey(l.Holder, c.Time), parent, c.Time)
			}
			// By the name of the session alone, how the caller came by this key says nothing.
			who := *c
			who.AccessKeyID, who.Address, who.Agent, who.Created, who.Time = "", "", "", 0, 0
			t.buf = appendParent(t.buf[:0], &who, l)
			if !again(t, Assumed, l.Holder, t.buf, c.Time) {
				t.put(Assumed, l.Holder, string(t.buf), c.Time)
			}
		}
	}
	id := ""
	if c.SignInSession != "" || c.UserID != "" {
		id = c.session()
	}
	if id != "" && c.SignInSession != "" && !again(t, Session, id, c.SignInSession, c.Time) {
		t.put(Session, id, strings.Clone(c.SignInSession), c.Time)
	}
	if c.UserID != "" {
		user := c.user()
		if id != "" {
			t.put(Behalf, id, user, c.Time)
		}
		if name := c.centerName(); name != "" && !again(t, Named, user, name, c.Time) {
			t.put(Named, user, strings.Clone(name), c.Time)
		}
	}
	if !c.Temporary() && c.Type != "" && c.Time != 0 {
		minute := c.Time / 60e9
		t.widen(c.holder(), []span{{minute, minute}}, c.Time)
	}
}

// user is the key of a user of Identity Center.
func (c *Caller) user() string { return c.IdentityStore + "/" + c.UserID }

// appendParent appends who a link was issued to. Callers with an ARN sort before
// the same call as another account's trail has it, without.
func appendParent(b []byte, c *Caller, l *Link) []byte {
	order := byte('0')
	if c.ARN == "" && c.Type == "AWSAccount" {
		order = '1'
	}
	b, _ = c.AppendBinary(append(b, order, byte(l.What))) // never fails
	return b
}

func decodeParent(s string, c *Caller) (What, bool) {
	if len(s) < 2 {
		return 0, false
	}
	_, err := c.Decode(s[2:])
	return What(s[1]), err == nil
}

func (t *Trail) row(kind Kind, key string) *row {
	id := rowID{kind, key}
	r := t.rows[id]
	if r == nil {
		r = &row{size: len(key) + rowOverhead}
		id.key = strings.Clone(key)
		t.rows[id] = r
		t.size += r.size
	}
	return r
}

// again notes another event for a value that a row has, false if it has not.
func again[T []byte | string](t *Trail, kind Kind, key string, value T, at int64) bool {
	r := t.rows[rowID{kind, key}]
	if r == nil || !slices.ContainsFunc(r.set, func(s string) bool { return s == string(value) }) {
		return false
	}
	if at > r.last {
		r.last = at
		t.touch(kind, key)
	}
	return true
}

// put adds a value to a row, which keeps it.
func (t *Trail) put(kind Kind, key, value string, at int64) {
	r := t.row(kind, key)
	i, found := slices.BinarySearch(r.set, value)
	changed := at > r.last
	r.last = max(r.last, at)
	if !found && i < mostParents {
		r.set = slices.Insert(r.set, i, value)
		grown := len(value) + 16
		if len(r.set) > mostParents {
			grown -= len(r.set[mostParents]) + 16
			r.set = r.set[:mostParents]
		}
		t.grow(r, grown)
		changed = true
		t.stir(kind, key)
	}
	if changed {
		t.touch(kind, key)
	}
}

// widen adds windows to those of a holder, joining those less than idleMinutes
// apart.
func (t *Trail) widen(holder string, add []span, at int64) {
	r := t.row(Windowed, holder)
	before := len(r.spans)
	changed := false
	for _, s := range add {
		i, _ := slices.BinarySearchFunc(r.spans, s.first-idleMinutes, func(o span, from int64) int { return cmp.Compare(o.last, from) })
		j := i
		joined := s
		for ; j < len(r.spans) && r.spans[j].first <= s.last+idleMinutes; j++ {
			joined.first, joined.last = min(joined.first, r.spans[j].first), max(joined.last, r.spans[j].last)
		}
		if j == i+1 && r.spans[i] == joined {
			continue
		}
		if j > i+1 || j > i && joined.first != r.spans[i].first { // known calls are in another window now
			t.stir(Windowed, holder)
		}
		r.spans = slices.Replace(r.spans, i, j, joined)
		changed = true
	}
	r.last = max(r.last, at)
	if changed {
		t.grow(r, (len(r.spans)-before)*16)
		t.touch(Windowed, holder)
	}
}

func (t *Trail) grow(r *row, n int) {
	r.size += n
	t.size += n
	if t.size > t.limit {
		t.evict()
	}
}

// evict drops the oldest rows until a quarter of the limit is free.
func (t *Trail) evict() {
	ids := slices.Collect(maps.Keys(t.rows))
	slices.SortFunc(ids, func(a, b rowID) int {
		return cmp.Or(cmp.Compare(t.rows[a].last, t.rows[b].last), cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key))
	})
	for _, id := range ids {
		if t.size <= t.limit/4*3 {
			return
		}
		t.size -= t.rows[id].size
		delete(t.rows, id)
		t.dropped++
		if t.changed != nil {
			t.changed[id] = true
		}
	}
}

func (t *Trail) touch(kind Kind, key string) {
	if t.changed != nil {
		t.changed[rowID{kind, strings.Clone(key)}] = true
	}
}

// Merge adds everything that other knows. other may be used on.
func (t *Trail) Merge(other *Trail) {
	for id, r := range other.rows {
		t.merge(id, r)
	}
	t.dropped += other.dropped
}

// Absorb is Merge for a trail that is not needed any more, whose memory it frees.
func (t *Trail) Absorb(other *Trail) {
	if len(t.rows) == 0 && other.size <= t.limit && t.changed == nil {
		t.rows, t.size, other.rows = other.rows, other.size, nil
	}
	for id, r := range other.rows {
		delete(other.rows, id)
		t.merge(id, r)
	}
	t.dropped += other.dropped
	*other = Trail{}
}

func (t *Trail) merge(id rowID, r *row) {
	if id.kind == Windowed {
		t.widen(id.key, r.spans, r.last)
		return
	}
	for _, v := range r.set {
		t.put(id.kind, id.key, v, r.last)
	}
}

// Row is a row of a trail as a database keeps it. A nil Value says that the row
// was dropped.
type Row struct {
	Kind  Kind
	Key   string
	Value []byte
}

// Rows yields all rows, in no order.
func (t *Trail) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for id, r := range t.rows {
			if !yield(Row{id.kind, id.key, r.encode()}) {
				return
			}
		}
	}
}

// Changed returns the rows that changed since the last call; the first call
// returns all. Each Value replaces the row's earlier one.
func (t *Trail) Changed() []Row {
	var list []Row
	if t.changed == nil {
		list = slices.Collect(t.Rows())
	}
	for id := range t.changed {
		change := Row{Kind: id.kind, Key: id.key}
		if r := t.rows[id]; r != nil {
			change.Value = r.encode()
		}
		list = append(list, change)
	}
	t.changed = map[rowID]bool{}
	return list
}

// Restore adds a row that Rows or Changed returned with a Value. A row whose
// Value is nil was dropped: delete it where it is kept instead.
func (t *Trail) Restore(r Row) error {
	var in row
	if err := in.decode(string(r.Value)); err != nil {
		return err
	}
	t.merge(rowID{r.Kind, r.Key}, &in)
	return nil
}

func (r *row) encode() []byte {
	b := binary.AppendVarint(nil, r.last)
	b = binary.AppendUvarint(b, uint64(len(r.set)))
	for _, s := range r.set {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(r.spans)))
	for _, s := range r.spans {
		b = binary.AppendVarint(b, s.first)
		b = binary.AppendVarint(b, s.last)
	}
	return b
}

func (r *row) decode(s string) error {
	in := reader{s: s}
	r.last = in.varint()
	for n := in.uvarint(); n > 0 && !in.bad; n-- {
		r.set = append(r.set, in.text())
	}
	for n := in.uvarint(); n > 0 && !in.bad; n-- {
		r.spans = append(r.spans, span{in.varint(), in.varint()})
	}
	if in.bad {
		return errDamaged
	}
	return nil
}

// values returns the set of a row, nil if there is none.
func (t *Trail) values(kind Kind, key string) []string {
	if key == "" {
		return nil
	}
	t.asked.note(kind, key)
	if r := t.rows[rowID{kind, key}]; r != nil {
		return r.set
	}
	return nil
}
