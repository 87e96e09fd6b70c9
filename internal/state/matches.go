package state

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
)

// FindingMatch is an event of a finding.
type FindingMatch struct {
	Time int64 // unix nanoseconds
	ID   [16]byte
	Body []byte
}

// Compare orders events by time; the ID decides between those of one time.
func (m *FindingMatch) Compare(o *FindingMatch) int {
	return cmp.Or(cmp.Compare(m.Time, o.Time), slices.Compare(m.ID[:], o.ID[:]))
}

// key is what the database sorts the events of a finding by.
func (m *FindingMatch) key() []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(m.Time)^1<<63), m.ID[:]...)
}

// More counts events of a finding that are not kept.
type More struct {
	Events int64
	Last   int64 // time of the last one
}

// Add adds what another one counts.
func (m *More) Add(o More) {
	if o.Events > 0 {
		m.Last = max(m.Last, o.Last)
		if m.Events == 0 {
			m.Last = o.Last
		}
		m.Events += o.Events
	}
}

// AddMatches adds events to a finding and returns all that are kept, in order. The
// first most of them are; more counts further ones, and the result all that are not kept.
func (t *Tx) AddMatches(finding string, list []FindingMatch, more More, most int) (all []FindingMatch, _ More, err error) {
	add, err := t.tx.Prepare("INSERT OR IGNORE INTO finding_match VALUES (?, ?, ?)")
	if err != nil {
		return nil, more, err
	}
	defer add.Close()
	for i := range list {
		if _, err := add.Exec(finding, list[i].key(), list[i].Body); err != nil {
			return nil, more, err
		}
	}
	var known More
	err = t.tx.QueryRow("SELECT events, last FROM finding_more WHERE finding = ?", finding).Scan(&known.Events, &known.Last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, more, err
	}
	was := known
	known.Add(more)
	rows, err := t.tx.Query("SELECT at, body FROM finding_match WHERE finding = ? ORDER BY at", finding)
	if err != nil {
		return nil, more, err
	}
	defer rows.Close()
	var from []byte // of the first one that is not kept
	for rows.Next() {
		var at, body []byte
		if err := rows.Scan(&at, &body); err != nil {
			return nil, more, err
		}
		if len(all) < most {
			m := FindingMatch{Time: int64(binary.BigEndian.Uint64(at) ^ 1<<63), Body: body}
			copy(m.ID[:], at[8:])
			all = append(all, m)
			continue
		}
		if from == nil {
			from = at
		}
		known.Add(More{1, int64(binary.BigEndian.Uint64(at) ^ 1<<63)})
	}
	if err := rows.Err(); err != nil {
		return nil, more, err
	}
	if from != nil {
		if _, err := t.tx.Exec("DELETE FROM finding_match WHERE finding = ? AND at >= ?", finding, from); err != nil {
			return nil, more, err
		}
	}
	if known != was {
		if _, err := t.tx.Exec("INSERT OR REPLACE INTO finding_more VALUES (?, ?, ?)", finding, known.Events, known.Last); err != nil {
			return nil, more, err
		}
	}
	return all, known, nil
}
