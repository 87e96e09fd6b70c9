// Package state keeps what is no event: which files were taken in and what
// could not be. It is one SQLite database in the data directory.
package state

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// DB is the state of one data directory. It is safe for concurrent use.
type DB struct{ db *sql.DB }

const schema = `
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, events INTEGER NOT NULL, batch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
  path TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (path, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = 1;`

// Open opens the state in a data directory, which is made when absent.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make data directory: %w", err)
	}
	path := filepath.Join(dir, "state.db")
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("cannot open state %q: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	var version int
	if err = db.QueryRow("PRAGMA user_version").Scan(&version); err == nil && version > 1 {
		err = fmt.Errorf("it was written by a newer bluetrail (version %d); use that one", version)
	}
	if err == nil && version == 0 {
		_, err = db.Exec(schema)
	}
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot open state %q: %w", path, err)
	}
	return &DB{db}, nil
}

// Close closes the state.
func (d *DB) Close() error { return d.db.Close() }

// File is a file that was taken in whole.
type File struct {
	Path   string
	Size   int64
	Mod    time.Time
	Events int64
}

// Problem is something that could not be taken in.
type Problem struct {
	Path, Reason string
	At           time.Time
}

// Done reports whether the file was taken in as it is now.
func (d *DB) Done(f File) (bool, error) {
	var n int
	err := d.db.QueryRow("SELECT 1 FROM files WHERE path = ? AND size = ? AND mtime = ?", f.Path, f.Size, f.Mod.UnixNano()).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// LastBatch returns the number given to the last Commit, 0 for none, and the
// highest sequence number it wrote.
func (d *DB) LastBatch() (batch int64, seq uint64, err error) {
	rows, err := d.db.Query("SELECT key, value FROM meta")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value int64
		if err := rows.Scan(&key, &value); err != nil {
			return 0, 0, err
		}
		switch key {
		case "batch":
			batch = value
		case "seq":
			seq = uint64(value)
		}
	}
	return batch, seq, rows.Err()
}

// Commit notes in one transaction that a batch is durable: the files it
// finished, the problems it met. After Commit returns, it holds through a crash.
func (d *DB) Commit(batch int64, seq uint64, files []File, problems []Problem) error {
	tx, err := d.db.Begin()
	if err != nil {
		return fmt.Errorf("cannot commit batch: %w", err)
	}
	defer tx.Rollback()
	for _, f := range files {
		if _, err := tx.Exec("INSERT INTO files VALUES (?,?,?,?,?) ON CONFLICT (path) DO UPDATE SET size=excluded.size, mtime=excluded.mtime, events=excluded.events, batch=excluded.batch",
			f.Path, f.Size, f.Mod.UnixNano(), f.Events, batch); err != nil {
			return fmt.Errorf("cannot commit file %q: %w", f.Path, err)
		}
	}
	for _, p := range problems {
		if _, err := tx.Exec("INSERT INTO quarantine VALUES (?,?,?) ON CONFLICT DO NOTHING", p.Path, p.Reason, p.At.Unix()); err != nil {
			return fmt.Errorf("cannot note problem with %q: %w", p.Path, err)
		}
	}
	for key, value := range map[string]int64{"batch": batch, "seq": int64(seq)} {
		if _, err := tx.Exec("INSERT INTO meta VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value=excluded.value", key, value); err != nil {
			return fmt.Errorf("cannot commit batch: %w", err)
		}
	}
	return tx.Commit()
}

// Problems returns the newest problems, at most limit, and how many there are.
func (d *DB) Problems(limit int) (list []Problem, total int, err error) {
	if err := d.db.QueryRow("SELECT count(*) FROM quarantine").Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := d.db.Query("SELECT path, reason, at FROM quarantine ORDER BY at DESC, path LIMIT ?", limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Problem
		var at int64
		if err := rows.Scan(&p.Path, &p.Reason, &at); err != nil {
			return nil, 0, err
		}
		p.At = time.Unix(at, 0).UTC()
		list = append(list, p)
	}
	return list, total, rows.Err()
}

// Files returns how many files were taken in.
func (d *DB) Files() (n int, err error) {
	err = d.db.QueryRow("SELECT count(*) FROM files").Scan(&n)
	return n, err
}
