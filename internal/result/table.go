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
	// widthRows is how many rows are examined before column widths are fixed.
	widthRows = 1000
	// maxPad is the maximum width to which a column is padded if nothing else
	// limits it. Longer values are written completely and shift the rest of
	// their row.
	maxPad = 400
	// minCell is the minimum width of a column; below it, rows are written one
	// field per line. softCell is the minimum before events show fewer fields.
	minCell  = 12
	softCell = 16
	// maxLines limits how many values of one cell are listed on a terminal.
	maxLines = 20
)

// eventFields are the fields that a table shows of CloudTrail events.
// spareFields are those that a narrow terminal omits, in this order.
var (
	eventFields = []string{"_time", "awsRegion", "eventSource", "eventName", "user", "sourceIPAddress", "errorCode"}
	spareFields = []string{"awsRegion", "eventSource"}
)

// tableWriter writes aligned columns that fit the terminal.
type tableWriter struct {
	w      io.Writer
	o      Options
	held   []*vector.Batch
	rows   int
	size   int // approximate bytes of held
	cols   []column
	named  map[string]bool // the names of cols
	fields fieldCount
	late   map[string]bool // columns that appeared after the widths were fixed
	record *recordWriter   // set if the columns do not fit
	left   []string        // columns of Options.Spare that do not fit
	work   work
}

type column struct {
	name    string
	heading string
	width   int
	right   bool
}

func (t *tableWriter) Write(b *vector.Batch) error {
	t.fields.add(b)
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
	if t.cols == nil && t.rows > 0 { // without rows, headings are useless
		if err := t.begin(); err != nil {
			return nil, err
		}
	}
	if len(t.late) > 0 {
		return []string{fmt.Sprintf("%s appeared after the first %d rows and %s left out; end the search with | table and the columns you want", columns(len(t.late)), widthRows, areOrIs(len(t.late)))}, nil
	}
	if all := t.fields.count(); t.o.Events && all > len(t.cols) {
		return []string{fmt.Sprintf("showing %d of %d fields; choose others with | table, or see all with -o list or -o json", len(t.cols), all)}, nil
	}
	if len(t.left) > 0 {
		return []string{strings.Join(t.left, ", ") + " left out for lack of width; -o list shows all columns"}, nil
	}
	return nil, nil
}

func columns(n int) string {
	if n == 1 {
		return "1 column"
	}
	return fmt.Sprintf("%d columns", n)
}

func areOrIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// fieldCount counts the fields that have a value in some row.
type fieldCount struct{ seen map[string]bool }

func (f *fieldCount) add(b *vector.Batch) {
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	for _, c := range b.Cols {
		if f.seen[c.Name] || c.Name == "_raw" {
			continue
		}
		for r := range b.Len {
			if !c.At(r).IsNull() {
				f.seen[c.Name] = true
				break
			}
		}
	}
}

func (f *fieldCount) count() int { return len(f.seen) }

