package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/state"

	"github.com/google/go-cmp/cmp"
)

// world is a data directory with a scheduler over the rules of testdata.
type world struct {
	t       *testing.T
	dir     string
	rules   []splrule.Rule
	content string // of rules, macros and lookups
	p       *ingest.Pipeline
	s       *Scheduler
	now     time.Time
	files   int

	cutting sync.Mutex
	cut     int // how many searches more may begin before stop is called, 0 = all
	stop    context.CancelFunc
}

var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, only ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), content: t.TempDir(), now: midnight}
	if err := os.CopyFS(w.content, os.DirFS("testdata/corpus")); err != nil {
		t.Fatal(err)
	}
	found, err := splrule.Find(context.Background(), []string{w.content})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found.Files {
		rules, err := splrule.Load(file)
		if err != nil {
			t.Fatal(file, err)
		}
		for _, r := range rules {
			if len(only) == 0 || slices.Contains(only, r.Name) {
				w.rules = append(w.rules, r)
			}
		}
	}
	w.open()
	return w
}

// open starts the pipeline and a scheduler, as a server does.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.p, err = ingest.Open(context.Background(), ingest.Config{Data: w.dir, Workers: 1}); err != nil {
		w.t.Fatal(err)
	}
	w.s = New(Config{
		State: w.p.State(), Emit: Keep{}, Clock: func() time.Time { return w.now }, AtOnce: 2,
		Open: func([]string) (search.Options, error) {
			k := w.knowledge()
			w.cutOff()
			return search.Options{Store: w.p.Store(), Macros: k, Knowledge: k}, nil
		},
	})
	setRules(w.t, w.s, w.knowledge(), w.rules...)
	w.t.Cleanup(func() { w.close() })
}

// cutOff calls stop before the search at which it is due.
func (w *world) cutOff() {
	w.cutting.Lock()
	defer w.cutting.Unlock()
	if w.cut > 0 {
		if w.cut--; w.cut == 0 {
			w.stop()
		}
	}
}

func (w *world) knowledge() *knowledge.Knowledge {
	k, err := knowledge.Open(w.content)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) close() {
	if w.p != nil {
		if err := w.p.Close(); err != nil {
			w.t.Error(err)
		}
		w.p = nil
	}
}

func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
}

