package state

import (
	"fmt"
	"time"
)

// ruleRuns creates the tables of scheduled rules.
const ruleRuns = `
CREATE TABLE rule_progress (
	rule     TEXT PRIMARY KEY,
	planned  INTEGER NOT NULL,
	arrived  INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	rows     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rule_run (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	rule     TEXT NOT NULL,
	reason   TEXT NOT NULL,
	planned  INTEGER NOT NULL,
	earliest INTEGER NOT NULL,
	latest   INTEGER NOT NULL,
	started  INTEGER NOT NULL,
	took     INTEGER NOT NULL,
	rows     INTEGER NOT NULL,
	findings INTEGER NOT NULL,
	muted    INTEGER NOT NULL,
	status   TEXT NOT NULL,
	said     TEXT NOT NULL
) STRICT;
CREATE INDEX rule_run_rule ON rule_run (rule, id);
CREATE TABLE rule_told (
	rule    TEXT NOT NULL,
	alike   TEXT NOT NULL,
	planned INTEGER NOT NULL,
	PRIMARY KEY (rule, alike, planned)
) STRICT, WITHOUT ROWID;
`

// RuleProgress is how far the scheduler has come with a rule.
type RuleProgress struct {
	Rule     string
	Planned  time.Time // the last planned time that was dealt with
	Arrived  int64     // the last batch whose events were looked at
	Failures int       // runs in a row that failed
	Rows     int64     // of the last run
}

// RunStatus is how a run of a rule ended.
type RunStatus string

// The ends of runs.
const (
	RunDone    RunStatus = "done"
	RunFailed  RunStatus = "failed"
	RunSkipped RunStatus = "skipped"
)

// Run is one run of a scheduled rule, or of several that were skipped.
type Run struct {
	ID       int64
	Rule     string
	Reason   string    // due, missed or late
	Planned  time.Time // the search's clock
	Earliest time.Time // of the events' own times, inclusive; zero = open
	Latest   time.Time // exclusive
	Started  time.Time
	Took     time.Duration
	Rows     int64
	Findings int
	Muted    int // findings that suppression kept back
	Status   RunStatus
	Said     string // why it was skipped or failed, or what else is to know
}

// Told says that results which are alike were told at a planned time.
type Told struct {
	Alike   string
	Planned time.Time
}

// mostRuns is how many runs of one rule are kept.
const mostRuns = 200

// maxSaid bounds what a run says, in bytes.
const maxSaid = 2 << 10

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// RuleProgress returns how far a rule has come; ok is false for a rule that never
// ran.
func (s *DB) RuleProgress(rule string) (p RuleProgress, ok bool, err error) {
	list, err := s.progress(" WHERE rule = ?", rule)
	if err != nil || len(list) == 0 {
		return RuleProgress{Rule: rule}, false, err
	}
	return list[0], true, nil
}

// RulesProgress returns how far all rules have come, by name.
func (s *DB) RulesProgress() ([]RuleProgress, error) { return s.progress(" ORDER BY rule") }

func (s *DB) progress(where string, args ...any) (list []RuleProgress, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read the progress of rules: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT rule, planned, arrived, failures, rows FROM rule_progress"+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p RuleProgress
		var planned int64
		if err := rows.Scan(&p.Rule, &planned, &p.Arrived, &p.Failures, &p.Rows); err != nil {
			return nil, err
		}
		p.Planned = fromMillis(planned)
		list = append(list, p)
	}
	return list, rows.Err()
}

// SaveRuns records how far a rule has come, its runs and what they told, which
// replaces what was told at the planned times of these runs. What was told before
// forget is forgotten.
func (t *Tx) SaveRuns(p RuleProgress, runs []Run, told []Told, forget time.Time) (err error) {
	tx := t.tx
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot save the runs of the rule %q: %w", p.Rule, damaged(err))
		}
	}()
	_, err = tx.Exec("INSERT OR REPLACE INTO rule_progress VALUES (?, ?, ?, ?, ?)", p.Rule, millis(p.Planned), p.Arrived, p.Failures, p.Rows)
	if err != nil {
		return err
	}
	for _, r := range runs {
		said := r.Said
		if len(said) > maxSaid {
			said = said[:maxSaid]
		}
		_, err := tx.Exec("INSERT INTO rule_run (rule, reason, planned, earliest, latest, started, took, rows, findings, muted, status, said) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			p.Rule, r.Reason, millis(r.Planned), millis(r.Earliest), millis(r.Latest), millis(r.Started), int64(r.Took), r.Rows, r.Findings, r.Muted, string(r.Status), said)
		if err != nil {
			return err
		}
	}
	for _, r := range runs {
		if r.Status != RunDone {
			continue
		}
		if _, err := tx.Exec("DELETE FROM rule_told WHERE rule = ? AND planned = ?", p.Rule, millis(r.Planned)); err != nil {
			return err
		}
	}
	if len(runs) > 0 {
		if _, err := tx.Exec("DELETE FROM rule_run WHERE rule = ?1 AND id <= (SELECT id FROM rule_run WHERE rule = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)", p.Rule, mostRuns); err != nil {
			return err
		}
	}
	for _, t := range told {
		if _, err := tx.Exec("INSERT OR REPLACE INTO rule_told VALUES (?, ?, ?)", p.Rule, t.Alike, millis(t.Planned)); err != nil {
			return err
		}
	}
	_, err = tx.Exec("DELETE FROM rule_told WHERE rule = ? AND planned < ?", p.Rule, millis(forget))
	return err
}

// Runs returns the last runs of a rule, "" = of all rules, the newest first.
func (s *DB) Runs(rule string, limit int) (list []Run, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read the runs of rules: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT id, rule, reason, planned, earliest, latest, started, took, rows, findings, muted, status, said FROM rule_run WHERE ?1 = '' OR rule = ?1 ORDER BY id DESC LIMIT ?2", rule, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Run
		var planned, earliest, latest, started int64
		if err := rows.Scan(&r.ID, &r.Rule, &r.Reason, &planned, &earliest, &latest, &started, (*int64)(&r.Took), &r.Rows, &r.Findings, &r.Muted, &r.Status, &r.Said); err != nil {
			return nil, err
		}
		r.Planned, r.Earliest, r.Latest, r.Started = fromMillis(planned), fromMillis(earliest), fromMillis(latest), fromMillis(started)
		list = append(list, r)
	}
	return list, rows.Err()
}

// ToldAt returns what was told at a planned time.
func (s *DB) ToldAt(rule string, planned time.Time) (alike []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read what the rule %q told: %w", rule, damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT alike FROM rule_told WHERE rule = ? AND planned = ? ORDER BY alike", rule, millis(planned))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a string
		if err := rows.Scan(&a); err != nil {
			return nil, err
		}
		alike = append(alike, a)
	}
	return alike, rows.Err()
}

// WasTold reports whether alike results were told at a planned time between two
// others, both exclusive.
func (s *DB) WasTold(rule, alike string, after, before time.Time) (told bool, err error) {
	var n int
	err = s.db.QueryRow("SELECT count(*) FROM rule_told WHERE rule = ? AND alike = ? AND planned > ? AND planned < ?", rule, alike, millis(after), millis(before)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("cannot read what the rule %q told: %w", rule, damaged(err))
	}
	return n > 0, nil
}
