// Package state keeps everything that must survive a restart, except the events
// themselves, in a single SQLite database.
package state

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"bluetrail/internal/diag"
	"bluetrail/internal/tally"

	_ "modernc.org/sqlite" // the driver
)

// DB is the state of one data directory. It is safe for concurrent use.
type DB struct {
	db   *sql.DB
	file func() (*sql.Stmt, error) // of File, prepared once
	copy string                    // the folder of a copy, "" = none
	anon atomic.Int32              // whether some files have records without eventID, see anyAnon
}

// DatabaseFile is the name of the database in a data directory.
const DatabaseFile = "state.db"

// schema creates the tables; user_version is its version.
const schema = `
CREATE TABLE IF NOT EXISTS ingest (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	batch   INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	events  INTEGER NOT NULL,
	running INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO ingest VALUES (1, 0, 0, 0, 0);
CREATE TABLE IF NOT EXISTS file (
	path    TEXT PRIMARY KEY,
	size    INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	records INTEGER NOT NULL,
	done    INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	origin  TEXT NOT NULL,
	print   INTEGER NOT NULL,
	stream  TEXT NOT NULL DEFAULT '',
	anon    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_days ON file (first, last);
CREATE INDEX IF NOT EXISTS file_print ON file (print) WHERE anon;
CREATE TABLE IF NOT EXISTS tail (
	path    TEXT PRIMARY KEY,
	device  INTEGER NOT NULL,
	inode   INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	records INTEGER NOT NULL,
	head    INTEGER NOT NULL,
	end     INTEGER NOT NULL,
	print   INTEGER NOT NULL,
	stream  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS day (
	day    INTEGER NOT NULL,
	idx    TEXT NOT NULL,
	events INTEGER NOT NULL,
	sum    INTEGER NOT NULL,
	PRIMARY KEY (day, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (
	name  TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	sum   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarm (
	day    INTEGER PRIMARY KEY,
	events INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS retained (
	idx TEXT PRIMARY KEY,
	day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
	path   TEXT NOT NULL,
	place  INTEGER NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (path, place)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 5;
`

// version is the user_version that this program reads and writes.
const version = 5

// upgrade4 upgrades a database of version 4.
const upgrade4 = `
ALTER TABLE file ADD COLUMN stream TEXT NOT NULL DEFAULT '';
ALTER TABLE file ADD COLUMN anon INTEGER NOT NULL DEFAULT 0;
`

// Open opens the state in a data directory and creates both if they do not exist. It
// refuses a state written by a newer version of the program.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create data directory: %w", err)
	}
	path := filepath.Join(dir, DatabaseFile)
	// A commit must survive a loss of power: events are acknowledged by it.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("cannot open state %q: %w", path, err)
	}
	s := &DB{db: db}
	s.file = sync.OnceValues(func() (*sql.Stmt, error) {
		return db.Prepare("SELECT " + fileColumns + " FROM file WHERE path = ?")
	})
	if err := s.prepare(); err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot open state %q: %w", path, damaged(err))
	}
	return s, nil
}

func (s *DB) prepare() error {
	s.db.SetMaxOpenConns(1)
	var v int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&v); err != nil {
		return err
	}
	switch {
	case v > version:
		return fmt.Errorf("a newer version wrote it (format %d; this version supports %d); use that version", v, version)
	case v == version:
		return nil
	case v > 0 && v < 4:
		return fmt.Errorf("an older version wrote it (format %d; this version supports %d); remove the data directory, or name another one, and ingest the files again", v, version)
	}
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if v == 4 {
		if _, err := tx.Exec(upgrade4); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(schema); err != nil {
		return err
	}
	return tx.Commit()
}

// OpenReadable opens the state for a search. In a directory without write permission
// it opens a copy, and changes are lost with the copy.
func OpenReadable(dir string) (*DB, error) {
	const write = 2
	if syscall.Access(dir, write) == nil {
		return Open(dir)
	}
	to, err := os.MkdirTemp("", "bluetrail-state-")
	if err != nil {
		return nil, fmt.Errorf("cannot copy the state: %w", err)
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, DatabaseFile+suffix))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, DatabaseFile+suffix), data, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("cannot copy the state: %w", err), os.RemoveAll(to))
		}
	}
	s, err := Open(to)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(to))
	}
	s.copy = to
	return s, nil
}

