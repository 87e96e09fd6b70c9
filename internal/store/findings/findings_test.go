package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"
	"bluetrail/internal/store/memory"
)

var begin = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// fill writes n findings, one a minute, and returns their IDs.
func fill(t testing.TB, db *state.DB, n int) (ids []string) {
	t.Helper()
	var list []state.Finding
	for i := range n {
		info := rule.Info{ID: fmt.Sprintf("r%d", i%3), Title: "Key made", Kind: rule.Event, Severity: rule.Severities[i%5], Tags: []string{"attack.t1098"}}
		f := finding.New(&info, finding.Key{Rule: info.ID, Entity: "alice", Outcome: "success", Window: int64(i)})
		for j := range 2 {
			at := begin.Add(time.Duration(i)*time.Minute + time.Duration(j)*time.Second)
			f.Add(&match.Match{Time: at.UnixNano(), Event: match.Event{ID: fmt.Sprint("e", i, j), Name: "CreateAccessKey", Object: fmt.Sprint("o", j), File: "source=x \"quoted\""}}, &finding.Who{Actor: "alice"})
		}
		f.Describe("")
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.ID)
		list = append(list, state.Finding{ID: f.ID, Time: f.Time.UnixNano(), Rule: f.RuleID, Severity: f.Severity.Rank(), Entity: f.Entity, First: f.First.UnixNano(), Last: f.Last.UnixNano(), Arrived: int64(i), Body: body})
	}
	if err := db.Write(func(tx *state.Tx) error { return tx.PutFindings(list) }); err != nil {
		t.Fatal(err)
	}
	return ids
}

// events is a store of two events, which have no findings' index.
type events struct{ *memory.Store }

func (events) Span() (first, last int64)                   { return 0, 0 }
func (events) FieldNames(context.Context) ([]string, bool) { return []string{"eventName"}, true }

func beside(t *testing.T, db *state.DB) *Beside {
	t.Helper()
	mem := memory.New()
	for i, index := range []string{"aws", "other"} {
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%d","eventTime":"2026-01-05T10:00:30Z","eventName":"A","severity":"high"}`, i)
		if _, err := mem.Add([]byte(raw), &event.Meta{Index: index, Sourcetype: event.CloudTrail, Source: "s", Host: "h"}); err != nil {
			t.Fatal(err)
		}
	}
	return NewBeside(events{mem}, db)
}

// rows runs a search and returns its rows as text.
func rows(t *testing.T, st *Beside, text string, arrived ...int64) (list []string, warnings []string) {
	t.Helper()
	env := exec.NewEnv(begin.Add(time.Hour))
	if arrived != nil {
		env.Arrived.After, env.Arrived.Upto = arrived[0], arrived[1]
	}
	q, err := plan.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Open(t.Context(), q, st, env)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for {
		b, err := p.Next(t.Context())
		if err == io.EOF {
			return list, env.Warnings()
		}
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			continue
		}
		for i := range b.Len {
			var cells []string
			for _, c := range b.Cols {
				if c.At(i).All() != nil {
					cells = append(cells, c.Name+"="+strings.Join(c.At(i).All(), "|"))
				}
			}
			list = append(list, strings.Join(cells, " "))
		}
	}
}

