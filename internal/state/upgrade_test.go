package state

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// raw opens the database of a directory as it is.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestNewerVersion(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	db := raw(t, dir)
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db, err := Open(dir); err == nil || !strings.Contains(err.Error(), "format 99") {
		db.Close()
		t.Errorf("a state of a newer version was opened: %v", err)
	}
}

func TestTooOldVersion(t *testing.T) {
	dir := t.TempDir()
	db := raw(t, dir)
	if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d", oldest-1)); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db, err := Open(dir); err == nil || !strings.Contains(err.Error(), "ingest the files again") {
		db.Close()
		t.Errorf("a state of a version that is not supported was opened: %v", err)
	}
}

// columns returns a database's tables and indexes with their columns.
func columns(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.Query(`SELECT m.type || ' ' || m.name, group_concat(coalesce(c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk, i.name), ', ')
		FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table' LEFT JOIN pragma_index_info(m.name) i ON m.type = 'index' GROUP BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, columns string
		if err := rows.Scan(&name, &columns); err != nil {
			t.Fatal(err)
		}
		all[name] = columns
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestUpgrade opens databases as older versions wrote them.
func TestUpgrade(t *testing.T) {
	fresh := t.TempDir()
	open(t, fresh).Close()
	want := columns(t, raw(t, fresh))
	if len(want) < 10 {
		t.Fatalf("only %d tables and indexes", len(want))
	}
	for format := oldest; format < version; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("format%d.sql", format)))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			old := raw(t, dir)
			if _, err := old.Exec(string(text)); err != nil {
				t.Fatal(err)
			}
			var v int
			if err := old.QueryRow("PRAGMA user_version").Scan(&v); err != nil || v != format {
				t.Fatalf("the file has format %d: %v", v, err)
			}
			old.Close()
			db := open(t, dir)
			if c, err := db.Checkpoint(); err != nil || c != (Checkpoint{7, 8, 9, true}) {
				t.Errorf("checkpoint %+v, %v", c, err)
			}
			file := File{Path: "/a", Size: 1, Changed: 2, Print: 3, Records: 4, Done: true, First: 5, Last: 6, Origin: "{}"}
			if got, ok, err := db.File("/a"); err != nil || !ok || got != file {
				t.Errorf("%+v, %v, want %+v", got, err, file)
			}
			if _, total, err := db.Problems(1); err != nil || total != 1 {
				t.Errorf("%d problems, %v", total, err)
			}
			if err := db.Write(func(tx *Tx) error { return tx.PutFindings([]Finding{{ID: "x", Body: []byte("{}")}}) }); err != nil {
				t.Error(err)
			}
			db.Close()
			if diff := cmp.Diff(want, columns(t, raw(t, dir))); diff != "" {
				t.Errorf("not as a new database (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUpgradeCutOff fails in the midst of a step.
func TestUpgradeCutOff(t *testing.T) {
	was := steps
	defer func() { steps, version = was, oldest+len(was) }()
	dir := t.TempDir()
	open(t, dir).Close()
	before := columns(t, raw(t, dir))
	steps = append(steps[:len(steps):len(steps)], "CREATE TABLE good (a INTEGER)", "CREATE TABLE half (a INTEGER); CREATE TABLE half (a INTEGER)")
	version = oldest + len(steps)
	if db, err := Open(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("from format %d to %d", version-1, version)) {
		db.Close()
		t.Fatalf("a broken step passed: %v", err)
	}
	want := maps.Clone(before)
	want["table good"] = "a INTEGER 0 0"
	if diff := cmp.Diff(want, columns(t, raw(t, dir))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	steps[len(steps)-1] = "CREATE TABLE half (a INTEGER)"
	db := open(t, dir) // goes on from there
	var v int
	if err := db.db.QueryRow("PRAGMA user_version").Scan(&v); err != nil || v != version {
		t.Errorf("format %d, %v", v, err)
	}
}

// TestUpgradeTogether has several processes open a new database at once.
func TestUpgradeTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	wg.Wait()
}
