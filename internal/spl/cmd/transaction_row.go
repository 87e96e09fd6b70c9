package cmd

import (
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// row turns a transaction into a row.
func (t *transactions) row(x *txn, closed bool) {
	t.begin(x.earliest)
	lines := 0
	for _, name := range t.names {
		if strings.HasPrefix(name, "_") && name != "_raw" || slices.Contains(transactionFields, name) {
			continue
		}
		values := x.list(t.env, name, t.c)
		switch {
		case len(values) == 0:
			continue
		case name == "_raw":
			size := 0
			for _, raw := range values {
				lines += 1 + strings.Count(raw, "\n")
				size += 1 + len(raw)
			}
			if !t.c.ListRaw {
				if !t.hold(size) { // beside the events
					return
				}
				values = []string{strings.Join(values, "\n")}
				t.held.Add(-size)
			}
		}
		t.set(name, vector.Strings(values).WithDelim(t.c.Delim))
	}
	t.set("duration", vector.Float(x.latest-x.earliest))
	t.set("eventcount", vector.Int(len(x.events)))
	t.set("closed_txn", flag(closed))
	t.set("field_match_sum", vector.Int(x.fieldMatches))
	if lines == 0 {
		lines = len(x.events)
	}
	t.set("linecount", vector.Int(lines))
}

func flag(is bool) vector.Value {
	if is {
		return vector.Int(1)
	}
	return vector.Int(0)
}

// begin begins a row of the result.
func (t *transactions) begin(at float64) {
	t.out.Add()
	t.set(txnBegin, vector.Float(at))
	if t.known["_time"] {
		t.set("_time", vector.Float(at))
	}
}

// set sets a field of the row.
func (t *transactions) set(name string, v vector.Value) {
	t.out.Set(name, v)
	t.pending += v.Size()
	t.hold(v.Size())
}

// list returns the values of a field over the events: all of them in time order for
// lists, otherwise the distinct ones in text order.
func (x *txn) list(env *exec.Env, name string, c *Transaction) (values []string) {
	whole := name == "_raw" || c.lists(name)
	some := false
	var every exec.Every
	for _, e := range slices.Backward(x.events) {
		every.Poll(env, 256)
		col := e.b.Col(name)
		var v vector.Value
		if col != nil {
			v = col.At(e.row)
		}
		switch {
		case !v.IsNull():
			values, some = append(values, v.All()...), true
		case whole && name != "_raw":
			values = append(values, c.Null)
		}
	}
	if !some {
		return nil
	}
	if !whole {
		exec.Sort(env, values, strings.Compare)
		values = slices.Compact(values)
	}
	return values
}

// orphan keeps an event outside any transaction, if requested.
func (t *transactions) orphan(e txnEvent) {
	if !t.c.Orphans {
		return
	}
	t.begin(e.time)
	for _, c := range e.b.Cols {
		if v := c.At(e.row); !v.IsNull() {
			t.set(c.Name, v.Clone())
		}
	}
	t.set("_txn_orphan", vector.Int(1))
}
