package knowledge

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"

	"github.com/google/go-cmp/cmp"
)

// folder writes files, keyed by slash-separated name, and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, files map[string]string) *Knowledge {
	t.Helper()
	k, err := Open(folder(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMacros(t *testing.T) {
	k := open(t, map[string]string{
		"macros.conf":           "\ufeff# top\r\n[plain]\r\ndefinition = a=1 \\\r\n  b=2\r\n[two(2)]\nargs = x, y\ndefinition = $x$ $y$\niseval = 1\nvalidation = isnum(x)\nerrormsg = no\n",
		"default/macros.conf":   "[layered]\ndefinition = default\nerrormsg = kept\n",
		"local/macros.conf":     "[layered]\ndefinition = local # not a comment\n[two]\ndefinition = none\n",
		"macros/a.yml":          "name: from_yaml\narguments:\n- field\ndefinition: rename $field$ AS x\ndescription: d\n",
		"macros/cloudtrail.yml": "name: cloudtrail\ndefinition: index=trail\n",
	})
	for _, want := range []syntax.Macro{
		{Name: "plain", Definition: "a=1 \n  b=2"},
		{Name: "two", Args: []string{"x", "y"}, Definition: "$x$ $y$", IsEval: true, Validation: "isnum(x)", ErrorMsg: "no"},
		{Name: "two", Definition: "none"},
		{Name: "layered", Definition: "local # not a comment", ErrorMsg: "kept"},
		{Name: "from_yaml", Args: []string{"field"}, Definition: "rename $field$ AS x"},
		{Name: "cloudtrail", Definition: "index=trail"},
		{Name: "drop_dm_object_name", Args: []string{"object"}, Definition: "rename $object$.* AS *"},
	} {
		got, ok := k.Macro(want.Name, len(want.Args))
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s/%d: %v %s", want.Name, len(want.Args), ok, diff)
		}
	}
	if _, ok := k.Macro("two", 1); ok {
		t.Error("two(1) is not defined")
	}
	if p := k.Problems(); len(p) > 0 {
		t.Error(p)
	}
}

// TestProblems breaks things one by one; each is reported with its place, and
// everything else still works.
func TestProblems(t *testing.T) {
	k := open(t, map[string]string{
		"macros.conf":     "[unclosed\ndefinition = x\n[good]\ndefinition = fine\nno setting here\n[few(2)]\nargs = a\ndefinition = x\n[none]\n",
		"macros/bad.yml":  "name: [\n",
		"transforms.conf": "[runs]\nexternal_cmd = x.py a\n[types]\nfilename = a.csv\nmatch_type = LIKE(a)\n[count]\nfilename = a.csv\nmax_matches = many\n[path]\nfilename = ../a.csv\n[filter]\nfilename = a.csv\nfilter = (a=1\n[extraction]\nREGEX = x\n[ok]\nfilename = a.csv\n",
		"lookups/a.csv":   "a\n1\n",
		"lookups/b.yml":   "name: b\nmatch_type: [NEAR(x)]\n",
	})
	k.Check()
	var all []string
	for _, p := range k.Problems() {
		all = append(all, p.Error())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{
		"macros.conf:1:1: the name of the stanza is not closed", "macros.conf:5:1: neither a stanza nor a setting",
		"[few(2)]: the name says 2 arguments, args lists 1", "[none]: definition is missing", "bad.yml",
		"[runs]: the lookup runs a program", `[types]: cannot read match_type "LIKE(a)"`, "[count]: max_matches must be a number",
		`[path]: "../a.csv" is not a valid name for a lookup file`, "[filter]: filter:1:1: this ( is not closed", "b.yml", "NEAR",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not reported in\n%s", want, text)
		}
	}
	if len(all) != 11 {
		t.Errorf("%d problems:\n%s", len(all), text)
	}
	if m, ok := k.Macro("good", 0); !ok || m.Definition != "fine" {
		t.Error("the good macro is lost")
	}
	if _, err := k.Table(nil, "ok"); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "nosuch")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func TestDefinitions(t *testing.T) {
	k := open(t, map[string]string{
		"transforms.conf": "[default]\nmin_matches = 1\n[d]\nfilename = t.csv\nmatch_type = WILDCARD(a) , CIDR(b)\ncase_sensitive_match = false\ndefault_match = none\ntime_field = at\n[seen]\nexternal_type = kvstore\ncollection = c\nfields_list = _key, user\n",
		"lookups/t.csv":   "a,b,at\nx,y,1\n",
		"lookups/y.yml":   "name: svc\nlookup_type: csv\ncase_sensitive_match: false\nmin_matches: 1\ndefault_match: 'no'\nmatch_type:\n  - WILDCARD(a)\n",
		"lookups/y.csv":   "a\nx*\n",
	})
	d, err := k.Table(nil, "d")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&lookup.Table{
		Name: "d", Columns: []string{"a", "b", "at"}, Rows: [][]string{{"x", "y", "1"}}, IgnoreCase: true, MinMatches: 1, MaxMatches: 1, DefaultMatch: "none",
		Match: map[string]string{"a": "WILDCARD", "b": "CIDR"}, TimeField: "at", TimeFormat: "%s.%Q", MaxOffsetSecs: 2000000000, Bytes: rowBytes + 6*cellBytes + 3,
	}, d); diff != "" {
		t.Error(diff)
	}
	y, err := k.Table(nil, "svc")
	if err != nil || !y.IgnoreCase || y.MinMatches != 1 || y.DefaultMatch != "no" || y.Match["a"] != "WILDCARD" || y.MaxMatches != 100 {
		t.Errorf("%+v %v", y, err)
	}
	seen, err := k.Table(nil, "seen")
	if err != nil || len(seen.Rows) != 0 || cmp.Diff([]string{"_key", "user"}, seen.Columns) != "" {
		t.Errorf("%+v %v", seen, err)
	}
	if p := k.Problems(); len(p) > 0 {
		t.Error(p)
	}
	for name, want := range map[string]string{
		"dd": "d", "nosuch.csv": "no file", "../t.csv": "must not contain a path", "t.csv/..": "not a lookup file", ".hidden.csv": "not a valid name", "x\x00.csv": "not a valid name",
	} {
		if _, err := k.Table(nil, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", name, err, want)
		}
	}
}

