package state

import "database/sql"

// Hit is what a finding adds to the risk of an entity.
type Hit struct {
	Kind     string // of the entity
	Entity   string
	Finding  string
	Rule     string
	Actor    string
	Severity int // its rank
	Events   int64
	Time     int64 // unix nanoseconds
}

// PutHits replaces what a finding adds to risks.
func (t *Tx) PutHits(finding string, list []Hit) error {
	if _, err := t.tx.Exec("DELETE FROM risk_hit WHERE finding = ?", finding); err != nil {
		return err
	}
	for _, h := range list {
		if _, err := t.tx.Exec("INSERT OR REPLACE INTO risk_hit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", h.Kind, h.Entity, finding, h.Rule, h.Actor, h.Severity, h.Events, h.Time); err != nil {
			return err
		}
	}
	return nil
}

const hitColumns = "SELECT kind, entity, finding, rule, actor, severity, events, time FROM "

// Hits returns what adds to the risk of an entity in a range of time, both ends
// included: the newest limit ones, the oldest of them first.
func (t *Tx) Hits(kind, entity string, from, to int64, limit int) ([]Hit, error) {
	return hits(t.tx.Query(hitColumns+"(SELECT * FROM risk_hit WHERE kind = ? AND entity = ? AND time >= ? AND time <= ? ORDER BY time DESC, finding DESC LIMIT ?) ORDER BY time, finding",
		kind, entity, from, to, limit))
}

// HitsOf returns what a finding adds to risks.
func (t *Tx) HitsOf(finding string) ([]Hit, error) {
	return hits(t.tx.Query(hitColumns+"risk_hit WHERE finding = ? ORDER BY kind, entity", finding))
}

func hits(rows *sql.Rows, err error) (list []Hit, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Hit
		if err := rows.Scan(&h.Kind, &h.Entity, &h.Finding, &h.Rule, &h.Actor, &h.Severity, &h.Events, &h.Time); err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, rows.Err()
}
