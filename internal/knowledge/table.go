package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Table implements exec.Knowledge. It returns a lookup by the name of its
// definition or file, and caches it until the file changes.
func (k *Knowledge) Table(env *exec.Env, name string) (*lookup.Table, error) {
	d, err := k.definition(name)
	if err != nil {
		return nil, err
	}
	path, info, err := k.find(d)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.virtual:
		t := d.table
		t.Columns = d.columns
		t.Notes = []string{fmt.Sprintf("the lookup %q is empty: no search has written to it yet", name)}
		return &t, nil
	case errors.Is(err, fs.ErrNotExist) && len(k.dirs) == 0:
		return nil, noTable("there is no lookup %q (%s)", name, k.known(name))
	case errors.Is(err, fs.ErrNotExist):
		return nil, noTable("cannot open lookup %q: there is no file %q in the lookups/ of %s (%s)", name, d.file, strings.Join(k.dirs, ", "), k.known(name))
	case err != nil:
		return nil, fmt.Errorf("cannot open lookup %q: %w", name, err)
	}
	key := fmt.Sprintf("%q %q %+v", path, d.filter, d.table) // another Knowledge may define it differently
	if t := k.tables.get(key, info); t != nil {
		return t, nil
	}
	t := d.table
	err = readTable(env, path, &t)
	if err != nil {
		return nil, fmt.Errorf("cannot read lookup %q: %w", name, err)
	}
	splitLists(&t)
	if d.filter != "" {
		if err := filterTable(&t, d.filter); err != nil {
			return nil, fmt.Errorf("cannot filter lookup %q: %w", name, err)
		}
	}
	k.tables.put(key, &t, info)
	return &t, nil
}

// definition returns the definition with a name, or a default one for a file
// with that name.
func (k *Knowledge) definition(name string) (*definition, error) {
	if d := k.defs()[name]; d != nil {
		return d, nil
	}
	if d := shippedDefinition(name); d != nil {
		return d, nil
	}
	if err := checkFile(name); err != nil {
		if strings.Contains(strings.ToLower(name), ".csv") {
			return nil, err
		}
		return nil, noTable("there is no lookup %q (%s)", name, k.known(name))
	}
	return newDefinition(name, map[string]string{"filename": name})
}

// missing is the error for a lookup that does not exist.
type missing string

func noTable(format string, args ...any) error { return missing(fmt.Sprintf(format, args...)) }

func (m missing) Error() string { return string(m) }

// Is makes it match exec.ErrNoTable.
func (missing) Is(target error) bool { return target == exec.ErrNoTable }

// known returns a hint for a user who named a lookup that does not exist.
func (k *Knowledge) known(name string) string {
	names := k.LookupNames()
	if hint := diag.DidYouMean(name, slices.AppendSeq(slices.Clone(names), maps.Keys(shipped))); hint != "" {
		return hint
	}
	switch {
	case len(k.dirs) == 0:
		return "give a folder with lookups/ with --knowledge"
	case len(names) == 0:
		return "no lookup is defined"
	}
	return diag.Suggest(name, names, "lookups")
}

// LookupNames returns the names of all definitions and lookup files, sorted.
func (k *Knowledge) LookupNames() []string {
	var names []string
	for name := range k.defs() {
		names = append(names, name)
	}
	for _, dir := range k.dirs {
		entries, _ := os.ReadDir(filepath.Join(dir, "lookups")) // a folder may have no lookups
		for _, e := range entries {
			if !e.IsDir() && checkFile(e.Name()) == nil {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// find returns the file of a definition: that in the definition's own folder,
// or else in the last folder that has it.
func (k *Knowledge) find(d *definition) (string, fs.FileInfo, error) {
	dirs := slices.Clone(k.dirs)
	if d.dir != "" {
		dirs = append(dirs, d.dir)
	}
	if k.own != "" {
		dirs = append(dirs, k.own)
	}
	slices.Reverse(dirs)
	for _, dir := range dirs {
		path := filepath.Join(dir, "lookups", d.file)
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%q is not a regular file", path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return path, info, err
		}
	}
	return "", nil, fs.ErrNotExist
}

// splitLists puts the columns that hold several values of others behind them.
func splitLists(t *lookup.Table) {
	var order []int // the new order of the columns
	lists := map[int]int{}
	for i, name := range t.Columns {
		if base, ok := strings.CutPrefix(name, lookup.ListColumn); !ok || !slices.Contains(t.Columns, base) {
			order = append(order, i)
		}
	}
	plain := len(order)
	if plain == len(t.Columns) {
		return
	}
	for i := range plain {
		if at := slices.Index(t.Columns, lookup.ListColumn+t.Columns[order[i]]); at >= 0 {
			lists[i] = len(order)
			order = append(order, at)
		}
	}
	columns := make([]string, plain)
	for i := range columns {
		columns[i] = t.Columns[order[i]]
	}
	for r, row := range t.Rows {
		cells := make([]string, len(order))
		for i, from := range order {
			cells[i] = row[from]
		}
		t.Rows[r] = cells
	}
	t.Columns, t.Lists = columns, lists
}

// filterTable keeps the rows that match the search expression.
func filterTable(t *lookup.Table, where string) error {
	e, err := syntax.ParseSearch("filter", where)
	if err != nil {
		return err
	}
	m, err := filter.NewMatcher(e, time.Now())
	if err != nil {
		return err
	}
	var kept [][]string
	for from := 0; from < len(t.Rows); from += vector.DefaultRows {
		b := vector.NewBuilder(t.Columns...)
		for i := from; i < min(from+vector.DefaultRows, len(t.Rows)); i++ {
			b.Add()
			for c := range t.Columns {
				b.SetAt(c, t.Value(i, c))
			}
		}
		for _, i := range m.Select(b.Batch()) {
			kept = append(kept, t.Rows[from+int(i)])
		}
	}
	t.Rows = kept
	return nil
}
