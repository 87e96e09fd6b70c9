package cmd

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Multikv makes a row from each line of the tables in raw text.
type Multikv struct {
	Fields     []string // none = all columns
	Filter     []string // none = all lines
	Header     int      // line with the column names, from 1; 0 = detect
	NoHeader   bool
	One        bool // a blank line does not end a table
	KeepEvents bool
	Bare       bool // rows without the fields of the event
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "multikv", Kind: syntax.KindStreaming,
		Summary: "Return a row for each line of the tables in raw text.",
		Syntax:  "multikv [copyattrs=<bool>] [forceheader=<n>] [noheader=<bool>] [multitable=<bool>] [rmorig=<bool>] [fields <field-list>] [filter <text> …]",
		Doc: "A table starts with a header line in which no name is a number, and ends before a blank line. If a line has as many\n" +
			"cells as there are names, the cells belong to the names in order; otherwise each cell belongs to the name above it,\n" +
			"and the last name takes the rest of the line. If the header contains tabs, cells are separated by tabs. Characters\n" +
			"other than letters, digits and _ become _ in field names. A row has its line in `_raw`. Events without a table give no\n" +
			"rows.",
		Args: []syntax.Arg{
			{Name: "copyattrs", Default: "true", Doc: "Copy the other fields of the event to its rows."},
			{Name: "forceheader", Doc: "The number of the header line, counted from 1 without blank lines."},
			{Name: "noheader", Default: "false", Doc: "The table has no header: the fields are `Column_1`, `Column_2` and so on. There is then only one table."},
			{Name: "multitable", Default: "true", Doc: "Blank lines separate tables. When false, they are ignored."},
			{Name: "rmorig", Default: "true", Doc: "Drop the original event. When false, it follows its rows."},
			{Name: "fields <field-list>", Default: "all", Doc: "The columns to turn into fields."},
			{Name: "filter <text> …", Default: "all lines", Doc: "Keep only lines that contain one of the texts; case-sensitive."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="Name      Age  Job
Josh      42   Engineer
Francine  35   Head of IT" | multikv | table Name Age Job`,
			Want: []string{`{"Name":"Josh","Age":"42","Job":"Engineer"}`, `{"Name":"Francine","Age":"35","Job":"Head of IT"}`},
		}},
		Parse: parseMultikv,
	})
}

var multikvOptions = []string{"copyattrs", "forceheader", "noheader", "multitable", "rmorig", "conf"}

