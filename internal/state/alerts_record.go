package state

import (
	"context"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Record is the record of an event, kept with an alert.
type Record struct {
	Event string // its ID
	Time  int64  // unix nanoseconds
	Raw   []byte
}

// packing holds a packer and an unpacker, which are expensive to make.
var packing = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<17))
	if err != nil {
		panic(err) // of constant options
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		panic(err)
	}
	return e, d
})

// PutRecords keeps records with an alert. Those that it has stay as they are.
func (t *Tx) PutRecords(alert string, list []Record) error {
	e, _ := packing()
	for i := range list {
		r := &list[i]
		if _, err := t.tx.Exec("INSERT OR IGNORE INTO alert_record VALUES (?, ?, ?, ?, ?)", alert, r.Event, r.Time, len(r.Raw), e.EncodeAll(r.Raw, nil)); err != nil {
			return err
		}
	}
	return nil
}

// MoveRecords gives the records of an alert to another.
func (t *Tx) MoveRecords(from, to string) error {
	_, err := t.tx.Exec("UPDATE OR IGNORE alert_record SET alert = ? WHERE alert = ?", to, from)
	if err == nil {
		_, err = t.tx.Exec("DELETE FROM alert_record WHERE alert = ?", from)
	}
	return err
}

// RecordsHeld returns which events' records an alert has, and their bytes.
func (s *DB) RecordsHeld(alert string) (ids map[string]bool, bytes int64, err error) {
	if ids, bytes, err = recordsHeld(s.db, alert); err != nil {
		err = fmt.Errorf("cannot read the records of alert %q: %w", alert, damaged(err))
	}
	return ids, bytes, err
}

// RecordsHeld is DB.RecordsHeld within a transaction.
func (t *Tx) RecordsHeld(alert string) (ids map[string]bool, bytes int64, err error) {
	return recordsHeld(t.tx, alert)
}

func recordsHeld(q querier, alert string) (ids map[string]bool, bytes int64, err error) {
	rows, err := q.QueryContext(context.Background(), "SELECT event, size FROM alert_record WHERE alert = ?", alert)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	ids = map[string]bool{}
	for rows.Next() {
		var id string
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, 0, err
		}
		ids[id] = true
		bytes += n
	}
	return ids, bytes, rows.Err()
}

// AlertRecords returns the records of an alert in order of time.
func (s *DB) AlertRecords(alert string) (list []Record, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read the records of alert %q: %w", alert, damaged(err))
		}
	}()
	_, d := packing()
	rows, err := s.db.Query("SELECT event, time, raw FROM alert_record WHERE alert = ? ORDER BY time, event", alert)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Record
		var packed []byte
		if err := rows.Scan(&r.Event, &r.Time, &packed); err != nil {
			return nil, err
		}
		if r.Raw, err = d.DecodeAll(packed, nil); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}
