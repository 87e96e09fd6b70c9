package knowledge

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
)

// TestTablesAreBounded reads tables through two Knowledges that share a cache
// with room for two.
func TestTablesAreBounded(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lookups"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name string, rows int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "lookups", name), []byte("a,b\n"+strings.Repeat("some,text\n", rows)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"x.csv", "y.csv", "z.csv"} {
		write(name, 100)
	}
	write("large.csv", 1000)
	const each = 100 * (rowBytes + 4*cellBytes + 8)
	tables := NewTables(2*each + each/2)
	know := make([]*Knowledge, 2)
	for i := range know {
		var err error
		if know[i], err = OpenShared(tables, dir); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]any{}
	same := func(name string, want bool) {
		t.Helper()
		for _, k := range know {
			table, err := k.Table(nil, name)
			if err != nil {
				t.Fatal(err)
			}
			if old, ok := got[name]; ok && (old == table) != want {
				t.Errorf("%s: read again: %t, want %t", name, old != table, !want)
			}
			got[name], want = table, true
		}
	}
	same("x.csv", true)
	same("y.csv", true)
	same("x.csv", true)
	if n := tables.Bytes(); n != 2*each {
		t.Errorf("two tables take %d bytes, want %d", n, 2*each)
	}
	same("z.csv", true) // instead of y
	same("x.csv", true)
	same("y.csv", false) // instead of z
	if n := tables.Bytes(); n != 2*each {
		t.Errorf("two of three tables take %d bytes, want %d", n, 2*each)
	}
	if _, err := know[0].Table(nil, "large.csv"); err != nil {
		t.Error(err)
	}
	same("x.csv", true) // large does not fit, and evicts nothing
	write("x.csv", 50)
	if err := os.Chtimes(filepath.Join(dir, "lookups", "x.csv"), time.Time{}, time.Unix(1700000000, 0)); err != nil {
		t.Fatal(err)
	}
	same("x.csv", false)
	if n := tables.Bytes(); n != each+each/2 {
		t.Errorf("after a table shrank they take %d bytes, want %d", n, each+each/2)
	}
}

// TestTableCountsInSearch reads tables with insufficient and with sufficient
// memory.
func TestTableCountsInSearch(t *testing.T) {
	var text strings.Builder
	text.WriteString("user,team\n")
	for n := range 20000 {
		fmt.Fprintf(&text, "u%d,t%d\n", n, n%10)
	}
	k := open(t, map[string]string{"lookups/a.csv": text.String()})
	small := exec.NewEnv(time.Unix(1700000000, 0))
	small.Knowledge, small.Memory = k, exec.NewBudget(1<<20)
	if _, err := small.Table("a.csv"); err == nil || !strings.Contains(err.Error(), "does not fit in the search's memory budget of 1 MiB") || !strings.Contains(err.Error(), "search.memory_mib") {
		t.Errorf("a table of 4 MB in 1 MiB: %v", err)
	}
	if n := small.Memory.Used(); n != 0 {
		t.Errorf("%d bytes are counted for a table that was not read", n)
	}
	env := exec.NewEnv(time.Unix(1700000000, 0))
	env.Knowledge = k
	for range 2 {
		table, err := env.Table("a.csv")
		if err != nil {
			t.Fatal(err)
		}
		if n := env.Memory.Used(); n != int64(table.Bytes) || n < 20000*rowBytes {
			t.Errorf("%d bytes are counted, want %d, once", n, table.Bytes)
		}
	}
	table, _ := env.Table("a.csv")
	first, err := env.Index(table, []string{"user"})
	if err != nil {
		t.Fatal(err)
	}
	with := env.Memory.Used()
	if with < int64(table.Bytes)+20000*32 {
		t.Errorf("%d bytes are counted with an index, %d without", with, table.Bytes)
	}
	if again, _ := env.Index(table, []string{"user"}); again != first || env.Memory.Used() != with {
		t.Errorf("the index is not shared: %d bytes, want %d", env.Memory.Used(), with)
	}
	if rows := first.Find([]string{"u19999"}, table.Value(0, 0)); len(rows) != 1 || rows[0] != 19999 {
		t.Errorf("found rows %v", rows)
	}
	tight := exec.NewEnv(time.Unix(1700000000, 0))
	tight.Knowledge, tight.Memory = k, exec.NewBudget(int64(table.Bytes)+1<<10)
	if _, err := tight.Table("a.csv"); err != nil {
		t.Fatal(err)
	}
	if _, err := tight.Index(table, []string{"user"}); err == nil || !strings.Contains(err.Error(), `the index of lookup "a.csv" does not fit`) {
		t.Errorf("an index without room: %v", err)
	}
	env.ReleaseTables()
	tight.ReleaseTables()
	if a, b := env.Memory.Used(), tight.Memory.Used(); a != 0 || b != 0 {
		t.Errorf("%d and %d bytes are left", a, b)
	}
}
