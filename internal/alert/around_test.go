package alert

import (
	"errors"
	"testing"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/search"

	"github.com/google/go-cmp/cmp"
)

// TestUnusual: an alert says what its actor's evidence tells, even where no events are left.
func TestUnusual(t *testing.T) {
	db := open(t)
	var asked []actor.Question
	a := NewAlerter(Config{
		State: db, Open: func() (search.Options, error) { return search.Options{}, errors.New("no events") },
		Unusual: func(q actor.Question) ([]string, bool) {
			q.Calls[0][1] = q.Show(q.Calls[0][1])
			q.Show = nil
			asked = append(asked, q)
			return []string{"It is new."}, true
		},
	})
	f := found("r", "alice", 1, rule.Medium, 2)
	for i := range f.Events {
		f.Events[i].Source, f.Events[i].Name = "iam.amazonaws.com", "Create\nKey"
	}
	put(t, db, f)
	drain(t, a)
	want := []actor.Question{{
		Actor: "arn:aws:iam::111122223333:user/alice", Type: "iam-user", Calls: [][2]string{{"iam.amazonaws.com", `"Create␤Key"`}}, Regions: []string{"eu-west-1"},
		Addresses: []string{"198.51.100.7"}, Accounts: []string{"111122223333"}, First: begin.Add(30 * time.Minute),
	}}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
	if list := alerts(t, db); len(list) != 1 || len(list[0].Unusual) != 1 || list[0].Unusual[0] != "It is new." {
		t.Errorf("%+v", list)
	}
}
