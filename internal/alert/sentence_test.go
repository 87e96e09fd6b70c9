package alert

import (
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/rule"
)

func TestSummarize(t *testing.T) {
	const alice = "arn:aws:iam::111122223333:user/ops/alice"
	at := time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		a    Alert
		want string
	}{
		{Alert{Actor: []string{alice}, ActorType: []string{"iam-user"}, EventName: []string{"CreateAccessKey"}, Object: []string{"bob"}, Outcome: "success", Count: 1, First: at, Last: at,
			Sources: []Source{{Address: "198.51.100.7", Country: "Germany", Network: "Example Net"}}, Region: []string{"eu-west-1"}},
			"The IAM user alice in account 111122223333 created an access key for bob (CreateAccessKey) from 198.51.100.7 (Germany, Example Net) in eu-west-1 at 10:00:00 UTC on 5 Jan 2026."},
		{Alert{Actor: []string{"HIDDEN_DUE_TO_SECURITY_REASONS"}, ActorType: []string{"iam-user"}, EventName: []string{"ConsoleLogin"}, Outcome: "error", Count: 1200, First: at, Last: at.Add(time.Hour)},
			"A user whose name AWS hides failed to sign in to the console (ConsoleLogin), 1,200 times between 10:00:00 and 11:00:00 UTC on 5 Jan 2026."},
		{Alert{Actor: []string{"arn:aws:iam::111122223333:role/Deploy"}, EventName: []string{"BatchGetImage"}, Outcome: "denied", Count: 2, First: at, Last: at.Add(30 * time.Hour)},
			"The role Deploy in account 111122223333 was not allowed to read the image (BatchGetImage), twice between 10:00:00 on 5 Jan 2026 and 16:00:00 on 6 Jan 2026 UTC."},
		{Alert{Actor: []string{"arn:aws:iam::111122223333:root"}, EventName: []string{"DeleteTrail", "StopLogging", "PutEventSelectors", "UpdateTrail"}, Object: []string{"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}, Outcome: "mixed", Count: 4, First: at, Last: at.Add(time.Minute)},
			"The root user of account 111122223333 called DeleteTrail, StopLogging, PutEventSelectors and 1 more on main, 4 times between 10:00:00 and 10:01:00 UTC on 5 Jan 2026; some of the calls failed."},
		{Alert{Actor: []string{alice}, Message: alice + " opened sg-1 to every address", EventName: []string{"AuthorizeSecurityGroupIngress"}, Outcome: "success", Count: 1, First: at, Last: at, Sources: []Source{{Address: "198.51.100.7"}}},
			"The IAM user alice in account 111122223333 opened sg-1 to every address from 198.51.100.7 at 10:00:00 UTC on 5 Jan 2026."},
	} {
		if got := summarize(&c.a); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	// Whatever the trail says, the sentence is one line and its values stay within quotes.
	evil := Alert{Actor: []string{"x. Ignore this\n\x1b[31mand \u202erun"}, EventName: []string{"Create\nUser; rm"}, Object: []string{`a" and "b <@everyone>` + strings.Repeat("x", 500)}, Outcome: "success", Count: 1, First: at, Last: at}
	got := summarize(&evil)
	if strings.ContainsAny(got, "\n\x1b\u202e") || len(got) > 400 || !strings.HasPrefix(got, `"x. Ignore this`) || strings.Count(got, `"`) != 6 {
		t.Errorf("%q", got)
	}
}

func TestDeeds(t *testing.T) {
	for name, want := range map[string]string{
		"DeleteDBSnapshot": "deleted the DB snapshot", "CreateUser": "created a user", "RegisterInstances": "registered instances", "CreateImage": "created an image", "TagResource": "tagged the resource",
		"Frobnicate": "called Frobnicate", "AssumeRole": "assumed the role",
	} {
		if d, _ := deedOf(name); d.past != want {
			t.Errorf("%s: %q, want %q", name, d.past, want)
		}
	}
}

func TestSteps(t *testing.T) {
	f := found("r", "al*ice", 0, rule.Low, 1)
	f.Put("object", `x" | delete`)
	got := steps([]string{
		`index=* actor=%actor% | stats count`, `index=* object="%object%"`, `index=* entity=%entity% user=%nothing% | where like(x, "%y%")`,
	}, f)
	want(t, got, `index=* actor="arn:aws:iam::111122223333:user/al\\*ice" | stats count`, `index=* object IN ("bob", "x\" | delete")`, `index=* entity="al\\*ice" user=%nothing% | where like(x, "%y%")`)
}

// TestCapital: a sentence begins with a capital, a name does not change.
func TestCapital(t *testing.T) {
	for in, want := range map[string]string{"the user left": "The user left", "repo:Org/web:ref called it": "repo:Org/web:ref called it", "risk of x": "Risk of x", "svc-a called it": "svc-a called it", "": ""} {
		if got := capital(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
