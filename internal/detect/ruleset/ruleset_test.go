package ruleset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const detection = "\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: CreateUser}, condition: s}\n"

func TestMixedFolder(t *testing.T) {
	dir := write(t, map[string]string{
		"sigma/a.yml":        "title: One\nid: id-1\nname: one\nlevel: low\nentity: [userIdentity.arn]\nmessage: '%src% did it'" + detection,
		"sigma/b.yml":        "title: Same id\nid: id-1\nlevel: low" + detection,
		"sigma/c.yml":        "title: Old one\nid: id-2\nlevel: low\nstatus: deprecated" + detection,
		"sigma/d.yml":        "title: Windows\nlevel: low\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 1}, condition: s}\n",
		"sigma/e.yml":        "title: Broken\nlevel: low\nlogsource: {product: aws}\ndetection: {s: {eventName: X}, condition: s and t}\n",
		"sigma/f.yml":        "title: Several\nlevel: high\ncorrelation: {type: event_count, rules: [one], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 3}}\n",
		"sigma/g.yml":        "title: \"no end\ndetection: 5\n",
		"spl/h.yml":          "name: A search\nid: id-3\ntype: TTP\nsearch: 'sourcetype=aws:cloudtrail eventName=StopLogging'\n",
		"spl/i.yml":          "name: No macro\nid: id-4\nsearch: '`nothing` | stats count'\n",
		"savedsearches.conf": "[Saved one]\nsearch = index=aws eventName=DeleteTrail | stats count by user\ncron_schedule = 0 * * * *\nenableSched = 1\n",
		"notes.txt":          "no rule",
	})
	rs, err := Load(t.Context(), []string{dir}, Options{Knowledge: func(folders []string) (splrule.Knowledge, error) {
		return knowledge.Open(folders...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	var titles, faults []string
	for i := range rs.Rules {
		r := &rs.Rules[i]
		state := string(r.Kind)
		if r.Off != "" {
			state = "off"
		}
		if r.Silent {
			state += " silent"
		}
		titles = append(titles, r.Title+": "+state)
	}
	for _, f := range rs.Faults {
		faults = append(faults, strings.TrimPrefix(f.Error(), dir+"/"))
	}
	want := "One: event silent, Same id: off, Old one: off, Several: correlation, Saved one: spl, A search: spl"
	if got := strings.Join(titles, ", "); got != want {
		t.Errorf("rules %s\nnot   %s", got, want)
	}
	if len(rs.Others) != 1 || rs.Others[0].Title != "Windows" {
		t.Errorf("for other logs: %v", rs.Others)
	}
	for _, want := range []string{"sigma/b.yml:1: the id id-1", "sigma/e.yml:4:", "sigma/g.yml:", "spl/i.yml:1:"} {
		if !strings.Contains(strings.Join(faults, "\n"), want) {
			t.Errorf("no fault begins with %s in\n%s", want, strings.Join(faults, "\n"))
		}
	}
	if len(faults) != 4 {
		t.Errorf("faults:\n%s", strings.Join(faults, "\n"))
	}
	if got := strings.Join(rs.Wanted, " "); got != "userIdentity.arn src" {
		t.Errorf("wanted fields %s", got)
	}
	for ref, want := range map[string]int{"id-1": 0, "one": 0, "several": 3, "nothing": -1} {
		if got := rs.Find(ref); got != want {
			t.Errorf("Find(%q) = %d, not %d", ref, got, want)
		}
	}
	if c := rs.Rules[3].Correlation; rs.Position(c.Rules[0]) != 0 || rs.Rules[3].Severity != rule.High {
		t.Errorf("the correlation refers to %d", rs.Position(c.Rules[0]))
	}
}
