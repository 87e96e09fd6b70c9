package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Alert is what somebody has to look at. Body is the JSON of all of it; the rest is
// what it is listed and looked up by.
type Alert struct {
	Number   int64  // counted from 1; 0 for PutAlert = a new one, and is set
	ID       string // 32 hexadecimal digits
	Rule     string // its ID
	Name     string // the rule's
	Title    string
	Kind     string // of the entity
	Entity   string
	Severity int // its rank, higher is worse
	Status   string
	Verdict  string
	Assignee string
	Accounts []string
	Summary  string
	Risk     float64
	Events   int64
	Findings int64
	Silent   int64 // findings that joined after it was closed
	First    int64 // of its events, unix nanoseconds
	Last     int64
	Created  int64 // unix milliseconds, as are Updated and Closed
	Updated  int64
	Closed   int64 // 0 = it is open
	Touched  bool  // people have changed it
	Body     []byte
}

// AlertQuery says which alerts are wanted. The zero value is all of them.
type AlertQuery struct {
	Earliest int64    // of Last, unix nanoseconds, inclusive; 0 = open
	Latest   int64    // of First, exclusive; 0 = open
	Severity int      // rank, at least
	Status   []string // nil = any
	Arrived  Arrival  // of Updated
	Oldest   bool     // the oldest come first, else the newest
	Bodies   bool     // Body is read, too
}

const alertColumns = "number, id, rule, name, title, kind, entity, severity, status, verdict, assignee, accounts, summary, risk, events, findings, silent, first, last, created, updated, closed, touched"

// alertsAtOnce is how many alerts are read at a time; commits wait for readers.
const alertsAtOnce = 500

