package result

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// headerRows is how many rows are buffered to learn the columns before the
// header is written.
const (
	headerRows  = 20000
	headerBytes = 16 << 20 // limit on the bytes of the buffered rows
)

// csvWriter writes a header and rows that are safe to open in a spreadsheet.
type csvWriter struct {
	w    io.Writer
	out  *csv.Writer
	cols []string
	at   map[string]int // index in cols by name
	o    Options
	work work
	held []*vector.Batch
	rows int
	size int // approximate bytes of held
	late map[string]bool
}

func (c *csvWriter) Write(b *vector.Batch) error {
	if c.out != nil {
		return c.write(b)
	}
	for _, col := range b.Cols {
		if _, known := c.at[col.Name]; !known {
			c.at[col.Name] = len(c.cols)
			c.cols = append(c.cols, col.Name)
		}
	}
	c.held = append(c.held, b)
	c.size += b.Size()
	if c.rows += b.Len; c.rows < headerRows && c.size < headerBytes {
		return nil
	}
	return c.header()
}

func (c *csvWriter) header() error {
	c.out = csv.NewWriter(c.w)
	names := make([]string, len(c.cols))
	for i, n := range c.cols {
		names[i] = c.cell(n)
	}
	if len(names) > 0 {
		if err := c.out.Write(names); err != nil {
			return err
		}
	}
	for _, b := range c.held {
		if err := c.write(b); err != nil {
			return err
		}
	}
	c.held = nil
	return nil
}

func (c *csvWriter) write(b *vector.Batch) error {
	cols := make([]*vector.Column, len(c.cols))
	for _, col := range b.Cols {
		if i, known := c.at[col.Name]; known {
			cols[i] = col
			continue
		}
		if c.late == nil {
			c.late = map[string]bool{}
		}
		c.late[col.Name] = true
	}
	row := make([]string, len(cols))
	for i := range b.Len {
		for n, col := range cols {
			row[n] = ""
			if col != nil {
				if err := c.work.done(&c.o, 16+col.At(i).Size()); err != nil {
					return err
				}
				row[n] = c.cell(strings.Join(shown(col.Name, col.At(i), c.o.Zone, isoTime), "\n"))
			}
		}
		if err := c.out.Write(row); err != nil {
			return err
		}
	}
	c.out.Flush()
	return c.out.Error()
}

func (c *csvWriter) cell(s string) string {
	if s = safeCell(s); c.o.Terminal {
		return visible(s)
	}
	return s
}

func (c *csvWriter) Close() ([]string, error) {
	if c.out == nil {
		if err := c.header(); err != nil {
			return nil, err
		}
	}
	c.out.Flush()
	if len(c.late) == 0 {
		return nil, c.out.Error()
	}
	return []string{fmt.Sprintf("%s appeared after the header was written and %s left out; end the search with | table and the columns you want", columns(len(c.late)), areOrIs(len(c.late)))}, c.out.Error()
}

// safeCell keeps spreadsheets from evaluating a cell: text that begins like a
// formula gets an apostrophe in front, even if it begins with characters that a
// spreadsheet drops or does not display. Numbers are unchanged.
func safeCell(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	begin := strings.TrimLeftFunc(s, func(r rune) bool { return diag.Hidden(r) || unicode.IsSpace(r) || r == utf8.RuneError })
	first, _ := utf8.DecodeRuneInString(begin)
	if begin == "" || !strings.ContainsRune(formulaSigns, first) && !strings.ContainsAny(s[:1], "\t\r\n") {
		return s
	}
	if _, ok := vector.ParseNumber(s); ok {
		return s
	}
	return "'" + s
}

// formulaSigns start a formula in a spreadsheet; some spreadsheets also accept
// the full-width forms of East Asian keyboards.
const formulaSigns = "=+-@|%＝＋－＠"

// visible escapes characters that act on a terminal. It keeps line breaks.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return diag.Hidden(r) || r == utf8.RuneError }) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = diag.Printable(l)
	}
	return strings.Join(lines, "\n")
}
