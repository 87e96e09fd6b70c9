package state

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"
)

// Finding is what a rule found. Body is all of it; the rest is what it is looked up by.
type Finding struct {
	ID       string
	Time     int64 // unix nanoseconds, as are First and Last
	Rule     string
	Severity int // its rank, higher is worse
	Entity   string
	First    int64 // of its events
	Last     int64
	Arrived  int64 // when it was written, unix milliseconds; 0 for PutFindings = now
	Body     []byte

	Mark // read only: PutMark sets it
}

// Arrival is a range of Arrived. The zero Arrival is any time.
type Arrival struct {
	After int64 // exclusive
	Upto  int64 // inclusive, 0 = any
}

// PutFindings adds findings; those with a known ID replace what is there. It queues
// them for alerts, and so does DropFindings.
func (t *Tx) PutFindings(list []Finding) error {
	if len(list) == 0 {
		return nil
	}
	put, err := t.tx.Prepare("INSERT OR REPLACE INTO finding (id, time, rule, severity, entity, first, last, arrived, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer put.Close()
	for i := range list {
		f := &list[i]
		if err := t.queue(f.ID); err != nil {
			return err
		}
		if f.Arrived == 0 {
			f.Arrived = time.Now().UnixMilli()
		}
		if _, err := put.Exec(f.ID, f.Time, f.Rule, f.Severity, f.Entity, f.First, f.Last, f.Arrived, f.Body); err != nil {
			return err
		}
	}
	return nil
}

// DropFindings removes findings that later events have withdrawn.
func (t *Tx) DropFindings(ids []string) error {
	for _, id := range ids {
		if _, err := t.tx.Exec("DELETE FROM finding WHERE id = ?", id); err != nil {
			return err
		}
		if err := t.queue(id); err != nil {
			return err
		}
	}
	return nil
}

// FindingQuery says which findings are wanted.
type FindingQuery struct {
	Earliest int64 // unix nanoseconds, inclusive
	Latest   int64 // exclusive; math.MaxInt64 = no end
	Severity int   // rank, at least
	Arrived  Arrival
	Newest   bool // the newest come first, else the oldest
}

const findingColumns = "SELECT id, time, rule, severity, entity, first, last, arrived, body, coalesce(status, 'open'), coalesce(note, ''), coalesce(marked, 0)" +
	" FROM finding LEFT JOIN finding_mark ON finding = id"

// findingsAtOnce is how many findings are read at a time. Commits wait for readers, so
// none keeps the database while it works on what it read.
const findingsAtOnce = 200

// Findings calls each with the findings of a query in the order of their time. Findings
// that are added meanwhile may be missing.
func (s *DB) Findings(ctx context.Context, q FindingQuery, each func(*Finding) error) error {
	const columns = findingColumns + " WHERE time >= ?1 AND time <= ?2 AND severity >= ?3 AND arrived > ?7 AND arrived <= ?8"
	text, at, id := columns+" AND (time, id) > (?4, ?5) ORDER BY time, id LIMIT ?6", int64(math.MinInt64), ""
	if q.Newest {
		text, at, id = columns+" AND (time, id) < (?4, ?5) ORDER BY time DESC, id DESC LIMIT ?6", math.MaxInt64, "\U0010ffff"
	}
	after, upto := q.Arrived.After, q.Arrived.upto()
	if q.Arrived == (Arrival{}) {
		after = math.MinInt64
	}
	latest := q.Latest
	if latest < math.MaxInt64 {
		latest--
	}
	for {
		list, err := s.page(ctx, text, q.Earliest, latest, q.Severity, at, id, findingsAtOnce, after, upto)
		if err != nil {
			return fmt.Errorf("cannot read the findings: %w", damaged(err))
		}
		for i := range list {
			if err := each(&list[i]); err != nil {
				return err
			}
		}
		if len(list) < findingsAtOnce {
			return nil
		}
		at, id = list[len(list)-1].Time, list[len(list)-1].ID
	}
}

func (s *DB) page(ctx context.Context, text string, args ...any) (list []Finding, err error) {
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f Finding
		if err := rows.Scan(&f.ID, &f.Time, &f.Rule, &f.Severity, &f.Entity, &f.First, &f.Last, &f.Arrived, &f.Body, &f.Status, &f.Note, &f.Marked); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, rows.Err()
}

// FindingIDs returns the IDs of findings that begin with a text, at most limit.
func (s *DB) FindingIDs(prefix string, limit int) (ids []string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot look for a finding: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT id FROM finding WHERE id >= ?1 AND id < ?1 || char(0x10ffff) ORDER BY id LIMIT ?2", prefix, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Finding returns a finding.
func (s *DB) Finding(id string) (*Finding, error) {
	list, err := s.page(context.Background(), findingColumns+" WHERE id = ?", id)
	if err == nil && len(list) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read finding %q: %w", id, damaged(err))
	}
	return &list[0], nil
}

// CountFindings returns how many findings there are.
func (s *DB) CountFindings() (n int64, err error) {
	if err := s.db.QueryRow("SELECT count(*) FROM finding").Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot count the findings: %w", damaged(err))
	}
	return n, nil
}

// ExpireFindings removes the findings whose last event is older than a time, and
// returns their number.
func (s *DB) ExpireFindings(before time.Time) (int64, error) {
	var n int64
	err := s.Write(func(t *Tx) error {
		r, err := t.tx.Exec("DELETE FROM finding WHERE last < ?", before.UnixNano())
		if err != nil {
			return err
		}
		if n, err = r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if _, err = t.tx.Exec("DELETE FROM finding_mark WHERE finding NOT IN (SELECT id FROM finding)"); err != nil {
			return err
		}
		_, err = t.tx.Exec("DELETE FROM risk_hit WHERE finding NOT IN (SELECT id FROM finding)")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot remove expired findings: %w", err)
	}
	return n, nil
}
