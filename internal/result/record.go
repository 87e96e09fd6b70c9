package result

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/vector"

	"github.com/mattn/go-runewidth"
)

const (
	maxLabel  = 40 // maximum width to which field names are padded
	leastText = 20 // minimum width for wrapping values
)

// recordWriter writes each row as lines of field and value. Long values
// continue on the next line.
type recordWriter struct {
	w     io.Writer
	o     Options
	names []string // the fields, nil = all that have a value
	n     int      // records so far
	work  work
}

func newRecordWriter(w io.Writer, o Options, names []string) *recordWriter {
	return &recordWriter{w: w, o: o, names: names}
}

func (t *recordWriter) Write(b *vector.Batch) error {
	cols := t.columns(b)
	var out strings.Builder
	for r := range b.Len {
		t.n++
		fmt.Fprintln(&out, t.o.paint(bold, fmt.Sprintf("── %d ──", t.n)))
		if err := t.row(&out, cols, r); err != nil {
			return err
		}
		if out.Len() > 64<<10 {
			if _, err := io.WriteString(t.w, out.String()); err != nil {
				return err
			}
			out.Reset()
		}
	}
	_, err := io.WriteString(t.w, out.String())
	return err
}

// columns returns the visible columns of b, the time first.
func (t *recordWriter) columns(b *vector.Batch) []*vector.Column {
	names := t.names
	if names == nil {
		names = b.Names()
		if i := slices.Index(names, "_time"); i > 0 {
			names = slices.Insert(slices.Delete(slices.Clone(names), i, i+1), 0, "_time")
		}
	}
	var cols []*vector.Column
	for _, name := range names {
		if c := b.Col(name); c != nil {
			cols = append(cols, c)
		}
	}
	return cols
}

func (t *recordWriter) row(out *strings.Builder, cols []*vector.Column, r int) error {
	width := 0
	for _, c := range cols {
		if !c.At(r).IsNull() {
			width = max(width, min(maxLabel, runewidth.StringWidth(t.o.heading(c.Name))))
		}
	}
	for _, c := range cols {
		label := t.o.heading(c.Name)
		if c.Name == "_raw" && t.o.Events && t.names == nil {
			continue // -o raw shows it
		}
		if err := t.work.done(&t.o, 64+c.At(r).Size()); err != nil {
			return err
		}
		for _, s := range t.o.cell(c.Name, c.At(r)) {
			for _, line := range t.wrap(s, width) {
				fill := strings.Repeat(" ", max(0, width-runewidth.StringWidth(label)))
				fmt.Fprintf(out, "%s%s  %s\n", label, fill, t.o.paint(colour(c.Name, s), line))
				label = ""
			}
		}
	}
	return nil
}

// wrap splits a value into lines that fit beside its label.
func (t *recordWriter) wrap(s string, label int) []string {
	if t.o.Width <= 0 {
		return []string{s}
	}
	return wrap(s, max(leastText, t.o.Width-label-2))
}

func (t *recordWriter) Close() ([]string, error) { return nil, nil }
