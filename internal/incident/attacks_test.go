package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/generate"

	"github.com/google/go-cmp/cmp"
)

// generated takes the labels of a generated trail.
var generated = sync.OnceValues(func() (labels []generate.Label, err error) {
	dir, err := os.MkdirTemp("", "labels")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := generate.Write(context.Background(), dir, attacked, nil); err != nil {
		return nil, err
	}
	for _, name := range []string{generate.LabelsFile, generate.LookalikesFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			var l generate.Label
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				return nil, err
			}
			labels = append(labels, l)
		}
	}
	return labels, nil
})

var attacked = generate.Config{Seed: 3, Events: 2500, End: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Days: generate.MinDays, Accounts: generate.MinAccounts, Sessions: true}

func generatedTrail(t *testing.T) (*trail, []generate.Label) {
	t.Helper()
	labels, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrail()
	if err := generate.Stream(t.Context(), attacked, func(raw []byte, _ time.Time) error {
		tr.add(t, raw)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return tr, labels
}

// deedKey names a call with its outcome, as deeds fold them.
func deedKey(name, source, outcome string) string { return name + " " + source + " " + outcome }

// check compares a trace with the records that the thing and what grew out of it
// made: every call is told once, writes and refusals first.
func (tr *trail) check(t *testing.T, trace *Trace, mine func(r *record) bool) {
	t.Helper()
	keys, arns, signIns := map[string]bool{}, map[string]bool{}, map[string]bool{}
	got := map[string]int64{}
	calls := int64(0)
	trace.Root.nodes(func(n *Node) {
		switch n.Kind {
		case "key":
			keys[n.Name] = true
		case "arn":
			arns[n.Name] = true
		case "session":
			signIns[n.Name] = true
		}
		calls += n.Calls
		sum, reads := n.More, false
		for _, d := range n.Deeds {
			sum += d.Count
			got[deedKey(d.Name, d.Source, d.Outcome)] += d.Count
			if first := d.Write || d.Outcome == event.Denied; first && reads {
				t.Errorf("%s: %s comes behind reads", n.Name, d.Text())
			} else if !first {
				reads = true
			}
			if d.First.After(d.Last) || d.Count > 1 && !strings.Contains(d.Text(), fmt.Sprintf(" ×%d", d.Count)) {
				t.Errorf("%s: deed %+v", n.Name, d)
			}
		}
		if sum != n.Calls {
			t.Errorf("%s has %d calls, its deeds %d", n.Name, n.Calls, sum)
		}
	})
	// The console uses further keys in a session that began with the call.
	sessions := map[string]bool{}
	for _, r := range tr.records {
		if e := &r.ResponseElements; keys[e.Credentials.AccessKeyID] {
			for _, principal := range []string{e.AssumedRoleUser.AssumedRoleID, e.FederatedUser.FederatedUserID} {
				if principal != "" {
					sessions[principal+" "+r.EventTime.UTC().Format(time.RFC3339)] = true
				}
			}
		}
	}
	want := map[string]int64{}
	n := int64(0)
	for _, r := range tr.records {
		u := &r.UserIdentity
		session := u.PrincipalID + " " + u.SessionContext.Attributes.CreationDate
		if mine(r) || keys[u.AccessKeyID] || sessions[session] || signIns[u.SessionContext.SignInSessionARN] || arns[u.ARN] || arns[u.SessionContext.SessionIssuer.ARN] {
			want[deedKey(r.EventName, r.EventSource, r.outcome())]++
			n++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || n != calls {
		t.Errorf("%s: %d calls, want %d (-records +trace):\n%s", trace.Root.Name, calls, n, diff)
	}
}

func nobody(*record) bool { return false }

// TestTraceOfGeneratedAttacks: a trace of whom a label names tells every call of
// it, and what grew out of it as the label has it.
func TestTraceOfGeneratedAttacks(t *testing.T) {
	tr, labels := generatedTrail(t)
	grown := 0
	traced := map[string]*Trace{}
	follow := func(t *testing.T, thing string, mine func(*record) bool) *Trace {
		if traced[thing] == nil {
			traced[thing] = tr.trace(t, thing)
			tr.check(t, traced[thing], mine)
		}
		return traced[thing]
	}
	for i, l := range labels {
		if l.Technique == "" && len(l.Grown) == 0 {
			continue
		}
		if raced && i%5 > 0 && len(l.Grown) == 0 {
			continue // the race detector makes each take seconds
		}
		things := []string{l.Actor}
		if !strings.HasPrefix(l.Actor, "arn:") {
			things = nil // no record has who called as an ARN
		}
		if things == nil && len(l.Grown) > 0 {
			things = []string{l.Grown[0].Name}
		}
		for _, thing := range things {
			t.Run(l.Name+" "+thing, func(t *testing.T) {
				trace := follow(t, thing, nobody)
				made := map[generate.Grown]bool{}
				deeds := map[string]bool{}
				trace.Root.nodes(func(n *Node) {
					made[generate.Grown{Kind: n.Kind, Name: n.Name, Made: n.Made}] = true
					for _, d := range n.Deeds {
						deeds[deedKey(d.Name, d.Source, d.Outcome)] = true
					}
				})
				for _, g := range l.Grown {
					if g.Name != thing && !made[g] {
						t.Errorf("%+v did not grow out of it", g)
					}
					grown++
				}
				for _, id := range l.EventIDs {
					r := tr.byID[id]
					if u := &r.UserIdentity; thing == l.Actor && u.ARN == l.Actor && !deeds[deedKey(r.EventName, r.EventSource, r.outcome())] {
						t.Errorf("%s (%s) is not told", r.EventName, id)
					}
				}
			})
		}
		if l.Technique != "" && l.Source != "" {
			t.Run(l.Name+" "+l.Source, func(t *testing.T) {
				trace := follow(t, l.Source, func(r *record) bool { return r.SourceIPAddress == l.Source })
				if trace.Root.Kind != "address" || trace.Root.Calls == 0 {
					t.Errorf("%s %s has %d calls", trace.Root.Kind, trace.Root.Name, trace.Root.Calls)
				}
			})
		}
	}
	if grown < 12 {
		t.Errorf("%d things grew out of the attacks and sessions", grown)
	}
}

// checkSummary compares each identity that a summary has with a literal count.
func (tr *trail) checkSummary(t *testing.T, s *Summary) {
	t.Helper()
	type sums struct {
		Calls, Denied, Errors   int64
		First, Last             time.Time
		Addresses, Regions      map[string]int64
		Keys, Services, Favours map[string]int64
	}
	one := func(m map[string]int64, value string) {
		if value != "" {
			m[value]++
		}
	}
	fresh := func() *sums {
		return &sums{Addresses: map[string]int64{}, Regions: map[string]int64{}, Keys: map[string]int64{}, Services: map[string]int64{}, Favours: map[string]int64{}}
	}
	want := map[string]*sums{}
	for _, r := range tr.records {
		u := &r.UserIdentity
		name := u.ARN
		if issuer := u.SessionContext.SessionIssuer.ARN; issuer != "" && !strings.Contains(u.ARN, "/AWSReservedSSO_") {
			name = issuer
		}
		if name == "" {
			continue
		}
		d := want[name]
		if d == nil {
			d = fresh()
			d.First = r.EventTime
			want[name] = d
		}
		d.Calls++
		switch r.outcome() {
		case event.Denied:
			d.Denied++
		case event.Failed:
			d.Errors++
		}
		if r.EventTime.Before(d.First) {
			d.First = r.EventTime
		}
		if r.EventTime.After(d.Last) {
			d.Last = r.EventTime
		}
		one(d.Addresses, r.SourceIPAddress)
		one(d.Regions, r.AWSRegion)
		one(d.Services, strings.TrimSuffix(r.EventSource, ".amazonaws.com"))
		if strings.HasPrefix(u.AccessKeyID, "AKIA") {
			one(d.Keys, u.AccessKeyID)
		}
		if Why(r.EventName) != "" {
			one(d.Favours, r.EventName)
		}
	}
	got := map[string]*sums{}
	for _, d := range s.Identities() {
		if !strings.HasPrefix(d.Name, "arn:") {
			continue
		}
		g := fresh()
		g.Calls, g.Denied, g.Errors, g.First, g.Last = d.Calls, d.Denied, d.Errors, d.First, d.Last
		for _, c := range []struct {
			to   map[string]int64
			from *Counts
		}{{g.Addresses, &d.Addresses}, {g.Regions, &d.Regions}, {g.Keys, &d.Keys}, {g.Services, &d.Services}, {g.Favours, &d.Favoured}} {
			for _, v := range c.from.Top() {
				c.to[v.Value] = v.N
			}
			if c.from.More() > 0 {
				t.Errorf("%s: %d further values", d.Name, c.from.More())
			}
		}
		got[d.Name] = g
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identities (-records +summary):\n%s", diff)
	}
	if int(s.Events) != len(tr.records) || s.Overflow.Events != 0 {
		t.Errorf("%d events and %d beyond the bound, want %d", s.Events, s.Overflow.Events, len(tr.records))
	}
}

// TestSummaryOfGeneratedAttacks: the summary has the numbers of the records, and
// ranks who attacks before who does not.
func TestSummaryOfGeneratedAttacks(t *testing.T) {
	tr, labels := generatedTrail(t)
	s := tr.summary(t)
	tr.checkSummary(t, s)
	attackers, others := map[string]bool{}, []int64{}
	for _, l := range labels {
		if l.Technique != "" {
			attackers[l.Actor] = true
		}
	}
	rank := map[string]int{}
	for i, d := range s.Identities() {
		rank[d.Name] = i
		if !attackers[d.Name] {
			others = append(others, d.Score())
		}
	}
	slices.Sort(others)
	median := others[len(others)/2]
	for _, d := range s.Identities() {
		if attackers[d.Name] && d.Score() < median {
			t.Errorf("attacker %s has the score %d, half of the others have at least %d", d.Name, d.Score(), median)
		}
	}
	for _, name := range []string{"role-chain", "gpu-mining", "snapshot-shared-outside"} {
		for _, l := range labels {
			if at, ok := rank[l.Actor]; l.Name == name && (!ok || at >= len(rank)/3) {
				t.Errorf("%s by %s has rank %d of %d", name, l.Actor, at, len(rank))
			}
		}
	}
}

// recording is what must come out of a recorded attack.
type recording struct {
	file   string
	call   string // that the summary must mark
	denied int64
	grown  []string // kind, call that made it and number of calls
}

var recordings = []recording{
	{file: "aws.credential-access.secretsmanager-retrieve-secrets", call: "GetSecretValue"},
	{file: "aws.defense-evasion.cloudtrail-stop", call: "StopLogging"},
	{file: "aws.defense-evasion.vpc-remove-flow-logs", call: "DeleteFlowLogs"},
	{file: "aws.discovery.ec2-download-user-data", denied: 2, grown: []string{"key by AssumeRole: 0", "key by AssumeRole: 15"}},
	{file: "aws.execution.ec2-launch-unusual-instances", grown: []string{"key by AssumeRole: 0", "key by AssumeRole: 1"}},
	{file: "aws.execution.ssm-start-session", call: "StartSession"},
	{file: "aws.exfiltration.ec2-security-group-open-port-22-ingress", call: "AuthorizeSecurityGroupIngress"},
	{file: "aws.exfiltration.ec2-share-ebs-snapshot", call: "ModifySnapshotAttribute"},
	{file: "aws.initial-access.console-login-without-mfa", call: "ConsoleLogin"},
	{file: "aws.persistence.iam-create-admin-user", call: "CreateUser", grown: []string{"arn by CreateUser: 0", "key by CreateAccessKey: 0"}},
	{file: "aws.persistence.lambda-backdoor-function", call: "AddPermission20150331v2"},
	{file: "aws.persistence.sts-federation-token", call: "GetFederationToken", grown: []string{"key by GetFederationToken: 1"}},
}

// TestRecordedAttacks traces and summarizes the recordings.
func TestRecordedAttacks(t *testing.T) {
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "stratus")); err != nil {
		t.Skipf("the recordings are absent (set BLUETRAIL_TESTDATA): %v", err)
	}
	for _, want := range recordings {
		t.Run(want.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "stratus", want.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var raws []json.RawMessage
			if err := json.Unmarshal(text, &raws); err != nil {
				t.Fatal(err)
			}
			tr := newTrail()
			users := map[string]bool{}
			for _, raw := range raws {
				tr.add(t, raw)
			}
			for _, r := range tr.records {
				if r.UserIdentity.Type == "IAMUser" {
					users[r.UserIdentity.ARN] = true
				}
			}
			if len(users) != 1 {
				t.Fatalf("users %v", users)
			}
			user := slices.Collect(maps.Keys(users))[0]

			s := tr.summary(t)
			tr.checkSummary(t, s)
			first := s.Identities()[0]
			marked := slices.ContainsFunc(first.Favoured.Top(), func(c Count) bool { return c.Value == want.call })
			if want.call != "" && (!marked || first.Name != user) {
				t.Errorf("%s comes first, with %v", first.Name, first.Favoured.Top())
			}

			trace := tr.trace(t, user)
			tr.check(t, trace, nobody)
			var grown []string
			denied := int64(0)
			for _, d := range trace.Root.Deeds {
				if d.Outcome == event.Denied {
					denied += d.Count
				}
			}
			trace.Root.nodes(func(n *Node) {
				if n != trace.Root {
					grown = append(grown, fmt.Sprintf("%s by %s: %d", n.Kind, n.Made, n.Calls))
				}
			})
			slices.Sort(grown) // some were made in the same second
			if diff := cmp.Diff(want.grown, grown); diff != "" || denied != want.denied {
				t.Errorf("%d calls of the user were refused, want %d; what grew (-want +got):\n%s", denied, want.denied, diff)
			}
			// By name and by key the same calls come out.
			for _, thing := range []string{user[strings.LastIndex(user, "/")+1:], tr.keyOf(user)} {
				if thing == "" {
					continue // a sign-in has no key
				}
				again := tr.trace(t, thing)
				if again.Root.Calls != trace.Root.Calls || len(again.Root.Children) != len(trace.Root.Children) {
					t.Errorf("%s %s has %d calls and %d children, the user %d and %d", again.Root.Kind, thing, again.Root.Calls, len(again.Root.Children), trace.Root.Calls, len(trace.Root.Children))
				}
			}
		})
	}
}

// keyOf is the access key that a user's calls have.
func (tr *trail) keyOf(arn string) string {
	for _, r := range tr.records {
		if r.UserIdentity.ARN == arn && r.UserIdentity.AccessKeyID != "" {
			return r.UserIdentity.AccessKeyID
		}
	}
	return ""
}
