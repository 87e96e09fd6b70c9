package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Condition is something about bluetrail itself that is not well, or was not.
type Condition struct {
	ID       int64 // counted from 1
	Key      string
	Severity int // its rank
	Text     string
	Opened   int64 // unix milliseconds, as are Updated and Closed
	Updated  int64
	Closed   int64 // 0 = it lasts
}

const conditionColumns = "SELECT id, key, severity, text, opened, updated, closed FROM health "

func scanConditions(rows *sql.Rows, err error) (list []Condition, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Condition
		if err := rows.Scan(&c.ID, &c.Key, &c.Severity, &c.Text, &c.Opened, &c.Updated, &c.Closed); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Health opens the condition with a key, changes it, or with an empty text ends it. It
// queues what changed for the alerter.
func (t *Tx) Health(key string, severity int, text string) error {
	var c Condition
	err := t.tx.QueryRow(conditionColumns+"WHERE key = ? AND closed = 0", key).Scan(&c.ID, &c.Key, &c.Severity, &c.Text, &c.Opened, &c.Updated, &c.Closed)
	lasts := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	now := time.Now().UnixMilli()
	switch {
	case text == "" && !lasts, lasts && c.Text == text && c.Severity == severity:
		return nil
	case text == "":
		_, err = t.tx.Exec("UPDATE health SET closed = ?1, updated = ?1 WHERE id = ?2", now, c.ID)
	case lasts:
		_, err = t.tx.Exec("UPDATE health SET severity = ?, text = ?, updated = ? WHERE id = ?", severity, text, now, c.ID)
	default:
		_, err = t.tx.Exec("INSERT INTO health (key, severity, text, opened, updated, closed) VALUES (?1, ?2, ?3, ?4, ?4, 0)", key, severity, text, now)
	}
	if err == nil {
		err = t.queue(HealthDue + key)
	}
	return err
}

// Condition returns the condition with a key as it is now or was last; ok is false if
// there was none.
func (t *Tx) Condition(key string) (c Condition, ok bool, err error) {
	list, err := scanConditions(t.tx.Query(conditionColumns+"WHERE key = ? ORDER BY id DESC LIMIT 1", key))
	if len(list) == 0 || err != nil {
		return c, false, err
	}
	return list[0], true, nil
}

// Conditions calls each with the conditions that opened in a range of time, the oldest
// first.
func (s *DB) Conditions(ctx context.Context, q ActionQuery, each func(*Condition) error) error {
	for after := int64(0); ; {
		list, err := scanConditions(s.db.QueryContext(ctx, conditionColumns+"WHERE id > ? AND opened >= ? AND opened < ? AND updated > ? AND updated <= ? ORDER BY id LIMIT ?",
			after, q.Earliest, q.Latest, q.Arrived.After, q.Arrived.upto(), alertsAtOnce))
		if err != nil {
			return fmt.Errorf("cannot read the conditions of health: %w", damaged(err))
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < alertsAtOnce {
			return nil
		}
		after = list[len(list)-1].ID
	}
}

// OpenConditions returns the conditions that last, the worst first.
func (s *DB) OpenConditions() ([]Condition, error) {
	list, err := scanConditions(s.db.Query(conditionColumns + "WHERE closed = 0 ORDER BY severity DESC, opened, key"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the conditions of health: %w", damaged(err))
	}
	return list, nil
}
