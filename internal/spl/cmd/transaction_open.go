package cmd

import (
	"cmp"
	"container/list"
	"context"
	"slices"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// transactions collects events, newest first.
type transactions struct {
	c            *Transaction
	env          *exec.Env
	in           exec.Operator
	starts, ends func(*vector.Batch) []int32

	open   list.List    // of *txn; the one that got an event last is in front
	index  map[tie]*txn // the open transactions by their values, the latest of each
	events int          // of open transactions

	names   []string // columns in the order of first sight
	known   map[string]bool
	held    *exec.Held
	out     *vector.Builder // rows on their way to made
	pending int             // their bytes, which are held
	failed  error           // of held, until settle returns it
	made    *op.Sorted[float64]
	columns op.ColumnOrder
	result  exec.Operator
	early   bool // a transaction was ended to make room
	ordered bool // a warning about the order was given
}

// tie is a value that ties events together.
type tie struct {
	field int
	value string
}

// txn is an open transaction.
type txn struct {
	values           [][]string // by field
	ties             []tie
	events           []txnEvent // newest first
	latest, earliest float64
	started, ended   bool
	full             bool // it reached a bound
	fieldMatches     int
	at               *list.Element
}

type txnEvent struct {
	*txnBatch
	row  int
	time float64
}

// txnBatch is a batch with events of open transactions. It is in memory as a whole
// until the last of them is finished.
type txnBatch struct {
	b    *vector.Batch
	size int
	open int // its events in open transactions
}

// Approximate bytes of an event in an open transaction, in addition to its batch.
const txnEventBytes = 64

// txnBegin is the column with the start time of a transaction, the sort key.
const txnBegin = "\x00begin"

// txnOrder sorts the latest start time first.
func txnOrder() spill.Order[float64] {
	return spill.Order[float64]{
		Keys: func(b *vector.Batch) []float64 {
			times, col := make([]float64, b.Len), b.Col(txnBegin)
			for i := range times {
				times[i], _ = col.At(i).Num()
			}
			return times
		},
		Compare: func(a, b *float64) int { return cmp.Compare(*b, *a) },
	}
}

func (t *transactions) Close() {
	t.in.Close()
	t.held.Release()
	t.made.Close()
	t.open, t.index = list.List{}, nil
}

func (t *transactions) Next(ctx context.Context) (*vector.Batch, error) {
	if t.result == nil {
		if err := exec.Drain(ctx, t.in, func(b *vector.Batch) error { return t.batch(ctx, b) }); err != nil {
			return nil, err
		}
		for e := t.open.Back(); e != nil; e = t.open.Back() {
			t.finish(e.Value.(*txn), false)
			if err := t.settle(ctx, op.ResultBytes); err != nil && !exec.EndsEarly(err) {
				return nil, err
			}
		}
		if err := t.settle(ctx, 0); err != nil && !exec.EndsEarly(err) {
			return nil, err
		}
		rows, err := t.made.Results(ctx)
		if err != nil {
			return nil, err
		}
		t.result = exec.Mapped(&op.Arranged{In: rows, Order: &t.columns}, withoutBegin{})
	}
	return t.result.Next(ctx)
}

// batch takes in a batch of events.
func (t *transactions) batch(ctx context.Context, b *vector.Batch) error {
	if t.known == nil {
		t.known = map[string]bool{}
	}
	for _, c := range b.Cols {
		if !t.known[c.Name] {
			t.known[c.Name] = true
			t.names = append(t.names, c.Name)
		}
	}
	starts, ends := marked(t.starts, b), marked(t.ends, b)
	cols := make([]*vector.Column, len(t.c.Fields))
	for i, f := range t.c.Fields {
		cols[i] = b.Col(f)
	}
	times := b.Col("_time")
	from := &txnBatch{b: b, size: b.Size()}
	for i := range b.Len {
		t.env.Poll()
		e := txnEvent{txnBatch: from, row: i}
		ok := times != nil
		if ok {
			e.time, ok = times.At(i).Num()
		}
		values, some := valuesOf(cols, i)
		mark := starts != nil && starts[i] || ends != nil && ends[i]
		if !ok || !some && len(cols) > 0 && (t.c.Unify || !mark) {
			t.orphan(e)
			continue
		}
		size := txnEventBytes
		if from.open == 0 {
			size += from.size
		}
		if err := t.held.Add(size); err != nil {
			t.held.Add(-size)
			return err
		}
		from.open++
		t.event(e, values, starts != nil && starts[i], ends != nil && ends[i])
		if err := t.settle(ctx, op.ResultBytes); err != nil {
			return err
		}
	}
	return t.settle(ctx, 0)
}

// settle passes the rows finished since the last call to made, once they exceed the
// given number of bytes.
func (t *transactions) settle(ctx context.Context, over int) error {
	failed := t.failed
	if failed != nil && !exec.EndsEarly(failed) {
		return failed
	}
	t.failed = nil
	if t.out.Len() == 0 || t.pending < over {
		return failed
	}
	b := t.out.Batch()
	t.held.Add(-t.pending)
	t.pending = 0
	t.columns.See(b)
	return cmp.Or(t.made.Add(ctx, b), failed)
}

// hold counts the bytes of the rows in out and reports whether the search can go on.
func (t *transactions) hold(n int) bool {
	if err := t.held.Add(n); err != nil {
		t.failed = err
	}
	return t.failed == nil || exec.EndsEarly(t.failed)
}

// withoutBegin removes the sort key from the rows.
type withoutBegin struct{}

func (withoutBegin) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return b.Keep(func(name string) bool { return name != txnBegin }), nil
}

