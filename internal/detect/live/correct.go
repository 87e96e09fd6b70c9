package live

import (
	"errors"
	"time"

	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/state"
)

// errNotOpen says that there is nothing to correct yet.
var errNotOpen = errors.New("the rules do not run yet")

// correct changes what first_seen rules remember, in memory and in the state.
func (r *Rules) correct(change func(m *seen.Memory)) error {
	r.mu.Lock()
	s := r.sink
	r.mu.Unlock()
	if s == nil {
		return errNotOpen
	}
	return s.db.Write(func(tx *state.Tx) error {
		s.mu.Lock() // after the transaction has begun, as Commit does
		defer s.mu.Unlock()
		change(s.memory)
		return s.putSeen(tx)
	})
}

// Remember has a first_seen rule remember tuples as seen at a time.
func (r *Rules) Remember(rows []seen.Row, at time.Time) error {
	return r.correct(func(m *seen.Memory) {
		for _, x := range rows {
			m.Add(x.Rule, x.Scope, x.Values, at.Unix(), at.Unix())
		}
	})
}

// Forget has a first_seen rule forget tuples, and returns how many it remembered.
// Without values it forgets since when a scope is observed: it learns anew.
func (r *Rules) Forget(rows []seen.Row) (n int, err error) {
	err = r.correct(func(m *seen.Memory) {
		for _, x := range rows {
			if m.Forget(x.Rule, x.Scope, x.Values) {
				n++
			}
		}
	})
	return n, err
}

// Remember does in the state of a directory that no process has open what
// Rules.Remember does.
func Remember(db *state.DB, rows []seen.Row, at time.Time) error {
	return db.Write(func(tx *state.Tx) error {
		for _, x := range rows {
			known, ok, err := tx.OneSeen(x.Rule, x.Tuple())
			if err != nil {
				return err
			}
			now := state.Seen{Rule: x.Rule, Tuple: x.Tuple(), First: at.Unix(), Last: at.Unix()}
			if ok {
				now.First, now.Last = min(now.First, known.First), max(now.Last, known.Last)
			}
			if err := tx.PutSeen([]state.Seen{now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Forget does in the state of a directory that no process has open what Rules.Forget
// does.
func Forget(db *state.DB, rows []seen.Row) (n int, err error) {
	err = db.Write(func(tx *state.Tx) error {
		for _, x := range rows {
			_, ok, err := tx.OneSeen(x.Rule, x.Tuple())
			if err != nil {
				return err
			}
			if ok {
				n++
			}
			if err := tx.PutSeen([]state.Seen{{Rule: x.Rule, Tuple: x.Tuple(), Last: -1}}); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
