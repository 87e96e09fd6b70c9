// Command reference writes the reference of the search language to docs/spl
// from the registrations of commands, functions and aggregates.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	_ "bluetrail/internal/plan"
	"bluetrail/internal/spl/syntax"
)

func main() {
	dir := "docs/spl"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if len(os.Args) > 2 || strings.HasPrefix(dir, "-") {
		log.Fatal("usage: reference [folder]")
	}
	if err := write(dir); err != nil {
		log.Fatal(err)
	}
}

func write(dir string) error {
	commands := filepath.Join(dir, "commands")
	if err := os.RemoveAll(commands); err != nil {
		return err
	}
	if err := os.MkdirAll(commands, 0o755); err != nil {
		return err
	}
	var index strings.Builder
	index.WriteString("# The search language\n\nMade by `make generate` from the registrations in the code; every example is run by the tests.\nWhere bluetrail differs from Splunk: [differences.md](differences.md).\n\n## Commands\n\n| command | kind | what it does |\n| --- | --- | --- |\n")
	for _, d := range syntax.Commands() {
		if err := os.WriteFile(filepath.Join(commands, d.Name+".md"), []byte(syntax.CommandPage(d.Name)), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&index, "| [%s](commands/%s.md) | %s | %s |\n", strings.Join(append([]string{d.Name}, d.Aliases...), ", "), d.Name, d.Kind, strings.ReplaceAll(d.Summary, "|", `\|`))
	}
	index.WriteString("\n## Known, not supported\n\n| command | why | instead |\n| --- | --- | --- |\n")
	for _, u := range syntax.UnsupportedCommands() {
		fmt.Fprintf(&index, "| %s | %s | %s |\n", u.Name, u.Why, u.Instead)
	}
	var functions, aggregates strings.Builder
	functions.WriteString("# Functions of eval and where\n")
	index.WriteString("\n## [Functions](functions.md)\n\n")
	for _, d := range syntax.Functions() {
		functions.WriteString("\n" + nested(syntax.FunctionPage(d.Name)))
		fmt.Fprintf(&index, "`%s` ", d.Name)
	}
	aggregates.WriteString("# Aggregates of stats and its kin\n")
	index.WriteString("\n\n## [Aggregates](aggregates.md)\n\n")
	for _, d := range syntax.Aggregates() {
		aggregates.WriteString("\n" + nested(syntax.AggregatePage(d.Name)))
		fmt.Fprintf(&index, "`%s` ", d.Name)
	}
	index.WriteString("\n")
	for name, text := range map[string]string{"README.md": index.String(), "functions.md": functions.String(), "aggregates.md": aggregates.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// nested moves a page's headings one level down.
func nested(page string) string {
	lines := strings.Split(page, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "#") {
			lines[i] = "#" + l
		}
	}
	return strings.Join(lines, "\n")
}
