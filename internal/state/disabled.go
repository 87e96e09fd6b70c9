package state

import (
	"fmt"
	"time"
)

// Disabled is a rule that was switched off: by somebody, or because it failed or cost
// too much. In the latter case it stays off until its text changes.
type Disabled struct {
	Rule   string // its ID
	Print  string // of the text that was switched off; "" = any, since somebody did it
	Since  time.Time
	Reason string
}

// Holds reports whether the rule is off with a text of this print.
func (d *Disabled) Holds(print string) bool { return d.Print == "" || d.Print == print }

// Disable switches a rule off.
func (t *Tx) Disable(d Disabled) error {
	_, err := t.tx.Exec("INSERT OR REPLACE INTO disabled VALUES (?, ?, ?, ?)", d.Rule, d.Print, d.Since.UnixMilli(), d.Reason)
	return err
}

// Enable switches a rule on again.
func (t *Tx) Enable(rule string) error {
	_, err := t.tx.Exec("DELETE FROM disabled WHERE rule = ?", rule)
	return err
}

// Disabled returns the rules that are switched off, by their ID.
func (s *DB) Disabled() (list []Disabled, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read which rules are disabled: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT rule, print, since, reason FROM disabled ORDER BY rule")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Disabled
		var since int64
		if err := rows.Scan(&d.Rule, &d.Print, &since, &d.Reason); err != nil {
			return nil, err
		}
		d.Since = time.UnixMilli(since)
		list = append(list, d)
	}
	return list, rows.Err()
}
