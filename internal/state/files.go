package state

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/tally"
)

// File records how far a file was ingested, and what the file was like then.
type File struct {
	Path    string    // absolute
	Size    int64     // bytes
	Changed int64     // unix nanoseconds
	Print   uint64    // of its content
	Records int64     // read from its beginning
	Done    bool      // read to its end
	First   tally.Day // of the days of its events, new or not
	Last    tally.Day
	Origin  string // how its events were taken in, for taking them in again; see ingest
	Stream  string // identifies its records without eventID, beside their place; "" = Path
	Anon    bool   // it has records without eventID
	Tail    *Tail  // for Commit: how far it was read, nil = it is not one that may grow
	Again   bool   // for Commit: it was read from its beginning, what was wrong with it before counts no more
}

const fileColumns = "path, size, changed, print, records, done, first, last, origin, stream, anon"

func (f *File) scan(scan func(...any) error) error {
	return scan(&f.Path, &f.Size, &f.Changed, &f.Print, &f.Records, &f.Done, &f.First, &f.Last, &f.Origin, &f.Stream, &f.Anon)
}

// File returns the record of a file; ok is false if there is none.
func (s *DB) File(path string) (f File, ok bool, err error) {
	look, err := s.file()
	if err == nil {
		err = f.scan(look.QueryRow(path).Scan)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return f, false, nil
	case err != nil:
		return f, false, fmt.Errorf("cannot read the state of %q: %w", path, damaged(err))
	}
	return f, true, nil
}

// NewestFile returns when the newest of the files that were ingested from a folder was
// changed, zero if there are none. Files that still grow are not among them; see Tails.
func (s *DB) NewestFile(dir string) (time.Time, error) {
	dir = strings.TrimSuffix(dir, "/")
	var changed sql.NullInt64
	if err := s.db.QueryRow("SELECT max(changed) FROM file WHERE path > ? AND path < ?", dir+"/", dir+"0").Scan(&changed); err != nil {
		return time.Time{}, fmt.Errorf("cannot look for the newest file of %q: %w", dir, damaged(err))
	}
	if !changed.Valid {
		return time.Time{}, nil
	}
	return time.Unix(0, changed.Int64), nil
}

// mostAlike limits the files that Alike returns.
const mostAlike = 100

// Alike returns the files with records without eventID that matched the description
// when they were read: one of them may have been renamed since.
func (s *DB) Alike(size, changed int64, print uint64) (list []File, err error) {
	if any, err := s.anyAnon(); err != nil || !any {
		return nil, err
	}
	rows, err := s.db.Query("SELECT "+fileColumns+" FROM file WHERE anon AND print = ? AND size = ? AND changed = ? LIMIT ?", int64(print), size, changed, mostAlike)
	if err != nil {
		return nil, fmt.Errorf("cannot look for renamed files: %w", damaged(err))
	}
	defer rows.Close()
	for rows.Next() {
		var f File
		if err := f.scan(rows.Scan); err != nil {
			return nil, fmt.Errorf("cannot look for renamed files: %w", damaged(err))
		}
		list = append(list, f)
	}
	return list, damaged(rows.Err())
}

// anyAnon reports whether any file has records without eventID. Most data directories
// have none, and then new files need not be compared with known ones.
func (s *DB) anyAnon() (any bool, err error) {
	if s.anon.Load() == 0 {
		if err := s.db.QueryRow("SELECT EXISTS (SELECT 1 FROM file WHERE anon)").Scan(&any); err != nil {
			return false, fmt.Errorf("cannot look for renamed files: %w", damaged(err))
		}
		s.anon.CompareAndSwap(0, anonNo)
		if any {
			s.anon.Store(anonYes)
		}
	}
	return s.anon.Load() == anonYes, nil
}

// Values of DB.anon beside 0, unknown.
const (
	anonNo = iota + 1
	anonYes
)

// rowsAtOnce is the number of rows per statement. A batch of small files has
// thousands, and most of their cost is the statements.
const rowsAtOnce = 64

// putFiles records how far files were ingested.
func (s *DB) putFiles(tx *sql.Tx, files []File) error {
	const columns = 11
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }) // as the table has them
	statement := func(rows int) string {
		row := ", (" + strings.Repeat("?, ", columns-1) + "?)"
		return "INSERT OR REPLACE INTO file (" + fileColumns + ") VALUES " + strings.Repeat(row, rows)[2:]
	}
	full, err := tx.Prepare(statement(rowsAtOnce))
	if err != nil {
		return err
	}
	defer full.Close()
	args := make([]any, 0, rowsAtOnce*columns)
	for part := range slices.Chunk(files, rowsAtOnce) {
		args = args[:0]
		for _, f := range part {
			if f.Anon {
				s.anon.Store(anonYes)
			}
			args = append(args, f.Path, f.Size, f.Changed, int64(f.Print), f.Records, f.Done, f.First, f.Last, f.Origin, f.Stream, f.Anon)
		}
		if len(part) == rowsAtOnce {
			_, err = full.Exec(args...)
		} else {
			_, err = tx.Exec(statement(len(part)), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forgetProblems drops the problems of files that were read again.
func forgetProblems(tx *sql.Tx, files []File) error {
	var any bool
	if err := tx.QueryRow("SELECT EXISTS (SELECT 1 FROM quarantine)").Scan(&any); err != nil || !any {
		return err
	}
	forget, err := tx.Prepare("DELETE FROM quarantine WHERE path = ?")
	if err != nil {
		return err
	}
	defer forget.Close()
	for _, f := range files {
		if f.Again {
			if _, err := forget.Exec(f.Path); err != nil {
				return err
			}
		}
	}
	return nil
}
