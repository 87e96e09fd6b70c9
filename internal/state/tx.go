package state

import "database/sql"

// Tx is a transaction. What writes rules' findings and their state gets one, so that
// they are committed with the checkpoint of the events that led to them.
type Tx struct {
	tx     *sql.Tx
	people bool // who may do what has changed
}

// Write runs a function in a transaction of its own, durably. An error of the function
// undoes what it wrote.
func (s *DB) Write(write func(*Tx) error) error {
	tx, err := s.db.Begin()
	if err != nil {
		return damaged(err)
	}
	defer tx.Rollback() // without effect after Commit
	t := &Tx{tx: tx}
	if err := write(t); err != nil {
		return damaged(err)
	}
	if err := tx.Commit(); err != nil {
		return damaged(err)
	}
	if t.people {
		s.people.Add(1)
	}
	return nil
}
