package cmd

import (
	"container/list"
	"context"
	"slices"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// transactions gathers events, newest first.
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
	out     *vector.Builder
	order   []txnPlace // of the rows in out
	held    *exec.Held
	pending int // bytes of rows in out that are not asked for yet
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
	size             int
	at               *list.Element
}

type txnEvent struct {
	b    *vector.Batch
	row  int
	time float64
}

type txnPlace struct {
	time float64
	row  int32
}

func (t *transactions) Close() {
	t.in.Close()
	t.held.Release()
}

func (t *transactions) Next(ctx context.Context) (*vector.Batch, error) {
	if t.result == nil {
		if err := exec.Drain(ctx, t.in, t.batch); err != nil {
			return nil, err
		}
		for e := t.open.Back(); e != nil; e = t.open.Back() {
			t.finish(e.Value.(*txn), false)
		}
		if err := t.settle(); err != nil {
			return nil, err
		}
		t.result = t.sorted()
	}
	return t.result.Next(ctx)
}

// sorted gives the transactions, those that begin last first.
func (t *transactions) sorted() exec.Operator {
	all := t.out.Batch()
	slices.SortStableFunc(t.order, func(a, b txnPlace) int {
		switch {
		case a.time > b.time:
			return -1
		case a.time < b.time:
			return 1
		}
		return 0
	})
	var out []*vector.Batch
	for from := 0; from < len(t.order); from += vector.DefaultRows {
		part := t.order[from:min(from+vector.DefaultRows, len(t.order))]
		rows := make([]int32, len(part))
		for i, p := range part {
			rows[i] = p.row
		}
		out = append(out, all.Pick(rows))
	}
	return exec.Rows(out...)
}

// batch takes in a batch of events.
func (t *transactions) batch(b *vector.Batch) error {
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
	size := b.Size()/max(1, b.Len) + 64
	for i := range b.Len {
		t.env.Poll()
		e := txnEvent{b: b, row: i}
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
		if err := t.held.Add(size); err != nil {
			return err
		}
		t.event(e, values, size, starts != nil && starts[i], ends != nil && ends[i])
	}
	return t.settle()
}

// settle asks for the memory of the rows made since it was asked last.
func (t *transactions) settle() error {
	n := t.pending
	t.pending = 0
	return t.held.Add(n)
}

// marked tells which rows pass a test, nil when there is none.
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

// event puts an event into the transaction that it belongs to.
func (t *transactions) event(e txnEvent, values [][]string, size int, start, end bool) {
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
		t.env.Warn("transaction: the rows are not newest first; transactions may be torn apart")
	}
	x.events, x.earliest, x.latest = append(x.events, e), min(x.earliest, e.time), max(x.latest, e.time)
	x.size += size
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

// closeOver finishes the transactions that no event of this time or before can
// join, so that only those that may still grow count as open. The one in the
// back got its last event first.
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

// makeRoom ends the transaction that waited longest.
func (t *transactions) makeRoom() {
	x := t.open.Back().Value.(*txn)
	if !t.early {
		t.early = true
		t.env.Warn("transaction: more than %d transactions or %d events were open; the oldest were ended early (maxopentxn and maxopenevents say how many may be)", t.c.MaxOpen, t.c.MaxOpenEvents)
	}
	t.finish(x, false)
}

// find returns the open transaction that an event joins, nil when there is none.
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

// reaches reports whether a transaction may have an event of a time; one that is
// over by then is finished.
func (t *transactions) reaches(x *txn, at float64) bool {
	if t.c.MaxSpan >= 0 && x.latest-at > t.c.MaxSpan || t.c.MaxPause >= 0 && x.earliest-at > t.c.MaxPause {
		t.finish(x, true)
		return false
	}
	return true
}

// agrees reports whether the values contradict the transaction in no field.
func (x *txn) agrees(values [][]string) bool {
	for i, list := range values {
		if len(list) > 0 && len(x.values[i]) > 0 && !slices.ContainsFunc(list, func(v string) bool { return slices.Contains(x.values[i], v) }) {
			return false
		}
	}
	return true
}

// finish ends a transaction; over says that it is complete by its bounds.
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
	t.held.Add(-x.size)
	if !evicted || t.c.Evicted {
		t.row(x, !evicted && (over || bounded))
	}
}
