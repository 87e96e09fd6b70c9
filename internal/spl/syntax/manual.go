package syntax

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/splunktime"
)

// ExampleNow is the time at which the examples of the manual run.
var ExampleNow = time.Unix(1700000000, 0).UTC()

// Names returns every name and alias of commands, functions and aggregates.
func Names() []string {
	return append(append(names(commands), names(functions)...), names(aggregates)...)
}

// CommandPage returns the manual page of a command in Markdown, "" for none.
// The page of eval also lists the functions, the one of stats the aggregates.
func CommandPage(name string) string {
	d := LookupCommand(name)
	if d == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", d.Name, d.Summary)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(&b, "Also written: %s\n\n", strings.Join(d.Aliases, ", "))
	}
	fmt.Fprintf(&b, "    %s\n\n", strings.ReplaceAll(d.Syntax, "\n", "\n    "))
	if len(d.Args) > 0 {
		b.WriteString("| argument | default | meaning |\n| --- | --- | --- |\n")
		for _, a := range d.Args {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(a.Name), cell(a.Default), cell(a.Doc))
		}
		b.WriteByte('\n')
	}
	if d.Doc != "" {
		b.WriteString(strings.TrimSpace(d.Doc) + "\n\n")
	}
	fmt.Fprintf(&b, "Kind: %s.\n", d.Kind)
	examples(&b, d.Examples)
	switch d.Name {
	case "eval":
		b.WriteString("\n## Functions\n\n")
		for _, f := range Functions() {
			fmt.Fprintf(&b, "- `%s` %s\n", f.Syntax, firstSentence(f.Doc))
		}
	case "stats":
		b.WriteString("\n## Aggregates\n\n")
		for _, g := range Aggregates() {
			fmt.Fprintf(&b, "- `%s` %s\n", g.Syntax, firstSentence(g.Doc))
		}
	}
	return b.String()
}

// FunctionPage returns the manual page of an eval function, "" for none.
func FunctionPage(name string) string {
	d := LookupFunction(name)
	if d == nil {
		return ""
	}
	return page(d.Name+"()", d.Aliases, d.Syntax, d.Doc, "Group: "+d.Group+".", d.Examples)
}

// AggregatePage returns the manual page of an aggregate, "" for none.
func AggregatePage(name string) string {
	d := aggregates[strings.ToLower(name)]
	if d == nil {
		return ""
	}
	return page(d.Name+"()", d.Aliases, d.Syntax, d.Doc, "Aggregate of stats, chart, timechart and similar commands.", d.Examples)
}

func page(title string, aliases []string, syntax, doc, group string, ex []Example) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", title)
	if len(aliases) > 0 {
		fmt.Fprintf(&b, "Also written: %s\n\n", strings.Join(aliases, ", "))
	}
	fmt.Fprintf(&b, "    %s\n\n%s\n\n%s\n", syntax, strings.TrimSpace(doc), group)
	examples(&b, ex)
	return b.String()
}

func examples(b *strings.Builder, list []Example) {
	for _, ex := range list {
		b.WriteString("\n## Example\n\n")
		if ex.Doc != "" {
			b.WriteString(ex.Doc + "\n\n")
		}
		if ex.Txn != "" {
			b.WriteString("The transaction type `example`:\n\n    " + strings.ReplaceAll(ex.Txn, "\n", "\n    ") + "\n\n")
		}
		if ex.Saved != "" {
			b.WriteString("The saved search `example`:\n\n    " + ex.Saved + "\n\n")
		}
		if ex.Lookup != "" {
			b.WriteString("The lookup `example.csv`:\n\n    " + strings.ReplaceAll(strings.TrimSpace(ex.Lookup), "\n", "\n    ") + "\n\n")
		}
		if len(ex.Events) > 0 {
			b.WriteString("Events:\n\n    " + strings.Join(ex.Events, "\n    ") + "\n\nSearch:\n\n")
		}
		b.WriteString("    " + strings.ReplaceAll(ex.Search, "\n", "\n    ") + "\n\n" + rowsTitle(ex) + "\n\n")
		if len(ex.Want) == 0 {
			b.WriteString("    (none)\n")
			continue
		}
		b.WriteString("    " + strings.Join(shownRows(ex.Want), "\n    ") + "\n")
	}
}

// rowsTitle stands before the rows of an example and says which time is now,
// where they depend on it.
func rowsTitle(ex Example) string {
	if !ex.UsesNow() {
		return "Rows:"
	}
	return fmt.Sprintf("Rows, with `--now %d` (%s):", ExampleNow.Unix(), ExampleNow.Format("2006-01-02 15:04:05 UTC"))
}

// UsesNow reports whether the rows of the example depend on the current time.
func (e Example) UsesNow() bool { return usesNow.MatchString(e.Search) }

var usesNow = regexp.MustCompile(`(?i)\b(now|time)\(\)|\b(earliest|latest)=|\|\s*(addinfo|reltime|bin _time)\b|makeresults\s*\|\s*eval \w+=[^|]*\b_time\b`)

// shownRows returns rows as the command writes them: _time as a date.
func shownRows(rows []string) []string {
	var list []string
	for _, r := range rows {
		list = append(list, epochTime.ReplaceAllStringFunc(r, func(s string) string {
			f, err := strconv.ParseFloat(epochTime.FindStringSubmatch(s)[1], 64)
			if err != nil {
				return s
			}
			return `"_time":"` + splunktime.FromEpoch(f).UTC().Format("2006-01-02T15:04:05.000-07:00") + `"`
		}))
	}
	return list
}

var epochTime = regexp.MustCompile(`"_time":"(\d+(?:\.\d+)?)"`)

func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

// cell keeps text inside one cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
