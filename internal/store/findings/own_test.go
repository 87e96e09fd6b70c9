package findings

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/state"

	"github.com/google/go-cmp/cmp"
)

// alerted returns a state with alerts, one of which somebody closed, and conditions of
// health, one of which ended.
func alerted(t testing.TB, findings int) *state.DB {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	fill(t, db, findings)
	write := func(f func(tx *state.Tx) error) {
		t.Helper()
		if err := db.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"no events for 2 h", ""} {
		write(func(tx *state.Tx) error {
			if err := alert.Health(tx, "source /var/trail", rule.High, text); err != nil {
				return err
			}
			return alert.Health(tx, "output slack", rule.Medium, "it fails")
		})
		if _, err := alert.NewAlerter(alert.Config{State: db}).Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := db.AlertIDs("", 1, 1)
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	write(func(tx *state.Tx) error {
		_, _, err := alert.Apply(tx, nil, ids[0], alert.Act{Who: "carol", Close: alert.Benign, Comment: "a drill"})
		return err
	})
	return db
}

func TestOwn(t *testing.T) {
	st := beside(t, alerted(t, 60))
	for _, c := range []struct{ search, want string }{
		{`index=_alerts | stats count by rule_id, status`, "rule_id=bluetrail-health status=closed count=1; rule_id=bluetrail-health status=new count=1; rule_id=bluetrail-risk status=new count=1; rule_id=r0 status=new count=1; rule_id=r1 status=closed count=1; rule_id=r2 status=new count=1"},
		{`index=_alerts status=closed verdict=benign | table number rule entity severity count verdict actor sourcetype`, "number=1 rule=Key made entity=alice severity=critical count=32 verdict=benign actor=alice sourcetype=bluetrail:alert"},
		{`index=_alerts object=o1 object=o0 mitre=T1098 | stats count`, "count=4"},
		{`index=_alerts earliest=1767607200 latest=1767607260 | stats count values(rule_id) as rule_id`, "count=1 rule_id=bluetrail-risk"},
		{`index=_audit who=carol | table who action kind text`, "who=carol action=closed kind=alert text=benign; who=carol action=comment kind=alert text=a drill"},
		{`index=_audit action=raised | stats count by who`, "who=bluetrail count=6"},
		{`index=_health | table key severity status text`, "key=output slack severity=medium status=open text=it fails; key=source /var/trail severity=high status=closed text=no events for 2 h"},
		{`index=_health earliest=-1h latest=+1h | stats count`, "count=0"},
		{`index=_* OR index=aws | stats count by index`, "index=_alerts count=6; index=_audit count=9; index=_findings count=60; index=_health count=2; index=aws count=1"},
		{`* | stats count by index`, "index=aws count=1; index=other count=1"},
		{`index=_alerts OR index=_health severity=high | stats count by index`, "index=_alerts count=1; index=_health count=1"},
	} {
		got, _ := rows(t, st, c.search)
		slices.Sort(got)
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.search, text, c.want)
		}
	}
	// Columns are the same with and without the whole alerts.
	var columns []string
	for _, name := range alertColumns {
		columns = append(columns, fmt.Sprintf("%q", name))
	}
	search := "index=_alerts | sort number | table " + strings.Join(columns, " ")
	fast, _ := rows(t, st, search)
	slow, _ := rows(t, st, search+" nothing")
	whole, _ := rows(t, st, strings.Replace(search, "| sort", "| eval x=outcome | sort", 1))
	if diff := cmp.Diff(fast, whole); diff != "" || len(fast) != 6 || len(slow) != 6 {
		t.Errorf("(-columns +whole):\n%s", diff)
	}
	for _, index := range []string{"_alerts", "_audit", "_health"} {
		got, _ := rows(t, st, "index="+index+" | fieldsummary | table field")
		for _, row := range got {
			name := strings.TrimPrefix(row, "field=")
			if slices.Contains(alertLists, strings.TrimSuffix(name, "{}")) {
				name = strings.TrimSuffix(name, "{}")
			}
			if !slices.Contains(st.names, name) && !slices.Contains([]string{"index", "sourcetype", "source", "host", "splunk_server", "linecount", "punct", "timestamp", "eventtype", "tag"}, name) && !strings.HasPrefix(name, "date_") {
				t.Errorf("%s: %q is not listed", index, name)
			}
		}
	}
}

// TestRefuse asks for an index that somebody may not read, plainly, by a pattern and in a
// subsearch.
func TestRefuse(t *testing.T) {
	no := errors.New("not for you")
	st := beside(t, alerted(t, 3)).Refuse("_audit", no)
	for text, refused := range map[string]bool{
		"index=_audit": true, "index=_*": true, "index=_audit OR index=aws": true, "index=aws | append [search index=_audit]": true,
		"index=_alerts": false, "*": false,
	} {
		q, err := plan.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Open(t.Context(), q, st, exec.NewEnv(begin.Add(time.Hour)))
		for err == nil {
			_, err = p.Next(t.Context())
		}
		if errors.Is(err, no) != refused || !refused && err != io.EOF {
			t.Errorf("%s: %v", text, err)
		}
	}
}
