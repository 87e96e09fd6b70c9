package result

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"

	"github.com/mattn/go-runewidth"
)

const (
	shownTime = "2006-01-02 15:04:05"
	// widthRows is how many rows are looked at before column widths are fixed.
	widthRows = 1000
	// maxCell is the widest a column may be where nothing else bounds it.
	maxCell = 400
	// minCell is the narrowest a column is squeezed to before rows are written
	// one field a line.
	minCell = 8
	// maxLines bounds how many values of one cell are listed.
	maxLines = 20
)

// eventFields are what a table shows of CloudTrail events.
var eventFields = []string{"_time", "awsRegion", "eventSource", "eventName", "userName", "sourceIPAddress", "errorCode"}

// tableWriter writes aligned columns that fit the terminal.
type tableWriter struct {
	w      io.Writer
	o      Options
	held   []*vector.Batch
	rows   int
	size   int // of held, about
	cols   []column
	named  map[string]bool // the names of cols
	fields int             // how many fields the events had in all
	late   map[string]bool // columns that turned up after the widths were fixed
	tall   bool
	record int
}

type column struct {
	name  string
	width int
	right bool
}

func (t *tableWriter) Write(b *vector.Batch) error {
	if t.cols != nil {
		return t.write(b)
	}
	t.held = append(t.held, b)
	t.size += b.Size()
	if t.rows += b.Len; t.rows < widthRows && t.size < headerBytes {
		return nil
	}
	return t.begin()
}

func (t *tableWriter) Close() ([]string, error) {
	if t.cols == nil && len(t.held) > 0 {
		if err := t.begin(); err != nil {
			return nil, err
		}
	}
	if len(t.late) > 0 {
		return []string{fmt.Sprintf("%d columns appeared after the first %d rows and are left out; end the search with | table and the columns you want", len(t.late), widthRows)}, nil
	}
	if t.fields > len(t.cols) && t.o.Events {
		return []string{fmt.Sprintf("showing %d of %d fields; choose others with | table, or see all with -o json", len(t.cols), t.fields)}, nil
	}
	return nil, nil
}

// begin fixes the columns and writes what was held back.
func (t *tableWriter) begin() error {
	t.choose()
	t.fit()
	held := t.held
	t.held = nil
	if !t.tall && len(t.cols) > 0 {
		if err := t.heading(); err != nil {
			return err
		}
	}
	for _, b := range held {
		if err := t.write(b); err != nil {
			return err
		}
	}
	return nil
}

func (t *tableWriter) choose() {
	var names []string
	known := map[string]bool{}
	for _, b := range t.held {
		for _, c := range b.Cols {
			if !known[c.Name] {
				known[c.Name] = true
				names = append(names, c.Name)
			}
		}
	}
	t.fields = len(names)
	if t.o.Events && len(names) > len(eventFields)+3 {
		chosen := eventFields
		if !known["eventName"] {
			chosen = []string{"_time", "_raw"}
		}
		names = slices.DeleteFunc(slices.Clone(chosen), func(n string) bool { return !known[n] })
	}
	t.cols, t.named = make([]column, len(names)), map[string]bool{}
	for i, n := range names {
		t.named[n] = true
		c := column{name: n, width: runewidth.StringWidth(diag.Printable(n)), right: true}
		values := 0
		for _, b := range t.held {
			col := b.Col(n)
			if col == nil {
				continue
			}
			for r := range b.Len {
				for _, s := range t.cell(n, col.At(r)) {
					c.width = max(c.width, min(runewidth.StringWidth(s), maxCell))
					if _, ok := vector.ParseNumber(s); !ok {
						c.right = false
					}
					values++
				}
			}
		}
		c.right = c.right && values > 0
		t.cols[i] = c
	}
}

