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

	people atomic.Int64 // of PeopleChanged
}

// DatabaseFile is the name of the database in a data directory.
const DatabaseFile = "state.db"

// Open opens the state in a data directory and creates both if they do not exist. It
// refuses a state written by a newer version of the program.
func Open(dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create data directory: %w", err)
	}
	path := filepath.Join(dir, DatabaseFile)
	// A commit must survive a loss of power: events are acknowledged by it.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("cannot open state %q: %w", path, err)
	}
	s := &DB{db: db}
	s.file = sync.OnceValues(func() (*sql.Stmt, error) {
		return db.Prepare("SELECT " + fileColumns + " FROM file WHERE path = ?")
	})
	if err := s.upgrade(version); err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot open state %q: %w", path, damaged(err))
	}
	return s, nil
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

// Copied reports whether the database is a copy of one that cannot be written.
func (s *DB) Copied() bool { return s.copy != "" }

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
// that changed; also, if not nil, writes what else belongs to it.
func (s *DB) Commit(c Checkpoint, files []File, problems []diag.Notice, added tally.Tallies, ids map[string]tally.Tally, also func(*Tx) error) error {
	err := s.Write(func(t *Tx) error {
		if err := s.commit(t.tx, c, files, problems, added, ids); err != nil || also == nil {
			return err
		}
		return also(t)
	})
	if err != nil {
		return fmt.Errorf("cannot save the checkpoint: %w", err)
	}
	return nil
}

func (s *DB) commit(tx *sql.Tx, c Checkpoint, files []File, problems []diag.Notice, added tally.Tallies, ids map[string]tally.Tally) (err error) {
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
	return setIDs(tx, ids)
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
