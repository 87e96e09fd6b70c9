package state

import (
	"context"
	"fmt"
	"time"
)

// Due is a finding that changed, appeared or went away since the alerter saw it, or a
// condition of health.
type Due struct {
	Seq     int64
	Finding string // or HealthDue and a key
	Since   int64  // unix milliseconds
}

// HealthDue stands before the key of a condition of health in the queue.
const HealthDue = "health "

// queue queues a finding for the alerter.
func (t *Tx) queue(id string) error {
	_, err := t.tx.Exec("INSERT OR REPLACE INTO alert_due (finding, since) VALUES (?, ?)", id, time.Now().UnixMilli())
	return err
}

// Due returns what is queued for the alerter, the oldest first, at most limit.
func (s *DB) Due(ctx context.Context, limit int) (list []Due, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT seq, finding, since FROM alert_due ORDER BY seq LIMIT ?", limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the queue of alerts: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var d Due
		if err := rows.Scan(&d.Seq, &d.Finding, &d.Since); err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// DueCount returns how many findings wait for the alerter and since when the oldest does.
func (s *DB) DueCount() (n int64, since time.Time, err error) {
	var at int64
	if err := s.db.QueryRow("SELECT count(*), coalesce(min(since), 0) FROM alert_due").Scan(&n, &at); err != nil {
		return 0, since, fmt.Errorf("cannot count the queue of alerts: %w", damaged(err))
	}
	return n, time.UnixMilli(at), nil
}

// Done takes entries off the queue, except those that were queued again since they
// were read.
func (t *Tx) Done(list []Due) error {
	for _, d := range list {
		if _, err := t.tx.Exec("DELETE FROM alert_due WHERE seq = ?", d.Seq); err != nil {
			return err
		}
	}
	return nil
}

// Wait is an alert whose events' records were not found yet.
type Wait struct {
	Alert string
	Next  int64 // when to look again, unix milliseconds
	Tries int   // so far
}

// Waits returns the alerts whose records are to be looked for at a time.
func (s *DB) Waits(now time.Time, limit int) (list []Wait, err error) {
	rows, err := s.db.Query("SELECT alert, next, tries FROM alert_wait WHERE next <= ? ORDER BY next, alert LIMIT ?", now.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the alerts that wait for records: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var w Wait
		if err := rows.Scan(&w.Alert, &w.Next, &w.Tries); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}

// PutWait has the records of an alert looked for again; a wait without Next ends.
func (t *Tx) PutWait(w Wait) error {
	if w.Next == 0 {
		_, err := t.tx.Exec("DELETE FROM alert_wait WHERE alert = ?", w.Alert)
		return err
	}
	_, err := t.tx.Exec("INSERT OR REPLACE INTO alert_wait VALUES (?, ?, ?)", w.Alert, w.Next, w.Tries)
	return err
}
