package state

import (
	"context"
	"fmt"
	"time"
)

// RuleHits is how often a rule fired within some days.
type RuleHits struct {
	Findings, True, False int64
	Last                  int64   // time of the last finding, unix nanoseconds
	Days                  []int64 // findings of each day, the oldest first
}

// RuleHits counts findings by rule over days of 24 hours that end at a time.
func (s *DB) RuleHits(ctx context.Context, end time.Time, days int) (map[string]*RuleHits, error) {
	from, to := end.Add(-time.Duration(days)*24*time.Hour).UnixNano(), end.UnixNano()
	rows, err := s.db.QueryContext(ctx, `SELECT rule, (time - ?1) / 86400000000000 AS day, count(*), max(time), count(*) FILTER (WHERE status = 'true'), count(*) FILTER (WHERE status = 'false')
		FROM finding LEFT JOIN finding_mark ON finding = id WHERE time >= ?1 AND time < ?2 GROUP BY rule, day`, from, to)
	if err != nil {
		return nil, fmt.Errorf("cannot count the findings of rules: %w", damaged(err))
	}
	defer rows.Close()
	all := map[string]*RuleHits{}
	for rows.Next() {
		var rule string
		var day, n, last, good, bad int64
		if err := rows.Scan(&rule, &day, &n, &last, &good, &bad); err != nil {
			return nil, err
		}
		h := all[rule]
		if h == nil {
			h = &RuleHits{Days: make([]int64, days)}
			all[rule] = h
		}
		h.Findings, h.True, h.False, h.Last = h.Findings+n, h.True+good, h.False+bad, max(h.Last, last)
		h.Days[day] += n
	}
	return all, damaged(rows.Err())
}

// FindingsUnder returns the IDs of the findings of an alert in the order of their first
// event, at most limit.
func (s *DB) FindingsUnder(alert string, limit int) ([]string, error) {
	list, err := texts(s.db, "SELECT finding FROM alert_finding WHERE alert = ? ORDER BY first, finding LIMIT ?", alert, limit)
	if err != nil {
		err = fmt.Errorf("cannot read the findings of alert %q: %w", alert, damaged(err))
	}
	return list, err
}

// AlertOf returns the number of the alert that a finding is part of, 0 = none.
func (s *DB) AlertOf(finding string) (number int64, err error) {
	err = s.db.QueryRow("SELECT coalesce(max(number), 0) FROM alert JOIN alert_finding ON alert = id WHERE finding = ?", finding).Scan(&number)
	if err != nil {
		err = fmt.Errorf("cannot look for the alert of finding %q: %w", finding, damaged(err))
	}
	return number, err
}

// FolderFiles is what was read from a folder.
type FolderFiles struct {
	Files, Records int64
	Newest         string // the file that was changed last
	Changed        int64  // when, unix nanoseconds
	LastDay        int64  // of its events, as tally.Day
	Recent         int64  // files changed since
	RecentRecords  int64
	Problems       int64
}

// FolderFiles sums up the files of a folder. since is from when on files are recent.
func (s *DB) FolderFiles(dir string, since time.Time) (f FolderFiles, err error) {
	const within = " WHERE path > ?1 || '/' AND path < ?1 || '0'"
	err = s.db.QueryRow("SELECT count(*) FILTER (WHERE done), coalesce(sum(records), 0), coalesce(max(changed), 0), coalesce(max(last), 0), count(*) FILTER (WHERE changed >= ?2), coalesce(sum(records) FILTER (WHERE changed >= ?2), 0) FROM file"+within,
		dir, since.UnixNano()).Scan(&f.Files, &f.Records, &f.Changed, &f.LastDay, &f.Recent, &f.RecentRecords)
	if err == nil && f.Changed > 0 {
		err = s.db.QueryRow("SELECT path FROM file"+within+" AND changed = ?2 ORDER BY path DESC LIMIT 1", dir, f.Changed).Scan(&f.Newest)
	}
	if err == nil {
		err = s.db.QueryRow("SELECT count(*) FROM quarantine"+within, dir).Scan(&f.Problems)
	}
	if err != nil {
		err = fmt.Errorf("cannot sum up the files of %q: %w", dir, damaged(err))
	}
	return f, err
}

// CountAlerts returns how many alerts there are.
func (s *DB) CountAlerts() (n int64, err error) {
	if err := s.db.QueryRow("SELECT count(*) FROM alert").Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot count the alerts: %w", damaged(err))
	}
	return n, nil
}
