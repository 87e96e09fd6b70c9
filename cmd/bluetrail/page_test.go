package main

import (
	"strings"
	"testing"

	"bluetrail/internal/spl/syntax"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"
)

func TestPlainPage(t *testing.T) {
	page := "# rank\n\nRanks `rows`.\n\n    rank <field> | x\n\n| argument | default | meaning |\n| --- | --- | --- |\n| `by` |  | A field whose values are ranked apart from one another, a\\|b. |\n| `limit` | 10 | How many. |\n\nA paragraph that is\nlong enough to need a second line here.\n\n- one: `a`\n- two: a list item that is too long\n"
	want := `rank

Ranks rows.

    rank <field> | x

argument  default  meaning
by                 A field whose values
                   are ranked apart from
                   one another, a|b.
limit     10       How many.

A paragraph that is long enough to need a
second line here.

- one: a
- two: a list item that is too long
`
	if diff := cmp.Diff(want, plainPage(page, 42, false)); diff != "" {
		t.Error(diff)
	}
}

// TestPagesOnATerminal: no page of the manual shows Markdown on a terminal, and
// only code is wider than it.
func TestPagesOnATerminal(t *testing.T) {
	pages := map[string]string{}
	for _, d := range syntax.Commands() {
		pages[d.Name] = syntax.CommandPage(d.Name)
	}
	for _, d := range syntax.Functions() {
		pages[d.Name+"()"] = syntax.FunctionPage(d.Name)
	}
	for _, d := range syntax.Aggregates() {
		pages[d.Name+"() of stats"] = syntax.AggregatePage(d.Name)
	}
	for name, page := range pages {
		for line := range strings.Lines(plainPage(page, 80, true)) {
			if strings.HasPrefix(line, "    ") {
				continue
			}
			if strings.Contains(line, "`") || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "#") {
				t.Errorf("%s: Markdown: %s", name, line)
			}
			if n := runewidth.StringWidth(strings.TrimRight(line, "\n")); n > 80 && strings.Contains(strings.TrimSpace(line), " ") && !strings.Contains(line, "\x1b") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}
