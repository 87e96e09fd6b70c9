package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/state"

	"github.com/google/go-cmp/cmp"
)

var begin = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

// found makes a finding of a rule about an entity that begins some hours after begin.
func found(ruleID, entity string, hour float64, severity rule.Severity, events int) *finding.Finding {
	at := begin.Add(time.Duration(hour * float64(time.Hour)))
	info := rule.Info{ID: ruleID, Title: "Title of " + ruleID, Severity: severity, Kind: rule.Event}
	f := finding.New(&info, finding.Key{Rule: ruleID, Entity: entity, Outcome: "success", Window: at.UnixNano()})
	for i := range events {
		f.Add(&match.Match{Time: at.Add(time.Duration(i) * time.Second).UnixNano(), Event: match.Event{
			ID: fmt.Sprintf("%s-%s-%v-%d", ruleID, entity, hour, i), Name: "CreateAccessKey", Account: "111122223333", Region: "eu-west-1", SourceIP: "198.51.100.7", Object: "bob",
			User: "arn:aws:iam::111122223333:user/" + entity,
		}}, &finding.Who{Actor: "arn:aws:iam::111122223333:user/" + entity, Type: "iam-user"})
	}
	f.Describe("")
	return f
}

func open(t *testing.T) *state.DB {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// put writes findings, and withdraws those without events.
func put(t *testing.T, db *state.DB, list ...*finding.Finding) {
	t.Helper()
	err := db.Write(func(tx *state.Tx) error {
		for _, f := range list {
			if f.Count == 0 {
				if err := tx.DropFindings([]string{f.ID}); err != nil {
					return err
				}
				continue
			}
			body, err := json.Marshal(f)
			if err != nil {
				return err
			}
			row := state.Finding{ID: f.ID, Time: f.Time.UnixNano(), Rule: f.RuleID, Severity: f.Severity.Rank(), Entity: f.Entity, First: f.First.UnixNano(), Last: f.Last.UnixNano(), Body: body}
			if err := tx.PutFindings([]state.Finding{row}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func gone(f *finding.Finding) *finding.Finding { return &finding.Finding{ID: f.ID} }

// told records what outputs hear: what happened to which alert, by number.
type told []string

func (o *told) queue(_ *state.Tx, a *Alert, c Change) error {
	*o = append(*o, fmt.Sprintf("%s %d", c, a.Number))
	return nil
}

func drain(t *testing.T, a *Alerter) {
	t.Helper()
	if _, err := a.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// all returns the alerts in short, by number.
func all(t *testing.T, db *state.DB) (list []string) {
	t.Helper()
	for _, a := range alerts(t, db) {
		text := fmt.Sprintf("%d %s %s %s %s: %d findings, %d events", a.Number, a.RuleID, a.Entity, a.Severity, a.Status, a.FindingCount, a.Count)
		if a.Verdict != "" {
			text += ", " + string(a.Verdict)
		}
		if a.Silent > 0 {
			text += fmt.Sprintf(", %d silent", a.Silent)
		}
		list = append(list, text)
	}
	return list
}

func alerts(t *testing.T, db *state.DB) (list []*Alert) {
	t.Helper()
	err := db.Alerts(t.Context(), state.AlertQuery{Bodies: true}, func(row *state.Alert) error {
		a, err := Decode(row)
		list = append(list, a)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(x, y *Alert) int { return int(x.Number - y.Number) })
	return list
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGrouping(t *testing.T) {
	db, out := open(t), told{}
	a := NewAlerter(Config{State: db, Queue: out.queue, Windows: map[string]time.Duration{"short": time.Hour}})
	first := found("r", "alice", 0, rule.Medium, 2)
	put(t, db, first, found("r", "alice", 20, rule.Medium, 1), found("r", "bob", 0.1, rule.Medium, 1), found("info", "alice", 0, rule.Informational, 5),
		found("short", "alice", 0.2, rule.Low, 1), found("short", "alice", 1.1, rule.Low, 1), found("short", "alice", 3, rule.Low, 1))
	drain(t, a)
	drain(t, a) // nothing is left to do
	want(t, all(t, db), "1 r alice medium new: 2 findings, 3 events", "2 r bob medium new: 1 findings, 1 events",
		"3 short alice low new: 2 findings, 2 events", "4 short alice low new: 1 findings, 1 events")
	put(t, db, found("r", "alice", 43, rule.High, 1), found("r", "alice", 100, rule.Medium, 1), first) // 23 h later, 57 h later, the same again
	drain(t, a)
	want(t, all(t, db)[:1], "1 r alice high new: 3 findings, 4 events")
	want(t, all(t, db)[4:], "5 r alice medium new: 1 findings, 1 events")
	want(t, out, "raised 1", "raised 2", "raised 3", "raised 4", "worsened 1", "raised 5")
	if got := alerts(t, db)[0]; got.ID != ID("r", "alice", first.ID) || got.Summary == "" || got.EntityKind != "other" || len(got.EventIDs) != 4 {
		t.Errorf("%+v", got)
	}
}

// TestClosed: what comes within the window after an alert was closed joins it silently.
func TestClosed(t *testing.T) {
	db, out := open(t), told{}
	now := begin
	a := NewAlerter(Config{State: db, Queue: out.queue, Clock: func() time.Time { return now }})
	put(t, db, found("r", "alice", 0, rule.Medium, 1))
	drain(t, a)
	err := db.Write(func(tx *state.Tx) error {
		_, _, err := Apply(tx, out.queue, alerts0(t, db, tx), Act{Who: "carol", Close: False, Comment: "known"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, found("r", "alice", 23, rule.Medium, 4)) // of the episode
	drain(t, a)
	want(t, all(t, db), "1 r alice medium closed: 1 findings, 1 events, false, 1 silent")
	put(t, db, found("r", "alice", 46, rule.Medium, 1)) // silent findings do not prolong the silence
	drain(t, a)
	live := found("r", "alice", time.Since(begin).Hours()+1, rule.Medium, 1) // an hour after the closing
	put(t, db, live)
	drain(t, a)
	want(t, all(t, db), "1 r alice medium closed: 1 findings, 1 events, false, 2 silent", "2 r alice medium new: 1 findings, 1 events")
	put(t, db, found("r", "alice", 20, rule.Critical, 1))
	drain(t, a)
	want(t, all(t, db)[:1], "1 r alice critical new: 4 findings, 7 events")
	want(t, out, "raised 1", "closed 1", "raised 2", "reopened 1")
	marks := 0
	err = db.Findings(t.Context(), state.FindingQuery{Earliest: 0, Latest: 1 << 62}, func(f *state.Finding) error {
		if f.Status == state.StatusFalse && strings.Contains(f.Note, "carol") {
			marks++
		}
		return nil
	})
	if err != nil || marks != 1 {
		t.Errorf("%d findings marked, %v", marks, err)
	}
	h, err := db.History("alert", alerts(t, db)[0].ID)
	var did []string
	for _, x := range h {
		did = append(did, x.Who+" "+x.Action)
	}
	if err != nil {
		t.Fatal(err)
	}
	want(t, did, "bluetrail raised", "carol closed", "carol comment", "bluetrail reopened")
}

// TestReopenedByPeople: what joined an alert silently counts once somebody reopens it.
func TestReopenedByPeople(t *testing.T) {
	db, out := open(t), told{}
	a := NewAlerter(Config{State: db, Queue: out.queue})
	apply := func(act Act) {
		t.Helper()
		act.Who = "carol"
		err := db.Write(func(tx *state.Tx) error {
			_, _, err := Apply(tx, out.queue, alerts0(t, db, tx), act)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(t, db, found("r", "alice", 0, rule.Medium, 1))
	drain(t, a)
	apply(Act{Close: Benign})
	put(t, db, found("r", "alice", 1, rule.Medium, 4))
	drain(t, a)
	want(t, all(t, db), "1 r alice medium closed: 1 findings, 1 events, benign, 1 silent")
	apply(Act{Reopen: true})
	want(t, all(t, db), "1 r alice medium in_progress: 2 findings, 5 events")
	want(t, out, "raised 1", "closed 1", "reopened 1")
}

// alerts0 returns the ID of the first alert within a transaction.
func alerts0(t *testing.T, _ *state.DB, tx *state.Tx) string {
	t.Helper()
	list, err := tx.AlertsNear("r", "alice", begin.Add(-time.Hour), begin.Add(time.Hour))
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

func TestWithdrawn(t *testing.T) {
	db, out := open(t), told{}
	a := NewAlerter(Config{State: db, Queue: out.queue})
	one, two := found("r", "alice", 0, rule.Medium, 3), found("r", "alice", 1, rule.High, 1)
	two.Put("object", "carol")
	put(t, db, one, two)
	drain(t, a)
	put(t, db, gone(two))
	drain(t, a)
	want(t, all(t, db), "1 r alice medium new: 1 findings, 3 events")
	if got := alerts(t, db)[0]; len(got.Object) != 1 || len(got.EventIDs) != 3 {
		t.Errorf("what was withdrawn shows still: %v, %v", got.Object, got.EventIDs)
	}
	put(t, db, gone(one))
	drain(t, a)
	want(t, all(t, db), "1 r alice medium closed: 0 findings, 3 events, withdrawn")
	put(t, db, one)
	drain(t, a)
	want(t, all(t, db), "1 r alice medium new: 1 findings, 3 events")
	err := db.Write(func(tx *state.Tx) error {
		who := "carol"
		_, _, err := Apply(tx, out.queue, alerts0(t, db, tx), Act{Who: "carol", Assign: &who})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, db, gone(one))
	drain(t, a)
	want(t, all(t, db), "1 r alice medium in_progress: 0 findings, 3 events") // somebody works on it
	put(t, db, found("q", "bob", 0, rule.Low, 1), gone(found("q", "bob", 0, rule.Low, 1)))
	drain(t, a)
	want(t, out, "raised 1", "closed 1", "reopened 1")
}

// TestFaults fails the transaction at each step, as a crash does, and drains again: the
// result is that of an undisturbed run. So it is for findings that come again and in
// another order.
func TestFaults(t *testing.T) {
	var list []*finding.Finding
	for i := range 60 {
		list = append(list, found([]string{"r", "q", "p"}[i%3], []string{"alice", "bob"}[i%2], float64(i%7)*9+float64(i%6)/10, []rule.Severity{rule.Low, rule.High}[i%2], 1+i%7%4))
	}
	withdrawn := list[5]
	db, out := open(t), told{}
	a := NewAlerter(Config{State: db, Queue: out.queue})
	put(t, db, list...)
	drain(t, a)
	put(t, db, gone(withdrawn))
	drain(t, a)
	undisturbed := all(t, db)
	if len(undisturbed) < 6 || !slices.ContainsFunc(undisturbed, func(s string) bool { return strings.Contains(s, RiskRule) }) {
		t.Fatalf("%q", undisturbed)
	}
	heard := slices.Clone(out)

	db, out = open(t), told{}
	var failed int
	broken := errors.New("crash")
	crash := map[string]int{}
	restart := func() *Alerter {
		var late told
		a := NewAlerter(Config{State: db, Queue: func(tx *state.Tx, x *Alert, c Change) error { return late.queue(tx, x, c) }})
		a.fault = func(step string) error {
			if step == "findings" {
				late = nil
			}
			if crash[step]++; crash[step]%map[bool]int{true: 41, false: 4}[step == "queue"] == 1 { // a transaction tells the outputs of many alerts
				failed++
				return broken
			}
			if step == "commit" {
				out = append(out, late...)
			}
			return nil
		}
		return a
	}
	keepGoing := func() {
		for {
			if _, err := restart().Drain(t.Context()); err == nil {
				return
			} else if !errors.Is(err, broken) {
				t.Fatal(err)
			}
		}
	}
	put(t, db, list...)
	keepGoing()
	put(t, db, list...) // once more
	keepGoing()
	put(t, db, gone(withdrawn))
	keepGoing()
	if diff := cmp.Diff(undisturbed, all(t, db)); diff != "" || failed < 10 {
		t.Errorf("after %d crashes (-undisturbed +now):\n%s", failed, diff)
	}
	if diff := cmp.Diff(heard, out); diff != "" {
		t.Errorf("outputs heard (-undisturbed +now):\n%s", diff)
	}

	for seed := range uint64(3) {
		db = open(t)
		rnd := rand.New(rand.NewPCG(seed, 1))
		order := slices.Clone(list)
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for part := range slices.Chunk(order, 11) {
			put(t, db, part...)
			drain(t, NewAlerter(Config{State: db}))
		}
		put(t, db, gone(withdrawn))
		drain(t, NewAlerter(Config{State: db}))
		short := func(list []string) (out []string) {
			for _, s := range list {
				if _, s, _ = strings.Cut(s, " "); !strings.HasSuffix(s, "duplicate") {
					out = append(out, s)
				}
			}
			slices.Sort(out)
			return out
		}
		if diff := cmp.Diff(short(undisturbed), short(all(t, db))); diff != "" {
			t.Errorf("in another order (-in order +now):\n%s", diff)
		}
	}
}
