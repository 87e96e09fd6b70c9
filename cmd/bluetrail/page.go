package main

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// pageWidth is the widest that a page of the manual gets on a terminal.
const pageWidth = 100

// plainPage writes a page of the manual, which is Markdown, for a terminal so
// many columns wide: headings in bold, tables as columns, code as it is.
func plainPage(markdown string, width int, colour bool) string {
	width = min(max(width, 40), pageWidth)
	p := &pageWriter{width: width, colour: colour}
	for line := range strings.Lines(markdown) {
		p.line(strings.TrimRight(line, "\n"))
	}
	p.end()
	return p.out.String()
}

type pageWriter struct {
	out    strings.Builder
	width  int
	colour bool
	text   string     // of the paragraph or list item so far
	indent string     // of its further lines
	table  [][]string // of the table so far
}

func (p *pageWriter) line(line string) {
	switch {
	case strings.HasPrefix(line, "|"):
		if !strings.HasPrefix(line, "| ---") {
			p.table = append(p.table, cells(line))
		}
	case line == "":
		p.end()
		p.out.WriteByte('\n')
	case strings.HasPrefix(line, "    "):
		p.end()
		p.out.WriteString(line + "\n")
	case strings.HasPrefix(line, "#"):
		p.end()
		title := strings.TrimLeft(line, "# ")
		if p.colour {
			title = "\x1b[1m" + title + "\x1b[0m"
		}
		p.out.WriteString(title + "\n")
	case strings.HasPrefix(line, "- "):
		p.end()
		p.text, p.indent = line, "  "
	default:
		p.text = strings.TrimLeft(p.text+" "+strings.TrimSpace(line), " ")
	}
}

// cells returns the cells of a row of a table; a pipe in a cell has a backslash.
func cells(row string) []string {
	const bar = "\x00"
	row = strings.Trim(strings.ReplaceAll(row, `\|`, bar), "|")
	var list []string
	for c := range strings.SplitSeq(row, "|") {
		list = append(list, inline(strings.TrimSpace(strings.ReplaceAll(c, bar, "|"))))
	}
	return list
}

// end writes the paragraph or the table that ends here.
func (p *pageWriter) end() {
	if p.text != "" {
		p.wrapped("", p.indent, inline(p.text))
		p.text, p.indent = "", ""
	}
	if len(p.table) == 0 {
		return
	}
	widths := make([]int, len(p.table[0]))
	for _, row := range p.table {
		for i := range min(len(row), len(widths)) {
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	left := 0
	for _, w := range widths[:len(widths)-1] {
		left += w + 2
	}
	if left > p.width*6/10 { // no room for columns
		for _, row := range p.table[1:] {
			name := row[0]
			for i, cell := range row[1 : len(row)-1] {
				if cell != "" {
					name += " (" + p.table[0][i+1] + ": " + cell + ")"
				}
			}
			p.wrapped("", "  ", name)
			p.wrapped("    ", "    ", row[len(row)-1])
		}
		p.table = nil
		return
	}
	for _, row := range p.table {
		begin := ""
		for i := range len(widths) - 1 {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			begin += runewidth.FillRight(cell, widths[i]+2)
		}
		last := ""
		if len(row) == len(widths) {
			last = row[len(row)-1]
		}
		p.wrapped(begin, strings.Repeat(" ", left), last)
	}
	p.table = nil
}

// wrapped writes text behind begin; further lines begin with indent.
func (p *pageWriter) wrapped(begin, indent, text string) {
	line := begin
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && runewidth.StringWidth(line)+1+runewidth.StringWidth(word) > p.width {
			p.out.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	p.out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// inline drops the marks of Markdown within a line.
func inline(s string) string {
	return strings.ReplaceAll(s, "`", "")
}
