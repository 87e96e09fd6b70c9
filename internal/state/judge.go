package state

import (
	"database/sql"
	"errors"
	"fmt"
)

// Unit is a part of what stateful rules know, at the horizon.
type Unit struct {
	Unit []byte // names it
	Body []byte // nil for PutUnits = it goes
}

// Waiting is matches behind the horizon of units.
type Waiting struct {
	Number int64
	Body   []byte // nil for PutWaiting = it goes
}

// Seen is a tuple of values that a first_seen rule remembers.
type Seen struct {
	Rule  string
	Tuple string // scope and values as JSON, see seen.Row
	First int64  // unix seconds
	Last  int64  // -1 for PutSeen = it goes
}

// Identity is something that is known of who calls, see identity.Row.
type Identity struct {
	Kind  byte
	Key   []byte
	Value []byte // nil for PutIdentities = it goes
}

// put runs one of two statements for each of a list: the first where a row stays, else
// the second.
func (t *Tx) put(n int, put, drop string, row func(i int) (key, values []any, stays bool)) error {
	var puts, drops *sql.Stmt
	for i := range n {
		key, values, stays := row(i)
		stmt, text := &puts, put
		if !stays {
			stmt, text, values = &drops, drop, nil
		}
		if *stmt == nil {
			var err error
			if *stmt, err = t.tx.Prepare(text); err != nil {
				return err
			}
			defer (*stmt).Close()
		}
		if _, err := (*stmt).Exec(append(key, values...)...); err != nil {
			return err
		}
	}
	return nil
}

// PutUnits adds or replaces units, or removes them.
func (t *Tx) PutUnits(list []Unit) error {
	return t.put(len(list), "INSERT OR REPLACE INTO judge_unit VALUES (?, ?)", "DELETE FROM judge_unit WHERE unit = ?", func(i int) (key, values []any, stays bool) {
		return []any{list[i].Unit}, []any{list[i].Body}, list[i].Body != nil
	})
}

// PutWaiting adds or replaces matches, or removes them.
func (t *Tx) PutWaiting(list []Waiting) error {
	return t.put(len(list), "INSERT OR REPLACE INTO judge_waiting VALUES (?, ?)", "DELETE FROM judge_waiting WHERE number = ?", func(i int) (key, values []any, stays bool) {
		return []any{list[i].Number}, []any{list[i].Body}, list[i].Body != nil
	})
}

// PutSeen adds or replaces tuples, or removes them.
func (t *Tx) PutSeen(list []Seen) error {
	return t.put(len(list), "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", "DELETE FROM seen WHERE rule = ? AND tuple = ?", func(i int) (key, values []any, stays bool) {
		r := &list[i]
		return []any{r.Rule, r.Tuple}, []any{r.First, r.Last}, r.Last >= 0
	})
}

// StageSeen adds or replaces tuples that a rule is about to learn. Nothing else reads
// them until TakeStaged.
func (t *Tx) StageSeen(list []Seen) error {
	return t.put(len(list), "INSERT OR REPLACE INTO seen_staged VALUES (?, ?, ?, ?)", "", func(i int) (key, values []any, stays bool) {
		r := &list[i]
		return []any{r.Rule, r.Tuple}, []any{r.First, r.Last}, true
	})
}

// DropStaged drops the tuples that were staged.
func (t *Tx) DropStaged() error {
	_, err := t.tx.Exec("DELETE FROM seen_staged")
	return err
}

