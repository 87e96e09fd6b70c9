package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/spl/exec"
)

// List returns a list of values and the file that has it: the first column of a lookup
// (its definition's name, or NAME.csv or NAME.csv.gz), or the lines of lookups/NAME.txt.
// Empty values are left out, and so are lines that begin with #. The error matches
// exec.ErrNoTable if there is no such list.
func (k *Knowledge) List(name string) (values []string, path string, err error) {
	for _, table := range []string{name, name + ".csv", name + ".csv.gz"} {
		d, err := k.definition(table)
		if err != nil {
			continue
		}
		path, _, err := k.find(d)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		t, err := k.Table(exec.NewEnv(time.Now()), table)
		if err != nil {
			return nil, path, err
		}
		for _, row := range t.Rows {
			if v := strings.TrimSpace(row[0]); v != "" {
				values = append(values, v)
			}
		}
		return values, path, nil
	}
	for _, dir := range slices.Backward(k.dirs) {
		path := filepath.Join(dir, "lookups", name+".txt")
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		text, err := readText(path)
		if err != nil {
			return nil, path, fmt.Errorf("cannot read list %q: %w", path, err)
		}
		for line := range strings.Lines(text) {
			if v := strings.TrimSpace(line); v != "" && v[0] != '#' {
				values = append(values, v)
			}
		}
		return values, path, nil
	}
	return nil, "", noTable("there is no list %q", name)
}
