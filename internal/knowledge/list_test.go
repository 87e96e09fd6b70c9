package knowledge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/spl/exec"

	"github.com/google/go-cmp/cmp"
)

func TestList(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("name\npacked\n"))
	z.Close()
	dirs := []string{t.TempDir(), t.TempDir()}
	for name, text := range map[string]string{
		"0/lookups/admins.csv":      "user,why\nalice,x\n,nobody\n\"b, ob \",y\n",
		"0/lookups/both.csv":        "a\ncsv\n",
		"0/lookups/both.txt":        "txt\n",
		"0/lookups/plain.txt":       "\ufeff# people\nalice\r\n\n  bob  \n#carol\ndave # and others",
		"1/lookups/plain.txt":       "later\n",
		"0/lookups/packed.csv.gz":   packed.String(),
		"0/lookups/named_file.csv":  "x\nv\n",
		"0/default/transforms.conf": "[named]\nfilename = named_file.csv\n[gone]\nfilename = gone_file.csv\n",
		"0/lookups/empty.csv":       "",
		"0/lookups/large.txt":       strings.Repeat("x", maxText+2),
	} {
		path := filepath.Join(dirs[name[0]-'0'], name[2:])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		values []string
		file   string
		fault  string
	}{
		"admins": {[]string{"alice", "b, ob"}, "admins.csv", ""},
		"both":   {[]string{"csv"}, "both.csv", ""},
		"plain":  {[]string{"later"}, "plain.txt", ""},
		"packed": {[]string{"packed"}, "packed.csv.gz", ""},
		"named":  {[]string{"v"}, "named_file.csv", ""},
		"empty":  {nil, "empty.csv", "the file is empty"},
		"large":  {nil, "large.txt", "larger than 8 MiB"},
		"gone":   {nil, ".", "there is no list"},
		"none":   {nil, ".", "there is no list"},
		"..":     {nil, ".", "there is no list"},
	} {
		values, path, err := k.List(name)
		if d := cmp.Diff(want.values, values); d != "" || filepath.Base(path) != want.file || err == nil != (want.fault == "") || err != nil && !strings.Contains(err.Error(), want.fault) {
			t.Errorf("%s: %q, %q, %v", name, values, path, err)
		}
		if missing := errors.Is(err, exec.ErrNoTable); missing != (want.file == ".") {
			t.Errorf("%s: missing is %v", name, missing)
		}
	}
	k, err = Open(dirs[0])
	if err != nil {
		t.Fatal(err)
	}
	if values, _, err := k.List("plain"); err != nil || cmp.Diff([]string{"alice", "bob", "dave # and others"}, values) != "" {
		t.Errorf("%q, %v", values, err)
	}
}