// begin fixes the columns and writes the buffered rows.
func (t *tableWriter) begin() error {
	if err := t.choose(); err != nil {
		return err
	}
	t.fit()
	held := t.held
	t.held = nil
	if t.record == nil && len(t.cols) > 0 {
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

func (t *tableWriter) choose() error {
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
		var err error
		if t.cols[i], err = t.measure(n); err != nil {
			t.cols = nil
			return err
		}
	}
	return nil
}

// measure returns the column of a field with the width that the held rows need.
func (t *tableWriter) measure(name string) (column, error) {
	c := column{name: name, heading: t.o.heading(name), right: true}
	c.width = runewidth.StringWidth(c.heading)
	values := 0
	for _, b := range t.held {
		col := b.Col(name)
		if col == nil {
			continue
		}
		for r := range b.Len {
			for _, s := range t.cell(name, col.At(r)) {
				if err := t.work.done(&t.o, len(s)); err != nil {
					return c, err
				}
				c.width = max(c.width, cellWidth(s))
				if _, ok := vector.ParseNumber(s); !ok {
					c.right = false
				}
				values++
			}
		}
	}
	c.right = c.right && values > 0
	return c, nil
}

// fit narrows the widest columns until the row fits. Events first lose some
// fields; if nothing helps, rows are written one field per line.
func (t *tableWriter) fit() {
	if t.o.Width <= 0 {
		return
	}
	all := slices.Clone(t.cols)
	for !t.squeeze(softCell) && t.spare() {
	}
	if t.squeeze(minCell) {
		return
	}
	if !t.o.Events {
		t.cols, t.left = all, nil
	}
	t.record = newRecordWriter(t.w, t.o, t.names())
}

func (t *tableWriter) names() []string {
	names := make([]string, len(t.cols))
	for i, c := range t.cols {
		names[i] = c.name
	}
	return names
}

// squeeze narrows the widest columns, none below least, until a row fits. If
// that is impossible, it changes nothing. A time is never cut.
func (t *tableWriter) squeeze(least int) bool {
	total := 2 * (len(t.cols) - 1)
	widths := make([]int, len(t.cols))
	for i, c := range t.cols {
		widths[i] = c.width
		total += c.width
	}
	for total > t.o.Width {
		widest := -1
		for i, w := range widths {
			if name := t.cols[i].name; name != "_time" && !slices.Contains(t.o.Whole, name) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 || widths[widest] <= least {
			return false
		}
		widths[widest]--
		total--
	}
	for i, w := range widths {
		t.cols[i].width = w
	}
	return true
}

// spare drops the next column that a narrow table can omit.
func (t *tableWriter) spare() bool {
	names := t.o.Spare
	if t.o.Events {
		names = spareFields
	}
	for _, name := range names {
		if i := slices.IndexFunc(t.cols, func(c column) bool { return c.name == name }); i >= 0 {
			t.cols = slices.Delete(t.cols, i, i+1)
			if !t.o.Events {
				t.left = append(t.left, name)
			}
			return true
		}
	}
	return false
}

func (t *tableWriter) cell(name string, v vector.Value) []string {
	return t.o.cell(name, v)
}

// cell returns the lines of a cell. On a terminal, long lists of values are
// cut, with a note.
func (o *Options) cell(name string, v vector.Value) []string {
	vals := slices.Clone(shown(name, v, o.Zone, shownTime))
	if line, ok := drawn(vals); ok {
		return []string{line}
	}
	if o.Width > 0 && len(vals) > maxLines {
		vals = append(vals[:maxLines-1], fmt.Sprintf("… %d more", len(vals)-maxLines+1))
	}
	for i, s := range vals {
		vals[i] = diag.Printable(s)
	}
	return vals
}

// heading names a column; that of a time includes its zone.
func (o *Options) heading(name string) string {
	if name == "_time" {
		return "_time (" + diag.Printable(o.Zone.String()) + ")"
	}
	return diag.Printable(name)
}

func (t *tableWriter) heading() error {
	var names, rule strings.Builder
	for i, c := range t.cols {
		if i > 0 {
			names.WriteString("  ")
			rule.WriteString("  ")
		}
		names.WriteString(t.pad(c.heading, c, i == len(t.cols)-1))
		rule.WriteString(strings.Repeat("─", c.width))
	}
	_, err := fmt.Fprintf(t.w, "%s\n%s\n", t.o.paint(bold, names.String()), rule.String())
	return err
}

func (t *tableWriter) write(b *vector.Batch) error {
	t.note(b)
	if t.record != nil {
		return t.record.Write(b)
	}
	cols := make([]*vector.Column, len(t.cols))
	for i, c := range t.cols {
		cols[i] = b.Col(c.name)
	}
	var out strings.Builder
	cells := make([][]string, len(cols))
	for r := range b.Len {
		lines := 1
		for i, c := range cols {
			cells[i] = nil
			if c != nil {
				if err := t.work.done(&t.o, c.At(r).Size()); err != nil {
					return err
				}
				cells[i] = t.cell(t.cols[i].name, c.At(r))
			}
			lines = max(lines, len(cells[i]))
		}
		for n := range lines {
			t.line(&out, cells, n)
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

// note records columns that are not in the table. Events show only a selection
// anyway.
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
		row.WriteString(t.o.paint(colour(c.name, s), t.pad(s, c, i == len(t.cols)-1)))
	}
	out.WriteString(strings.TrimRight(row.String(), " "))
	out.WriteByte('\n')
}

// pad pads a text to the width of its column. On a terminal a longer text loses
// its middle; elsewhere it is written completely.
func (t *tableWriter) pad(s string, c column, last bool) string {
	if t.o.Width > 0 {
		s = shorten(s, c.width)
	}
	fill := strings.Repeat(" ", max(0, c.width-runewidth.StringWidth(s)))
	switch {
	case c.right:
		return fill + s
	case last:
		return s
	}
	return s + fill
}
