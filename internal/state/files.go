package state

import (
	"database/sql"
	"slices"
	"strings"
)

// rowsAtOnce is how many rows one statement takes: a batch of small files has
// thousands, and most of their cost is that of the statements.
const rowsAtOnce = 64

// putFiles notes how far files were taken in.
func putFiles(tx *sql.Tx, files []File) error {
	const columns = 9
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }) // as the table has them
	statement := func(rows int) string {
		row := ", (" + strings.Repeat("?, ", columns-1) + "?)"
		return "INSERT OR REPLACE INTO file (path, size, changed, records, done, first, last, origin, print) VALUES " + strings.Repeat(row, rows)[2:]
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
			args = append(args, f.Path, f.Size, f.Changed, f.Records, f.Done, f.First, f.Last, f.Origin, int64(f.Print))
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

// forgetProblems drops what was wrong with files that were read anew.
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
