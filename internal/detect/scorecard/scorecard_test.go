package scorecard

import (
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/generate"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func label(name string, expect generate.Expectation, ids ...string) generate.Label {
	return generate.Label{Name: name, Expect: expect, Account: "111122223333", Actor: "arn:aws:iam::111122223333:user/" + name, Source: "198.51.100.7", First: noon, Last: noon.Add(time.Minute), EventIDs: ids}
}

func alarm(name string, severity rule.Severity, after time.Duration, ids ...string) Alarm {
	at := noon.Add(after)
	return Alarm{ID: name + after.String() + strings.Join(ids, ","), Rule: name, Severity: severity, Time: at, First: at, Last: at, Account: []string{"111122223333"}, EventIDs: ids}
}

func names(lines []Line) (names []string) {
	for i := range lines {
		names = append(names, lines[i].Name)
	}
	return names
}

func TestCard(t *testing.T) {
	t.Parallel()
	byAddress := alarm("spl", rule.High, 5*time.Minute)
	byAddress.Source = []string{"198.51.100.7"}
	elsewhere := byAddress
	elsewhere.ID = "elsewhere"
	elsewhere.Account = []string{"999922223333"}
	late := byAddress
	late.ID = "late"
	late.First = noon.Add(slack + 2*time.Minute)
	late.Last = late.First
	for _, c := range []struct {
		name         string
		labels       []generate.Label
		alarms       []Alarm
		missed, loud []string
		ordinary     []Fired
		doubtful     []Fired
	}{
		{name: "an event of the attack", labels: []generate.Label{label("a", generate.Caught, "1", "2")}, alarms: []Alarm{alarm("r", rule.Medium, time.Second, "2", "9")}},
		{name: "low is no catch", labels: []generate.Label{label("a", generate.Caught, "1")}, alarms: []Alarm{alarm("r", rule.Low, 0, "1")}, missed: []string{"a"}},
		{name: "another event", labels: []generate.Label{label("a", generate.Caught, "1")}, alarms: []Alarm{alarm("r", rule.High, 0, "3"), alarm("r", rule.Medium, 0, "4")},
			missed: []string{"a"}, ordinary: []Fired{{"r", rule.High, 2}}},
		{name: "loud", labels: []generate.Label{label("q", generate.Quiet, "1"), label("s", generate.Quiet, "2")}, alarms: []Alarm{alarm("r", rule.Medium, 0, "1"), alarm("r", rule.Low, 0, "2")},
			loud: []string{"q"}, ordinary: []Fired{{"r", rule.Medium, 1}}},
		{name: "an alert of several findings counts once, and belongs to the attack if one of them does", labels: []generate.Label{label("a", generate.Caught, "1")},
			alarms:   []Alarm{{ID: "x", Rule: "r", Severity: rule.High, EventIDs: []string{"7"}}, {ID: "x", Rule: "r", Severity: rule.High, EventIDs: []string{"1"}}, {ID: "y", Rule: "r", Severity: rule.High, EventIDs: []string{"8"}}, {ID: "y", Rule: "r", Severity: rule.High, EventIDs: []string{"9"}}},
			ordinary: []Fired{{"r", rule.High, 1}}},
		{name: "of an attack and an ordinary event", labels: []generate.Label{label("a", generate.Caught, "1"), label("q", generate.Quiet, "2")}, alarms: []Alarm{alarm("r", rule.High, 0, "1", "2")}},
		{name: "either", labels: []generate.Label{label("e", generate.Either, "1")}, alarms: []Alarm{alarm("r", rule.Medium, 0, "1")}, doubtful: []Fired{{"r", rule.Medium, 1}}},
		{name: "without event IDs: address, account and time", labels: []generate.Label{label("a", generate.Caught, "1")}, alarms: []Alarm{byAddress}},
		{name: "without event IDs: another account, another time", labels: []generate.Label{label("a", generate.Caught, "1")}, alarms: []Alarm{elsewhere, late}, missed: []string{"a"}, ordinary: []Fired{{"spl", rule.High, 2}}},
	} {
		card := New(c.labels, c.alarms)
		if diff := cmp.Diff(c.missed, names(card.Missed())); diff != "" {
			t.Errorf("%s: missed (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.loud, names(card.Loud())); diff != "" {
			t.Errorf("%s: loud (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.ordinary, card.Ordinary, cmp.Transformer("empty", func(f []Fired) []Fired { return append([]Fired{}, f...) })); diff != "" {
			t.Errorf("%s: ordinary (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.doubtful, card.Doubtful, cmp.Transformer("empty", func(f []Fired) []Fired { return append([]Fired{}, f...) })); diff != "" {
			t.Errorf("%s: doubtful (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestAfter: the delay is that of the first alarm above low, and the worst rule comes first.
func TestAfter(t *testing.T) {
	t.Parallel()
	card := New([]generate.Label{label("a", generate.Caught, "1", "2")}, []Alarm{
		alarm("low", rule.Low, 0, "1"), alarm("medium", rule.Medium, time.Minute, "1"), alarm("critical", rule.Critical, 2*time.Minute, "2"), alarm("medium", rule.Medium, 3*time.Minute, "2")})
	l := card.Attacks[0]
	if l.After != time.Minute || l.Severity != rule.Critical || !cmp.Equal(l.Rules, []string{"critical", "medium"}) || !cmp.Equal(l.LowRules, []string{"low"}) {
		t.Errorf("%+v", l)
	}
}