func parseMultikv(p *syntax.Parser) (syntax.Command, error) {
	c := &Multikv{}
	for !p.AtEnd() {
		err := p.Options(multikvOptions, func(o syntax.Option) (err error) {
			flag := func(dst *bool, when bool) error {
				on, err := o.Bool()
				*dst = on == when
				return err
			}
			switch o.Name {
			case "copyattrs":
				return flag(&c.Bare, false)
			case "noheader":
				return flag(&c.NoHeader, true)
			case "multitable":
				return flag(&c.One, false)
			case "rmorig":
				return flag(&c.KeepEvents, false)
			case "forceheader":
				c.Header, err = o.Int(1)
				return err
			}
			return diag.At(o.Span, "multikv.conf is not read").WithHint("describe the table with forceheader, noheader and multitable")
		})
		if err != nil {
			return nil, err
		}
		switch tok := p.Peek(); {
		case p.AtEnd():
		case p.AcceptWord("fields"):
			if c.Fields, err = p.Fields("filter"); err != nil {
				return nil, err
			}
		case p.AcceptWord("filter"):
			if c.Filter, err = p.Fields("fields"); err != nil {
				return nil, err
			}
		default:
			return nil, p.Unexpected(tok, "fields, filter or an option").WithHint("options: %s", strings.Join(multikvOptions, ", "))
		}
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Multikv) Print() string {
	s := "multikv"
	if c.Header > 0 {
		s += " forceheader=" + strconv.Itoa(c.Header)
	}
	for _, o := range []struct {
		text string
		on   bool
	}{{"copyattrs=false", c.Bare}, {"noheader=true", c.NoHeader}, {"multitable=false", c.One}, {"rmorig=false", c.KeepEvents}} {
		if o.on {
			s += " " + o.text
		}
	}
	if len(c.Fields) > 0 {
		s += " fields " + syntax.PrintFields(c.Fields)
	}
	if len(c.Filter) > 0 {
		s += " filter"
		for _, f := range c.Filter {
			s += " " + syntax.QuoteArg(f)
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Multikv) Needs(out filter.FieldSet) filter.FieldSet { return out.Add("_raw") }

// NewMapper implements exec.Streaming.
func (c *Multikv) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

var _ exec.Spreading = (*Multikv)(nil)

// Map implements exec.Mapper. Its result holds all rows.
func (c *Multikv) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return (&tabulation{c: c, b: b}).take(math.MaxInt), nil
}

// Spread implements exec.Spreading.
func (c *Multikv) Spread(b *vector.Batch) func() *vector.Batch {
	x := &tabulation{c: c, b: b}
	return func() *vector.Batch { return x.take(vector.DefaultRows) }
}

// tabulation expands a batch of events into the rows of their tables.
type tabulation struct {
	c    *Multikv
	b    *vector.Batch
	row  int        // next event to read
	left []tableRow // remaining table rows of event row-1

	begun bool
}

// take returns up to most rows, or nil at the end. The first batch may be empty.
func (x *tabulation) take(most int) *vector.Batch {
	first := !x.begun
	x.begun = true
	var from []int32
	var originals []bool
	cells := vector.NewBuilder()
	add := func(event int, original bool) {
		from, originals = append(from, int32(event)), append(originals, original)
		cells.Add()
	}
	for len(from) < most && (len(x.left) > 0 || x.row < x.b.Len) {
		if len(x.left) == 0 {
			x.left = x.c.rows(x.b.At("_raw", x.row).Text())
			x.row++
			if x.c.KeepEvents && len(x.left) == 0 {
				add(x.row-1, true)
			}
			continue
		}
		r := x.left[0]
		x.left = x.left[1:]
		add(x.row-1, false)
		cells.Set("_raw", vector.String(r.line))
		for n, cell := range r.cells {
			if name := r.names[n]; cell != "" && (len(x.c.Fields) == 0 || slices.Contains(x.c.Fields, name)) {
				cells.Set(name, vector.String(cell))
			}
		}
		if x.c.KeepEvents && len(x.left) == 0 {
			add(x.row-1, true)
		}
	}
	if from == nil && !first {
		return nil
	}
	out := x.b.Pick(from)
	set := op.Set(out)
	if x.c.Bare {
		for _, name := range out.Names() {
			vals := op.Present(out, name)
			for i := range vals {
				if !originals[i] {
					vals[i] = vector.Value{}
				}
			}
			set.With(vector.NewColumn(name, vals))
		}
	}
	for _, col := range cells.Batch().Cols {
		if old := set.Col(col.Name); old != nil {
			col = op.OrElse(out.Len, col, old)
		}
		set.With(col)
	}
	return set.Batch()
}

// tableRow is one line of a table.
type tableRow struct {
	line  string
	names []string
	cells []string // "" for none
}

// maxTableColumns bounds the columns of a table. Text beyond them belongs to
// the last column.
const maxTableColumns = 512

// rows returns the lines of all tables in a text that pass the filter.
func (c *Multikv) rows(text string) []tableRow {
	var rows []tableRow
	var table []string
	end := func() {
		for _, r := range c.table(table) {
			if len(c.Filter) == 0 || slices.ContainsFunc(c.Filter, func(f string) bool { return strings.Contains(r.line, f) }) {
				rows = append(rows, r)
			}
		}
		table = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.TrimSpace(line) != "":
			table = append(table, line)
		case !c.One && !c.NoHeader && c.Header == 0:
			end()
		}
	}
	end()
	return rows
}

// table reads lines, one of which names the columns.
func (c *Multikv) table(lines []string) []tableRow {
	var head columns
	switch {
	case c.NoHeader && len(lines) > 0:
		head = columnsOfLine(lines[0])
		for i := range head.names {
			head.names[i] = "Column_" + strconv.Itoa(i+1)
		}
	case c.Header > 0 && c.Header <= len(lines):
		head, lines = columnsOfLine(lines[c.Header-1]), lines[c.Header:]
	case c.Header == 0:
		at := slices.IndexFunc(lines, namesColumns)
		if at < 0 {
			return nil
		}
		head, lines = columnsOfLine(lines[at]), lines[at+1:]
	default:
		return nil
	}
	rows := make([]tableRow, len(lines))
	for i, line := range lines {
		rows[i] = tableRow{line, head.names, head.cells(line)}
	}
	return rows
}

// namesColumns reports whether a line looks like a header: two or more words,
// none of them a number.
func namesColumns(line string) bool {
	words := split(line, strings.Contains(line, "\t"))
	return len(words) > 1 && !slices.ContainsFunc(words, func(w word) bool {
		_, ok := vector.ParseNumber(strings.TrimSuffix(w.text, "%"))
		return ok
	})
}

// columns holds the columns of a table and the positions of their names.
type columns struct {
	names []string
	words []word
	tabs  bool
}

func columnsOfLine(line string) columns {
	c := columns{tabs: strings.Contains(line, "\t")}
	c.words = split(line, c.tabs)
	c.words = c.words[:min(len(c.words), maxTableColumns)]
	known := map[string]bool{}
	for i, w := range c.words {
		name := strings.Trim(strings.Map(func(r rune) rune {
			if r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, w.text), "_")
		if name == "" || known[name] {
			name = strings.TrimPrefix(name+"_", "_") + "Column_" + strconv.Itoa(i+1)
		}
		known[name] = true
		c.names = append(c.names, name)
	}
	return c
}

// word is a part of a line with its byte offsets.
type word struct {
	text       string
	start, end int
}

// split splits a line at blanks or, with tabs, at tabs. Only tabs give empty
// parts.
func split(line string, tabs bool) []word {
	var words []word
	if tabs {
		at := 0
		for piece := range strings.SplitSeq(line, "\t") {
			words = append(words, word{strings.TrimSpace(piece), at, at + len(piece)})
			at += len(piece) + 1
		}
		return words
	}
	start := -1
	for i := 0; i <= len(line); i++ {
		blank := i == len(line) || line[i] == ' '
		switch {
		case blank && start >= 0:
			words = append(words, word{line[start:i], start, i})
			start = -1
		case !blank && start < 0:
			start = i
		}
	}
	return words
}

// cells assigns the words of a line to the columns.
func (c columns) cells(line string) []string {
	cells := make([]string, len(c.words))
	words := split(line, c.tabs)
	if c.tabs || len(words) == len(cells) {
		for i, w := range words {
			if i < len(cells) {
				cells[i] = w.text
			}
		}
		return cells
	}
	first := make([]int, len(cells)) // start of a column's text, counted from 1; 0 = none
	at := 0
	for _, w := range words {
		for at+1 < len(c.words) && distance(w, c.words[at+1]) < distance(w, c.words[at]) {
			at++
		}
		if first[at] == 0 {
			first[at] = w.start + 1
		}
		cells[at] = line[first[at]-1 : w.end]
	}
	return cells
}

// distance returns how far a word is from a column. The value is negative where
// they overlap.
func distance(w, column word) int {
	return max(w.start, column.start) - min(w.end, column.end)
}
