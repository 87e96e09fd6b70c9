package splrule

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// write makes files below a new folder and returns it.
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

const published = `name: Access Key Made By New User
id: 0a1b2c3d-0000-4000-8000-000000000001
version: 3
status: production
author: someone
type: TTP
description: A user made an access key.
search: '` + "`cloudtrail`" + ` eventName=CreateAccessKey | stats count by user_arn'
known_false_positives: Rotation of keys.
references:
- https://example.com/a
- https://example.com/b
rba:
  message: $user$ made a key
  risk_objects:
  - {field: src, type: system, score: 30}
  - {field: user_arn, type: user, score: 72}
tags:
  mitre_attack_id: [T1098.001, T1078]
  asset_type: AWS Account
`

func TestPublishedRule(t *testing.T) {
	dir := write(t, map[string]string{"a.yml": published})
	rules, err := Load(filepath.Join(dir, "a.yml"))
	if err != nil || len(rules) != 1 {
		t.Fatal(rules, err)
	}
	want := Rule{
		File: filepath.Join(dir, "a.yml"), Line: 1, ID: "0a1b2c3d-0000-4000-8000-000000000001", Name: "Access Key Made By New User", Kind: SPL, Type: "TTP", Version: "3",
		Status: "production", Author: "someone", Description: "A user made an access key.", Search: "`cloudtrail` eventName=CreateAccessKey | stats count by user_arn",
		Severity: rule.High, Tags: []string{"attack.t1078", "attack.t1098.001"}, References: []string{"https://example.com/a", "https://example.com/b"},
		FalsePositives: []string{"Rotation of keys."}, Risk: []string{"user_arn", "src"}, Message: "%user% made a key",
	}
	if diff := cmp.Diff(want, rules[0], cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
		t.Error(diff)
	}
	info := rules[0].Info()
	if got := info.Mitre(); !slices.Equal(got, []string{"T1078", "T1098.001"}) || info.ID != want.ID || info.Title != want.Name || info.Kind != rule.SPL {
		t.Errorf("%v, %+v", got, info)
	}
}

func TestSeverity(t *testing.T) {
	for text, want := range map[string]rule.Severity{
		"severity: critical":                                   rule.Critical,
		"level: info":                                          rule.Informational,
		"tags: {risk_score: 20}":                               rule.Informational,
		"tags: {risk_score: 21}":                               rule.Low,
		"tags: {risk_score: 60}":                               rule.Medium,
		"tags: {risk_score: 81}":                               rule.Critical,
		"tags: {impact: 80, confidence: 90}":                   rule.High,
		"rba: {risk_objects: [{field: u, score: 35}]}":         rule.Low,
		"finding: {entity: {field: u, type: user, score: 90}}": rule.Critical,
		"type: TTP":                                            rule.Medium,
		"type: Anomaly":                                        rule.Low,
		"type: Hunting":                                        rule.Informational,
		"severity: purple\ntags: {risk_score: many}":           rule.Medium,
	} {
		rules, err := Parse("x.yml", []byte("name: a\nsearch: index=aws\n"+text+"\n"))
		if err != nil || len(rules) != 1 || rules[0].Severity != want {
			t.Errorf("%s: %+v, want %s: %v", text, rules, want, err)
		}
	}
}

