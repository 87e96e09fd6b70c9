package state

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// documents keeps what people write: dashboards, saved searches, settings, and the
// versions of rules and lookups, whose files are the ones that count.
const documents = `
CREATE TABLE document (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	time    INTEGER NOT NULL,
	who     TEXT NOT NULL,
	note    TEXT NOT NULL,
	gone    INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	body    BLOB NOT NULL,
	PRIMARY KEY (kind, id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_rule ON finding (rule, time);
`

// Document is a version of something that people write.
type Document struct {
	Kind    string // dashboard, rule, …
	ID      string
	Version int64  // counted from 1
	Time    int64  // unix milliseconds; 0 for PutDocument = now
	Who     string // wrote it
	Note    string // what changed
	Gone    bool   // it was removed
	Size    int64  // of Body, in bytes
	Body    []byte
}

// Bounds of documents.
const (
	MaxDocument  = 16 << 20 // bytes of one version
	mostVersions = 50       // of one document; the oldest go
	mostOld      = 64 << 20 // bytes of all versions of one document but the last, before they are packed
	mostOfKind   = 10_000   // documents
)

// ErrVersion says that somebody else wrote another version meanwhile.
var ErrVersion = errors.New("somebody else changed it meanwhile")

// ErrTooMany says that there are as many documents of a kind as there may be.
var ErrTooMany = errors.New("there are too many of them")

// PutDocument writes the next version of a document, whose number it sets. was is the
// version that it replaces, 0 = the document is new or gone; less than 0 = whichever there is.
func (t *Tx) PutDocument(d *Document, was int64) error {
	last, gone := int64(0), true
	err := t.tx.QueryRow("SELECT version, gone FROM document WHERE kind = ? AND id = ? ORDER BY version DESC LIMIT 1", d.Kind, d.ID).Scan(&last, &gone)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	switch {
	case was == 0 && !gone, was > 0 && (gone || was != last):
		return ErrVersion
	case len(d.Body) > MaxDocument:
		return fmt.Errorf("it is larger than %d MiB", MaxDocument>>20)
	case gone && !d.Gone:
		var n int64
		if err := t.tx.QueryRow("SELECT count(DISTINCT id) FROM document WHERE kind = ?", d.Kind).Scan(&n); err != nil {
			return err
		}
		if n >= mostOfKind {
			return ErrTooMany
		}
	}
	if d.Time == 0 {
		d.Time = time.Now().UnixMilli()
	}
	d.Version, d.Size = last+1, int64(len(d.Body))
	e, _ := packing()
	if _, err := t.tx.Exec("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", d.Kind, d.ID, d.Version, d.Time, d.Who, d.Note, d.Gone, d.Size, e.EncodeAll(d.Body, nil)); err != nil {
		return err
	}
	_, err = t.tx.Exec(`DELETE FROM document WHERE kind = ?1 AND id = ?2 AND (version <= ?3 OR version < ?4 AND version <= (
		SELECT max(version) FROM (SELECT version, sum(size) OVER (ORDER BY version DESC) AS held FROM document WHERE kind = ?1 AND id = ?2 AND version < ?4) WHERE held > ?5))`,
		d.Kind, d.ID, d.Version-mostVersions, d.Version, mostOld)
	return err
}

const documentColumns = "SELECT kind, id, version, time, who, note, gone, size"

func (s *DB) documents(body bool, where string, args ...any) (list []Document, err error) {
	columns := documentColumns
	if body {
		columns += ", body"
	}
	rows, err := s.db.Query(columns+" FROM document AS d WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read documents: %w", damaged(err))
	}
	defer rows.Close()
	_, unpack := packing()
	for rows.Next() {
		var d Document
		to := []any{&d.Kind, &d.ID, &d.Version, &d.Time, &d.Who, &d.Note, &d.Gone, &d.Size}
		var packed []byte
		if body {
			to = append(to, &packed)
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		if body {
			if d.Body, err = unpack.DecodeAll(packed, nil); err != nil {
				return nil, fmt.Errorf("cannot read %s %q: %w", d.Kind, d.ID, err)
			}
		}
		list = append(list, d)
	}
	return list, damaged(rows.Err())
}

// Documents returns the documents of a kind as they are now, by ID, with their bodies if
// wanted.
func (s *DB) Documents(kind string, bodies bool) ([]Document, error) {
	return s.documents(bodies, "kind = ? AND NOT gone AND version = (SELECT max(version) FROM document WHERE kind = d.kind AND id = d.id) ORDER BY id", kind)
}

// Document returns a document as it is now; nil if there is none.
func (s *DB) Document(kind, id string) (*Document, error) {
	list, err := s.documents(true, "kind = ? AND id = ? ORDER BY version DESC LIMIT 1", kind, id)
	if err != nil || len(list) == 0 || list[0].Gone {
		return nil, err
	}
	return &list[0], nil
}

// DocumentVersion returns a version of a document; nil if there is none.
func (s *DB) DocumentVersion(kind, id string, version int64) (*Document, error) {
	list, err := s.documents(true, "kind = ? AND id = ? AND version = ?", kind, id, version)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// DocumentVersions returns the versions of a document that are kept, the newest first,
// without their bodies.
func (s *DB) DocumentVersions(kind, id string) ([]Document, error) {
	return s.documents(false, "kind = ? AND id = ? ORDER BY version DESC", kind, id)
}
