package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/state"
)

// writeFindings writes findings into a data directory and returns their IDs.
func writeFindings(t *testing.T, data string) (ids []string) {
	t.Helper()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var list []state.Finding
	for i, c := range []struct {
		rule, entity string
		severity     rule.Severity
	}{{"key-made", "alice", rule.High}, {"trail-stopped", "bob", rule.Critical}, {"trail-stopped", "al\x1b[31mice\u009b2J", rule.Low}} {
		f := finding.New(&rule.Info{ID: c.rule, Title: "Rule " + c.rule, Severity: c.severity, Kind: rule.Event}, finding.Key{Rule: c.rule, Entity: c.entity, Outcome: "success"})
		at := time.Date(2026, 1, 5, 10+i, 0, 0, 0, time.UTC)
		f.Add(&match.Match{Time: at.UnixNano(), Event: match.Event{ID: fmt.Sprint("e", i), Name: "StopLogging", SourceIP: "198.51.100.7", Outcome: "success"}}, &finding.Who{Actor: c.entity})
		f.Describe("")
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.ID)
		list = append(list, state.Finding{ID: f.ID, Time: f.Time.UnixNano(), Rule: f.RuleID, Severity: c.severity.Rank(), Entity: f.Entity, First: f.First.UnixNano(), Last: f.Last.UnixNano(), Body: body})
	}
	if err := db.Write(func(tx *state.Tx) error { return tx.PutFindings(list) }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestFindings(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if code, _, errs := bluetrail(t, "findings", "--data", data); code != exitUsage || !strings.Contains(errs, "no data directory") {
		t.Errorf("%d: %s", code, errs)
	}
	ids := writeFindings(t, data)
	for _, c := range []struct {
		args []string
		want []int // findings, as they are listed
	}{
		{nil, []int{2, 1, 0}},
		{[]string{"--severity", "high"}, []int{1, 0}},
		{[]string{"--rule", "TRAIL-*"}, []int{2, 1}},
		{[]string{"--rule", "Rule key-made"}, []int{0}},
		{[]string{"--entity", "bob"}, []int{1}},
		{[]string{"--earliest", "2026-01-05T11:00:00Z", "--latest", "2026-01-05T12:00:00Z"}, []int{1}},
		{[]string{"list", "--entity", "nobody"}, nil},
	} {
		for _, format := range []string{"json", "csv", "table", "list"} {
			code, out, errs := bluetrail(t, append(append([]string{"findings"}, c.args...), "--data", data, "-o", format)...)
			if code != exitDone {
				t.Fatalf("%v: %d: %s", c.args, code, errs)
			}
			at := -1
			for _, i := range c.want {
				next := strings.Index(out, ids[i])
				if next <= at {
					t.Errorf("%v -o %s: finding %d is not in its place:\n%s", c.args, format, i, out)
				}
				at = next
			}
			if n := strings.Count(out, "StopLogging"); n < len(c.want) || len(c.want) == 0 && n > 0 {
				t.Errorf("%v -o %s: %d findings\n%s", c.args, format, n, out)
			}
			if strings.ContainsAny(out, "\x1b\u009b") && format != "csv" {
				t.Errorf("-o %s: a terminal would obey %q", format, out)
			}
		}
	}
	_, out, _ := bluetrail(t, "findings", "--data", data, "-o", "json", "--entity", "al?[31mice*", "--rule", "*")
	for line := range strings.Lines(out) {
		var f finding.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil || f.Count != 1 {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestFindingsShow(t *testing.T) {
	data := t.TempDir()
	ids := writeFindings(t, data)
	code, out, errs := bluetrail(t, "findings", "show", "--data", data, ids[0][:8], ids[2])
	if code != exitDone || !strings.Contains(out, ids[0]) || !strings.Contains(out, ids[2]) || strings.Count(out, "StopLogging") < 4 || strings.ContainsAny(out, "\x1b\u009b") {
		t.Errorf("%d: %s%q", code, errs, out)
	}
	code, out, _ = bluetrail(t, "findings", "show", "--data", data, "-o", "json", ids[1])
	var f finding.Finding
	if err := json.Unmarshal([]byte(out), &f); code != exitDone || err != nil || f.ID != ids[1] || len(f.Events) != 1 {
		t.Errorf("%d: %v: %s", code, err, out)
	}
	if code, _, errs := bluetrail(t, "findings", "show", "--data", data, "zz"); code != exitFailed || !strings.Contains(errs, "no finding") {
		t.Errorf("%d: %s", code, errs)
	}
	if code, _, errs := bluetrail(t, "findings", "show", "--data", data, ""); code != exitUsage || !strings.Contains(errs, "several findings") {
		t.Errorf("%d: %s", code, errs)
	}
}

// TestInternalIndex keeps events out of the indexes of bluetrail itself.
func TestInternalIndex(t *testing.T) {
	if code, _, errs := bluetrail(t, "ingest", "--data", t.TempDir(), "--index", "_findings", t.TempDir()); code != exitUsage || !strings.Contains(errs, "begin with _") {
		t.Errorf("%d: %s", code, errs)
	}
}

func TestFindingsMark(t *testing.T) {
	data := t.TempDir()
	ids := writeFindings(t, data)
	mark := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := bluetrail(t, append([]string{"findings", "mark", "--data", data}, args...)...)
		if code != want {
			t.Errorf("%v: %d: %s", args, code, errs)
		}
		return out + errs
	}
	list := func(args ...string) string {
		t.Helper()
		code, out, errs := bluetrail(t, append([]string{"findings", "--data", data}, args...)...)
		if code != exitDone {
			t.Errorf("%v: %d: %s", args, code, errs)
		}
		return out
	}
	if said := mark(exitDone, ids[0][:8], ids[1], "--as", "false", "--note", "nightly\x1b[31m job"); !strings.Contains(said, "2 findings marked false") {
		t.Error(said)
	}
	mark(exitDone, ids[1], "--as", "true")
	for i, want := range []string{"false", "true", "open"} {
		out := list("--status", want, "-o", "json")
		if !strings.Contains(out, ids[i]) || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"status":"`+want+`"`) {
			t.Errorf("--status %s: %s", want, out)
		}
	}
	if out := list(); !strings.Contains(out, "status") || strings.Count(out, "open") != 1 {
		t.Errorf("no status in the table:\n%s", out)
	}
	if _, out, _ := bluetrail(t, "findings", "show", "--data", data, ids[1]); !strings.Contains(out, "nightly") || strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
	if said := mark(exitFailed, ids[2], "zz", "--as", "false"); !strings.Contains(said, `no finding "zz"`) {
		t.Error(said)
	}
	if out := list("--status", "false"); strings.Contains(out, ids[2]) {
		t.Error("marked although another ID is unknown")
	}
	mark(exitUsage, ids[0], "--as", "perhaps")
	if said := mark(exitUsage, ids[0], "--as", "true", "--note", strings.Repeat("x", state.MaxNote+1)); !strings.Contains(said, "4097 bytes") {
		t.Error(said)
	}
	mark(exitDone, ids[0], ids[1], "--as", "open", "--note", "")
	if out := list("--status", "open"); strings.Count(out, "StopLogging") != 3 {
		t.Error(out)
	}
}