func TestEntity(t *testing.T) {
	for text, want := range map[string]string{
		"entity: user_arn":    "user_arn;",
		"entity: [user, src]": "user src;",
		"tags: {observable: [{name: src_ip, type: IP Address, role: [Attacker]}, {name: user_arn, type: User, role: [Attacker]}, {name: dest, type: Hostname, role: [Victim]}]}": ";user_arn dest src_ip",
		"finding: {entity: {field: user, type: user}}\nintermediate_findings: {entities: [{field: src, type: system}]}":                                                          ";user src",
		"rba: {risk_objects: oops}\ntags: {observable: [1, [2], {name: [3]}]}":                                                                                                   ";",
	} {
		rules, err := Parse("x.yml", []byte("name: a\nsearch: index=aws\n"+text+"\n"))
		if err != nil || len(rules) != 1 {
			t.Fatal(text, err)
		}
		if got := strings.Join(rules[0].Entity, " ") + ";" + strings.Join(rules[0].Risk, " "); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	text := "# a comment\n---\nname: one\nsearch: index=aws\n---\nname: two\nsearch: [index=aws\n---\n- name: three\n  search: index=aws\n- title: four\n  logsource: {product: aws}\n  detection: {condition: a}\n- narrative: no rule\n  name: five\n--- # last\nname: six\nsearch: |\n  index=aws\n   | stats count\nschedule: {evry: 1h}\n---\nname: seven\nsearch: x\n"
	rules, err := Parse("x.yml", []byte(text))
	var got []string
	for _, r := range rules {
		got = append(got, fmt.Sprintf("%d %s %s", r.Line, r.Name, r.Kind))
	}
	if diff := cmp.Diff([]string{"3 one spl", "9 three spl", "11 four sigma", "23 seven spl"}, got); diff != "" {
		t.Error(diff)
	}
	if err == nil {
		t.Fatal("no fault is told")
	}
	for _, want := range []string{"line 7, column", "line 17: ", `"evry"`, `"six"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestOtherFilesHaveNoRules(t *testing.T) {
	for _, text := range []string{"", "\ufeff", "---\n", "5", "- 1\n- 2\n", "name: m\ndefinition: index=aws\n", "name: l\nfilename: l.csv\n", "name: s\nnarrative: text\n"} {
		if rules, err := Parse("x.yml", []byte(text)); err != nil || len(rules) != 0 {
			t.Errorf("%q: %v, %v", text, rules, err)
		}
	}
	rules, err := Parse("x.yml", []byte("name: no search\ntags: {a: b}\n"))
	if err != nil || len(rules) != 1 || rules[0].Kind != "" {
		t.Errorf("a rule without a search: %+v, %v", rules, err)
	}
}

func TestHostileYAML(t *testing.T) {
	rule := "---\nname: ok\nsearch: index=aws\n"
	for name, text := range map[string]string{
		"aliases":  "a: &a [x,x,x,x]\n" + strings.Repeat("b: [*a,*a,*a,*a]\n", 30),
		"depth":    strings.Repeat("[", 5000),
		"tabs":     "a:\n\t- b\n",
		"binary":   "\x00\x01\xff",
		"tag":      "search: !!python/object:os.system x",
		"key":      "? [a]\n: b\n",
		"merge":    "<<: 5\nsearch: x\n",
		"quote":    "search: \"x",
		"anchor":   "a: &a\n  b: *a\n",
		"document": "%YAML 9.9\n--- x: y: z\n",
	} {
		rules, err := Parse("x.yml", []byte(text+"\n"+rule))
		if len(rules) == 0 || rules[len(rules)-1].Name != "ok" {
			t.Errorf("%s: the rule after it is lost: %v", name, err)
		}
	}
	dir := write(t, map[string]string{"big.yml": "name: a\nsearch: '" + strings.Repeat("x", maxFile) + "'\n"})
	if _, err := Load(filepath.Join(dir, "big.yml")); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "nowhere.yml")); err == nil {
		t.Error("a missing file was read")
	}
	if _, err := Parse("x.yml", []byte(strings.Repeat("---\n[\n", 1000))); strings.Count(err.Error(), "\n") > maxFaults {
		t.Errorf("%d faults are told", strings.Count(err.Error(), "\n"))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(published))
	f.Add([]byte("---\n- name: a\n  search: x\n  schedule: {every: 5m, throttle: {period: 1h, fields: [a]}}\n--- \nx: [\n"))
	f.Add([]byte("a: &a\n  b: *a\nsearch: x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, _ := Parse("x.yml", data)
		for _, r := range rules {
			if r.Line < 1 || r.Kind == SPL && r.Search == "" {
				t.Errorf("%+v", r)
			}
			if r.Kind == SPL && r.Severity.Rank() < 0 {
				t.Errorf("severity %q", r.Severity)
			}
		}
	})
}

func TestSavedSearches(t *testing.T) {
	dir := write(t, map[string]string{
		"app/default/savedsearches.conf": `# of an app
[default]
dispatch.earliest_time = -70m@m
dispatch.latest_time = -10m@m

[Key made]
search = index=aws eventName=CreateAccessKey \
| stats count by user
cron_schedule = 0 * * * *
counttype = number of events
relation = greater than
quantity = 3
alert.severity = 4
alert.suppress = 1
alert.suppress.fields = user, src
alert.suppress.period = 4h
action.correlationsearch.annotations = {"mitre_attack": ["T1098.001"]}
action.risk.param._risk = [{"risk_object_field": "user", "risk_object_type": "user", "risk_score": 49}]

[Off]
search = index=aws
disabled = true
[Only settings]
cron_schedule = 1 * * * *
[Bad]
search = index=aws
cron_schedule = 61 * * * *
[Custom]
search = index=aws | stats count
alert_condition = search count > 5
alert.severity = 9
dispatch.earliest_time = rt-5m
dispatch.latest_time = rt
`,
		"app/local/savedsearches.conf": "[Key made]\nquantity = 5\n[Off]\ndisabled = 0\n[Local]\nsearch = index=aws local\n",
		"other/savedsearches.conf":     "[x]\nnot a setting\nsearch = index=aws\nrelation = greater\ncounttype = number of events\n",
	})
	rules, err := Load(filepath.Join(dir, "app/default/savedsearches.conf"))
	if err == nil || !strings.Contains(err.Error(), "line 25: [Bad]") || !strings.Contains(err.Error(), "61") {
		t.Errorf("fault %v", err)
	}
	file := filepath.Join(dir, "app/default/savedsearches.conf")
	window := Schedule{Earliest: "-70m@m", Latest: "-10m@m"}
	hourly := window
	hourly.Cron = "0 * * * *"
	want := []Rule{
		{File: file, Line: 6, Name: "Key made", Kind: SPL, Search: "index=aws eventName=CreateAccessKey \n| stats count by user", Severity: rule.High, Tags: []string{"attack.t1098.001"}, Risk: []string{"user"}, Schedule: hourly,
			Alert: Alert{Type: "number of events", Relation: "greater than", Quantity: 5, Suppress: Suppress{Period: 4 * time.Hour, Fields: []string{"user", "src"}}}},
		{File: file, Line: 20, Name: "Off", Kind: SPL, Search: "index=aws", Severity: rule.Medium, Schedule: window},
		{File: file, Line: 28, Name: "Custom", Kind: SPL, Search: "index=aws | stats count", Severity: rule.Critical, Alert: Alert{Type: "custom", Condition: "search count > 5"}},
	}
	if diff := cmp.Diff(want, rules, cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
		t.Error(diff)
	}
	rules, err = Load(filepath.Join(dir, "app/local/savedsearches.conf"))
	if err != nil || len(rules) != 1 || rules[0].Name != "Local" || rules[0].Line != 5 {
		t.Errorf("local: %+v, %v", rules, err)
	}
	_, err = Load(filepath.Join(dir, "other/savedsearches.conf"))
	for _, part := range []string{":2:", "relation"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}

func TestScheduleBlock(t *testing.T) {
	for text, want := range map[string]Schedule{
		"schedule: {every: 15m, earliest: -20m@m, latest: -5m@m, lateness: 2d}":                           {Every: 15 * time.Minute, Earliest: "-20m@m", Latest: "-5m@m", Lateness: 48 * time.Hour},
		"schedule: {cron: '*/5 * * * *', timezone: Europe/Berlin}":                                        {Cron: "*/5 * * * *", Zone: "Europe/Berlin"},
		"deployment: {scheduling: {cron_schedule: 0 2 * * 0, earliest_time: -90d@d, latest_time: -1d@d}}": {Cron: "0 2 * * 0", Earliest: "-90d@d", Latest: "-1d@d"},
		"earliest: -1d@d\nlatest: '@d'":                                                                   {Earliest: "-1d@d", Latest: "@d"},
	} {
		rules, err := Parse("x.yml", []byte("name: a\nsearch: index=aws\n"+text+"\n"))
		if err != nil || len(rules) != 1 {
			t.Fatal(text, err)
		}
		if diff := cmp.Diff(want, rules[0].Schedule, cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"schedule: 5m": "keys such as",
		"schedule: {every: 5m, cron: '* * * * *'}":        "both",
		"schedule: {every: soon}":                         "schedule.every",
		"schedule: {every: 1s}":                           "from 1m",
		"schedule: {every: 0}":                            "more than 0",
		"schedule: {cron: '* * * *'}":                     "five fields",
		"schedule: {cron: '0 0 31 2 *'}":                  "never comes",
		"schedule: {cron: '@reboot'}":                     "five fields",
		"schedule: {timezone: Mars/Base}":                 "time zone",
		"schedule: {lateness: 400d}":                      "31 days",
		"schedule: {earliest: now, latest: -1h}":          "empty",
		"schedule: {earliest: yesterday-ish}":             "yesterday-ish",
		"schedule: {throttle: {period: 1h, field: user}}": `"field"`,
		"schedule: {throttle: always}":                    "throttle",
	} {
		rules, err := Parse("x.yml", []byte("name: a\nsearch: index=aws\n"+text+"\n"))
		if len(rules) != 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	rules, err := Parse("x.yml", []byte("name: a\nsearch: x\nschedule: {throttle: {period: 1d, fields: [user, src]}, alert: search n > 1}\n"))
	if err != nil || rules[0].Alert.Suppress.Period != 24*time.Hour || len(rules[0].Alert.Suppress.Fields) != 2 || rules[0].Alert.Condition != "search n > 1" {
		t.Errorf("%+v, %v", rules, err)
	}
}

// TestTests names what is wrong with a test.
func TestTests(t *testing.T) {
	for text, want := range map[string]string{
		"{name: a, event: {eventName: X}}":        "test 1 does not say whether the rule must fire",
		"{name: a, fire: true}":                   "test 1 has no events",
		"{name: a, event: 3, fire: true}":         "an event must be a map",
		"{name: a, event: '{\"a\":', fire: true}": "an event is not valid JSON",
		"just text": "test 1 must be a map",
		"{name: a, event: x.json, fire: yes please}":               "test 1 does not say",
		"{name: a, event: {eventName: X}, expect: false}":          "",
		"{name: True Positive Test, attack_data: [{data: x.log}]}": "",
	} {
		rules, err := Parse("x.yml", []byte("name: A\nsearch: index=aws\ntests:\n  - "+text+"\n"))
		if want == "" && (err != nil || len(rules) != 1) || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line 1: ")) {
			t.Errorf("%s: %d rules, %v", text, len(rules), err)
		}
	}
}