func scanAlert(rows *sql.Rows, body bool) (a Alert, err error) {
	var accounts string
	to := []any{
		&a.Number, &a.ID, &a.Rule, &a.Name, &a.Title, &a.Kind, &a.Entity, &a.Severity, &a.Status, &a.Verdict, &a.Assignee, &accounts, &a.Summary, &a.Risk, &a.Events,
		&a.Findings, &a.Silent, &a.First, &a.Last, &a.Created, &a.Updated, &a.Closed, &a.Touched,
	}
	if body {
		to = append(to, &a.Body)
	}
	err = rows.Scan(to...)
	if accounts != "" {
		a.Accounts = strings.Split(accounts, "\n")
	}
	return a, err
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

func alertsBy(ctx context.Context, q querier, body bool, where string, args ...any) (list []Alert, err error) {
	text := "SELECT " + alertColumns + " FROM alert "
	if body {
		text = "SELECT " + alertColumns + ", body FROM alert JOIN alert_body ON alert = id "
	}
	rows, err := q.QueryContext(ctx, text+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanAlert(rows, body)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}

// Alerts calls each with the alerts of a query in the order of their last event. Alerts
// that are added meanwhile may be missing.
func (s *DB) Alerts(ctx context.Context, q AlertQuery, each func(*Alert) error) error {
	where, at, number := "(last, number) < (?1, ?2)", int64(math.MaxInt64), int64(math.MaxInt64)
	order := "ORDER BY last DESC, number DESC LIMIT ?3"
	if q.Oldest {
		where, at, number, order = "(last, number) > (?1, ?2)", math.MinInt64, 0, "ORDER BY last, number LIMIT ?3"
	}
	args := []any{0, 0, alertsAtOnce}
	also := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	if q.Earliest != 0 {
		also("last >= ?%d", q.Earliest)
	}
	if q.Latest != 0 {
		also("first < ?%d", q.Latest)
	}
	if q.Severity > 0 {
		also("severity >= ?%d", q.Severity)
	}
	if len(q.Status) > 0 {
		also("?%d LIKE '%%|' || status || '|%%'", "|"+strings.Join(q.Status, "|")+"|")
	}
	if q.Arrived.After > 0 {
		also("updated > ?%d", q.Arrived.After)
	}
	if q.Arrived.Upto > 0 {
		also("updated <= ?%d", q.Arrived.Upto)
	}
	for {
		args[0], args[1] = at, number
		list, err := alertsBy(ctx, s.db, q.Bodies, "WHERE "+where+" "+order, args...)
		if err != nil {
			return fmt.Errorf("cannot read the alerts: %w", damaged(err))
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < alertsAtOnce {
			return nil
		}
		at, number = list[len(list)-1].Last, list[len(list)-1].Number
	}
}

// Alert returns an alert with its body, nil if there is none with this ID.
func (s *DB) Alert(id string) (*Alert, error) {
	a, err := alertOf(s.db, id)
	if err != nil {
		return nil, fmt.Errorf("cannot read alert %q: %w", id, damaged(err))
	}
	return a, nil
}

// Alert is DB.Alert within a transaction.
func (t *Tx) Alert(id string) (*Alert, error) { return alertOf(t.tx, id) }

func alertOf(q querier, id string) (*Alert, error) {
	list, err := alertsBy(context.Background(), q, true, "WHERE id = ?", id)
	if len(list) == 0 || err != nil {
		return nil, err
	}
	return &list[0], nil
}

// AlertIDs returns the IDs of alerts that begin with a text, at most limit, or the one
// with a number.
func (s *DB) AlertIDs(prefix string, number int64, limit int) (ids []string, err error) {
	ids, err = texts(s.db, "SELECT id FROM alert WHERE number = ?3 UNION SELECT id FROM alert WHERE id >= ?1 AND id < ?1 || char(0x10ffff) AND ?3 = 0 ORDER BY id LIMIT ?2", prefix, limit, number)
	if err != nil {
		return nil, fmt.Errorf("cannot look for an alert: %w", damaged(err))
	}
	return ids, nil
}

// mostNear bounds the alerts of one rule and entity that AlertsNear returns.
const mostNear = 100

// AlertsNear returns the alerts of a rule and entity whose events, or whose closing, lie
// in a range of time, both ends included, the newest first. They have no bodies.
func (t *Tx) AlertsNear(rule, entity string, from, to time.Time) ([]Alert, error) {
	return alertsNear(t.tx, rule, entity, from, to)
}

// AlertsNear is Tx.AlertsNear outside of a transaction.
func (s *DB) AlertsNear(rule, entity string, from, to time.Time) ([]Alert, error) {
	list, err := alertsNear(s.db, rule, entity, from, to)
	if err != nil {
		err = fmt.Errorf("cannot look for alerts: %w", damaged(err))
	}
	return list, err
}

func alertsNear(q querier, rule, entity string, from, to time.Time) ([]Alert, error) {
	return alertsBy(context.Background(), q, false,
		"WHERE rule = ? AND entity = ? AND (last >= ? AND first <= ? OR closed >= ? AND closed <= ?) ORDER BY last DESC, number DESC LIMIT ?",
		rule, entity, from.UnixNano(), to.UnixNano(), max(1, from.UnixMilli()), to.UnixMilli(), mostNear)
}

// PutAlert adds an alert, or replaces the one with the same number.
func (t *Tx) PutAlert(a *Alert) error {
	values := []any{
		a.ID, a.Rule, a.Name, a.Title, a.Kind, a.Entity, a.Severity, a.Status, a.Verdict, a.Assignee, strings.Join(a.Accounts, "\n"), a.Summary, a.Risk, a.Events,
		a.Findings, a.Silent, a.First, a.Last, a.Created, a.Updated, a.Closed, a.Touched,
	}
	marks := "?" + strings.Repeat(", ?", len(values)-1)
	if a.Number == 0 {
		r, err := t.tx.Exec("INSERT INTO alert ("+strings.TrimPrefix(alertColumns, "number, ")+") VALUES ("+marks+")", values...)
		if err == nil {
			a.Number, err = r.LastInsertId()
		}
		if err != nil {
			return err
		}
	} else if _, err := t.tx.Exec("UPDATE alert SET ("+strings.TrimPrefix(alertColumns, "number, ")+") = ("+marks+") WHERE number = ?", append(values, a.Number)...); err != nil {
		return err
	}
	return nil
}

// PutAlertBody sets the body of an alert.
func (t *Tx) PutAlertBody(id string, body []byte) error {
	_, err := t.tx.Exec("INSERT OR REPLACE INTO alert_body VALUES (?, ?)", id, body)
	return err
}

// Part is what a finding adds to an alert.
type Part struct {
	Finding  string
	Alert    string
	Severity int
	Events   int64
	First    int64 // unix nanoseconds
	Last     int64
	Silent   bool // it joined after the alert was closed
}

// Part returns what a finding adds to which alert; ok is false if it adds to none.
func (t *Tx) Part(finding string) (p Part, ok bool, err error) {
	err = t.tx.QueryRow("SELECT finding, alert, severity, events, first, last, silent FROM alert_finding WHERE finding = ?", finding).
		Scan(&p.Finding, &p.Alert, &p.Severity, &p.Events, &p.First, &p.Last, &p.Silent)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}

// PutPart sets what a finding adds to an alert.
func (t *Tx) PutPart(p Part) error {
	_, err := t.tx.Exec("INSERT OR REPLACE INTO alert_finding (finding, alert, severity, events, first, last, silent) VALUES (?, ?, ?, ?, ?, ?, ?)",
		p.Finding, p.Alert, p.Severity, p.Events, p.First, p.Last, p.Silent)
	return err
}

// DropPart removes a finding from its alert.
func (t *Tx) DropPart(finding string) error {
	_, err := t.tx.Exec("DELETE FROM alert_finding WHERE finding = ?", finding)
	return err
}

// MoveParts gives all findings of an alert to another.
func (t *Tx) MoveParts(from, to string) error {
	_, err := t.tx.Exec("UPDATE alert_finding SET alert = ? WHERE alert = ?", to, from)
	return err
}

// HearParts makes the findings count that joined an alert silently.
func (t *Tx) HearParts(alert string) error {
	_, err := t.tx.Exec("UPDATE alert_finding SET silent = 0 WHERE alert = ?", alert)
	return err
}

// Sum returns what the findings of an alert come to: Severity, Events, First and Last
// of those that are not silent, and the numbers of both kinds.
func (t *Tx) Sum(alert string) (sum Part, loud, silent int64, err error) {
	err = t.tx.QueryRow(`SELECT coalesce(max(severity) FILTER (WHERE NOT silent), 0), coalesce(sum(events) FILTER (WHERE NOT silent), 0),
		coalesce(min(first) FILTER (WHERE NOT silent), 0), coalesce(max(last) FILTER (WHERE NOT silent), 0), count(*) FILTER (WHERE NOT silent), count(*) FILTER (WHERE silent)
		FROM alert_finding WHERE alert = ?`, alert).Scan(&sum.Severity, &sum.Events, &sum.First, &sum.Last, &loud, &silent)
	sum.Alert = alert
	return sum, loud, silent, err
}

// FindingsOf returns the IDs of the findings of an alert in the order of their first
// event, at most limit.
func (t *Tx) FindingsOf(alert string, limit int) ([]string, error) {
	return texts(t.tx, "SELECT finding FROM alert_finding WHERE alert = ? ORDER BY first, finding LIMIT ?", alert, limit)
}

// texts returns the only column of a query.
func texts(q querier, text string, args ...any) (list []string, err error) {
	rows, err := q.QueryContext(context.Background(), text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// ExpireAlerts removes closed alerts whose last event is older than a time, with all
// that belongs to them, and returns their number. Open alerts stay.
func (s *DB) ExpireAlerts(before time.Time) (n int64, err error) {
	err = s.Write(func(t *Tx) error {
		const old = "(SELECT id FROM alert WHERE last < ?1 AND closed > 0)"
		for _, text := range []string{
			"DELETE FROM alert_body WHERE alert IN " + old, "DELETE FROM alert_record WHERE alert IN " + old, "DELETE FROM alert_finding WHERE alert IN " + old,
			"DELETE FROM alert_wait WHERE alert IN " + old, "DELETE FROM alert WHERE last < ?1 AND closed > 0",
		} {
			r, err := t.tx.Exec(text, before.UnixNano())
			if err != nil {
				return err
			}
			if n, err = r.RowsAffected(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot remove expired alerts: %w", err)
	}
	return n, nil
}