func TestSearch(t *testing.T) {
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const n = 600
	ids := fill(t, db, n)
	st := beside(t, db)
	note := "nightly job"
	if err := db.Write(func(tx *state.Tx) error { return tx.PutMark(ids[7], state.StatusFalse, &note) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ search, want string }{
		{`index=_findings | stats count`, "count=600"},
		{`index=_find* | stats count`, "count=600"},
		{`index=_findings severity=high | stats count by rule_id`, "rule_id=r0 count=40; rule_id=r1 count=40; rule_id=r2 count=40"},
		{`index=_findings earliest=1767607200 latest=1767607320 | stats count min(_time) as first max(_time) as last`, "count=2 first=1767607200 last=1767607260"},
		{`index=_findings | head 1 | table _time rule severity entity actor count object mitre index sourcetype source events{}.object`,
			"_time=1767643140 rule=Key made severity=critical entity=alice actor=alice count=2 object=o0|o1 mitre=T1098 index=_findings sourcetype=bluetrail:finding source=r2 events{}.object=o0|o1"},
		{`index=_findings rule_id=r1 | tail 1 | table message`, "message=alice called CreateAccessKey (2 events) on o0, o1"},
		{`index=_findings object=o1 object=o0 mitre=T1098 NOT object=x | stats count`, "count=600"},
		{`index=_findings | regex _raw="^{\"id\":" | stats count`, "count=600"},
		{`index=_findings | stats count by status`, "status=false count=1; status=open count=599"},
		{`index=_findings status=false note=nightly* | table rule_id note`, "rule_id=r1 note=nightly job"},
		{`* | stats count by index`, "index=aws count=1; index=other count=1"},
		{`index=* | stats count by index`, "index=aws count=1; index=other count=1"},
		{`severity=high | stats count by index`, "index=aws count=1; index=other count=1"},
		{`NOT index=_findings | stats count`, "count=2"},
		{`index!=aws | stats count by index`, "index=other count=1"},
		{`index=aws OR index=_findings | stats count by index`, "index=_findings count=600; index=aws count=1"},
		{`(index=* OR index=_*) severity=high | stats count by index`, "index=_findings count=120; index=aws count=1; index=other count=1"},
		{`index IN (aws, _findings) | stats count by index`, "index=_findings count=600; index=aws count=1"},
		{`index=_other | stats count`, "count=0"},
		{`index=aws [search index=_findings | head 1 | eval eventName="A" | fields eventName] | stats count`, "count=1"},
	} {
		got, _ := rows(t, st, c.search)
		slices.Sort(got)
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.search, text, c.want)
		}
	}
	if got, _ := rows(t, st, "index=_findings | stats count min(_time) as first", 2, 5); strings.Join(got, "") != "count=3 first=1767607380" {
		t.Errorf("by arrival: %v", got)
	}
	if got, _ := rows(t, st, "index=_findings rule_id=r1 | fields _time"); len(got) != 200 || got[0] < got[1] {
		t.Errorf("%d events, the first %v", len(got), got[:2])
	}
}

// TestNoSuchIndex tells a missing index from one without rows.
func TestNoSuchIndex(t *testing.T) {
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	st := beside(t, db)
	if _, warnings := rows(t, st, "index=_findings | stats count"); len(warnings) > 0 {
		t.Errorf("no findings: %q", warnings)
	}
	if _, warnings := rows(t, st, "index=_finding | stats count"); len(warnings) != 1 || !strings.Contains(warnings[0], "_findings") {
		t.Errorf("no such index: %q", warnings)
	}
}

// TestOpenBeside opens the state only for findings, and closes it.
func TestOpenBeside(t *testing.T) {
	dir := t.TempDir()
	db, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, db, 3)
	db.Close()
	st := OpenBeside(beside(t, nil).Events, dir)
	if got, _ := rows(t, st, "index=_findings | stats count"); strings.Join(got, "") != "count=3" {
		t.Error(got)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	missing := OpenBeside(beside(t, nil).Events, filepath.Join(dir, state.DatabaseFile, "no folder"))
	if got, _ := rows(t, missing, "* | stats count"); strings.Join(got, "") != "count=2" {
		t.Error(got)
	}
	if err := missing.Close(); err != nil {
		t.Error(err)
	}
}

// TestNames holds the list of fields to what findings have.
func TestNames(t *testing.T) {
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, 2)
	got, _ := rows(t, beside(t, db), "index=_findings | fieldsummary | table field")
	for _, row := range got {
		name := strings.TrimPrefix(row, "field=")
		if slices.Contains(listed, strings.TrimSuffix(name, "{}")) {
			name = strings.TrimSuffix(name, "{}")
		}
		if !slices.Contains(names, name) && !slices.Contains([]string{"index", "sourcetype", "source", "host", "splunk_server", "linecount", "punct", "timestamp", "eventtype", "tag"}, name) && !strings.HasPrefix(name, "date_") {
			t.Errorf("%q is not listed", name)
		}
	}
	if len(got) < len(names)/2 {
		t.Errorf("only %d fields", len(got))
	}
}