// fit squeezes the widest columns until the row fits, or turns to one field a
// line when that is not to be had.
func (t *tableWriter) fit() {
	if t.o.Width <= 0 {
		return
	}
	total := 2 * (len(t.cols) - 1)
	for _, c := range t.cols {
		total += c.width
	}
	for total > t.o.Width {
		widest := 0
		for i, c := range t.cols {
			if c.width > t.cols[widest].width {
				widest = i
			}
		}
		if t.cols[widest].width <= minCell {
			t.tall = true
			return
		}
		t.cols[widest].width--
		total--
	}
}

func (t *tableWriter) cell(name string, v vector.Value) []string {
	vals := slices.Clone(shown(name, v, t.o.Zone, shownTime))
	if line, ok := drawn(vals); ok {
		return []string{line}
	}
	if len(vals) > maxLines {
		vals = append(vals[:maxLines-1], fmt.Sprintf("… %d more", len(vals)-maxLines+1))
	}
	for i, s := range vals {
		vals[i] = diag.Printable(s)
	}
	return vals
}

func (t *tableWriter) heading() error {
	var names, rule strings.Builder
	for i, c := range t.cols {
		if i > 0 {
			names.WriteString("  ")
			rule.WriteString("  ")
		}
		names.WriteString(pad(diag.Printable(c.name), c.width, c.right, i == len(t.cols)-1))
		rule.WriteString(strings.Repeat("─", c.width))
	}
	line := names.String()
	if t.o.Terminal {
		line = "\x1b[1m" + line + "\x1b[0m"
	}
	_, err := fmt.Fprintf(t.w, "%s\n%s\n", line, rule.String())
	return err
}

func (t *tableWriter) write(b *vector.Batch) error {
	cols := make([]*vector.Column, len(t.cols))
	for i, c := range t.cols {
		cols[i] = b.Col(c.name)
	}
	t.note(b)
	var out strings.Builder
	cells := make([][]string, len(cols))
	for r := range b.Len {
		lines := 1
		for i, c := range cols {
			cells[i] = nil
			if c != nil {
				cells[i] = t.cell(t.cols[i].name, c.At(r))
			}
			lines = max(lines, len(cells[i]))
		}
		if t.tall {
			t.tallRow(&out, cells)
		} else {
			for n := range lines {
				t.line(&out, cells, n)
			}
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

// note remembers columns that have no place in the table. Of events only a
// choice is shown anyway.
func (t *tableWriter) note(b *vector.Batch) {
	if t.o.Events {
		return
	}
	for _, c := range b.Cols {
		if !t.named[c.Name] {
			if t.late == nil {
				t.late = map[string]bool{}
			}
			t.late[c.Name] = true
		}
	}
}

func (t *tableWriter) line(out *strings.Builder, cells [][]string, n int) {
	var row strings.Builder
	for i, c := range t.cols {
		if i > 0 {
			row.WriteString("  ")
		}
		s := ""
		if n < len(cells[i]) {
			s = cells[i][n]
		}
		row.WriteString(pad(s, c.width, c.right, i == len(t.cols)-1))
	}
	out.WriteString(strings.TrimRight(row.String(), " "))
	out.WriteByte('\n')
}

// tallRow writes one row as lines of field and value.
func (t *tableWriter) tallRow(out *strings.Builder, cells [][]string) {
	t.record++
	fmt.Fprintf(out, "── %d ──\n", t.record)
	width := 0
	for _, c := range t.cols {
		width = max(width, min(40, runewidth.StringWidth(diag.Printable(c.name))))
	}
	for i, c := range t.cols {
		for n, s := range cells[i] {
			name := diag.Printable(c.name)
			if n > 0 {
				name = ""
			}
			fmt.Fprintf(out, "%s  %s\n", pad(name, width, false, false), runewidth.Truncate(s, max(20, t.o.Width-width-2), "…"))
		}
	}
}

func pad(s string, width int, right, last bool) string {
	if runewidth.StringWidth(s) > width {
		s = runewidth.Truncate(s, width, "…")
	}
	fill := strings.Repeat(" ", max(0, width-runewidth.StringWidth(s)))
	switch {
	case right:
		return fill + s
	case last:
		return s
	}
	return s + fill
}
