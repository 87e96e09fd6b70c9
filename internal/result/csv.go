package result

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/vector"
)

// headerRows is how many rows are held back to learn which columns there are
// before the header is written.
const headerRows = 20000

// csvWriter writes a header and rows that are safe to open in a spreadsheet.
type csvWriter struct {
	w    io.Writer
	zone *time.Location
	out  *csv.Writer
	cols []string
	held []*vector.Batch
	rows int
	late map[string]bool
}

func (c *csvWriter) Write(b *vector.Batch) error {
	if c.out != nil {
		return c.write(b)
	}
	for _, col := range b.Cols {
		if !slices.Contains(c.cols, col.Name) {
			c.cols = append(c.cols, col.Name)
		}
	}
	c.held = append(c.held, b)
	if c.rows += b.Len; c.rows < headerRows {
		return nil
	}
	return c.header()
}

func (c *csvWriter) header() error {
	c.out = csv.NewWriter(c.w)
	names := make([]string, len(c.cols))
	for i, n := range c.cols {
		names[i] = safeCell(n)
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
		if i := slices.Index(c.cols, col.Name); i >= 0 {
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
				row[n] = safeCell(strings.Join(shown(col.Name, col.At(i), c.zone, isoTime), "\n"))
			}
		}
		if err := c.out.Write(row); err != nil {
			return err
		}
	}
	c.out.Flush()
	return c.out.Error()
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
	return []string{fmt.Sprintf("%d columns turned up after the header was written and are left out; end the search with | table and the columns you want", len(c.late))}, c.out.Error()
}

// safeCell keeps spreadsheets from running a cell: text that begins like a
// formula gets an apostrophe in front. Numbers stay as they are.
func safeCell(s string) string {
	if s == "" || strings.IndexByte("=+-@\t\r\n|%", s[0]) < 0 {
		return strings.ReplaceAll(s, "\x00", "")
	}
	if _, ok := vector.ParseNumber(s); ok {
		return s
	}
	return "'" + strings.ReplaceAll(s, "\x00", "")
}
