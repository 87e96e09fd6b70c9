package state

import (
	"database/sql"
	"fmt"
	"strings"
)

// Tail records how far a growing file was read, and what tells it from another file
// that has taken its place.
type Tail struct {
	Path    string
	Was     string // for Commit: the path at which the same file was before, "" = none
	Device  uint64 // with Inode: the file, whatever its name; 0 = unknown
	Inode   uint64
	Size    int64  // bytes that were read
	Records int64  // in them
	Head    uint64 // hash of the first of these bytes
	End     uint64 // hash of the last of them
	Print   uint64 // of the whole file, as it was then
	Stream  string // see File
}

const tailColumns = "path, device, inode, size, records, head, end, print, stream"

// putTails records how far growing files were read. Hashes and inode numbers are
// stored as signed numbers.
func putTails(tx *sql.Tx, files []File) error {
	for i := range files { // all names that became free first
		t := files[i].Tail
		if t == nil || t.Was == "" {
			continue
		}
		if _, err := tx.Exec("DELETE FROM tail WHERE path = ? AND device = ? AND inode = ?", t.Was, int64(t.Device), int64(t.Inode)); err != nil {
			return err
		}
	}
	for i := range files {
		t := files[i].Tail
		if t == nil {
			continue
		}
		_, err := tx.Exec("INSERT OR REPLACE INTO tail ("+tailColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			t.Path, int64(t.Device), int64(t.Inode), t.Size, t.Records, int64(t.Head), int64(t.End), int64(t.Print), t.Stream)
		if err != nil {
			return err
		}
	}
	return nil
}

// Tails returns the growing files in a folder and below it, at most limit of them.
func (s *DB) Tails(dir string, limit int) (list []Tail, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot read how far growing files were read: %w", damaged(err))
		}
	}()
	dir = strings.TrimSuffix(dir, "/")
	// Names below dir are those between "dir/" and "dir0", the next character.
	rows, err := s.db.Query("SELECT "+tailColumns+" FROM tail WHERE path > ? AND path < ? LIMIT ?", dir+"/", dir+"0", limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Tail
		err := rows.Scan(&t.Path, (*signed)(&t.Device), (*signed)(&t.Inode), &t.Size, &t.Records, (*signed)(&t.Head), (*signed)(&t.End), (*signed)(&t.Print), &t.Stream)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}
