package state

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// Format is the format of databases that this program writes. It upgrades those from
// Oldest on.
func Format() int { return version }

// Oldest is the oldest format that this program upgrades.
func Oldest() int { return oldest }

// CopyTo writes a copy of the database as it is at one instant to a file that does not
// exist yet. The copy says that nothing is under way: the caller keeps ingest from
// committing and removing meanwhile.
func (s *DB) CopyTo(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot copy the state: %w", damaged(err))
		}
	}()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite keeps the mode of an empty file
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := s.db.Exec("VACUUM INTO ?", path); err != nil {
		return err
	}
	made, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return err
	}
	_, err = made.Exec("UPDATE ingest SET running = 0")
	return errors.Join(err, made.Close())
}