// marked reports which rows pass a test; nil without a test.
func marked(test func(*vector.Batch) []int32, b *vector.Batch) []bool {
	if test == nil {
		return nil
	}
	is := make([]bool, b.Len)
	for _, row := range test(b) {
		is[row] = true
	}
	return is
}

func valuesOf(cols []*vector.Column, row int) (values [][]string, some bool) {
	values = make([][]string, len(cols))
	for i, c := range cols {
		if c == nil {
			continue
		}
		if v := c.At(row); !v.IsNull() {
			values[i], some = v.All(), true
		}
	}
	return values, some
}

// event adds an event to its transaction.
func (t *transactions) event(e txnEvent, values [][]string, start, end bool) {
	t.closeOver(e.time)
	x := t.find(e.time, values)
	if x != nil && end {
		t.finish(x, true)
		x = nil
	}
	if x == nil {
		x = &txn{values: make([][]string, len(values)), latest: e.time, earliest: e.time, ended: end}
		x.at = t.open.PushFront(x)
	}
	t.open.MoveToFront(x.at)
	for i, list := range values {
		for _, v := range list {
			if !slices.Contains(x.values[i], v) {
				x.values[i] = append(x.values[i], v)
				x.ties = append(x.ties, tie{i, v})
			}
			t.index[tie{i, v}] = x
		}
		if len(list) > 0 {
			x.fieldMatches++
		}
	}
	if e.time > x.latest && !t.ordered {
		t.ordered = true
		t.env.Warn("transaction: the rows are not newest first; transactions may be split")
	}
	x.events, x.earliest, x.latest = append(x.events, e), min(x.earliest, e.time), max(x.latest, e.time)
	t.events++
	x.started = start
	x.full = t.c.MaxEvents > 0 && len(x.events) >= t.c.MaxEvents
	if start || x.full {
		t.finish(x, true)
	}
	for t.open.Len() > t.c.MaxOpen || t.events > t.c.MaxOpenEvents {
		t.makeRoom()
	}
}

// closeOver finishes the transactions that no event at or before this time can join,
// so that only those that may still grow count as open. The last in the list got its
// most recent event first.
func (t *transactions) closeOver(at float64) {
	longest := t.c.MaxPause
	if longest < 0 || t.c.MaxSpan >= 0 && t.c.MaxSpan < longest {
		longest = t.c.MaxSpan
	}
	if longest < 0 {
		return
	}
	for e := t.open.Back(); e != nil && e.Value.(*txn).earliest-at > longest; e = t.open.Back() {
		t.finish(e.Value.(*txn), true)
	}
}

// makeRoom finishes the transaction that has waited longest.
func (t *transactions) makeRoom() {
	x := t.open.Back().Value.(*txn)
	if !t.early {
		t.early = true
		t.env.Warn("transaction: more than %d transactions or %d events were open; the oldest were closed early (set maxopentxn and maxopenevents to change the limits)", t.c.MaxOpen, t.c.MaxOpenEvents)
	}
	t.finish(x, false)
}

// find returns the open transaction that an event joins, or nil.
func (t *transactions) find(at float64, values [][]string) *txn {
	var found *txn
	for i, list := range values {
		for _, v := range list {
			if x := t.index[tie{i, v}]; x != nil && x != found && t.reaches(x, at) && x.agrees(values) {
				if found == nil || len(x.events) > 0 && x.events[len(x.events)-1].time < found.events[len(found.events)-1].time {
					found = x
				}
			}
		}
	}
	tied := slices.ContainsFunc(values, func(list []string) bool { return len(list) > 0 })
	if found != nil || t.c.Connected && tied {
		return found
	}
	var next *list.Element
	for e := t.open.Front(); e != nil; e = next {
		next = e.Next()
		if x := e.Value.(*txn); t.reaches(x, at) && x.agrees(values) {
			return x
		}
	}
	return nil
}

// reaches reports whether a transaction can contain an event at this time; if it
// cannot, the transaction is finished.
func (t *transactions) reaches(x *txn, at float64) bool {
	if t.c.MaxSpan >= 0 && x.latest-at > t.c.MaxSpan || t.c.MaxPause >= 0 && x.earliest-at > t.c.MaxPause {
		t.finish(x, true)
		return false
	}
	return true
}

// agrees reports whether no field of the event contradicts the transaction.
func (x *txn) agrees(values [][]string) bool {
	for i, list := range values {
		if len(list) > 0 && len(x.values[i]) > 0 && !slices.ContainsFunc(list, func(v string) bool { return slices.Contains(x.values[i], v) }) {
			return false
		}
	}
	return true
}

// finish ends a transaction; over means that its limits make it complete.
func (t *transactions) finish(x *txn, over bool) {
	t.open.Remove(x.at)
	for _, k := range x.ties {
		if t.index[k] == x {
			delete(t.index, k)
		}
	}
	t.events -= len(x.events)
	evicted := t.c.Starts.set() && !x.started || t.c.Ends.set() && !x.ended
	bounded := t.c.Starts.set() || t.c.Ends.set() || t.c.MaxSpan >= 0 || t.c.MaxPause >= 0
	if !evicted || t.c.Evicted {
		t.row(x, !evicted && (over || bounded))
	}
	for _, e := range x.events {
		size := txnEventBytes
		if e.open--; e.open == 0 {
			size += e.size
		}
		t.held.Add(-size)
	}
}
