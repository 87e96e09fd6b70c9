package state

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"bluetrail/internal/tally"
)

func addTallies(tx *sql.Tx, added tally.Tallies) error {
	for k, t := range added {
		var was tally.Tally
		err := tx.QueryRow("SELECT events, sum FROM day WHERE day = ? AND idx = ?", k.Day, k.Index).Scan(&was.Events, (*signed)(&was.Sum))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		was.Merge(t)
		if _, err := tx.Exec("INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?)", k.Day, k.Index, was.Events, int64(was.Sum)); err != nil {
			return err
		}
	}
	return nil
}

// signed reads an unsigned 64-bit number that the database stores as signed.
type signed uint64

// Scan implements sql.Scanner.
func (s *signed) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%T is not a number", v)
	}
	*s = signed(n)
	return nil
}

// Tallies returns how many events were stored for each day and index.
func (s *DB) Tallies() (tally.Tallies, error) {
	ts := tally.Tallies{}
	rows, err := s.db.Query("SELECT day, idx, events, sum FROM day")
	if err != nil {
		return nil, fmt.Errorf("cannot read the counts of events: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var k tally.Key
		var t tally.Tally
		if err := rows.Scan(&k.Day, &k.Index, &t.Events, (*signed)(&t.Sum)); err != nil {
			return nil, fmt.Errorf("cannot read the counts of events: %w", damaged(err))
		}
		ts[k] = t
	}
	return ts, damaged(rows.Err())
}

// SetTallies replaces the counts of a day.
func (s *DB) SetTallies(day tally.Day, have tally.Tallies) (err error) {
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("cannot save the counts of events: %w", damaged(err))
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			err = fmt.Errorf("cannot save the counts of events: %w", damaged(err))
		}
	}()
	if _, err = tx.Exec("DELETE FROM day WHERE day = ?", day); err != nil {
		return err
	}
	if err = addTallies(tx, have); err != nil {
		return err
	}
	return tx.Commit()
}

// ForgetTally drops the count of a day and index whose events were deleted on
// purpose.
func (s *DB) ForgetTally(k tally.Key) error {
	if _, err := s.db.Exec("DELETE FROM day WHERE day = ? AND idx = ?", k.Day, k.Index); err != nil {
		return fmt.Errorf("cannot save the counts of events: %w", damaged(err))
	}
	return nil
}

