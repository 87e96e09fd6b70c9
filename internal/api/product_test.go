package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/enrich"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/state"
	"bluetrail/internal/store/memory"
	"bluetrail/rules"
)

// TestProduct asks about a small data directory: three calls of one user, of which one
// raised an alert, and the shipped rules. Each answer must be as openapi.yaml says.
func TestProduct(t *testing.T) {
	dir := t.TempDir()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st := memory.New()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	arn := "arn:aws:iam::111122223333:user/eve"
	for i, name := range []string{"GetCallerIdentity", "StopLogging", "ListBuckets"} {
		raw := fmt.Sprintf(`{"eventVersion":"1.11","eventTime":%q,"eventID":"00000000-0000-4000-8000-00000000000%d","eventName":%q,"eventSource":"cloudtrail.amazonaws.com","awsRegion":"eu-west-1",`+
			`"sourceIPAddress":"8.8.8.8","readOnly":%t,"recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","arn":%q,"userName":"eve","accountId":"111122223333"}}`,
			at.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), i, name, i != 1, arn)
		if _, err := st.Add([]byte(raw), &event.Meta{Index: event.DefaultIndex, Sourcetype: event.CloudTrail}); err != nil {
			t.Fatal(err)
		}
	}
	shipped, err := fs.Sub(rules.Files, "cloudtrail") // all would take long
	if err != nil {
		t.Fatal(err)
	}
	follow, err := ruleset.Follow(t.Context(), ruleset.FollowOptions{Own: filepath.Join(dir, "rules"), Options: ruleset.Options{Shipped: shipped, Untested: true}})
	if err != nil {
		t.Fatal(err)
	}
	rs := follow.Rules()
	stopped := rs.Rules[rs.Find("trail_stopped")].Info
	a := &alert.Alert{
		ID: strings.Repeat("ab", 16), Created: at, Updated: at, Status: alert.New, Severity: "high", RuleID: stopped.ID, Rule: "trail_stopped", Title: stopped.Title, EntityKind: "actor", Entity: arn,
		Summary: "eve stopped logging", Actor: []string{arn}, Chain: []string{"role deploy, session ci-1, assumed by eve from 8.8.8.8"}, Account: []string{"111122223333"}, Count: 1, First: at.Add(time.Minute),
		Last: at.Add(time.Minute), Sources: []alert.Source{{Address: "8.8.8.8", Country: "United States"}}, Mitre: []string{"T1562.008"}, EventIDs: []string{"00000000-0000-4000-8000-000000000001"},
		NextSteps: []string{`userIdentity.arn="x"`, "eventName=%missing%"},
	}
	body, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(func(tx *state.Tx) error {
		if err := tx.PutAlert(a.Row()); err != nil {
			return err
		}
		finding := []byte(`{"id":"f1","rule_id":"` + stopped.ID + `","rule":"trail_stopped","title":"T","kind":"event","severity":"high","entity":"` + arn + `","time":"2026-06-01T12:01:00Z","first":"2026-06-01T12:01:00Z","last":"2026-06-01T12:01:00Z","events":[]}`)
		if err := tx.PutFindings([]state.Finding{{ID: "f1", Time: at.UnixNano(), Rule: stopped.ID, Severity: 3, Entity: arn, Body: finding}}); err != nil {
			return err
		}
		return tx.PutAlertBody(a.ID, body)
	}); err != nil {
		t.Fatal(err)
	}
	who := &auth.Principal{Name: "ann", Role: auth.Engineer, Via: auth.ViaToken}
	var acts []Act
	cfg := config.Default()
	h := New(Config{
		Identify: func(*http.Request) (*auth.Principal, error) { return who, nil },
		Audit:    func(a Act) error { acts = append(acts, a); return nil },
		Product: Product{
			State: db, Config: &cfg, Data: dir, Rules: follow, Own: &ruleset.Own{Dir: filepath.Join(dir, "rules"), Follow: follow}, Live: live.Open(live.Config{Rules: follow}),
			Shipped: shipped, Allow: filepath.Join(dir, "suppressions.yml"), Span: func() (time.Time, time.Time) { return at, at.Add(time.Hour) },
			Search: func([]string) (search.Options, error) { return search.Options{Store: st}, nil },
			Coverage: (&coverage.Reader{
				Search: func() (search.Options, error) { return search.Options{Store: st}, nil }, Arrived: func() (int64, error) { return 1, nil },
				Members: func(context.Context) ([]coverage.Member, error) {
					return []coverage.Member{{ID: "444455556666", Name: "lost"}}, nil
				},
			}).Read,
		},
	})
	const rule = "title: Buckets listed\nname: own_rule\nid: 5f3a1c52-5f0c-4d6f-9a5d-0b8a4c1d2e3f\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {eventName: ListBuckets}\n  condition: a\nlevel: low\n" +
		"tests:\n  - name: yes\n    events: [{eventName: ListBuckets}]\n    fire: true\n"
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	obj := func(kv ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i].(string)] = kv[i+1]
		}
		return m
	}
	name := "?name=" + arn
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		has          string // in the answer
	}{
		{"GET", "alerts?status=open&severity=high", nil, 200, `"total":1`},
		{"GET", "alerts?severity=%3Dlow", nil, 200, `"total":0`},
		{"GET", "alerts?rule=no_such_rule&rule=trail_stopped&assignee=none&assignee=nobody_here", nil, 200, `"total":1`},
		{"GET", "alerts?rule=no_such_rule&rule=nor_this", nil, 200, `"total":0`},
		{"GET", "alerts?actor=nobody&actor=*", nil, 200, `"total":1`},
		{"GET", "alerts?account=1&account=2", nil, 200, `"total":0`},
		{"POST", "alerts/bulk", obj("filter", obj("rule", []string{"no_such_rule", "trail_stopped"}, "actor", "nobody"), "change", obj("comment", "x"), "dry_run", true), 200, `"matched":0`},
		{"POST", "alerts/bulk", obj("filter", obj("rule", []string{"no_such_rule", "trail_stopped"}, "actor", ""), "change", obj("comment", "x"), "dry_run", true), 200, `"matched":1`},
		{"GET", "alerts?severity=bad", nil, 400, "use informational"},
		{"GET", "alerts?group_by=rule&sort=-severity", nil, 200, `"key":"trail_stopped","alerts":1`},
		{"GET", "alerts/counts?status=closed", nil, 200, `"status":{"new":1}`},
		{"GET", "alerts/1", nil, 200, `{"name":"role deploy, session ci-1","kind":"role","id":"deploy","how":"assumed by","from":"8.8.8.8"},{"name":"eve","kind":"user","id":"` + arn},
		{"GET", "alerts/1", nil, 200, `"country_code":"US"`},
		{"GET", "alerts/1", nil, 200, `"complete":false`},
		{"GET", "alerts/99", nil, 404, "not_found"},
		{"GET", "alerts/1/events", nil, 200, `"items":[]`},
		{"GET", "alerts/1/timeline", nil, 200, `"calls":3`},
		{"GET", "alerts/1/similar", nil, 200, `"total":0`},
		{"POST", "alerts/1", obj("status", "closed"), 400, "needs a verdict"},
		{"POST", "alerts/1", obj("status", "in_progress", "comment", "looking"), 200, `"status":"in_progress"`},
		{"GET", "alerts/1/history", nil, 200, `"looking"`},
		{"POST", "alerts/bulk", obj("filter", obj("rule", "trail_*"), "change", obj("verdict", "false"), "dry_run", true), 200, `{"changed":0,"matched":1}`},
		{"POST", "alerts/bulk", obj("filter", obj("rule", "trail_*"), "change", obj("verdict", "false")), 200, `{"changed":1,"matched":1}`},
		{"POST", "alerts/1/suppress", obj("reason", "", "until", until), 400, "say why"},
		{"POST", "alerts/1/suppress", obj("reason", "known", "until", until), 200, `"holds":true`},
		{"GET", "suppressions", nil, 200, `"total":1`},
		{"GET", "findings?status=open", nil, 200, `"total":1`},
		{"POST", "findings/f1", obj("status", "true"), 200, `"status":"true"`},
		{"GET", "entities/user" + name, nil, 200, `"calls":3`},
		{"GET", "entities/user" + name, nil, 200, `"value":"United States"`},
		{"GET", "entities/user/activity" + name, nil, 200, `"name":"cloudtrail","total":3`},
		{"GET", "entities/user/trace" + name, nil, 200, `"calls":3`},
		{"GET", "entities/user/alerts" + name, nil, 200, `"total":1`},
		{"GET", "entities/cat?name=x", nil, 400, "no kind"},
		{"GET", "rules?q=trail_stopped", nil, 200, `"true_30d":1`},
		{"GET", "rules/trail_stopped", nil, 200, `"test_list":[{`},
		{"GET", "rules/coverage", nil, 200, "Impair Defenses: Disable or Modify Cloud Logs"},
		{"POST", "rules/test", obj("source", rule), 200, `"ok":true`},
		{"POST", "rules/test", obj("source", strings.Replace(rule, "condition: a", "condition: b", 1)), 200, `"place":{"start":`},
		{"POST", "rules/test", obj("id", stopped.ID), 200, `"faults":[],"warnings":[],"rules":[{"id":"` + stopped.ID},
		{"POST", "rules/test", obj("id", stopped.ID, "source", rule), 400, "either the id or the source"},
		{"POST", "rules/explain", obj("source", rule, "events", []any{obj("eventName", "ListBuckets")}), 200, `"fires":true`},
		{"POST", "rules/backtest", obj("source", rule), 200, `"finding_count":1`},
		{"PUT", "rules/own_rule", obj("source", "title: x\n"), 422, "bad_rule"},
		{"PUT", "rules/trail_stopped", obj("source", strings.Replace(rule, "own_rule", "trail_stopped", 1)), 422, "same id or name"},
		{"PUT", "rules/own_rule", obj("source", rule, "version", 0), 200, `"editable":true`},
		{"PUT", "rules/own_rule", obj("source", rule, "version", 0), 409, "changed_meanwhile"},
		{"GET", "rules/own_rule/versions", nil, 200, `"total":1`},
		{"POST", "rules/own_rule/disable", obj("reason", "loud"), 200, `"state":"disabled"`},
		{"POST", "rules/own_rule/enable", nil, 200, `"state":"on"`},
		{"DELETE", "rules/own_rule", nil, 204, ""},
		{"DELETE", "rules/trail_stopped", nil, 422, "not_own"},
		{"GET", "lists", nil, 200, `"items"`},
		{"PUT", "lookups/a.csv", obj("columns", []string{"x", "y"}, "items", [][]string{{"1", "2"}, {"3", "4"}}), 200, `"version":1`},
		{"PUT", "lookups/..csv", obj("columns", []string{"x"}, "items", [][]string{}), 400, "cannot name"},
		{"PUT", "lookups/a.csv", obj("columns", []string{"x"}, "items", [][]string{}, "version", 7), 409, "changed_meanwhile"},
		{"GET", "lookups/a.csv?q=3", nil, 200, `"items":[["3","4"]]`},
		{"GET", "lookups", nil, 200, `"rows":2`},
		{"GET", "lookups/a.csv/versions/1", nil, 200, `x,y\n1,2`},
		{"DELETE", "lookups/a.csv", nil, 204, ""},
		{"POST", "saved-searches", obj("title", "mine", "search", "index=aws"), 200, `"mine":true`},
		{"GET", "sources", nil, 200, `"items"`},
		{"GET", "sources/gaps", nil, 200, `"region":"eu-west-1","total":3`},
		{"GET", "sources/coverage", nil, 200, `"account":"444455556666","name":"lost","state":"missing"`},
		{"GET", "sources/coverage", nil, 200, `"region":"eu-west-1","state":"learning","events":3`},
		{"GET", "health", nil, 200, `"ok":true`},
		{"GET", "system", nil, 200, `"rules":`},
	} {
		w := ask(t, h, c.method, "/api/v1/"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %s: %d, want %d with %s\n%.600s", c.method, c.path, w.Code, c.status, c.has, w.Body)
		}
	}
	if len(acts) < 10 {
		t.Errorf("only %d changes were recorded: %+v", len(acts), acts)
	}
	// A name with * would keep the rule quiet about everybody.
	a.ID, a.Number, a.Entity, a.Status = strings.Repeat("cd", 16), 0, "arn:*", alert.New
	if body, err = json.Marshal(a); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(func(tx *state.Tx) error {
		if err := tx.PutAlert(a.Row()); err != nil {
			return err
		}
		return tx.PutAlertBody(a.ID, body)
	}); err != nil {
		t.Fatal(err)
	}
	if got := problem(t, ask(t, h, "POST", "/api/v1/alerts/"+a.ID+"/suppress", obj("reason", "known", "until", until))); got.Code != "cannot_suppress" {
		t.Errorf("%+v", got)
	}
	// What cannot be kept as a version is not overwritten.
	big := filepath.Join(dir, "knowledge", "lookups", "big.csv")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, maxTable+1); err != nil {
		t.Fatal(err)
	}
	if got := problem(t, ask(t, h, "PUT", "/api/v1/lookups/big.csv", obj("columns", []string{"x"}, "items", [][]string{}))); got.Code != "too_large" {
		t.Errorf("%+v", got)
	}
	// What is no table can be removed nevertheless.
	if err := os.WriteFile(filepath.Join(dir, "knowledge", "lookups", "empty.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if w := ask(t, h, "DELETE", "/api/v1/lookups/empty.csv", nil); w.Code != http.StatusNoContent {
		t.Error(w.Code, w.Body)
	}
	who = &auth.Principal{Name: "bob", Role: auth.Viewer, Via: auth.ViaToken}
	if w := ask(t, h, "GET", "/api/v1/saved-searches", nil); !strings.Contains(w.Body.String(), `"total":0`) {
		t.Errorf("somebody sees the private search of another: %s", w.Body)
	}
}

