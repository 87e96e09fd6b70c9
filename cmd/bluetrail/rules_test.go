package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeTree writes files below a new folder and returns it.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRulesCheck(t *testing.T) {
	content := writeTree(t, map[string]string{
		"macros/trail.yml":        "name: trail\ndefinition: sourcetype=aws:cloudtrail\n",
		"macros/broken.yml":       "name: [\n",
		"lookups/seen.yml":        "name: seen\nfilename: seen.csv\n",
		"lookups/seen.csv":        "user\nalice\n",
		"detections/a_good.yml":   "name: Good one\nid: id-1\nversion: 3\ntype: TTP\nsearch: '`trail` eventName=StopLogging | stats count by user | lookup seen user OUTPUT user AS known | `good_one_filter`'\nrba:\n  message: x\n",
		"detections/b_macro.yml":  "name: No macro\nid: id-2\nsearch: '`trial` | stats count'\n",
		"detections/c_lookup.yml": "name: No lookup\nid: id-3\nsearch: '| inputlookup seen_befor.csv'\n",
		"detections/d_parse.yml":  "name: No parse\nid: id-4\nsearch: 'x=1 | statz count'\n",
		"detections/e_yaml.yml":   "name: \"no end\nid: 5\n",
		"detections/f_writes.yml": "name: Baseline\nid: 6\nsearch: '`trail` | stats count by user | outputlookup new_table.csv'\n",
		"detections/g_sigma.yml":  "title: Sigma one\nid: id-7\nlogsource: {product: aws}\ndetection: {condition: a, a: {eventName: X}}\n",
		"detections/h_empty.yml":  "name: Nothing\nid: id-8\n",
		"detections/i_append.yml": "name: Deep\nid: id-9\nsearch: '`trail` | append [| inputlookup nowhere.csv]'\n",
		"detections/notes.txt":    "no rule",
	})
	code, out, errs := bluetrail(t, "rules", "check", filepath.Join(content, "detections"), "-o", "json")
	if code != exitDone {
		t.Fatalf("%d\n%s", code, errs)
	}
	type row struct{ File, Start, Error string }
	var got []row
	for line := range strings.Lines(out) {
		file, rest, ok := strings.Cut(strings.TrimPrefix(line, `{"file":"`), `","`)
		fields, fault, ok2 := strings.Cut(rest, `,"error":`)
		if !ok || !ok2 {
			t.Fatalf("keys: %s", line)
		}
		got = append(got, row{filepath.Base(file), fields, fault})
	}
	faults := []string{"", `unknown macro \"trial\"`, "seen_befor", "statz", "cannot read YAML", "", "Sigma", "no search", "nowhere.csv"}
	want := []row{
		{File: "a_good.yml", Start: `id":"id-1","name":"Good one","kind":"spl","ok":"true"`},
		{File: "b_macro.yml", Start: `id":"id-2","name":"No macro","kind":"spl","ok":"false"`},
		{File: "c_lookup.yml", Start: `id":"id-3","name":"No lookup","kind":"spl","ok":"false"`},
		{File: "d_parse.yml", Start: `id":"id-4","name":"No parse","kind":"spl","ok":"false"`},
		{File: "e_yaml.yml", Start: `id":"","name":"","kind":"","ok":"false"`},
		{File: "f_writes.yml", Start: `id":"6","name":"Baseline","kind":"spl","ok":"true"`},
		{File: "g_sigma.yml", Start: `id":"id-7","name":"Sigma one","kind":"sigma","ok":"false"`},
		{File: "h_empty.yml", Start: `id":"id-8","name":"Nothing","kind":"","ok":"false"`},
		{File: "i_append.yml", Start: `id":"id-9","name":"Deep","kind":"spl","ok":"false"`},
	}
	for i := range got {
		if i < len(faults) && (!strings.Contains(got[i].Error, faults[i]) || faults[i] == "" && got[i].Error != "\"\"}\n") {
			t.Errorf("%s: error %s, want %q in it", got[i].File, got[i].Error, faults[i])
		}
		got[i].Error = ""
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	if !strings.Contains(errs, "9 rules checked, 7 would not run") || !strings.Contains(errs, "broken.yml") {
		t.Errorf("stderr: %s", errs)
	}
	if _, err := os.Stat(filepath.Join(content, "lookups", "new_table.csv")); err == nil {
		t.Error("a check wrote a lookup")
	}
	if code, _, _ := bluetrail(t, "rules", "check", filepath.Join(content, "nowhere")); code != exitUsage {
		t.Errorf("a folder that is not there: %d", code)
	}
	if code, out, _ := bluetrail(t, "rules", "check", content, "-o", "csv"); code != exitDone || !strings.HasPrefix(out, "file,id,name,kind,ok,error\n") || strings.Contains(out, "macros") {
		t.Errorf("csv: %d %s", code, out)
	}
}

func TestSplCheckReadsManySearches(t *testing.T) {
	stdin := filepath.Join(t.TempDir(), "searches")
	if err := os.WriteFile(stdin, []byte("\neventName=A\n| stats count\n\n\n| nosuch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(stdin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defer func(old *os.File) { os.Stdin = old }(os.Stdin)
	os.Stdin = f
	code, out, _ := bluetrail(t, "spl", "check", "-")
	if code != exitUsage || !strings.HasPrefix(out, "line 2: ok\nline 6: ") || !strings.Contains(out, "nosuch") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestListedSearches(t *testing.T) {
	good := func(text string) bool { return !strings.Contains(text, "bad") && !strings.Contains(text, "\nindex") }
	for text, want := range map[string][]listedSearch{
		"":                                       nil,
		"index=a\n| head 1\n":                    {{1, "index=a\n| head 1"}},
		"index=a\nindex=b":                       {{1, "index=a"}, {2, "index=b"}},
		"index=c\nindex=a\n bad\nindex=b\n| bad": {{1, "index=c"}, {2, "index=a\n bad"}, {4, "index=b\n| bad"}},
		"\n\nindex=a\r\n| bad\n\nindex=b":        {{3, "index=a\n| bad"}, {6, "index=b"}},
		"| head 1\n| bad":                        {{1, "| head 1"}, {2, "| bad"}},
		"bad\n| bad":                             {{1, "bad\n| bad"}},
	} {
		if diff := cmp.Diff(want, listed(text, good), cmp.AllowUnexported(listedSearch{})); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
