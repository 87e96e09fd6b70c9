package op

import (
	"encoding/binary"
	"errors"
	"io"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// stateBytes is about how many bytes of the state of a group are written together.
const stateBytes = 256 << 10

// stateField has the state of a group: for each aggregate its slot and its state. An
// aggregate may be there several times, in pieces to be merged in that order.
const stateField = "_\x00state"

// appendStates calls emit with the state of a group, several times where it is large.
func appendStates(env *exec.Env, grp *Group, buf *[]byte, emit func(state string) error) error {
	state := (*buf)[:0]
	put := func(slot int, a exec.Aggregate) error {
		state = a.Marshal(binary.AppendUvarint(state, uint64(slot)))
		if len(state) < stateBytes {
			return nil
		}
		text := string(state)
		state = state[:0]
		return emit(text)
	}
	for slot, a := range grp.aggs {
		if d, ok := a.(exec.Divisible); ok {
			for d.Size() > stateBytes {
				env.Poll()
				piece := d.Divide(stateBytes)
				if piece == nil {
					break
				}
				if err := put(slot, piece); err != nil {
					return err
				}
			}
		}
		if err := put(slot, a); err != nil {
			return err
		}
	}
	*buf = state
	return emit(string(state))
}

// addState adds the row of a group.
func addState(rows *vector.Builder, keys []vector.Value, state string) {
	rows.Add()
	for n, v := range keys {
		rows.Set(keyField(n), v)
	}
	rows.Set(stateField, vector.String(state))
}

// stateRows makes batches of the states of groups.
type stateRows struct {
	env   *exec.Env
	ready []*vector.Batch
	rows  *vector.Builder // nil = none
	held  int
	buf   []byte
}

func (r *stateRows) full() bool { return len(r.ready) > 0 }

// add takes the aggregates of a group, which are of no use afterwards.
func (r *stateRows) add(grp *Group) error {
	r.env.Poll()
	return appendStates(r.env, grp, &r.buf, func(state string) error {
		if r.rows == nil {
			r.rows = vector.NewBuilder()
		}
		addState(r.rows, grp.keys, state)
		if r.held += len(state) + 64; r.held >= stateBytes || r.rows.Len() == vector.DefaultRows {
			r.end()
		}
		return nil
	})
}

func (r *stateRows) end() {
	r.ready = append(r.ready, r.rows.Batch())
	r.rows, r.held = nil, 0
}

// next returns a batch, io.EOF when there is none.
func (r *stateRows) next() (*vector.Batch, error) {
	if len(r.ready) == 0 && r.rows != nil {
		r.end()
	}
	if len(r.ready) == 0 {
		return nil, io.EOF
	}
	b := r.ready[0]
	r.ready = r.ready[1:]
	return b, nil
}

// stateKeys returns the keys of the group in row i.
func stateKeys(b *vector.Batch, i, n int) []vector.Value {
	keys := make([]vector.Value, n)
	for k := range keys {
		keys[k] = b.At(keyField(k), i)
	}
	return keys
}

// mergeStates puts states into a group, which is empty when it is new, and returns by
// how many bytes that grows.
func (g *Grouper) mergeStates(grp *Group, empty bool, data []byte) (grown int, err error) {
	g.fill(grp)
	filled := -1 // the last slot of an empty group that is not empty any more
	for len(data) > 0 {
		g.every.Poll(g.env, 16)
		slot, size := binary.Uvarint(data)
		if size <= 0 || slot >= uint64(len(grp.aggs)) {
			return grown, errStates
		}
		n := int(slot)
		to := grp.aggs[n]
		grown -= to.Size()
		if empty && n > filled {
			filled = n
			data, err = to.Unmarshal(data[size:])
		} else {
			from := g.empty(n)
			if data, err = from.Unmarshal(data[size:]); err == nil {
				to.Merge(from)
			}
		}
		if err != nil {
			return grown, err
		}
		grown += to.Size()
	}
	return grown, nil
}

var errStates = errors.New("the groups in a temporary file are damaged")