// TestGaps: only pairs that usually have events have gaps.
func TestGaps(t *testing.T) {
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	steady := &gapRow{Account: "1", Region: "a", Values: []int64{50, 50, 0, 0, 50, 50, 50, 0}, Total: 250}
	gaps := gapsOf(steady, start, time.Hour, start.Add(8*time.Hour))
	if len(gaps) != 2 || gaps[0].Hours != 2 || gaps[0].Lasts || !gaps[1].Lasts || !gaps[0].From.Equal(start.Add(2*time.Hour)) {
		t.Errorf("%+v", gaps)
	}
	if gaps := gapsOf(&gapRow{Values: []int64{50, 0, 0, 0}, Total: 50}, start, time.Hour, start.Add(4*time.Hour)); len(gaps) != 0 {
		t.Errorf("a pair that is mostly silent has gaps: %+v", gaps)
	}
}

// TestLists changes a list that comes from a file: by rows, by a file, and back.
func TestLists(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "bad.csv")
	if err := os.WriteFile(file, []byte("address,why\n192.0.2.1,scanner\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cfg := config.Default()
	cfg.Lists = []config.List{{Name: "bad", File: file, Column: "address"}}
	lists, err := load.New(load.Config{Config: cfg, Path: func(p string) string { return p }, Geo: func() (*enrich.Geo, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{
		Identify: func(*http.Request) (*auth.Principal, error) {
			return &auth.Principal{Name: "ann", Role: auth.Engineer, Via: auth.ViaToken}, nil
		},
		Audit:   func(Act) error { return nil },
		Product: Product{State: db, Config: &cfg, Data: dir, Lists: lists},
	})
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		has          string // in the answer
	}{
		{"GET", "bad", nil, 200, `"items":[["192.0.2.1","scanner"]]`},
		{"PUT", "bad", map[string]any{"columns": []string{"address", "why"}, "items": [][]string{{"192.0.2.2", "=1+1"}}, "version": 0}, 200, `"version":2`},
		{"GET", "bad/export", nil, 200, "192.0.2.2,=1+1\n"},
		{"POST", "bad/import?version=1", "address,why\n192.0.2.3,x\n", 409, "changed_meanwhile"},
		{"POST", "bad/import", "address,why\nno address,x\n", 422, "bad_list"},
		{"POST", "bad/import", "address,why\n192.0.2.3,x\n192.0.2.4,y\n", 200, `"rows":2`},
		{"GET", "bad/versions", nil, 200, `"total":3`},
		{"GET", "bad/versions/1", nil, 200, `192.0.2.1,scanner`},
		{"GET", "bad/versions/9", nil, 404, "version"},
		{"GET", "none/export", nil, 404, "list"},
		{"POST", "none/import", "x\n", 404, "list"},
	} {
		w := ask(t, h, c.method, "/api/v1/lists/"+c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %s: %d, want %d with %s\n%.600s", c.method, c.path, w.Code, c.status, c.has, w.Body)
		}
	}
	if got := lists.Status().Lists[0].List.Entries; got != 2 {
		t.Errorf("the list has %d entries after the import, want 2", got)
	}
}
