package state

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// cloudSources keeps messages that sources could not take in, and where sources that
// ask an API stopped.
const cloudSources = `
CREATE TABLE dead_letter (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	source   TEXT NOT NULL,
	message  TEXT NOT NULL,
	reason   TEXT NOT NULL,
	received INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	retry    INTEGER NOT NULL,
	body     TEXT NOT NULL,
	UNIQUE (source, message)
) STRICT;
CREATE TABLE resume (
	source TEXT NOT NULL,
	part   TEXT NOT NULL,
	value  TEXT NOT NULL,
	PRIMARY KEY (source, part)
) STRICT, WITHOUT ROWID;
`

// DeadLetter is a message that a source could not take in. It is not in its queue any
// more.
type DeadLetter struct {
	ID       int64
	Source   string
	Message  string // its ID in the queue
	Reason   string
	Received int   // how often it was tried
	First    int64 // when it was put here for the first time, unix milliseconds
	Last     int64
	Retry    bool // it is to be tried again
	Body     string
}

// Bounds of dead letters.
const (
	MaxDeadLetters   = 100_000
	maxDeadBytes     = 256 << 20 // of all bodies
	maxReason        = 1 << 10
	mostLettersAsked = 1000
)

// ErrDeadLettersFull says that there are as many dead letters as are kept.
var ErrDeadLettersFull = errors.New("the list of dead letters is full: retry or drop some (bluetrail dead-letters)")

// PutDeadLetter keeps a message, or why it failed once more. ID, First, Last and Retry are not
// read.
func (s *DB) PutDeadLetter(l *DeadLetter) error {
	var n, size int64
	if err := s.db.QueryRow("SELECT count(*), coalesce(sum(length(body)), 0) FROM dead_letter").Scan(&n, &size); err != nil {
		return fmt.Errorf("cannot keep a dead letter: %w", damaged(err))
	}
	if n >= MaxDeadLetters || size+int64(len(l.Body)) > maxDeadBytes {
		return ErrDeadLettersFull
	}
	now := time.Now().UnixMilli()
	_, err := s.db.Exec(`INSERT INTO dead_letter (source, message, reason, received, first, last, retry, body) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0, ?6)
		ON CONFLICT (source, message) DO UPDATE SET reason = ?3, received = max(received, ?4), last = ?5, retry = 0, body = ?6`,
		l.Source, l.Message, shortReason(l.Reason), l.Received, now, l.Body)
	if err != nil {
		return fmt.Errorf("cannot keep a dead letter: %w", damaged(err))
	}
	return nil
}

func shortReason(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}

// FailDeadLetter notes why a dead letter failed again.
func (s *DB) FailDeadLetter(id int64, reason string) error {
	_, err := s.db.Exec("UPDATE dead_letter SET reason = ?, received = received + 1, last = ?, retry = 0 WHERE id = ?", shortReason(reason), time.Now().UnixMilli(), id)
	return damaged(err)
}

// DropDeadLetter forgets a dead letter; ok is false if there was none.
func (s *DB) DropDeadLetter(id int64) (ok bool, err error) {
	n, err := s.DropDeadLetters("", id)
	return n > 0, err
}

// RetryDeadLetters has dead letters tried again, those with the IDs or else all of a
// source, "" = of all, and returns how many there are.
func (s *DB) RetryDeadLetters(source string, ids ...int64) (int, error) {
	return s.dead("UPDATE dead_letter SET retry = 1 WHERE", source, ids)
}

// DropDeadLetters forgets dead letters, likewise.
func (s *DB) DropDeadLetters(source string, ids ...int64) (int, error) {
	return s.dead("DELETE FROM dead_letter WHERE", source, ids)
}

func (s *DB) dead(statement, source string, ids []int64) (n int, err error) {
	err = s.Write(func(t *Tx) error {
		n = 0
		change := func(where string, args ...any) error {
			res, err := t.tx.Exec(statement+where, args...)
			if err != nil {
				return err
			}
			changed, err := res.RowsAffected()
			n += int(changed)
			return err
		}
		if len(ids) == 0 {
			return change(" ?1 IN ('', source)", source)
		}
		for _, id := range ids {
			if err := change(" id = ?2 AND ?1 IN ('', source)", source, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot change dead letters: %w", err)
	}
	return n, nil
}

// DeadLetters returns the newest dead letters of a source, "" = of all, and how many
// there are.
func (s *DB) DeadLetters(source string, limit int) (list []DeadLetter, total int, err error) {
	if err := s.db.QueryRow("SELECT count(*) FROM dead_letter WHERE ?1 IN ('', source)", source).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("cannot read dead letters: %w", damaged(err))
	}
	list, err = s.deadLetters("WHERE ?1 IN ('', source) ORDER BY last DESC, id DESC LIMIT ?2", source, limit)
	return list, total, err
}

// DeadLettersToRetry returns dead letters of a source that are to be tried again, the
// oldest first.
func (s *DB) DeadLettersToRetry(source string) ([]DeadLetter, error) {
	return s.deadLetters("WHERE retry AND source = ? ORDER BY id LIMIT ?", source, mostLettersAsked)
}

func (s *DB) deadLetters(where string, args ...any) (list []DeadLetter, err error) {
	rows, err := s.db.Query("SELECT id, source, message, reason, received, first, last, retry, body FROM dead_letter "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read dead letters: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var l DeadLetter
		if err := rows.Scan(&l.ID, &l.Source, &l.Message, &l.Reason, &l.Received, &l.First, &l.Last, &l.Retry, &l.Body); err != nil {
			return nil, fmt.Errorf("cannot read dead letters: %w", damaged(err))
		}
		list = append(list, l)
	}
	return list, damaged(rows.Err())
}

// CountDeadLetters counts dead letters by source.
func (s *DB) CountDeadLetters() (map[string]int, error) {
	rows, err := s.db.Query("SELECT source, count(*) FROM dead_letter GROUP BY source")
	if err != nil {
		return nil, fmt.Errorf("cannot count dead letters: %w", damaged(err))
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var source string
		var n int
		if err := rows.Scan(&source, &n); err != nil {
			return nil, damaged(err)
		}
		counts[source] = n
	}
	return counts, damaged(rows.Err())
}

// Resume returns where a part of a source stopped, "" = it never began. What the text
// means is the source's business.
func (s *DB) Resume(source, part string) (value string, err error) {
	err = s.db.QueryRow("SELECT value FROM resume WHERE source = ? AND part = ?", source, part).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read where a source stopped: %w", damaged(err))
	}
	return value, nil
}

// SetResume remembers where a part of a source stopped.
func (s *DB) SetResume(source, part, value string) error {
	if _, err := s.db.Exec("INSERT OR REPLACE INTO resume VALUES (?, ?, ?)", source, part, value); err != nil {
		return fmt.Errorf("cannot remember where a source stopped: %w", damaged(err))
	}
	return nil
}
