// Package output tells the world of alerts: it keeps an outbox in the state and delivers
// from there to the outputs of the configuration, at least once.
package output

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/state"
)

// Queue puts the change of an alert into the outbox, as the alert is now. Which outputs
// hear of it is decided when it is delivered, by the configuration of then.
func Queue(tx *state.Tx, a *alert.Alert, change alert.Change) error {
	now := time.Now()
	m := message.Message{Key: newKey(), Time: now.UTC(), Change: change, Alert: message.Bounded(a)}
	body, err := json.Marshal(&m)
	if err != nil {
		return err
	}
	return tx.PutOutgoing(&state.Outgoing{Key: m.Key, Alert: a.ID, Queued: now.UnixMilli(), Body: body})
}

// newKey returns 32 hexadecimal digits that nobody had before.
func newKey() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
