package syntax

import (
	"fmt"
	"strings"
)

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
		b.WriteString("    " + strings.ReplaceAll(ex.Search, "\n", "\n    ") + "\n\nRows:\n\n")
		if len(ex.Want) == 0 {
			b.WriteString("    (none)\n")
			continue
		}
		b.WriteString("    " + strings.Join(ex.Want, "\n    ") + "\n")
	}
}

func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

// cell keeps text inside one cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
