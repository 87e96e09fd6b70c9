package main

import (
	"os"
	"path/filepath"
	"slices"
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
	faults := []string{"", `unknown macro \"trial\"`, "seen_befor", "statz", "cannot read YAML", "", "", "no search", "nowhere.csv"}
	want := []row{
		{File: "a_good.yml", Start: `id":"id-1","name":"Good one","kind":"spl","ok":"true"`},
		{File: "b_macro.yml", Start: `id":"id-2","name":"No macro","kind":"spl","ok":"false"`},
		{File: "c_lookup.yml", Start: `id":"id-3","name":"No lookup","kind":"spl","ok":"false"`},
		{File: "d_parse.yml", Start: `id":"id-4","name":"No parse","kind":"spl","ok":"false"`},
		{File: "e_yaml.yml", Start: `id":"","name":"","kind":"","ok":"false"`},
		{File: "f_writes.yml", Start: `id":"6","name":"Baseline","kind":"spl","ok":"true"`},
		{File: "g_sigma.yml", Start: `id":"id-7","name":"Sigma one","kind":"sigma","ok":"true"`},
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
	if !strings.Contains(errs, "9 rules checked, 6 would not run") || !strings.Contains(errs, "broken.yml") {
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

// TestRulesCheckWholeCollection: what rules lean on may be written by others of
// the collection, and what is no rule is no row.
func TestRulesCheckWholeCollection(t *testing.T) {
	content := writeTree(t, map[string]string{
		"macros/window.yml":               "name: window\ndefinition: '\"-1d@d\"'\narguments: []\n",
		"baselines/seen.yml":              "name: Seen\nsearch: >-\n  sourcetype=aws:cloudtrail\n  | stats min(_time) as first by user\n  | outputlookup seen_here.csv\n",
		"baselines/model.yaml":            "name: Model\nsearch: |\n  sourcetype=aws:cloudtrail\n  | stats count by user\n  | fit DensityFunction count into calls\n",
		"detections/cloud/deep/reads.yml": "name: Reads what a baseline writes\nid: r1\n# a comment\nsearch: 'sourcetype=aws:cloudtrail | lookup seen_here.csv user OUTPUT first\n  | where first > relative_time(now(), `window`)\n\n  | `reads_filter`'\n",
		"detections/cloud/applies.yml":    "\ufeffname: Applies\r\nid: r2\nsearch: sourcetype=aws:cloudtrail | stats count by user | apply calls\n",
		"detections/cloud/learns.yml":     "name: Not learned anywhere\nid: r3\nsearch: sourcetype=aws:cloudtrail | stats count by user | join user [summary m] | apply m\n",
		"detections/cloud/first.yml":      "name: A baseline that ships\nid: r4\nsearch: '| tstats count from datamodel=Change by All_Changes.user | lookup previously_seen_cloud_regions vendor_region OUTPUT firstTimeSeen'\n",
		"detections/endpoint/other.yml":   "name: No CloudTrail\nid: r5\nsearch: '| tstats count from datamodel=Endpoint.Processes by Processes.dest'\n",
		"detections/endpoint/several.yml": "base: &base\n  type: TTP\n---\nname: One\nid: r6\nsearch: |-\n    sourcetype=aws:cloudtrail\n\n    | stats count\n---\nname: Two\nid: r7\nsearch: index=x | nosuch\n",
		"detections/list.yml":             "- &first\n  name: In a list\n  id: r8\n  search: sourcetype=aws:cloudtrail\n- <<: *first\n  id: r9\n  name: By an anchor\n- just text\n",
		"detections/removed/old.yml":      "name: Of an earlier form\nid: r10\nstatus: deprecated\ndetect:\n  splunk:\n    correlation_rule:\n      search: sourcetype=aws:cloudtrail | stats count\n",
		"detections/twice.yml":            "name: Keys twice\nid: r11\nname: Keys twice\nsearch: sourcetype=aws:cloudtrail\n",
		"app/default/savedsearches.conf":  "[default]\ndispatch.earliest_time = -1h\n\n[Saved one]\ndescription = x\nsearch = `own` \\\n| stats count\n[Settings only]\ndisabled = 1\n",
		"app/default/macros.conf":         "[own]\ndefinition = sourcetype=aws:cloudtrail\n",
		"stories/story.yml":               "name: A story\nid: s1\nnarrative: long\n",
		"data_sources/trail.yml":          "name: Trail\nid: d1\nsupported_TA: []\n",
		"contentctl.yml":                  "path: .\napp: {title: x}\n",
		"detections/empty.yml":            "# nothing\n",
	})
	code, out, errs := bluetrail(t, "rules", "check", content, "-o", "csv")
	if code != exitDone {
		t.Fatalf("%d\n%s", code, errs)
	}
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(out), "\n")[1:] {
		_, rest, _ := strings.Cut(line, ",")
		got = append(got, rest)
	}
	slices.Sort(got)
	want := []string{
		",Model,spl,true,", ",Saved one,spl,true,", ",Seen,spl,true,",
		"r10,Of an earlier form,spl,true,", "r11,Keys twice,spl,true,", "r1,Reads what a baseline writes,spl,true,", "r2,Applies,spl,true,",
		"r3,Not learned anywhere,spl,true,", "r4,A baseline that ships,spl,true,", "r5,No CloudTrail,spl,true,", "r6,One,spl,true,",
		`r7,Two,spl,false,"search:1:11: unknown command ""nosuch"" (bluetrail spl commands lists them)"`, "r8,In a list,spl,true,", "r9,By an anchor,spl,true,",
	}
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	for _, word := range []string{
		"14 rules checked, 1 would not run", "4 files without a rule", "story.yml",
		`there is no model "m" yet`, `"previously_seen_cloud_regions" is empty`, "CloudTrail does not fill the data model Endpoint",
	} {
		if !strings.Contains(errs, word) {
			t.Errorf("stderr lacks %q:\n%s", word, errs)
		}
	}
	// Part of a collection finds what lies above it.
	code, out, errs = bluetrail(t, "rules", "check", filepath.Join(content, "app", "default", "savedsearches.conf"), "-o", "json")
	if code != exitDone || !strings.Contains(out, `"name":"Saved one","kind":"spl","ok":"true"`) {
		t.Errorf("%d %s%s", code, out, errs)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(content, "detections", "cloud"), link); err != nil {
		t.Fatal(err)
	}
	if code, out, errs = bluetrail(t, "rules", "check", link, "-o", "json"); code != exitDone || strings.Count(out, "\n") != 4 {
		t.Errorf("%d %s%s", code, out, errs)
	}
	code, out, errs = bluetrail(t, "rules", "check", filepath.Join(content, "detections", "cloud", "deep", "reads.yml"), "-o", "json")
	if code != exitDone || !strings.Contains(out, `"ok":"true"`) {
		t.Errorf("%d %s%s", code, out, errs)
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

// TestRulesCheckAgreesWithSearch checks and runs searches that need more than
// tables: whatever runs passes the check.
func TestRulesCheckAgreesWithSearch(t *testing.T) {
	content := writeTree(t, map[string]string{
		"transforms.conf":       "[pairs]\nREGEX = (\\w+)=(\\w+)\nFORMAT = $1::$2\n",
		"rules/a_collect.yml":   "name: a\nid: id-1\nsearch: '* | stats count | collect index=summary'\n",
		"rules/b_extract.yml":   "name: b\nid: id-2\nsearch: '* | extract pairs'\n",
		"rules/c_noextract.yml": "name: c\nid: id-3\nsearch: '* | extract nosuchstanza'\n",
	})
	code, out, errs := bluetrail(t, "rules", "check", filepath.Join(content, "rules"), "-o", "csv")
	if code != exitDone {
		t.Fatal(errs)
	}
	data := filepath.Join(t.TempDir(), "data")
	if code, _, errs := bluetrail(t, "ingest", trailFile(t), "--data", data); code != exitDone {
		t.Fatal(errs)
	}
	for id, spl := range map[string]string{"id-1": "* | stats count | collect index=summary", "id-2": "* | extract pairs", "id-3": "* | extract nosuchstanza"} {
		code, _, errs := bluetrail(t, "search", "--data", data, "--knowledge", content, spl)
		i := strings.Index(out, id)
		checked := i >= 0 && strings.Contains(strings.SplitN(out[i:], "\n", 2)[0], ",true,")
		if checked != (code == exitDone) {
			t.Errorf("%s: rules check says %v, search exits %d\n%s%s", spl, checked, code, out, errs)
		}
	}
}

func TestRulesCheckSigma(t *testing.T) {
	dir := writeTree(t, map[string]string{
		"a.yml": "title: Base\nname: base\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventNames: CreateUser}, condition: s}\n",
		"b.yml": "title: Many\nlevel: low\ncorrelation: {type: event_count, rules: [base], group-by: [actor], timespan: 1h, condition: {gte: 3}}\n" +
			"---\ntitle: Lost\nlevel: low\ncorrelation: {type: event_count, rules: [nothing], group-by: [actor], timespan: 1h, condition: {gte: 3}}\n",
		"c.yml": "title: Windows\nlevel: low\nlogsource: {product: windows}\ndetection: {s: {EventID: 1}, condition: s}\n",
	})
	code, out, errs := bluetrail(t, "rules", "check", dir)
	if code != exitDone || strings.Contains(out, "Many") || !strings.Contains(out, `line 7: there is no rule "nothing"`) {
		t.Errorf("%d %s", code, out)
	}
	for _, want := range []string{"a.yml:1: ", `"eventNames"`, "for another log than CloudTrail: product=windows", "4 rules checked, 1 would not run"} {
		if !strings.Contains(errs, want) {
			t.Errorf("stderr has no %q: %s", want, errs)
		}
	}
	if _, out, _ = bluetrail(t, "rules", "check", dir, "--all"); !strings.Contains(out, "Many") {
		t.Errorf("--all: %s", out)
	}
}
