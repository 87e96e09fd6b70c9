package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// ErrDamaged means that the database can no longer be read.
var ErrDamaged = errors.New("the state is damaged; bluetrail repair sets it aside and recounts the stored events")

// damaged wraps errors of a damaged database in ErrDamaged.
func damaged(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		if code := e.Code() & 0xff; code == lib.SQLITE_CORRUPT || code == lib.SQLITE_NOTADB {
			return fmt.Errorf("%w (%w)", ErrDamaged, err)
		}
	}
	return err
}

// Verify reads the whole database and its indexes.
func (s *DB) Verify() error {
	var said string
	if err := s.db.QueryRow("PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return fmt.Errorf("cannot check the state: %w", damaged(err))
	}
	if said != "ok" {
		return fmt.Errorf("%w (%s)", ErrDamaged, said)
	}
	return nil
}

// SetAside moves the database of a data directory into its aside/ folder and returns
// the new path. Nothing is deleted.
func SetAside(dir string, now time.Time) (string, error) {
	to := filepath.Join(dir, "aside", "state-"+now.UTC().Format("20060102T150405.000"))
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", fmt.Errorf("cannot set the damaged state aside: %w", err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		name := DatabaseFile + suffix
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot set the damaged state aside: %w", err)
		}
	}
	return to, nil
}
