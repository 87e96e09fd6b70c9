package splrule

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/search"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// table makes a result of rows written as field=value, with | between values.
func table(lines ...string) *Result {
	b := vector.NewBuilder()
	for _, line := range lines {
		b.Add()
		for _, part := range strings.Split(line, ";") {
			name, value, _ := strings.Cut(part, "=")
			if many := strings.Split(value, "|"); len(many) > 1 {
				b.Set(name, vector.Strings(many))
			} else {
				b.Set(name, vector.String(value))
			}
		}
	}
	return &Result{Rows: []*vector.Batch{b.Batch()}, Count: int64(len(lines))}
}

func TestFindings(t *testing.T) {
	k := know(t)
	win := Window{Planned: at(t, "2026-03-01T02:00:00Z"), Earliest: at(t, "2026-03-01T01:00:00Z"), Latest: at(t, "2026-03-01T02:00:00Z")}
	short := func(list []*finding.Finding) (out []string) {
		for _, f := range list {
			out = append(out, fmt.Sprintf("%s|%s|%d|%s-%s|%s", f.Entity, f.Outcome, f.Count, f.First.Format("15:04:05"), f.Last.Format("15:04:05"), f.Message))
		}
		return out
	}
	s, err := Compile(&Rule{Kind: SPL, ID: "i", Name: "Calls", Search: "x | stats count by user", Risk: []string{"target"}, Message: "%user% called %eventName% %n%%%"}, k)
	if err != nil {
		t.Fatal(err)
	}
	got := short(s.Findings(win, table(
		"user=alice;target=bob;count=3;firstTime=1772328600;lastTime=2026-03-01T01:40:00;eventName=A|B;n=5",
		"user=alice;target=bob;count=2;firstTime=1772328000;eventName=C;n=5;_bkt=x",
		"user=carol;count=none;errorCode=Client.UnauthorizedOperation",
		"user=carol;errorCode=success",
	)))
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"bob||5|01:20:00-01:59:59|alice called A, B, C 5%",
		"carol|denied|1|01:00:00-01:59:59|carol called - -%",
		"carol|success|1|01:00:00-01:59:59|carol called - -%",
	}, got); diff != "" {
		t.Error(diff)
	}
	first := s.Findings(win, table("user=a;count=1"))[0]
	later := win
	later.Earliest = later.Earliest.Add(time.Hour)
	if again := s.Findings(win, table("user=a;count=7"))[0]; again.ID != first.ID {
		t.Error("a finding changes its ID with its count")
	}
	if other := s.Findings(later, table("user=a;count=1"))[0]; other.ID == first.ID {
		t.Error("two windows have one finding")
	}
	if none := s.Findings(win, &Result{}); len(none) != 1 || !strings.Contains(none[0].Message, "no results from 2026-03-01T01:00:00Z") {
		t.Errorf("%+v", none)
	}
	// Events of a search that looks at one at a time lie in the hour of their own time.
	e, err := Compile(&Rule{Kind: SPL, ID: "i", Name: "Calls", Search: "x", Entity: []string{"user", "src"}}, k)
	if err != nil {
		t.Fatal(err)
	}
	list := e.Findings(win, table("_time=1772327000;eventID=e1;user=a;src=s;eventName=A", "_time=1772326900;eventID=e0;user=a;src=s;eventName=A", "_time=1772331000;eventID=e2;user=a;src=s;eventName=A"))
	if len(list) != 2 || list[0].Entity != "a / s" || list[0].Count != 2 || list[0].Events[0].ID != "e0" || strings.Join(list[0].EventIDs, " ") != "e0 e1" || list[0].Message != "a called A (2 events) from s" {
		t.Errorf("%+v", short(list))
	}
}

func TestAlerts(t *testing.T) {
	k := know(t)
	for _, c := range []struct {
		alert  Alert
		before int64
		want   bool
	}{
		{Alert{}, 0, true},
		{Alert{Type: "number of events", Relation: "greater than", Quantity: 2}, 0, true},
		{Alert{Type: "number of events", Relation: "greater than", Quantity: 3}, 0, false},
		{Alert{Type: "number of events", Relation: "less than", Quantity: 4}, 0, true},
		{Alert{Type: "number of events", Relation: "equal to", Quantity: 3}, 0, true},
		{Alert{Type: "number of events", Relation: "not equal to", Quantity: 3}, 0, false},
		{Alert{Type: "number of events", Relation: "rises by", Quantity: 2}, 1, true},
		{Alert{Type: "number of events", Relation: "rises by", Quantity: 2}, 2, false},
		{Alert{Type: "number of events", Relation: "rises by", Quantity: 50, Percent: true}, 2, true},
		{Alert{Type: "number of events", Relation: "drops by", Quantity: 50, Percent: true}, 5, false},
		{Alert{Type: "number of events", Relation: "drops by", Quantity: 50, Percent: true}, 6, true},
		{Alert{Type: "number of hosts", Relation: "equal to", Quantity: 2}, 0, true},
		{Alert{Type: "number of sources", Relation: "equal to", Quantity: 0}, 0, true},
		{Alert{Type: "custom", Condition: "search count > 5"}, 0, true},
		{Alert{Type: "custom", Condition: "where count > 9"}, 0, false},
		{Alert{Type: "custom", Condition: "where count > 8"}, 0, true},
		{Alert{Type: "custom", Condition: "stats sum(count) AS n | where n = 14"}, 0, true},
	} {
		s, err := Compile(&Rule{Kind: SPL, Name: "r", Search: "x | stats count by host", Alert: c.alert}, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Alerts(context.Background(), table("host=a;count=3", "host=b;count=2", "host=a;count=9"), c.before, search.Options{Macros: k, Knowledge: k})
		if got != c.want || err != nil {
			t.Errorf("%+v after %d rows: %v, %v", c.alert, c.before, got, err)
		}
	}
	s, _ := Compile(&Rule{Kind: SPL, Name: "r", Search: "x", Alert: Alert{Type: "custom", Condition: "| statz"}}, k)
	if _, err := s.Alerts(context.Background(), table("a=1"), 0, search.Options{}); err == nil {
		t.Error("a condition that cannot be read passes")
	}
}
