package state

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Outgoing is something that outputs are to hear of, such as the change of an alert.
type Outgoing struct {
	ID     int64  // counts up; 0 for PutOutgoing
	Key    string // receivers recognize repeats by it
	Alert  string // ID of the alert, "" = none
	Queued int64  // unix milliseconds
	Body   []byte
}

// PutOutgoing adds to the outbox. It is not yet decided which outputs hear of it.
func (t *Tx) PutOutgoing(o *Outgoing) error {
	_, err := t.tx.Exec("INSERT INTO outgoing (key, alert, queued, routed, body) VALUES (?, ?, ?, 0, ?)", o.Key, o.Alert, o.Queued, o.Body)
	return err
}

// Unrouted returns the oldest entries of the outbox for which Route was not called.
func (s *DB) Unrouted(limit int) (list []Outgoing, err error) {
	rows, err := s.db.Query("SELECT id, key, alert, queued, body FROM outgoing WHERE NOT routed ORDER BY id LIMIT ?", limit)
	if err != nil {
		return nil, wrapped("cannot read the outbox", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var o Outgoing
		if err := rows.Scan(&o.ID, &o.Key, &o.Alert, &o.Queued, &o.Body); err != nil {
			return nil, wrapped("cannot read the outbox", damaged(err))
		}
		list = append(list, o)
	}
	return list, wrapped("cannot read the outbox", damaged(rows.Err()))
}

// Delivery is what one output still has to send.
type Delivery struct {
	ID     int64
	Output string
	Queued int64 // unix milliseconds, as is Due
	Due    int64
	Tries  int
	Batch  string // key of the digest that it is sent with, "" = none yet
	Error  string // of the last try
	Key    string // of the outgoing, as is Body
	Body   []byte
}

// Route decides which outputs hear of an entry of the outbox, each at a time in unix
// milliseconds. Without any, the entry is removed. The second of two calls does nothing.
func (t *Tx) Route(o *Outgoing, due map[string]int64) error {
	r, err := t.tx.Exec("UPDATE outgoing SET routed = 1 WHERE id = ? AND NOT routed", o.ID)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	for output, at := range due {
		if _, err := t.tx.Exec("INSERT INTO delivery (outgoing, output, alert, queued, due, tries, batch, error, dead) VALUES (?, ?, ?, ?, ?, 0, '', '', 0)", o.ID, output, o.Alert, o.Queued, at); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		_, err = t.tx.Exec("DELETE FROM outgoing WHERE id = ?", o.ID)
	}
	return err
}

const deliveryColumns = "SELECT d.id, d.output, d.queued, d.due, d.tries, d.batch, d.error, o.key, o.body FROM delivery d JOIN outgoing o ON o.id = d.outgoing"

func (s *DB) deliveries(text string, args ...any) (list []Delivery, err error) {
	rows, err := s.db.Query(deliveryColumns+text, args...)
	if err != nil {
		return nil, wrapped("cannot read the outbox", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var d Delivery
		if err := rows.Scan(&d.ID, &d.Output, &d.Queued, &d.Due, &d.Tries, &d.Batch, &d.Error, &d.Key, &d.Body); err != nil {
			return nil, wrapped("cannot read the outbox", damaged(err))
		}
		list = append(list, d)
	}
	return list, wrapped("cannot read the outbox", damaged(rows.Err()))
}

// DueDeliveries returns what an output is to send at a time in unix milliseconds, what
// is due first and at most limit. Of one alert, nothing comes before what was queued
// earlier and is still waiting.
func (s *DB) DueDeliveries(output string, at int64, limit int) ([]Delivery, error) {
	return s.deliveries(` WHERE d.output = ?1 AND NOT d.dead AND d.due <= ?2 AND d.batch = ''
		AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.alert = d.alert AND e.alert != '' AND e.output = d.output AND e.id < d.id AND NOT e.dead AND (e.due > d.due OR e.batch != ''))
		ORDER BY d.due, d.id LIMIT ?3`, output, at, limit)
}

// BatchDeliveries returns the oldest digest of an output that was put together and not
// sent, if it is due.
func (s *DB) BatchDeliveries(output string, at int64) ([]Delivery, error) {
	return s.deliveries(` WHERE d.output = ?1 AND NOT d.dead AND d.batch = (SELECT batch FROM delivery WHERE output = ?1 AND NOT dead AND batch != '' AND due <= ?2 ORDER BY id LIMIT 1)
		ORDER BY d.id`, output, at)
}

// DeadDeliveries returns what an output gave up, or all outputs for "", the newest first
// and at most limit.
func (s *DB) DeadDeliveries(output string, limit int) ([]Delivery, error) {
	return s.deliveries(" WHERE d.dead AND (?1 = '' OR d.output = ?1) ORDER BY d.id DESC LIMIT ?2", output, limit)
}

// SetBatch joins deliveries to a digest.
func (t *Tx) SetBatch(ids []int64, batch string) error {
	return t.eachDelivery(ids, "UPDATE delivery SET batch = ?2 WHERE id = ?1", batch)
}

// FailDeliveries notes a failed try, and when the next is due, in unix milliseconds.
func (t *Tx) FailDeliveries(ids []int64, due int64, reason string) error {
	return t.eachDelivery(ids, "UPDATE delivery SET tries = tries + 1, due = ?2, error = ?3 WHERE id = ?1", due, reason)
}

// BuryDeliveries puts deliveries on the list of what was given up.
func (t *Tx) BuryDeliveries(ids []int64, reason string) error {
	return t.eachDelivery(ids, "UPDATE delivery SET dead = 1, batch = '', error = ?2 WHERE id = ?1", reason)
}

// EndDeliveries removes deliveries that were sent or dropped.
func (t *Tx) EndDeliveries(ids []int64) error {
	if err := t.eachDelivery(ids, "DELETE FROM outgoing WHERE id = (SELECT outgoing FROM delivery WHERE id = ?1) AND (SELECT count(*) FROM delivery WHERE outgoing = outgoing.id) = 1"); err != nil {
		return err
	}
	return t.eachDelivery(ids, "DELETE FROM delivery WHERE id = ?1")
}

// ReviveDeliveries makes given-up deliveries due again, with their tries forgotten.
func (t *Tx) ReviveDeliveries(ids []int64, at int64) error {
	return t.eachDelivery(ids, "UPDATE delivery SET dead = 0, tries = 0, batch = '', queued = ?2, due = ?2 WHERE id = ?1 AND dead", at)
}

func (t *Tx) eachDelivery(ids []int64, text string, args ...any) error {
	stmt, err := t.tx.Prepare(text)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for _, id := range ids {
		if _, err := stmt.Exec(append([]any{id}, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// BuryOld gives up the deliveries of an output that were queued before a time in unix
// milliseconds, and all but the newest most. It returns how many there were.
func (t *Tx) BuryOld(output string, before int64, most int, reason string) (int64, error) {
	r, err := t.tx.Exec(`UPDATE delivery SET dead = 1, batch = '', error = ?4 || CASE error WHEN '' THEN '' ELSE ': ' || error END
		WHERE output = ?1 AND NOT dead AND (queued < ?2 OR id <= (SELECT id FROM delivery WHERE output = ?1 AND NOT dead ORDER BY id DESC LIMIT 1 OFFSET ?3))`, output, before, most, reason)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// TrimDead removes all but the newest most given-up deliveries of an output, and returns
// how many there were.
func (t *Tx) TrimDead(output string, most int) (int64, error) {
	rows, err := t.tx.Query("SELECT id FROM delivery WHERE output = ? AND dead ORDER BY id DESC LIMIT -1 OFFSET ?", output, most)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		ids = append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	return int64(len(ids)), t.EndDeliveries(ids)
}

// WaitingOutputs returns the names of outputs that have deliveries waiting.
func (t *Tx) WaitingOutputs() ([]string, error) {
	return texts(t.tx, "SELECT DISTINCT output FROM delivery WHERE NOT dead ORDER BY output")
}

// OutputState is what is known of an output. Times are unix milliseconds, 0 = never.
type OutputState struct {
	Name    string
	Sent    int64 // alerts
	Failed  int64 // tries
	Held    int64 // kept from it by maintenance windows
	Dropped int64 // removed from the list of what was given up because it was full
	Streak  int64 // failed tries since the last success
	Success int64 // last time
	Failure int64
	Error   string // of the last failure
	Waiting int64  // read only, as are Dead and Oldest
	Dead    int64
	Oldest  int64 // when the oldest that waits was queued
}

// Undelivered returns the outputs that still have to hear of an alert, or gave it up;
// routed is false while it is not decided which outputs do.
func (s *DB) Undelivered(alert string) (outputs []string, routed bool, err error) {
	defer func() { err = wrapped("cannot read the outbox", damaged(err)) }()
	var unrouted bool
	if err := s.db.QueryRow("SELECT EXISTS (SELECT 1 FROM outgoing WHERE alert = ? AND NOT routed)", alert).Scan(&unrouted); err != nil {
		return nil, false, err
	}
	outputs, err = texts(s.db, "SELECT DISTINCT output FROM delivery WHERE alert = ?", alert)
	return outputs, !unrouted, err
}

// Output returns what is known of an output.
func (s *DB) Output(name string) (OutputState, error) {
	o := OutputState{Name: name}
	err := s.db.QueryRow("SELECT sent, failed, held, dropped, streak, success, failure, error FROM output WHERE name = ?", name).Scan(&o.Sent, &o.Failed, &o.Held, &o.Dropped, &o.Streak, &o.Success, &o.Failure, &o.Error)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		err = s.db.QueryRow("SELECT coalesce(sum(NOT dead), 0), coalesce(sum(dead), 0), coalesce(min(CASE WHEN NOT dead THEN queued END), 0) FROM delivery WHERE output = ?", name).Scan(&o.Waiting, &o.Dead, &o.Oldest)
	}
	if err != nil {
		return o, fmt.Errorf("cannot read the state of output %q: %w", name, damaged(err))
	}
	return o, nil
}

// Sent counts alerts that an output sent.
func (t *Tx) Sent(name string, n int) error {
	_, err := t.tx.Exec(`INSERT INTO output VALUES (?1, ?2, 0, 0, 0, 0, ?3, 0, '')
		ON CONFLICT (name) DO UPDATE SET sent = sent + ?2, streak = 0, success = ?3`, name, n, time.Now().UnixMilli())
	return err
}

// Failed counts a failed try of an output.
func (t *Tx) Failed(name, reason string) error {
	_, err := t.tx.Exec(`INSERT INTO output VALUES (?1, 0, 1, 0, 0, 1, 0, ?2, ?3)
		ON CONFLICT (name) DO UPDATE SET failed = failed + 1, streak = streak + 1, failure = ?2, error = ?3`, name, time.Now().UnixMilli(), reason)
	return err
}

// Kept counts alerts that a maintenance window kept from an output, and given-up ones
// that were removed.
func (t *Tx) Kept(name string, held, dropped int64) error {
	_, err := t.tx.Exec(`INSERT INTO output VALUES (?1, 0, 0, ?2, ?3, 0, 0, 0, '')
		ON CONFLICT (name) DO UPDATE SET held = held + ?2, dropped = dropped + ?3`, name, held, dropped)
	return err
}

// PostponeDeliveries sets when deliveries are due, in unix milliseconds.
func (t *Tx) PostponeDeliveries(ids []int64, due int64) error {
	return t.eachDelivery(ids, "UPDATE delivery SET due = ?2 WHERE id = ?1", due)
}
