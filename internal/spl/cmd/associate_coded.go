package cmd

import (
	"slices"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// maxCoded bounds the fields of coded rows.
const maxCoded = 100

// coded holds rows as numbered values, for commands that compare every field
// with every other.
type coded struct {
	rows   int
	fields []*codedField
	held   *exec.Held
}

// codedField is one field. A row with several values counts as one text.
type codedField struct {
	name   string
	values []string
	ids    []int32 // by row, -1 = missing
	counts []int   // by value
	set    int     // rows that have the field
	places []int32 // scratch space for count
}

// codeRows numbers the values of the named fields, or of all but the internal
// fields if none are named. The memory counts against the search until release.
func codeRows(env *exec.Env, command string, rows []*vector.Batch, names []string) (*coded, error) {
	t := &coded{held: env.Memory.Hold()}
	if len(names) == 0 {
		names = slices.DeleteFunc(op.FieldNames(rows), op.Internal)
		slices.Sort(names)
	}
	if len(names) > maxCoded {
		env.Warn("%s compares the first %d of %d fields; name the important ones", command, maxCoded, len(names))
		names = names[:maxCoded]
	}
	for _, b := range rows {
		env.Poll()
		t.rows += b.Len
	}
	for _, name := range names {
		if slices.ContainsFunc(t.fields, func(f *codedField) bool { return f.name == name }) {
			continue
		}
		f := &codedField{name: name, ids: make([]int32, 0, t.rows)}
		size := 4 * t.rows
		known := map[string]int32{}
		for _, b := range rows {
			env.Poll()
			col := b.Col(name)
			for i := range b.Len {
				env.Poll()
				if col == nil || col.At(i).IsNull() {
					f.ids = append(f.ids, -1)
					continue
				}
				text := col.At(i).Text()
				id, ok := known[text]
				if !ok {
					id = int32(len(f.values))
					known[text] = id
					f.values, f.counts = append(f.values, text), append(f.counts, 0)
					size += len(text) + 72
				}
				f.ids = append(f.ids, id)
				f.counts[id]++
				f.set++
			}
		}
		t.fields = append(t.fields, f)
		if err := t.held.Add(size); err != nil {
			return t, err
		}
	}
	return t, nil
}

// rowsOf returns the rows of each value that occurs in least or more rows.
func (f *codedField) rowsOf(least int) map[int32][]int32 {
	rows := map[int32][]int32{}
	for i, id := range f.ids {
		if id >= 0 && f.counts[id] >= least {
			rows[id] = append(rows[id], int32(i))
		}
	}
	return rows
}

// tally is a value and how often it occurs.
type tally struct {
	id int32
	n  int
}

// count counts the values among some rows, in order of first appearance.
func (f *codedField) count(env *exec.Env, rows []int32) []tally {
	if f.places == nil {
		f.places = make([]int32, len(f.values))
	}
	var list []tally
	var every exec.Every
	for _, i := range rows {
		every.Poll(env, 1024)
		id := f.ids[i]
		if id < 0 {
			continue
		}
		if f.places[id] == 0 {
			list = append(list, tally{id: id})
			f.places[id] = int32(len(list))
		}
		list[f.places[id]-1].n++
	}
	for _, t := range list {
		f.places[t.id] = 0
	}
	return list
}