func setIDs(tx *sql.Tx, counts map[string]tally.Tally) error {
	for name, t := range counts {
		var err error
		if t == (tally.Tally{}) {
			_, err = tx.Exec("DELETE FROM ids WHERE name = ?", name)
		} else {
			_, err = tx.Exec("INSERT OR REPLACE INTO ids VALUES (?, ?, ?)", name, t.Events, int64(t.Sum))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// IDs returns how many ids are known, by the names that Commit and SetIDs gave.
func (s *DB) IDs() (map[string]tally.Tally, error) {
	rows, err := s.db.Query("SELECT name, count, sum FROM ids")
	if err != nil {
		return nil, fmt.Errorf("cannot read the counts of ids: %w", damaged(err))
	}
	defer rows.Close()
	counts := map[string]tally.Tally{}
	for rows.Next() {
		var name string
		var t tally.Tally
		if err := rows.Scan(&name, &t.Events, (*signed)(&t.Sum)); err != nil {
			return nil, fmt.Errorf("cannot read the counts of ids: %w", damaged(err))
		}
		counts[name] = t
	}
	return counts, damaged(rows.Err())
}

// SetIDs replaces the counts of ids that changed.
func (s *DB) SetIDs(counts map[string]tally.Tally) (err error) {
	tx, err := s.db.Begin()
	if err == nil {
		if err = setIDs(tx, counts); err == nil {
			err = tx.Commit()
		} else {
			tx.Rollback()
		}
	}
	if err != nil {
		return fmt.Errorf("cannot save the counts of ids: %w", damaged(err))
	}
	return nil
}

// Alarm says that events of a day are missing or wrong.
type Alarm struct {
	Day    tally.Day
	Events int64 // that the day should have
	Since  time.Time
	Reason string
}

// Alarms returns the days that have not been repaired, in order.
func (s *DB) Alarms() (list []Alarm, err error) {
	rows, err := s.db.Query("SELECT day, events, since, reason FROM alarm ORDER BY day")
	if err != nil {
		return nil, fmt.Errorf("cannot read the alarms: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var a Alarm
		var since int64
		if err := rows.Scan(&a.Day, &a.Events, &since, &a.Reason); err != nil {
			return nil, fmt.Errorf("cannot read the alarms: %w", damaged(err))
		}
		a.Since = time.UnixMilli(since)
		list = append(list, a)
	}
	return list, damaged(rows.Err())
}

// Lose raises an alarm and replaces the counts of its day with those of the events
// left. A day that already has an alarm keeps its reason; lost events add up.
func (s *DB) Lose(a Alarm, left tally.Tallies) (err error) {
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("cannot save an alarm: %w", damaged(err))
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			err = fmt.Errorf("cannot save an alarm: %w", damaged(err))
		}
	}()
	if _, err = tx.Exec("DELETE FROM day WHERE day = ?", a.Day); err != nil {
		return err
	}
	if err = addTallies(tx, left); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO alarm VALUES (?, ?, ?, ?) ON CONFLICT (day) DO UPDATE SET events = events + excluded.events", a.Day, a.Events, a.Since.UnixMilli(), a.Reason)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Suspect raises an alarm for a day whose events are not counted yet. A day that
// has an alarm keeps it.
func (s *DB) Suspect(a Alarm) error {
	if _, err := s.db.Exec("INSERT OR IGNORE INTO alarm VALUES (?, 0, ?, ?)", a.Day, a.Since.UnixMilli(), a.Reason); err != nil {
		return fmt.Errorf("cannot save an alarm: %w", damaged(err))
	}
	return nil
}

// Clear drops the alarm of a day.
func (s *DB) Clear(day tally.Day) error {
	if _, err := s.db.Exec("DELETE FROM alarm WHERE day = ?", day); err != nil {
		return fmt.Errorf("cannot drop an alarm: %w", damaged(err))
	}
	return nil
}

// Reread marks the files with events of the days from first to last to be read again
// from the beginning, and returns them.
func (s *DB) Reread(first, last tally.Day) (files []File, err error) {
	const of = " WHERE first <= ?2 AND last >= ?1"
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot forget the files of %s to %s: %w", first, last, damaged(err))
		}
	}()
	if err := s.reread(of, first, last); err != nil {
		return nil, err
	}
	rows, err := s.db.Query("SELECT "+fileColumns+" FROM file"+of+" ORDER BY path", first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f File
		if err := f.scan(rows.Scan); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

// RereadBefore marks the files with events of earlier days to be read again.
func (s *DB) RereadBefore(day tally.Day) error {
	if err := s.reread(" WHERE first < ?1", day); err != nil {
		return fmt.Errorf("cannot forget files before %s: %w", day, damaged(err))
	}
	return nil
}

// reread resets the read position of the files that match a condition.
func (s *DB) reread(of string, args ...any) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec("DELETE FROM tail WHERE path IN (SELECT path FROM file"+of+")", args...); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE file SET done = 0, records = 0"+of, args...); err != nil {
		return err
	}
	return tx.Commit()
}

// Retained returns for each index the day before which retention removed its
// events.
func (s *DB) Retained() (map[string]tally.Day, error) {
	rows, err := s.db.Query("SELECT idx, day FROM retained")
	if err != nil {
		return nil, fmt.Errorf("cannot read what retention removed: %w", damaged(err))
	}
	defer rows.Close()
	days := map[string]tally.Day{}
	for rows.Next() {
		var index string
		var day tally.Day
		if err := rows.Scan(&index, &day); err != nil {
			return nil, fmt.Errorf("cannot read what retention removed: %w", damaged(err))
		}
		days[index] = day
	}
	return days, rows.Err()
}

// Retain records the day before which retention deletes the events of an index; 0
// means none.
func (s *DB) Retain(index string, day tally.Day) error {
	text := "INSERT OR REPLACE INTO retained VALUES (?1, ?2)"
	if day == 0 {
		text = "DELETE FROM retained WHERE idx = ?1"
	}
	if _, err := s.db.Exec(text, index, day); err != nil {
		return fmt.Errorf("cannot save what retention removed: %w", damaged(err))
	}
	return nil
}
