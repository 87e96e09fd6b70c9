package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/spl/exec"
)

// TestUnreadableTableIsLeft checks that adding rows to a table that cannot be read
// fails and leaves its file as it was.
func TestUnreadableTableIsLeft(t *testing.T) {
	const damaged = "\x1f\x8b\x08\x00 this is not what gzip makes"
	for _, write := range []string{"outputlookup append=t kept.csv.gz", "outputlookup key_field=n kept.csv.gz"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "lookups", "kept.csv.gz")
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		know, err := knowledge.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		env := exec.NewEnv(time.Unix(1700000000, 0))
		env.Knowledge = know
		_, rows, err := evaluate("| makeresults | eval n=1 | table n | "+write, memoryStore(t, nil), env)
		if err == nil || !strings.Contains(err.Error(), `"kept.csv.gz" is left as it is`) {
			t.Errorf("%s: rows %q, error %v", write, rows, err)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != damaged {
			t.Errorf("%s: the file has %q now, %v", write, now, err)
		}
		if list, err := os.ReadDir(filepath.Dir(file)); err != nil || len(list) != 1 {
			t.Errorf("%s: the folder has %v, %v", write, list, err)
		}
	}
}
