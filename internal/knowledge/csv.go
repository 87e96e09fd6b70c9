package knowledge

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"

	"github.com/klauspost/compress/gzip"
)

// maxTable limits the decompressed size of a lookup, and its memory including
// an index. A compressed file of short rows can take thousands of times its
// size in memory.
const maxTable = 256 << 20

// rowBytes and cellBytes are the overhead of a row and a cell besides their
// text.
const (
	rowBytes  = 96
	cellBytes = 16
)

// readTable reads the columns and rows of a .csv or .csv.gz file into t, and
// collects warnings: rows longer than the first line, duplicate columns,
// misplaced quotes.
func readTable(env *exec.Env, path string, t *lookup.Table) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = bufio.NewReaderSize(f, 64<<10)
	if strings.HasSuffix(strings.ToLower(path), ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = z
	}
	err = parseTable(env, in, maxTable, t)
	for i := range t.Notes {
		t.Notes[i] = path + ": " + t.Notes[i]
	}
	return err
}

// parseTable parses a table. Meanwhile its memory counts towards env's search;
// exec.Env.Table accounts for the finished table.
func parseTable(env *exec.Env, in io.Reader, limit int64, t *lookup.Table) error {
	var held *exec.Held
	if env != nil {
		held = env.Memory.Hold()
		defer held.Release()
	}
	limited := &io.LimitedReader{R: in, N: limit + 1}
	text := bufio.NewReaderSize(limited, 64<<10)
	if bom, err := text.Peek(3); err == nil && string(bom) == "\ufeff" {
		text.Discard(3)
	}
	r := csv.NewReader(text)
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty; its first line must name the columns")
	}
	if err != nil {
		return err
	}
	var from []int // source cell of each column
	seen := map[string]bool{}
	for i, name := range header {
		switch name = strings.TrimSpace(name); {
		case name == "":
		case seen[name]:
			t.Notes = append(t.Notes, fmt.Sprintf("line 1: the column %q occurs twice; the first one is used", name))
		default:
			seen[name] = true
			t.Columns, from = append(t.Columns, name), append(from, i)
		}
	}
	if len(t.Columns) == 0 {
		return errors.New("line 1 has no column names")
	}
	longer, first, size, counted := 0, 0, int64(0), int64(0)
	var every exec.Every
	for {
		every.Poll(env, 256)
		cells, err := r.Read()
		if limited.N <= 0 {
			return fmt.Errorf("the table is larger than %d MiB", limit>>20)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(cells) > len(header) {
			if longer++; longer == 1 {
				first, _ = r.FieldPos(0)
			}
		}
		row := make([]string, len(t.Columns))
		for c, i := range from {
			if i < len(cells) {
				row[c] = cells[i]
			}
		}
		size += rowBytes + int64(cellBytes*(len(row)+len(cells)))
		for _, cell := range cells { // the cells of a row share one text
			size += int64(len(cell))
		}
		if size-counted > 256<<10 && held != nil {
			if err := held.Add(int(size - counted)); err != nil {
				return exec.TooLarge("the table", err)
			}
			counted = size
		}
		if size > limit {
			return fmt.Errorf("the table takes more than %d MiB of memory; leave out rows or columns that no search needs", limit>>20)
		}
		t.Rows = append(t.Rows, row)
	}
	if longer > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("line %d: the row has more cells than the table has columns (%d); the extra cells are ignored, as in %d more rows", first, len(header), longer-1))
	}
	t.Bytes = int(size)
	return nil
}
