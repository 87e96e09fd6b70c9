package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"bluetrail/internal/state"
)

// MaxComment is how long a comment may be, in bytes.
const MaxComment = 16 << 10

// Act is what somebody does with an alert.
type Act struct {
	Who     string
	Close   Verdict // "" = it is not closed
	Assign  *string // to whom, "" = nobody; nil = as it is
	Begin   bool    // a new alert is in progress
	Reopen  bool
	Comment string // "" = none
}

// ErrGone says that there is no such alert any more.
var ErrGone = errors.New("there is no such alert")

// Apply does to an alert what somebody wants, and records it. changed is false if the
// alert was like that already. Findings of an alert that is closed as true or false are
// marked so, unless somebody has marked them before.
func Apply(tx *state.Tx, queue func(*state.Tx, *Alert, Change) error, id string, act Act) (a *Alert, changed bool, err error) {
	row, err := tx.Alert(id)
	if err != nil {
		return nil, false, err
	}
	if row == nil {
		return nil, false, ErrGone
	}
	if a, err = Decode(row); err != nil {
		return nil, false, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	record := func(action, text string) error {
		changed = true
		return tx.Audit(state.Action{Time: now.UnixMilli(), Who: act.Who, Action: action, Kind: "alert", Object: id, Text: text})
	}
	var tell Change
	if act.Reopen && a.Status == Closed {
		if err := record("reopened", "was "+string(a.Verdict)); err != nil {
			return nil, false, err
		}
		a.Status, a.Verdict, a.Closed, tell = InProgress, "", nil, Reopened
		if err := tx.HearParts(id); err != nil {
			return nil, false, err
		}
		if err := a.recount(tx); err != nil {
			return nil, false, err
		}
		if err := mark(tx, id, "", act.Who, a.Number); err != nil {
			return nil, false, err
		}
	}
	if act.Assign != nil && *act.Assign != a.Assignee {
		text := "to nobody"
		if *act.Assign != "" {
			text = "to " + *act.Assign
		}
		if err := record("assigned", text); err != nil {
			return nil, false, err
		}
		a.Assignee = *act.Assign
		if a.Status == New && a.Assignee != "" {
			a.Status = InProgress
		}
	}
	if act.Begin && a.Status == New {
		if err := record("begun", ""); err != nil {
			return nil, false, err
		}
		a.Status = InProgress
	}
	if act.Close != "" && (a.Status != Closed || a.Verdict != act.Close) {
		text := string(act.Close)
		if a.Status == Closed {
			text += ", was " + string(a.Verdict)
		} else {
			tell = Ended
			a.Closed = &now
		}
		if err := record("closed", text); err != nil {
			return nil, false, err
		}
		a.Status, a.Verdict = Closed, act.Close
		if err := mark(tx, id, act.Close, act.Who, a.Number); err != nil {
			return nil, false, err
		}
	}
	if act.Comment != "" {
		if err := record("comment", act.Comment); err != nil {
			return nil, false, err
		}
	}
	if !changed {
		return a, false, nil
	}
	a.Touched, a.Updated = true, now
	body, err := json.Marshal(a)
	if err == nil {
		err = tx.PutAlert(a.Row())
	}
	if err == nil {
		err = tx.PutAlertBody(id, body)
	}
	if err == nil && tell != "" && queue != nil {
		err = queue(tx, a, tell)
	}
	return a, true, err
}

// mark marks the findings of an alert as its verdict says, so that rules tune knows.
func mark(tx *state.Tx, id string, v Verdict, who string, number int64) error {
	status := state.StatusOpen
	switch v {
	case True:
		status = state.StatusTrue
	case False:
		status = state.StatusFalse
	}
	ids, err := tx.FindingsOf(id, MaxFindings)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("alert %d, by %s", number, who)
	for _, f := range ids {
		if err := tx.MarkOpen(f, status, note, fmt.Sprintf("alert %d,", number)); err != nil {
			return err
		}
	}
	return nil
}
