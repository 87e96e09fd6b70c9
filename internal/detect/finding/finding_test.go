package finding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
)

var info = rule.Info{ID: "r1", Title: "Key made for another user", Severity: rule.High, Tags: []string{"attack.t1098.001"}}

func event(n int) *match.Match {
	return &match.Match{Time: int64(n) * int64(time.Minute), Event: match.Event{
		ID: fmt.Sprintf("e%d", n), Name: "CreateAccessKey", Account: "111122223333", Region: fmt.Sprintf("r-%d", n), SourceIP: "198.51.100.7", Object: "user/bob", Outcome: "denied",
	}}
}

func TestFinding(t *testing.T) {
	f := New(&info, Key{Rule: "r1", Entity: "alice", Outcome: "denied", Window: 0})
	for n := range 2000 {
		f.Add(event(n), &Who{Actor: "alice", Type: "IAM user"})
	}
	if f.Count != 2000 || len(f.Events) != MaxEvents || len(f.EventIDs) != MaxIDs || len(f.Region) != MaxValues || f.More["region"] != 2000-MaxValues {
		t.Errorf("%d events, %d shown, %d ids, %d regions, %d more", f.Count, len(f.Events), len(f.EventIDs), len(f.Region), f.More["region"])
	}
	if !f.First.Equal(time.Unix(0, 0)) || !f.Last.Equal(time.Unix(1999*60, 0)) {
		t.Errorf("from %v to %v", f.First, f.Last)
	}
	f.Set("count", "7")
	f.Describe("")
	if want := "alice was denied CreateAccessKey (2000 events) on user/bob from 198.51.100.7 in r-0, r-1, r-2 and 1997 more"; f.Message != want {
		t.Errorf("message %q, not %q", f.Message, want)
	}
	f.Describe("100%% %actor% at 50% of %event_name% %nothing%")
	if want := "100% alice at 50% of CreateAccessKey -"; f.Message != want {
		t.Errorf("message %q, not %q", f.Message, want)
	}
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Finding
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*f, back); d != "" {
		t.Error(d)
	}
	for _, want := range []string{`"actor":"alice"`, `"mitre":["T1098.001"]`, `"session_id":""`, `"region":["r-0",`, `"event_id":"e0"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is not in %.300s", want, data)
		}
	}
}

func TestKeyID(t *testing.T) {
	keys := []Key{{"a", "bc", "", 0}, {"ab", "c", "", 0}, {"a", "b", "c", 0}, {"a", "bc", "", 1}}
	seen := map[string]Key{}
	for _, k := range keys {
		if other, ok := seen[k.ID()]; ok {
			t.Errorf("%v and %v have one ID", k, other)
		}
		seen[k.ID()] = k
	}
}

func TestWindowAt(t *testing.T) {
	for _, c := range []struct{ at, length, want int64 }{{0, 10, 0}, {9, 10, 0}, {10, 10, 10}, {-1, 10, -10}, {-10, 10, -10}, {int64(90 * time.Minute), 0, int64(time.Hour)}} {
		if got := WindowAt(c.at, time.Duration(c.length)); got != c.want {
			t.Errorf("WindowAt(%d, %d) = %d, not %d", c.at, c.length, got, c.want)
		}
	}
}

func TestClip(t *testing.T) {
	if got := clip(strings.Repeat("é", MaxText)); !strings.HasSuffix(got, "é…") || len(got) > MaxText+3 {
		t.Errorf("%d bytes, ends in %q", len(got), got[len(got)-6:])
	}
}

// TestKeys: scripts read these keys of a finding, whether they have a value or not.
func TestKeys(t *testing.T) {
	for _, events := range []int{0, 1} {
		f := New(&info, Key{Rule: "r1", Entity: "alice", Outcome: "denied"})
		for n := range events {
			f.Add(event(n), &Who{Actor: "alice"})
		}
		f.Describe("")
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		for _, key := range strings.Fields(`time rule_id rule title severity mitre entity actor account region source_ip event_name outcome
			count first last events event_ids message`) {
			if _, ok := got[key]; !ok {
				t.Errorf("a finding with %d events has no %q", events, key)
			}
		}
	}
}