func TestParseTable(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		columns    []string
		rows       [][]string
		notes      int
		err        string
	}{
		{name: "bom and crlf", text: "\ufeffa,b\r\n1,2\r\n", columns: []string{"a", "b"}, rows: [][]string{{"1", "2"}}},
		{name: "quotes", text: "a,b\n\"x,\"\"y\"\"\n z\",2\n", columns: []string{"a", "b"}, rows: [][]string{{"x,\"y\"\n z", "2"}}},
		{name: "bare quote", text: "a\nx \"y\" z\n", columns: []string{"a"}, rows: [][]string{{`x "y" z`}}},
		{name: "ragged", text: "a,b\n1\n1,2,3\n1,2,3,4\n", columns: []string{"a", "b"}, rows: [][]string{{"1", ""}, {"1", "2"}, {"1", "2"}}, notes: 1},
		{name: "twice", text: "a,a,,b\n1,2,3,4\n", columns: []string{"a", "b"}, rows: [][]string{{"1", "4"}}, notes: 1},
		{name: "header only", text: "a", columns: []string{"a"}},
		{name: "empty", text: "", err: "empty"},
		{name: "no names", text: ",\n1,2\n", err: "has no column names"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var table lookup.Table
			err := parseTable(nil, strings.NewReader(tc.text), 1<<20, &table)
			columns, rows, notes := table.Columns, table.Rows, table.Notes
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
			if diff := cmp.Diff(tc.columns, columns) + cmp.Diff(tc.rows, rows); diff != "" || len(notes) != tc.notes {
				t.Errorf("notes %q\n%s", notes, diff)
			}
		})
	}
}