// Close closes the database.
func (s *DB) Close() error {
	err := s.db.Close()
	if s.copy != "" {
		err = errors.Join(err, os.RemoveAll(s.copy))
	}
	return err
}

// Checkpoint is how far ingest has come: everything up to it is durable.
type Checkpoint struct {
	Batch  int64  // unix milliseconds of the last batch; grows
	Seq    uint64 // the number of the next event
	Events int64  // taken in altogether
	// Running is set while batches may be under way: after a crash the store
	// can hold events of batches later than Batch.
	Running bool
}

// Checkpoint returns the last checkpoint.
func (s *DB) Checkpoint() (c Checkpoint, err error) {
	err = s.db.QueryRow("SELECT batch, seq, events, running FROM ingest").Scan(&c.Batch, &c.Seq, &c.Events, &c.Running)
	if err != nil {
		err = fmt.Errorf("cannot read the checkpoint: %w", damaged(err))
	}
	return c, err
}

// Commit writes a checkpoint and everything that belongs to it, durably, in one
// transaction. The tallies count the new events; ids holds the counts of known ids
// that changed.
func (s *DB) Commit(c Checkpoint, files []File, problems []diag.Notice, added tally.Tallies, ids map[string]tally.Tally) (err error) {
	tx, err := s.db.Begin()
	if err != nil {
		return fmt.Errorf("cannot save the checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			err = fmt.Errorf("cannot save the checkpoint: %w", damaged(err))
		}
	}()
	if _, err = tx.Exec("UPDATE ingest SET batch = ?, seq = ?, events = ?, running = ?", c.Batch, int64(c.Seq), c.Events, c.Running); err != nil {
		return err
	}
	if err = s.putFiles(tx, files); err != nil {
		return err
	}
	if err = putTails(tx, files); err != nil {
		return err
	}
	if err = forgetProblems(tx, files); err != nil {
		return err
	}
	for _, p := range problems {
		if _, err = tx.Exec("INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?)", p.Object, p.Place, p.Text); err != nil {
			return err
		}
	}
	if err = addTallies(tx, added); err != nil {
		return err
	}
	if err = setIDs(tx, ids); err != nil {
		return err
	}
	return tx.Commit()
}

// Problems returns the input that could not be ingested and has not been fixed since,
// ordered by path and place, at most limit entries, and their total number.
func (s *DB) Problems(limit int) (list []diag.Notice, total int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read the quarantine: %w", damaged(err))
		}
	}()
	if err := s.db.QueryRow("SELECT count(*) FROM quarantine").Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := s.db.Query("SELECT path, place, reason FROM quarantine ORDER BY path, place LIMIT ?", limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		p := diag.Notice{Level: diag.Problem}
		if err := rows.Scan(&p.Object, &p.Place, &p.Text); err != nil {
			return nil, 0, err
		}
		list = append(list, p)
	}
	return list, total, rows.Err()
}

// mostWhole limits the entirely unreadable files that Mended checks.
const mostWhole = 10_000

// Mended drops the problems of entirely unreadable paths that the given function now
// finds readable.
func (s *DB) Mended(readable func(path string) bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot update the quarantine: %w", damaged(err))
		}
	}()
	rows, err := s.db.Query("SELECT path FROM quarantine WHERE place = -1 ORDER BY path LIMIT ?", mostWhole)
	if err != nil {
		return err
	}
	var paths []string
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			return errors.Join(err, rows.Close())
		}
		paths = append(paths, path)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, path := range paths {
		if !readable(path) {
			continue
		}
		if _, err := s.db.Exec("DELETE FROM quarantine WHERE path = ? AND place = -1", path); err != nil {
			return err
		}
	}
	return nil
}

// Files returns the number of files ingested to their end.
func (s *DB) Files() (n int, err error) {
	err = s.db.QueryRow("SELECT count(*) FROM file WHERE done").Scan(&n)
	return n, err
}