// TakeStaged adds the staged tuples to those that rules remember, and calls each with
// them as they are remembered then. each must not use the database.
func (t *Tx) TakeStaged(each func(*Seen) error) error {
	_, err := t.tx.Exec("INSERT INTO seen SELECT * FROM seen_staged WHERE true ON CONFLICT (rule, tuple) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)")
	if err != nil {
		return err
	}
	rows, err := t.tx.Query("SELECT rule, tuple, s.first, s.last FROM seen_staged JOIN seen s USING (rule, tuple)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r Seen
		if err := rows.Scan(&r.Rule, &r.Tuple, &r.First, &r.Last); err != nil {
			return err
		}
		if err := each(&r); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	return t.DropStaged()
}

// PutIdentities adds or replaces what is known of callers, or removes it.
func (t *Tx) PutIdentities(list []Identity) error {
	return t.put(len(list), "INSERT OR REPLACE INTO identity VALUES (?, ?, ?)", "DELETE FROM identity WHERE kind = ? AND key = ?", func(i int) (key, values []any, stays bool) {
		return []any{int64(list[i].Kind), list[i].Key}, []any{list[i].Value}, list[i].Value != nil
	})
}

// ForgetSeen removes the tuples of a rule whose last event is older than a time. Scopes,
// which have no values, stay unless they are to go, too.
func (t *Tx) ForgetSeen(rule string, before int64, scopes bool) error {
	_, err := t.tx.Exec("DELETE FROM seen WHERE rule = ? AND last < ? AND (? OR tuple NOT LIKE '%,[]]')", rule, before, scopes)
	return err
}

// Finding returns the body of a finding, nil if there is none.
func (t *Tx) Finding(id string) (body []byte, err error) {
	err = t.tx.QueryRow("SELECT body FROM finding WHERE id = ?", id).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return body, err
}

// judgeAtOnce is how many rows are read at a time.
const judgeAtOnce = 500

// pages reads a table in pages, so that nobody waits for what each does with the rows.
// scan reads a row and returns where the rows behind it begin.
func pages[T any](s *DB, text string, from []any, scan func(rows *sql.Rows, row *T) ([]any, error), each func(*T) error) error {
	for {
		var list []T
		rows, err := s.db.Query(text, append(from[:len(from):len(from)], judgeAtOnce)...)
		if err != nil {
			return damaged(err)
		}
		for rows.Next() {
			var row T
			if from, err = scan(rows, &row); err != nil {
				return errors.Join(damaged(err), rows.Close())
			}
			list = append(list, row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return damaged(err)
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < judgeAtOnce {
			return nil
		}
	}
}

// Units calls each with all units.
func (s *DB) Units(each func(*Unit) error) error {
	err := pages(s, "SELECT unit, body FROM judge_unit WHERE unit > ? ORDER BY unit LIMIT ?", []any{[]byte{}}, func(rows *sql.Rows, u *Unit) ([]any, error) {
		err := rows.Scan(&u.Unit, &u.Body)
		return []any{u.Unit}, err
	}, each)
	return wrapped("cannot read the state of rules", err)
}

// Waiting calls each with all matches behind the horizon.
func (s *DB) Waiting(each func(*Waiting) error) error {
	const text = "SELECT number, body FROM judge_waiting WHERE number > ? ORDER BY number LIMIT ?"
	err := pages(s, text, []any{int64(-1 << 63)}, func(rows *sql.Rows, w *Waiting) ([]any, error) {
		err := rows.Scan(&w.Number, &w.Body)
		return []any{w.Number}, err
	}, each)
	return wrapped("cannot read the matches of rules", err)
}

// UnitNames calls each with the names of all units. each must not use the database.
func (s *DB) UnitNames(each func(unit []byte) error) error {
	rows, err := s.db.Query("SELECT unit FROM judge_unit")
	if err != nil {
		return wrapped("cannot read the state of rules", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var unit []byte
		if err := rows.Scan(&unit); err != nil {
			return wrapped("cannot read the state of rules", damaged(err))
		}
		if err := each(unit); err != nil {
			return err
		}
	}
	return wrapped("cannot read the state of rules", damaged(rows.Err()))
}

// Seen calls each with what first_seen rules remember, in order.
func (s *DB) Seen(each func(*Seen) error) error {
	const text = "SELECT rule, tuple, first, last FROM seen WHERE (rule, tuple) > (?, ?) ORDER BY rule, tuple LIMIT ?"
	err := pages(s, text, []any{"", ""}, func(rows *sql.Rows, r *Seen) ([]any, error) {
		err := rows.Scan(&r.Rule, &r.Tuple, &r.First, &r.Last)
		return []any{r.Rule, r.Tuple}, err
	}, each)
	return wrapped("cannot read what rules remember", err)
}

// OneSeen returns a tuple that a first_seen rule remembers, false if there is none.
func (t *Tx) OneSeen(rule, tuple string) (r Seen, ok bool, err error) {
	r.Rule, r.Tuple = rule, tuple
	err = t.tx.QueryRow("SELECT first, last FROM seen WHERE rule = ? AND tuple = ?", rule, tuple).Scan(&r.First, &r.Last)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// Identities calls each with all that is known of callers.
func (s *DB) Identities(each func(*Identity) error) error {
	const text = "SELECT kind, key, value FROM identity WHERE (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?"
	err := pages(s, text, []any{-1, []byte{}}, func(rows *sql.Rows, r *Identity) ([]any, error) {
		err := rows.Scan(&r.Kind, &r.Key, &r.Value)
		return []any{int64(r.Kind), r.Key}, err
	}, each)
	return wrapped("cannot read who is behind calls", err)
}

func wrapped(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Learning says how far a rule has learnt from the stored events.
type Learning struct {
	Rule, Print string
	Upto        int64 // the last batch that it has to learn from; those after it are judged as they come
	Done        bool
}

// PutLearning adds or replaces how far a rule has learnt.
func (t *Tx) PutLearning(l Learning) error {
	_, err := t.tx.Exec("INSERT OR REPLACE INTO learnt VALUES (?, ?, ?, ?)", l.Rule, l.Print, l.Upto, l.Done)
	return err
}

const learningText = "SELECT rule, print, upto, done FROM learnt ORDER BY rule"

// Learning returns how far rules have learnt.
func (s *DB) Learning() ([]Learning, error) { return learning(s.db.Query(learningText)) }

// Learning returns how far rules have learnt.
func (t *Tx) Learning() ([]Learning, error) { return learning(t.tx.Query(learningText)) }

func learning(rows *sql.Rows, err error) (list []Learning, _ error) {
	const what = "cannot read what rules have learnt"
	if err != nil {
		return nil, wrapped(what, damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var l Learning
		if err := rows.Scan(&l.Rule, &l.Print, &l.Upto, &l.Done); err != nil {
			return nil, wrapped(what, damaged(err))
		}
		list = append(list, l)
	}
	return list, wrapped(what, damaged(rows.Err()))
}

// Batch returns the batch of the checkpoint.
func (t *Tx) Batch() (batch int64, err error) {
	err = t.tx.QueryRow("SELECT batch FROM ingest").Scan(&batch)
	return batch, err
}
