package cmd_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/spl/syntax"
)

// together are the files that hold several commands.
var together = map[string][]string{
	"si":        {"sistats", "sichart", "sitimechart", "sitop", "sirare"},
	"top":       {"top", "rare"},
	"unchanged": {"highlight", "iconify", "localop", "noop", "redistribute"},
}

// TestFilesAreNamedAfterCommands: a reader sees from the list of files which
// commands there are, and which file belongs to which.
func TestFilesAreNamedAfterCommands(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "doc.go" {
			continue
		}
		name := strings.TrimSuffix(file, ".go")
		own[name] = true
		owner, _, _ := strings.Cut(name, "_")
		if d := syntax.LookupCommand(owner); (d == nil || d.Name != owner) && together[owner] == nil {
			t.Errorf("%s begins with the name of no command; what several commands share belongs into package op", file)
		}
	}
	held := map[string]string{}
	for file, names := range together {
		for _, name := range names {
			held[name] = file
		}
	}
	for _, d := range syntax.Commands() {
		file := d.Name
		if h := held[d.Name]; h != "" {
			file = h
		}
		if !own[file] {
			t.Errorf("command %s has no file %s.go", d.Name, file)
		}
	}
	for name, file := range held {
		if !slices.ContainsFunc(syntax.Commands(), func(d *syntax.CommandDef) bool { return d.Name == name }) {
			t.Errorf("%s.go is said to hold %s, which is no command", file, name)
		}
	}
}
