package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// digests keeps what was verified of digest files, of sources that are verified as their
// objects arrive.
const digests = `
CREATE TABLE digest (
	source      TEXT NOT NULL,
	key         TEXT NOT NULL,
	chain       TEXT NOT NULL,
	start       INTEGER NOT NULL,
	end         INTEGER NOT NULL,
	hash        TEXT NOT NULL,
	signature   TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	proof       TEXT NOT NULL,
	logs        INTEGER NOT NULL,
	bytes       INTEGER NOT NULL,
	whole       INTEGER NOT NULL,
	verified    INTEGER NOT NULL,
	PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_chain ON digest (source, chain, end);
CREATE TABLE digest_problem (
	source   TEXT NOT NULL,
	chain    TEXT NOT NULL,
	kind     TEXT NOT NULL,
	object   TEXT NOT NULL,
	start    INTEGER NOT NULL,
	end      INTEGER NOT NULL,
	severity TEXT NOT NULL,
	text     TEXT NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (source, chain, kind, object, start)
) STRICT, WITHOUT ROWID;
`

// Digest is a digest file that was verified. Times are unix seconds.
type Digest struct {
	Source      string // folder or bucket
	Key         string // in the bucket
	Chain       string // names the chain
	Start, End  int64
	Hash        string // SHA-256 of the content, hexadecimal
	Signature   string // hexadecimal, "" = it was not at hand
	Fingerprint string // of the key
	Proof       string // how it was proven, "" = it was not
	Logs        int    // log files whose hash is right
	Bytes       int64  // of them, without compression
	Whole       bool   // it is proven and so are its log files
	Verified    int64
}

// DigestProblem is something that was found wrong with a chain of digests. Times are
// unix seconds.
type DigestProblem struct {
	Source, Chain, Kind, Object string
	Start, End                  int64 // what it concerns
	Severity, Text              string
	First, Last                 int64 // when it was found first and last
}

// PutDigests keeps digests, and replaces what was known of them.
func (t *Tx) PutDigests(list []Digest) error {
	put, err := t.tx.Prepare("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer put.Close()
	for _, d := range list {
		if _, err := put.Exec(d.Source, d.Key, d.Chain, d.Start, d.End, d.Hash, d.Signature, d.Fingerprint, d.Proof, d.Logs, d.Bytes, d.Whole, d.Verified); err != nil {
			return err
		}
	}
	return nil
}

// PutDigestProblems keeps the problems of a source that a look at the digests that end at
// or after since found at a time (unix seconds), and drops those of this range that it no
// longer found in the chains that it saw. A look at everything (since = 0) has seen all.
func (t *Tx) PutDigestProblems(source string, chains []string, since, now int64, list []DigestProblem) error {
	put, err := t.tx.Prepare(`INSERT INTO digest_problem VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, ?9)
		ON CONFLICT DO UPDATE SET end = excluded.end, severity = excluded.severity, text = excluded.text, last = excluded.last`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, p := range list {
		if _, err := put.Exec(source, p.Chain, p.Kind, p.Object, p.Start, p.End, p.Severity, p.Text, now); err != nil {
			return err
		}
	}
	if since == 0 {
		_, err = t.tx.Exec("DELETE FROM digest_problem WHERE source = ? AND last < ?", source, now)
		return err
	}
	for _, chain := range chains {
		if _, err := t.tx.Exec("DELETE FROM digest_problem WHERE source = ? AND chain = ? AND end >= ? AND last < ?", source, chain, since, now); err != nil {
			return err
		}
	}
	return nil
}

// KnownDigest returns the hash of a digest that was verified and is whole, with its log
// files.
func (s *DB) KnownDigest(source, key string) (hash string, ok bool, err error) {
	err = s.db.QueryRow("SELECT hash FROM digest WHERE source = ? AND key = ? AND whole", source, key).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return hash, err == nil, damaged(err)
}

// DigestChain is a summary of the verified digests of a chain.
type DigestChain struct {
	Source, Chain  string
	From, To       int64 // unix seconds
	Digests, Whole int
	Logs           int
	Bytes          int64
	Verified       int64  // the last time
	Keys           string // fingerprints, by commas
}

// DigestChains summarizes the verified digests.
func (s *DB) DigestChains() (list []DigestChain, err error) {
	rows, err := s.db.Query(`SELECT source, chain, min(start), max(end), count(*), sum(whole), sum(logs), sum(bytes), max(verified), group_concat(DISTINCT fingerprint)
		FROM digest GROUP BY source, chain ORDER BY source, chain`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the verified digests: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var c DigestChain
		if err := rows.Scan(&c.Source, &c.Chain, &c.From, &c.To, &c.Digests, &c.Whole, &c.Logs, &c.Bytes, &c.Verified, &c.Keys); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// DigestProblems returns the problems that were found first at or after a time, at most
// limit of them, the newest first.
func (s *DB) DigestProblems(since time.Time, limit int) (list []DigestProblem, err error) {
	rows, err := s.db.Query("SELECT source, chain, kind, object, start, end, severity, text, first, last FROM digest_problem WHERE first >= ? ORDER BY start DESC LIMIT ?", since.Unix(), limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read the problems of digests: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var p DigestProblem
		if err := rows.Scan(&p.Source, &p.Chain, &p.Kind, &p.Object, &p.Start, &p.End, &p.Severity, &p.Text, &p.First, &p.Last); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// EachDigest calls each with the verified digests that end in a range of time (unix
// seconds, inclusive and exclusive), by source, chain and end.
func (s *DB) EachDigest(ctx context.Context, from, to int64, each func(*Digest) error) error {
	rows, err := s.db.QueryContext(ctx, `SELECT source, key, chain, start, end, hash, signature, fingerprint, proof, logs, bytes, whole, verified FROM digest
		WHERE end >= ? AND end < ? ORDER BY source, chain, end`, from, to)
	if err != nil {
		return fmt.Errorf("cannot read the verified digests: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var d Digest
		if err := rows.Scan(&d.Source, &d.Key, &d.Chain, &d.Start, &d.End, &d.Hash, &d.Signature, &d.Fingerprint, &d.Proof, &d.Logs, &d.Bytes, &d.Whole, &d.Verified); err != nil {
			return err
		}
		if err := each(&d); err != nil {
			return err
		}
	}
	return damaged(rows.Err())
}
