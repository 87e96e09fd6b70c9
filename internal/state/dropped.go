package state

import (
	"fmt"
	"time"
)

// droppedRecords counts what filters at the door dropped.
const droppedRecords = `
CREATE TABLE dropped (
	filter TEXT PRIMARY KEY,
	events INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	last   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// Dropped is what one filter dropped.
type Dropped struct {
	Filter      string
	Events      int64
	Since, Last time.Time // of the first and the last commit that dropped some
}

// AddDropped counts records that a filter dropped.
func (t *Tx) AddDropped(filter string, n int64, at time.Time) error {
	_, err := t.tx.Exec("INSERT INTO dropped VALUES (?1, ?2, ?3, ?3) ON CONFLICT (filter) DO UPDATE SET events = events + ?2, last = ?3", filter, n, at.UnixMilli())
	return err
}

// Dropped returns what filters dropped, by their names, also those that are no longer in the
// configuration.
func (s *DB) Dropped() (list []Dropped, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read what filters dropped: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT filter, events, since, last FROM dropped ORDER BY filter")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Dropped
		var since, last int64
		if err := rows.Scan(&d.Filter, &d.Events, &since, &last); err != nil {
			return nil, err
		}
		d.Since, d.Last = time.UnixMilli(since), time.UnixMilli(last)
		list = append(list, d)
	}
	return list, rows.Err()
}
