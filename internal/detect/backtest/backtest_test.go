package backtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/files"

	"github.com/google/go-cmp/cmp"
)

const testRules = `
title: User created
id: created
name: created
level: high
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: CreateUser}, condition: s}
---
title: Something else
id: other
level: high
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ListUsers}, condition: s}
---
title: Old rule
id: old
status: deprecated
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ListUsers}, condition: s}
---
title: Many users
id: many
name: many
level: critical
correlation: {type: value_count, rules: [created], group-by: [actor], timespan: 1h, condition: {field: requestParameters.userName, gte: 3}}
---
title: Many users twice
id: twice
level: critical
correlation: {type: event_count, rules: [many], timespan: 7d, condition: {gte: 2}}
`

const splRule = `
name: Users by actor
id: counted
type: TTP
schedule: {every: 1h}
search: sourcetype=aws:cloudtrail eventName=CreateUser | stats count dc(requestParameters.userName) as made by user_arn | where made > 2
`

// hunting writes events and rules, and returns a hunt over them. On the first and third
// of March alice makes three users, and each time bob makes one an hour later.
func hunting(t *testing.T) hunt.Options {
	t.Helper()
	dir := t.TempDir()
	var records []string
	add := func(user, name string, at time.Time) {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA%s","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333","userName":%q},`+
			`"eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":%q,"awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","requestParameters":{"userName":"u%d"},"eventID":"00000000-0000-4000-8000-%012d","recipientAccountId":"111122223333"}`,
			user, user, user, at.Format(time.RFC3339), name, len(records), len(records)))
	}
	for _, day := range []int{1, 3} {
		at := time.Date(2026, 3, day, 10, 0, 0, 0, time.UTC)
		for n := range 3 {
			add("alice", "CreateUser", at.Add(time.Duration(n)*time.Minute))
		}
		add("bob", "CreateUser", at.Add(time.Hour))
	}
	add("bob", "ListUsers", time.Date(2026, 3, 5, 23, 30, 0, 0, time.UTC))
	records = append(records, records[0]) // a double
	for name, text := range map[string]string{"trail/a.json": `{"Records":[` + strings.Join(records, ",") + `]}`, "rules/sigma.yml": testRules, "rules/spl.yml": splRule} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rs, err := ruleset.Load(t.Context(), []string{filepath.Join(dir, "rules")}, ruleset.Options{Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	st, err := files.Open([]string{filepath.Join(dir, "trail")}, files.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	o := hunt.Options{Rules: rs, Records: st, Space: spill.NewSpace(t.TempDir(), 1<<30), TempDir: t.TempDir(), Disk: 1 << 30}
	o.Search.Macros, o.Search.Knowledge = rs.Knowledge, rs.Knowledge
	return o
}

func TestRun(t *testing.T) {
	for _, c := range []struct {
		rule             string
		findings, events int64
		quiet            int
		days             string
		actors           string
		beneath          string
	}{
		{"created", 4, 8, 3, "03-01 2/4/4 03-03 2/4/4", "alice 2/6 bob 2/2", ""},
		{"many", 2, 6, 3, "03-01 1/3/4 03-03 1/3/4", "alice 2/6", "created 8/0/2"},
		{"twice", 1, 6, 4, "03-01 0/0/4 03-03 1/6/4", "alice 1/6", "created 8/0/2 many 0/2/2"},
		{"old", 1, 1, 4, "03-05 1/1/1", "bob 1/1", ""},
		{"counted", 2, 6, 3, "03-01 1/3/0 03-03 1/3/0", "alice 2/6", ""},
	} {
		o := hunting(t)
		r, err := Run(t.Context(), o, o.Rules.Find(c.rule), time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		var days, actors, beneath []string
		for _, d := range r.Days {
			days = append(days, fmt.Sprintf("%s %d/%d/%d", d.Day[5:], d.Findings, d.Events, d.Matched))
		}
		for _, table := range r.Tables {
			if table.Field != "entity" {
				continue
			}
			for _, row := range table.Rows {
				actors = append(actors, fmt.Sprintf("%s %d/%d", row.Value[strings.LastIndexByte(row.Value, '/')+1:], row.Findings, row.Events))
			}
		}
		for _, b := range r.Beneath {
			beneath = append(beneath, fmt.Sprintf("%s %d/%d/%d", b.ID, b.Matched, b.Findings, b.Days))
		}
		got := []any{r.Rule.ID, r.Findings, r.Events, r.Span, r.Quiet(), strings.Join(days, " "), strings.Join(actors, " "), strings.Join(beneath, " "), len(r.Hunt.Findings)}
		want := []any{c.rule, c.findings, c.events, 5, c.quiet, c.days, c.actors, c.beneath, int(c.findings)}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.rule, d)
		}
		for _, f := range r.Hunt.Findings {
			if f.RuleID != c.rule {
				t.Errorf("%s: a finding of %s", c.rule, f.RuleID)
			}
		}
	}
}

// TestZone counts days where the analyst is.
func TestZone(t *testing.T) {
	o := hunting(t)
	r, err := Run(t.Context(), o, o.Rules.Find("other"), time.FixedZone("", 3600))
	if err != nil || len(r.Days) != 1 || r.Days[0].Day != "2026-03-06" || r.Span != 6 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTableBounds counts values beyond those that have a row.
func TestTableBounds(t *testing.T) {
	table := newTable("x")
	o := hunting(t)
	r, err := Run(t.Context(), o, o.Rules.Find("old"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Hunt.Findings[0]
	for n := range mostValues + 7 {
		table.add(f, []string{fmt.Sprint(n)})
	}
	table.add(f, []string{strings.Repeat("é", 5000)})
	table.add(f, []string{"3"})
	got := table.table()
	if len(got.Rows) != mostValues || got.More != 8 || got.Rows[0].Value != "3" || got.Rows[0].Findings != 2 {
		t.Errorf("%d rows, %d more, the first %+v", len(got.Rows), got.More, got.Rows[0])
	}
}