// arrive takes in records, as one batch.
func (w *world) arrive(records ...string) {
	w.t.Helper()
	w.files++
	path := filepath.Join(w.t.TempDir(), fmt.Sprintf("%d.ndjson", w.files))
	if err := os.WriteFile(path, []byte(strings.Join(records, "\n")+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	sum, err := w.p.Files(context.Background(), ingest.Options{Paths: []string{path}})
	if err != nil || sum.Events != len(records) {
		w.t.Fatalf("%d of %d records were taken in: %v", sum.Events, len(records), err)
	}
}

// until sets the clock and runs what is due.
func (w *world) until(clock string) {
	w.t.Helper()
	d, err := time.ParseDuration(clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = midnight.Add(d)
	if err := w.s.RunDue(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	for _, r := range w.runs("") {
		if r.Status == state.RunFailed {
			w.t.Fatalf("%s failed: %s", r.Rule, r.Said)
		}
	}
}

func (w *world) runs(rule string) []state.Run {
	w.t.Helper()
	runs, err := w.p.State().Runs(rule, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

func (w *world) findings() (list []finding.Finding) {
	w.t.Helper()
	err := w.p.State().Findings(context.Background(), state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64}, func(f *state.Finding) error {
		var out finding.Finding
		if err := json.Unmarshal(f.Body, &out); err != nil {
			return err
		}
		list = append(list, out)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// found returns the findings in short: rule, entity, outcome, count.
func (w *world) found() (list []string) {
	w.t.Helper()
	for _, f := range w.findings() {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s: %s %d %s", f.Rule, strings.TrimPrefix(f.Entity, "arn:aws:iam::111122223333:user/"), f.Count, f.Outcome)))
	}
	slices.Sort(list)
	return list
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, w.found()); diff != "" {
		w.t.Errorf("at %s (-want +got):\n%s", w.now.Format("15:04"), diff)
	}
}

var number int

// call returns a record: a call at a time since midnight by a user.
func call(clock, name, user string, more ...string) string {
	number++
	d, err := time.ParseDuration(clock)
	if err != nil {
		panic(err)
	}
	r := map[string]any{
		"eventVersion": "1.08", "eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", number), "eventTime": midnight.Add(d).Format(time.RFC3339), "eventType": "AwsApiCall",
		"eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2.1", "recipientAccountId": "111122223333",
		"userIdentity": map[string]any{"type": "IAMUser", "userName": user, "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/" + user},
	}
	for _, m := range more {
		var extra map[string]any
		if err := json.Unmarshal([]byte(m), &extra); err != nil {
			panic(err)
		}
		maps.Copy(r, extra)
	}
	out, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func several(n int, make func(i int) string) (list []string) {
	for i := range n {
		list = append(list, make(i))
	}
	return list
}

const denied = `{"errorCode":"AccessDenied"}`

// day is a morning in which every rule of the corpus has something to find, and
// something that is nearly it.
func day() []string {
	list := []string{
		call("1h5m", "CreateAccessKey", "alice"),
		call("1h6m", "CreateAccessKey", "alice"),
		call("1h7m", "CreateAccessKey", "deploy"),
		call("1h8m", "CreateAccessKey", "bob", denied),
		call("1h10m", "DeleteUser", "alice", `{"requestParameters":{"userName":"x"}}`),
		call("1h11m", "DeleteUser", "alice", denied),
		call("1h12m", "AssumeRole", "mallory", `{"eventSource":"sts.amazonaws.com","userIdentity":{"type":"AWSAccount","accountId":"333333333333"}}`),
		call("1h13m", "AssumeRole", "partner", `{"eventSource":"sts.amazonaws.com","userIdentity":{"type":"AWSAccount","accountId":"222222222222"}}`),
		call("1h14m", "AuthorizeSecurityGroupIngress", "carol", `{"eventSource":"ec2.amazonaws.com","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"fromPort":443,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}},{"fromPort":22,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}}`),
		call("1h15m", "AuthorizeSecurityGroupIngress", "dave", `{"eventSource":"ec2.amazonaws.com","requestParameters":{"ipPermissions":{"items":[{"fromPort":22,"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"}]}}]}}}`),
		call("1h16m", "CreateUser", "erin", `{"requestParameters":{"userName":"new"}}`),
		call("1h17m", "CreateLoginProfile", "erin", `{"requestParameters":{"userName":"new"}}`),
		call("1h18m", "CreateLoginProfile", "frank", `{"requestParameters":{"userName":"old"}}`),
		call("1h20m", "RunInstances", "gina", `{"eventSource":"ec2.amazonaws.com"}`),
		call("1h21m", "RunInstances", "hank", `{"eventSource":"ec2.amazonaws.com","awsRegion":"ap-east-1"}`),
		call("1h22m", "PutUserPolicy", "ivan"), call("1h23m", "PutUserPolicy", "ivan"),
		call("30m", "AttachUserPolicy", "judy"), call("1h24m", "AttachUserPolicy", "judy"), call("1h25m", "AttachUserPolicy", "judy"),
		call("1h26m", "AttachUserPolicy", "kate"), call("1h27m", "AttachUserPolicy", "kate"),
	}
	list = append(list, several(6, func(i int) string { return call("1h30m", []string{"ListUsers", "ListRoles"}[i%2], "scan", denied) })...)
	list = append(list, several(6, func(i int) string { return call("1h31m", "GetUser", "retry", denied) })...)
	return append(list, several(3, func(i int) string {
		return call("1h32m", "ConsoleLogin", "leo", `{"eventSource":"signin.amazonaws.com","eventType":"AwsConsoleSignIn","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"}}`)
	})...)
}

// dayFound is what the rules find in it, run by 03:00.
var dayFound = []string{
	"Access Key Made: alice 2",
	"Burst Of Denied Calls: scan 6",
	"Failed Sign-ins: leo 3",
	"Many instances: gina 1",
	"Many instances: hank 1",
	"Nothing From The Trail:  1",
	"Policies Attached Over A Day: judy 1",
	"Policy changes: ivan 2",
	"Port Open To The World: carol 1",
	"Region Never Used Before: ap-east-1 1",
	"Region Never Used Before: eu-west-1 1",
	"Role Assumed From Another Account: 333333333333 1",
	"User Made And Given A Password: erin 1",
	"Users Deleted: x 1",
}

func TestCorpus(t *testing.T) {
	w := newWorld(t)
	if len(w.rules) < 13 {
		t.Fatalf("only %d rules", len(w.rules))
	}
	w.until("1h1m") // the rules are new
	w.arrive(day()...)
	for _, clock := range []string{"2h1m", "2h30m", "3h1m"} {
		w.until(clock)
	}
	w.expect(dayFound...)
}

// TestLateArrival delivers the events of the morning hours late, in two parts and with
// doubles: the findings are those of a day in order.
func TestLateArrival(t *testing.T) {
	w := newWorld(t)
	w.until("1h1m")
	records := day()
	var first, second []string
	for i, r := range records {
		if i%2 == 0 {
			first = append(first, r)
		} else {
			second = append(second, r)
		}
	}
	w.until("2h1m")
	w.arrive(first...)
	w.until("3h1m")
	w.restart()
	w.arrive(second...)
	w.until("4h1m")
	w.expectBut("Nothing From The Trail:  1", "Many instances: gina 1")
	before := w.findings()
	runs := len(w.runs(""))
	w.until("4h30m") // nothing is due
	if n := len(w.runs("")); n != runs {
		t.Errorf("%d runs, %d before", n, runs)
	}
	runs = len(w.runs(""))
	w.until("5h1m")
	w.until("6h1m")
	for _, r := range w.runs("")[:len(w.runs(""))-runs] {
		if r.Reason == late { // nothing came
			t.Errorf("%+v", r)
		}
	}
	w.expectBut("Nothing From The Trail:  1", "Many instances: gina 1")
	if diff := cmp.Diff(len(before)+2, len(w.findings())); diff != "" { // silence at 5 and at 6
		t.Error(diff)
	}
}

// expectBut expects what the day gives, whatever there is of some.
func (w *world) expectBut(some ...string) {
	w.t.Helper()
	leave := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(some, s) })
	}
	if diff := cmp.Diff(leave(dayFound), leave(w.found())); diff != "" {
		w.t.Errorf("at %s (-want +got):\n%s", w.now.Format("15:04"), diff)
	}
}

// TestDowntime stops the scheduler for the hours in which things happen.
func TestDowntime(t *testing.T) {
	w := newWorld(t)
	w.until("1h1m")
	w.arrive(day()...)
	w.restart()
	w.until("9h1m")
	w.expectBut("Nothing From The Trail:  1")
	for _, r := range w.runs("5c000000-0000-4000-8000-000000000007") { // the baseline: one run for all
		if r.Planned.Equal(midnight.Add(9*time.Hour)) && (r.Reason != missed || r.Earliest.After(midnight.Add(time.Hour)) || !strings.Contains(r.Said, "8 planned times")) {
			t.Errorf("the baseline ran as %+v", r)
		}
	}
	skipped := 0
	for _, r := range w.runs("5c000000-0000-4000-8000-000000000002") {
		if r.Status == state.RunSkipped && strings.Contains(r.Said, "have no events") {
			skipped++
		}
	}
	if skipped != 1 {
		t.Errorf("%d runs say that windows were empty", skipped)
	}
	// Ten days: what is missed for long is told, not made up for.
	w.until("250h1m")
	for _, r := range w.runs("5c000000-0000-4000-8000-000000000010") {
		if r.Status == state.RunSkipped && strings.Contains(r.Said, "not made up for") {
			skipped++
		}
	}
	if n := len(w.runs("5c000000-0000-4000-8000-000000000010")); skipped < 2 || n > 2*mostWindows+20 {
		t.Errorf("%d runs, %d told as skipped", n, skipped)
	}
}

// TestCutOff stops the scheduler at random moments and starts another one on the same
// state: nothing is lost and nothing told twice.
func TestCutOff(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t)
		cuts := 0
		run := func(clock string) {
			t.Helper()
			for range 4 {
				var ctx context.Context
				ctx, w.stop = context.WithCancel(t.Context())
				w.cutting.Lock()
				w.cut = 1 + r.IntN(12)
				w.cutting.Unlock()
				d, err := time.ParseDuration(clock)
				if err != nil {
					t.Fatal(err)
				}
				w.now = midnight.Add(d)
				err = w.s.RunDue(ctx)
				w.cutting.Lock()
				w.cut = 0
				w.cutting.Unlock()
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				if ctx.Err() == nil {
					w.stop()
					break
				}
				cuts++
				w.restart()
			}
			w.until(clock)
		}
		run("1h1m")
		records := day()
		for i := 0; i < len(records); i += 5 {
			w.arrive(records[i:min(i+5, len(records))]...)
		}
		run("2h1m")
		run("3h1m")
		w.expect(dayFound...)
		if cuts < 3 {
			t.Errorf("seed %d: cut off %d times only", seed, cuts)
		}
	}
}

// TestSuppression checks that results are told again after the period, for each user.
func TestSuppression(t *testing.T) {
	w := newWorld(t, "Many instances", "Policies Attached Over A Day")
	run := func(clock, user string) string { return call(clock, "RunInstances", user) }
	w.until("1h1m")
	w.arrive(run("1h5m", "a"), run("1h6m", "b"), run("2h5m", "a"), run("2h6m", "c"), run("3h5m", "a"), run("3h6m", "b"))
	w.arrive(several(3, func(int) string { return call("1h30m", "AttachUserPolicy", "x") })...)
	for h := 2; h <= 30; h++ {
		w.until(fmt.Sprintf("%dh1m", h))
	}
	// a at 02:00, kept back at 03:00, told at 04:00; one finding for the day.
	w.expect("Many instances: a 1", "Many instances: a 1", "Many instances: b 1", "Many instances: b 1", "Many instances: c 1", "Policies Attached Over A Day: x 1")
	muted := 0
	for _, r := range w.runs("") {
		muted += r.Muted
	}
	if muted != 1+23 {
		t.Errorf("%d findings were kept back", muted)
	}
}

// TestOffline evaluates the windows of every rule over a list of events: the findings
// are those that the scheduler made while the events arrived.
func TestOffline(t *testing.T) {
	w := newWorld(t)
	w.until("1h1m")
	records := day()
	for i := 0; i < len(records); i += 5 {
		w.arrive(records[i:min(i+5, len(records))]...)
	}
	w.until("2h1m")
	w.until("3h1m")
	var online []string
	for _, f := range w.findings() {
		online = append(online, f.ID+" "+f.Rule+" "+f.Message)
	}
	var offline []string
	know := w.knowledge()
	for i := range w.rules {
		r := &w.rules[i]
		s, err := splrule.Compile(r, know)
		if err != nil {
			t.Fatal(err)
		}
		if r.Baseline() || r.Disabled || !s.Pure || !s.Idle || s.Stateless() || r.Alert.Suppress.Period != 0 || strings.Contains(r.Name, "Over A Day") {
			online = slices.DeleteFunc(online, func(id string) bool { return strings.Contains(id, " "+r.Name+" ") })
			continue
		}
		for win := range s.Schedule.Windows(midnight, midnight.Add(2*time.Hour), time.UTC) {
			o := search.Options{Store: w.p.Store(), Macros: know, Knowledge: know}
			res, err := s.Run(context.Background(), win, o)
			if err != nil {
				t.Fatal(err)
			}
			ok, err := s.Alerts(context.Background(), &res, 0, o)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				for _, f := range s.Findings(win, &res) {
					offline = append(offline, f.ID+" "+f.Rule+" "+f.Message)
				}
			}
		}
	}
	slices.Sort(online)
	slices.Sort(offline)
	if diff := cmp.Diff(online, offline); diff != "" || len(offline) < 6 {
		t.Errorf("%d findings (-scheduled +offline):\n%s", len(offline), diff)
	}
}
