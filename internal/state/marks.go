package state

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Status is what people say of a finding.
type Status string

// The statuses of a finding.
const (
	StatusOpen  Status = "open"  // nobody has said anything yet
	StatusTrue  Status = "true"  // it was what the rule looks for
	StatusFalse Status = "false" // it was harmless
)

// Mark is what people say of a finding. It outlives that the finding is replaced.
type Mark struct {
	Status Status
	Note   string
	Marked int64 // when, unix milliseconds; 0 = never
}

// MaxNote is how long a note may be, in bytes.
const MaxNote = 4 << 10

// PutMark sets the status of a finding, and its note unless that is nil: then the note
// stays. A finding that is open and has no note has no mark.
func (t *Tx) PutMark(finding string, status Status, note *string) error {
	_, err := t.tx.Exec(`INSERT INTO finding_mark VALUES (?1, ?2, coalesce(?3, ''), ?4)
		ON CONFLICT (finding) DO UPDATE SET status = ?2, note = coalesce(?3, note), marked = ?4`, finding, string(status), note, time.Now().UnixMilli())
	if err == nil && status == StatusOpen {
		_, err = t.tx.Exec("DELETE FROM finding_mark WHERE finding = ? AND note = ''", finding)
	}
	return err
}

// MarkOpen marks a finding unless it is marked already by something else than a mark
// whose note begins with ours.
func (t *Tx) MarkOpen(finding string, status Status, note, ours string) error {
	var was, said string
	err := t.tx.QueryRow("SELECT status, note FROM finding_mark WHERE finding = ?", finding).Scan(&was, &said)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if status == StatusOpen {
			return nil
		}
	case err != nil:
		return err
	case !strings.HasPrefix(said, ours) && Status(was) != StatusOpen:
		return nil
	case status == StatusOpen:
		note = ""
	}
	return t.PutMark(finding, status, &note)
}

// Document returns the finding's JSON object with its status and, if there is one, its
// note.
func (f *Finding) Document() ([]byte, error) {
	mark := struct {
		Status Status `json:"status"`
		Note   string `json:"note,omitempty"`
	}{f.Status, f.Note}
	if mark.Status == "" {
		mark.Status = StatusOpen
	}
	tail, err := json.Marshal(mark)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(f.Body)
	if len(body) < 2 || body[0] != '{' || body[len(body)-1] != '}' {
		return nil, fmt.Errorf("finding %q is not a JSON object", f.ID)
	}
	body = bytes.TrimSpace(body[:len(body)-1])
	tail[0] = ','
	if len(body) == 1 { // {}
		tail = tail[1:]
	}
	return slices.Concat(body, tail), nil
}
