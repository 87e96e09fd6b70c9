package state

import (
	"slices"
	"testing"
)

// TestOutbox follows entries of the outbox to two outputs.
func TestOutbox(t *testing.T) {
	db := open(t, t.TempDir())
	write := func(f func(tx *Tx) error) {
		t.Helper()
		if err := db.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	keys := func(list []Delivery, err error) (keys []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			keys = append(keys, d.Key)
		}
		return keys
	}
	ids := func(list []Delivery) (ids []int64) {
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return ids
	}
	same := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	write(func(tx *Tx) error {
		for _, o := range []Outgoing{{Key: "raised", Alert: "a", Queued: 10, Body: []byte("1")}, {Key: "closed", Alert: "a", Queued: 11, Body: []byte("2")}, {Key: "other", Alert: "b", Queued: 12, Body: []byte("3")}, {Key: "nobody", Alert: "c", Queued: 13, Body: []byte("4")}} {
			if err := tx.PutOutgoing(&o); err != nil {
				return err
			}
		}
		return nil
	})
	list, err := db.Unrouted(10)
	if err != nil || len(list) != 4 {
		t.Fatal(list, err)
	}
	for range 2 { // the second time does nothing
		write(func(tx *Tx) error {
			for i := range list {
				due := map[string]int64{"x": 20, "y": 20}
				if list[i].Key == "nobody" {
					due = nil
				}
				if err := tx.Route(&list[i], due); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if left, err := db.Unrouted(10); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	same("early", keys(db.DueDeliveries("x", 19, 10)))
	same("due", keys(db.DueDeliveries("x", 20, 10)), "raised", "closed", "other")

	// A failed try holds up what comes later of the same alert, and nothing else.
	due, _ := db.DueDeliveries("x", 20, 10)
	write(func(tx *Tx) error { return tx.FailDeliveries(ids(due[:1]), 30, "no route") })
	same("after a failure", keys(db.DueDeliveries("x", 29, 10)), "other")
	same("other output", keys(db.DueDeliveries("y", 29, 10)), "raised", "closed", "other")
	same("retry", keys(db.DueDeliveries("x", 30, 10)), "other", "raised")
	write(func(tx *Tx) error { return tx.EndDeliveries(ids(due)) })
	same("sent", keys(db.DueDeliveries("x", 100, 10)))

	// Digests stay together.
	due, _ = db.DueDeliveries("y", 20, 2)
	write(func(tx *Tx) error { return tx.SetBatch(ids(due), "digest") })
	same("not in the digest", keys(db.DueDeliveries("y", 100, 10)), "other")
	same("digest", keys(db.BatchDeliveries("y", 100)), "raised", "closed")
	write(func(tx *Tx) error { return tx.BuryDeliveries(ids(due), "refused") })
	same("no digest", keys(db.BatchDeliveries("y", 100)))
	same("dead", keys(db.DeadDeliveries("", 10)), "closed", "raised")
	if o, err := db.Output("y"); err != nil || o.Waiting != 1 || o.Dead != 2 || o.Oldest != 12 {
		t.Errorf("%+v, %v", o, err)
	}
	write(func(tx *Tx) error { return tx.ReviveDeliveries(ids(due), 200) })
	same("revived", keys(db.DueDeliveries("y", 200, 10)), "other", "raised", "closed")

	// Old ones and those beyond a limit are given up; the list of those is bounded.
	write(func(tx *Tx) error {
		if n, err := tx.BuryOld("y", 100, 2, "too old"); err != nil || n != 2 {
			t.Error(n, err)
		}
		if n, err := tx.TrimDead("y", 1); err != nil || n != 1 {
			t.Error(n, err)
		}
		return nil
	})
	same("still waiting", keys(db.DueDeliveries("y", 200, 10)), "closed")
	same("kept dead", keys(db.DeadDeliveries("y", 10)), "other")
	write(func(tx *Tx) error {
		list, err := tx.deliveryIDs()
		if err != nil {
			return err
		}
		return tx.EndDeliveries(list)
	})
	var n int
	if err := db.db.QueryRow("SELECT count(*) FROM outgoing").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d entries are left, %v", n, err)
	}
}

// TestOutputState: successes end a streak of failures.
func TestOutputState(t *testing.T) {
	db := open(t, t.TempDir())
	if err := db.Write(func(tx *Tx) error {
		for range 3 {
			if err := tx.Failed("x", "no"); err != nil {
				return err
			}
		}
		return tx.Kept("x", 2, 1)
	}); err != nil {
		t.Fatal(err)
	}
	if o, err := db.Output("x"); err != nil || o.Failed != 3 || o.Streak != 3 || o.Held != 2 || o.Dropped != 1 || o.Error != "no" || o.Success != 0 {
		t.Errorf("%+v, %v", o, err)
	}
	if err := db.Write(func(tx *Tx) error { return tx.Sent("x", 4) }); err != nil {
		t.Fatal(err)
	}
	if o, err := db.Output("x"); err != nil || o.Sent != 4 || o.Streak != 0 || o.Failed != 3 || o.Success == 0 {
		t.Errorf("%+v, %v", o, err)
	}
}

func (t *Tx) deliveryIDs() (ids []int64, err error) {
	rows, err := t.tx.Query("SELECT id FROM delivery")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
