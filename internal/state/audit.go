package state

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Action is what somebody did.
type Action struct {
	ID     int64 // counted from 1
	Time   int64 // unix milliseconds; 0 for Audit = now
	Who    string
	Action string // raised, closed, comment, …
	Kind   string // of what it was done to: alert, finding, rule, …
	Object string // its ID
	Text   string // more, in words
}

// Bluetrail is who acts when nobody does.
const Bluetrail = "bluetrail"

// Audit records what somebody did.
func (t *Tx) Audit(a Action) error {
	if a.Time == 0 {
		a.Time = time.Now().UnixMilli()
	}
	_, err := t.tx.Exec("INSERT INTO audit (time, who, action, kind, object, text) VALUES (?, ?, ?, ?, ?, ?)", a.Time, a.Who, a.Action, a.Kind, a.Object, a.Text)
	return err
}

// History returns what was done to an object, the oldest first.
func (s *DB) History(kind, object string) ([]Action, error) {
	list, err := s.actions(context.Background(), "kind = ? AND object = ? ORDER BY id", kind, object)
	if err != nil {
		return nil, fmt.Errorf("cannot read the history of %s %q: %w", kind, object, damaged(err))
	}
	return list, nil
}

// ActionQuery is a range of time of actions or conditions: unix milliseconds, the end exclusive.
type ActionQuery struct {
	Earliest, Latest int64
	Arrived          Arrival
}

// upto returns the end of the range.
func (a Arrival) upto() int64 {
	if a.Upto == 0 {
		return math.MaxInt64
	}
	return a.Upto
}

// Actions calls each with what was done in a range of time, the oldest first.
func (s *DB) Actions(ctx context.Context, q ActionQuery, each func(*Action) error) error {
	for after := int64(0); ; {
		list, err := s.actions(ctx, "id > ? AND time >= ? AND time < ? AND time > ? AND time <= ? ORDER BY id LIMIT ?", after, q.Earliest, q.Latest, q.Arrived.After, q.Arrived.upto(), alertsAtOnce)
		if err != nil {
			return fmt.Errorf("cannot read the audit log: %w", damaged(err))
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

// ActionsOf returns the latest actions of one kind by somebody, the newest first.
func (s *DB) ActionsOf(ctx context.Context, who, action string, limit int) ([]Action, error) {
	list, err := s.actions(ctx, "who = ? AND action = ? ORDER BY id DESC LIMIT ?", who, action, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the audit log: %w", damaged(err))
	}
	return list, nil
}

func (s *DB) actions(ctx context.Context, where string, args ...any) (list []Action, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, time, who, action, kind, object, text FROM audit WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Action
		if err := rows.Scan(&a.ID, &a.Time, &a.Who, &a.Action, &a.Kind, &a.Object, &a.Text); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// AuditFilter chooses entries of the audit log; "" and 0 choose all.
type AuditFilter struct {
	Who, Action, Kind, Object string
	Text                      string // in any of their parts; ASCII letters match in both cases
	Since, Until              int64  // unix milliseconds, the end exclusive
	Before                    int64  // only entries with a smaller ID
	Limit                     int
}

// AuditPage returns the entries that a filter chooses, the newest first, and how many
// there are without Before and Limit.
func (s *DB) AuditPage(ctx context.Context, f AuditFilter) (list []Action, total int, err error) {
	where := "time >= ? AND time < ?"
	args := []any{f.Since, Arrival{Upto: f.Until}.upto()}
	for _, c := range []struct{ column, value string }{{"who", f.Who}, {"action", f.Action}, {"kind", f.Kind}, {"object", f.Object}} {
		if c.value != "" {
			where += " AND " + c.column + " = ?"
			args = append(args, c.value)
		}
	}
	if f.Text != "" {
		where += " AND instr(lower(who || ' ' || action || ' ' || kind || ' ' || object || ' ' || text), lower(?)) > 0"
		args = append(args, f.Text)
	}
	if err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM audit WHERE "+where, args...).Scan(&total); err == nil {
		before := f.Before
		if before == 0 {
			before = math.MaxInt64
		}
		list, err = s.actions(ctx, where+" AND id < ? ORDER BY id DESC LIMIT ?", append(args, before, f.Limit)...)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the audit log: %w", damaged(err))
	}
	return list, total, nil
}

// ExpireAudit removes entries from before a time, unix milliseconds, and the oldest of
// more than most. What was done to alerts and findings stays: it is their history.
func (t *Tx) ExpireAudit(before int64, most int) error {
	const others = "kind NOT IN ('alert', 'finding', 'rule')"
	if _, err := t.tx.Exec("DELETE FROM audit WHERE time < ? AND "+others, before); err != nil {
		return err
	}
	_, err := t.tx.Exec("DELETE FROM audit WHERE id <= (SELECT id FROM audit WHERE "+others+" ORDER BY id DESC LIMIT 1 OFFSET ?) AND "+others, most)
	return err
}