// TestLarge reads an endless table, like a gzip bomb.
func TestLarge(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("a\n"), repeat("xxxxxxx\n"))
	if err := parseTable(nil, endless, 1<<20, &lookup.Table{}); err == nil || !strings.Contains(err.Error(), "more than 1 MiB of memory") {
		t.Errorf("error %v", err)
	}
	short := io.MultiReader(strings.NewReader("a\n"), repeat("1\n"))
	counted := &counting{in: short}
	if err := parseTable(nil, counted, 1<<20, &lookup.Table{}); err == nil || !strings.Contains(err.Error(), "more than 1 MiB of memory") {
		t.Errorf("short rows: error %v", err)
	} else if counted.n > 256<<10 { // 1 MiB has room for some 10,000 of them
		t.Errorf("short rows: %d bytes were read", counted.n)
	}
	if err := parseTable(nil, repeat("x"), 1<<20, &lookup.Table{}); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("one line: error %v", err)
	}
}

// counting counts what is read.
type counting struct {
	in io.Reader
	n  int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += n
	return n, err
}

// repeat is a reader that repeats a text forever.
type repeat string

func (r repeat) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(string(r), len(p)/len(r)+1)), nil
}

func TestWriteTable(t *testing.T) {
	dir := folder(t, map[string]string{"lookups/a.csv": "a\nold\n", "transforms.conf": "[def]\nfilename = b.csv\n"})
	k, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := &lookup.Table{Columns: []string{"x", "y"}, Rows: [][]string{{"1", "a,\"b\"\nc"}, {"", "=cmd"}}}
	single := &lookup.Table{Columns: []string{"x"}, Rows: [][]string{{""}, {"1"}}}
	for _, name := range []string{"a.csv", "def", "new.csv.gz"} {
		for _, w := range []*lookup.Table{want, single} {
			if err := k.WriteTable(t.Context(), name, w); err != nil {
				t.Fatal(err)
			}
			got, err := k.Table(nil, name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(w.Columns, got.Columns) + cmp.Diff(w.Rows, got.Rows); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
	for _, name := range []string{"../a.csv", "/etc/a.csv", "a.txt", `..\a.csv`, "", "x/../../a.csv"} {
		if err := k.WriteTable(t.Context(), name, want); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	// A link in place of the file is replaced, not followed.
	outside := filepath.Join(t.TempDir(), "victim.csv")
	if err := os.WriteFile(outside, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "lookups", "link.csv")); err != nil {
		t.Fatal(err)
	}
	if err := k.WriteTable(t.Context(), "link.csv", want); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(outside); string(text) != "mine\n" {
		t.Errorf("the file behind the link is %q", text)
	}
	left, err := filepath.Glob(filepath.Join(dir, "lookups", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("unfinished files: %v %v", left, err)
	}
	if k, err = Open(); err != nil {
		t.Fatal(err)
	}
	if err := k.WriteTable(t.Context(), "a.csv", want); err == nil || !strings.Contains(err.Error(), "--knowledge") {
		t.Errorf("without a folder: %v", err)
	}
	last := filepath.Join(t.TempDir(), "knowledge")
	k.WritingTo(last)
	if err := k.WriteTable(t.Context(), "a.csv", want); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(filepath.Join(last, "lookups", "a.csv")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

// TestTogether reads while tables are written: every reader sees a complete
// one.
func TestTogether(t *testing.T) {
	k := open(t, map[string]string{"lookups/a.csv": "n\n0\n0\n"})
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 30 {
				n := fmt.Sprint(w*100 + i)
				if err := k.WriteTable(t.Context(), "a.csv", &lookup.Table{Columns: []string{"n"}, Rows: [][]string{{n}, {n}}}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 100 {
				tab, err := k.Table(nil, "a.csv")
				if err != nil || len(tab.Rows) != 2 || tab.Rows[0][0] != tab.Rows[1][0] {
					t.Errorf("%v %v", tab, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzConf(f *testing.F) {
	f.Add("[a]\nb = c\\\nd\n[default]\nx=1\n")
	f.Add("[a(1)]\nargs = x\ndefinition=$x$\n#c\n=\n[")
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := parseConf("fuzz.conf", text)
		for _, s := range list {
			if s.settings == nil {
				t.Fatal("a stanza without settings")
			}
			macroFromStanza(s)
			newDefinition(s.name, s.settings)
		}
	})
}

// TestShipped: the lookups of published searches are empty until a folder
// provides them.
func TestShipped(t *testing.T) {
	dir := t.TempDir()
	for _, k := range []*Knowledge{mustOpen(t), mustOpen(t, dir)} {
		for name, columns := range shipped {
			table, err := k.Table(nil, name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if got := strings.Join(table.Columns, ","); got != columns || len(table.Rows) != 0 || len(table.Notes) != 1 {
				t.Errorf("%s: columns %s, %d rows, notes %q", name, got, len(table.Rows), table.Notes)
			}
		}
		if _, err := k.Table(nil, "previously_seen_cloud_region"); !errors.Is(err, exec.ErrNoTable) || !strings.Contains(err.Error(), `"previously_seen_cloud_regions"`) {
			t.Errorf("a name nearly right: %v", err)
		}
		if len(k.LookupNames()) != 0 {
			t.Errorf("lookups of the folder: %q", k.LookupNames())
		}
	}
	k := mustOpen(t, dir)
	for _, name := range []string{"previously_seen_cloud_regions", "previously_seen_aws_regions.csv"} {
		if err := k.WriteTable(t.Context(), name, &lookup.Table{Columns: []string{"x"}, Rows: [][]string{{"1"}}}); err != nil {
			t.Fatal(err)
		}
		file := strings.TrimSuffix(name, ".csv") + ".csv"
		if _, err := os.Stat(filepath.Join(dir, "lookups", file)); err != nil {
			t.Error(err)
		}
		if table, err := k.Table(nil, name); err != nil || len(table.Rows) != 1 || len(table.Notes) != 0 {
			t.Errorf("%s once written: %+v %v", name, table, err)
		}
	}
}

func mustOpen(t *testing.T, dirs ...string) *Knowledge {
	t.Helper()
	k, err := Open(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestMacroFiles: the supported formats of macro files.
func TestMacroFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "macros"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"number.yml":         "name: number\ndefinition: 10\n",
		"several.yml":        "# two\nname: first\ndefinition: a=1\n---\nname: second\ndefinition: >-\n  b=2\n  OR c=3\n---\n",
		"list.yaml":          "- name: third\n  definition: ''\n- name: fourth(2)\n  arguments: x, y\n  definition: eval $x$=$y$\n",
		"by_its_file.yml":    "definition: search *\narguments: []\n",
		"ec2_window.yml":     "name: previously_seen_mine_forget_window\ndefinition: '\"-1d\"'\n",
		"not_a_macro.yml":    "just text\n",
		"no_definition.yml":  "name: none\n",
		"argument_count.yml": "name: odd(3)\narguments:\n- a\ndefinition: $a$\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "macros", file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := mustOpen(t, dir)
	for _, tc := range []struct {
		name, want string
		args       int
	}{
		{"number", "10", 0}, {"first", "a=1", 0}, {"second", "b=2 OR c=3", 0}, {"third", "", 0}, {"fourth", "eval $x$=$y$", 2}, {"by_its_file", "search *", 0},
		{"previously_seen_mine_forget_window", `"-1d"`, 0}, {"previously_seen_cloud_regions_forget_window", `"-90d@d"`, 0},
		{"previously_unseen_cloud_provisioning_activity_window", `"-70m@m"`, 0}, {"previously_seen_cloud_compute_images_search_window_begin_offset", `"-70m@m"`, 0},
		{"aws_s3_accesslogs", "sourcetype=aws:s3:accesslogs", 0},
	} {
		if m, ok := k.Macro(tc.name, tc.args); !ok || m.Definition != tc.want || len(m.Args) != tc.args {
			t.Errorf("%s: %+v %v, want %q", tc.name, m, ok, tc.want)
		}
	}
	for _, name := range []string{"my_window", "none", "previously_seen_regions", "odd"} {
		if m, ok := k.Macro(name, 0); ok {
			t.Errorf("%s is %+v", name, m)
		}
	}
	if got := fmt.Sprint(k.Problems()); len(k.Problems()) != 3 || !strings.Contains(got, "not_a_macro") || !strings.Contains(got, "no_definition") || !strings.Contains(got, "argument_count") {
		t.Errorf("problems: %s", got)
	}
}
