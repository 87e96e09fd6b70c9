package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages below internal from the lowest up. A package imports
// only from layers below its own. dir/... stands for a package and those in it.
var layers = [][]string{
	{"diag", "jsonscan", "yamldoc", "vector", "tally", "guide", "unpack", "leftover", "aws/trailkey", "aws/permission"},
	{"spath", "idset", "splunktime", "spill", "backup", "config", "spl/pcre", "spl/datamodel", "enrich/netpack"},
	{"event", "generate", "state", "aws"},
	{"filter", "source", "enrich/...", "identity", "auth", "aws/...", "digest"},
	{"lookup", "source/file", "source/inbox", "actor", "event/reference", "enrich/load"},
	{"store", "source/...", "digest/..."},
	{"store/...", "spl/syntax"},
	{"spl/exec"},
	{"spl/expr"},
	{"spl/op", "spl/fn", "spl/agg"},
	{"spl/cmd"},
	{"knowledge", "plan"},
	{"search", "integrity", "result", "control"},
	{"ingest", "search/job", "coverage"},
	{"detect/rule", "detect/example"},
	{"detect/match", "detect/sigma"},
	{"detect/finding"},
	{"detect/triage"},
	{"detect/judge/seen"},
	{"detect/judge", "detect/splrule"},
	{"detect/ruleset"},
	{"detect/engine"},
	{"detect/ruletest", "detect/hunt"},
	{"detect/...", "incident", "exposure", "inventory", "health", "alert", "dashboard", "spl/reference"},
	{"alert/message"},
	{"alert/send"},
	{"alert/output"},
	{"alert/..."},
	{"api/...", "serve"},
}

// strangers may not import what the second pattern names, however low it lies.
var strangers = [][2]string{
	{"store/...", "spl/..."},
	{"store", "spl/..."},
	{"filter", "spl/..."},
	{"lookup", "spl/..."},
	{"event", "spl/..."},
	{"ingest", "spl/..."},
	{"source/...", "store/..."},
	{"plan", "store/vlogs"},
	{"plan", "store/files"},
	{"plan", "store/memory"},
	{"plan", "spl/datamodel"},
}

func matches(pattern, dir string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return dir == base || below && strings.HasPrefix(dir, base+"/")
}

// layerOf returns the layer of a package, -1 for none. A pattern of its own goes
// before one with dots.
func layerOf(dir string) int {
	if i := slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, dir) }); i >= 0 {
		return i
	}
	return slices.IndexFunc(layers, func(l []string) bool {
		return slices.ContainsFunc(l, func(p string) bool { return matches(p, dir) })
	})
}

// TestLayout reads the imports of all packages below internal, without their
// tests, and fails where one points upward or sideways.
func TestLayout(t *testing.T) {
	seen := 0
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, filepath.FromSlash(file), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		dir := path.Dir(file)
		own := layerOf(dir)
		if own < 0 {
			t.Errorf("%s: package internal/%s stands in no layer; give it one in layout_test.go", file, dir)
			return nil
		}
		for _, im := range f.Imports {
			name, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(name, "bluetrail/internal/")
			if !ours {
				if strings.HasPrefix(name, "bluetrail/") {
					t.Errorf("%s imports %s: packages below internal do not know the command", file, name)
				}
				continue
			}
			within := path.Dir(to) == dir || path.Dir(dir) == to // parts of a package and the whole
			if n := layerOf(to); n > own || n == own && !within {
				t.Errorf("%s: internal/%s (layer %d) may not import internal/%s (layer %d)", file, dir, own, to, n)
			}
			for _, s := range strangers {
				if matches(s[0], dir) && matches(s[1], to) && !within {
					t.Errorf("%s: internal/%s may not know internal/%s", file, dir, to)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d files were read: the test stands in the wrong folder", seen)
	}
}
