package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/ingest"
	"bluetrail/internal/state"

	"github.com/google/go-cmp/cmp"
)

const (
	deletions = "title: Deletion\nid: del\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName|startswith: Delete}, condition: a}\nlevel: high\nfields: [requestParameters.bucketName]\ntags: [attack.t1485]\n"
	anything  = "title: Anything\nid: any\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventSource: s3.amazonaws.com}, condition: a}\nlevel: low\n"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Duration(rand.IntN(1e9))) // two writes within a tick of the file system
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
}

// call is an event.
type call struct {
	n          int
	at         time.Time
	name, user string
	code       string
	bucket     string
}

func (c *call) json() string {
	fault := ""
	if c.code != "" {
		fault = fmt.Sprintf(`,"errorCode":%q`, c.code)
	}
	return fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.%d","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","userName":%[6]q},"requestParameters":{"bucketName":%q}%s}`,
		c.n, c.at.Format(time.RFC3339), c.name, c.n%9, c.user, c.user, c.bucket, fault)
}

func calls(n int, seed uint64) (list []call) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	for i := range n {
		list = append(list, call{
			n: i, at: time.Date(2026, 1, 5, 10, 0, rnd.IntN(4*3600), 0, time.UTC), name: []string{"GetObject", "DeleteBucket", "DeleteObject"}[rnd.IntN(3)],
			user: []string{"alice", "bob"}[rnd.IntN(2)], code: []string{"", "", "AccessDenied", "NoSuchBucket"}[rnd.IntN(4)], bucket: fmt.Sprint("b", rnd.IntN(30)),
		})
	}
	return list
}

// expected makes the findings of all events together, in order, from the meaning of
// the two rules.
func expected(list []call) map[string]*finding.Finding {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b call) int { return a.at.Compare(b.at) })
	out := map[string]*finding.Finding{}
	for _, c := range list {
		for _, info := range []rule.Info{{ID: "del", Title: "Deletion"}, {ID: "any", Title: "Anything"}} {
			if info.ID == "del" && !strings.HasPrefix(c.name, "Delete") {
				continue
			}
			arn := "arn:aws:iam::111122223333:user/" + c.user
			how := map[string]string{"": "success", "AccessDenied": "denied", "NoSuchBucket": "error"}[c.code]
			key := finding.Key{Rule: info.ID, Entity: arn, Outcome: how, Window: c.at.Truncate(time.Hour).UnixNano()}
			f := out[key.ID()]
			if f == nil {
				f = finding.New(&info, key)
				out[f.ID] = f
			}
			f.Add(&match.Match{Time: c.at.UnixNano(), Event: match.Event{
				ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", c.n), Name: c.name, User: arn, Outcome: how, Region: "eu-west-1", Account: "111122223333", SourceIP: fmt.Sprintf("198.51.100.%d", c.n%9),
			}}, &finding.Who{Actor: arn})
		}
	}
	return out
}

// found returns the findings of a data directory.
func found(t *testing.T, data string) map[string]*finding.Finding {
	t.Helper()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	out := map[string]*finding.Finding{}
	err = db.Findings(t.Context(), state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64}, func(s *state.Finding) error {
		var f finding.Finding
		out[s.ID] = &f
		return json.Unmarshal(s.Body, &f)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// take takes events in, in one run.
func take(t *testing.T, data string, rules *Rules, list []call) {
	t.Helper()
	var text bytes.Buffer
	for _, c := range list {
		text.WriteString(c.json() + "\n")
	}
	dir := t.TempDir()
	write(t, dir, "trail.json", text.String())
	sum, err := ingest.Run(t.Context(), ingest.Options{Data: data, Paths: []string{dir}, Sink: rules.Sink})
	if err != nil || len(sum.Skipped) > 0 {
		t.Fatal(err, sum.Skipped)
	}
}

func open(t *testing.T, dir string) (*Rules, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	text := slog.New(slog.NewTextHandler(&log, nil))
	f, err := ruleset.Follow(t.Context(), ruleset.FollowOptions{Paths: []string{dir}, Log: text})
	if err != nil {
		t.Fatal(err)
	}
	return Open(Config{Rules: f, Log: text}), &log
}

// TestAnyOrder takes events in shuffled, doubled, in portions and with restarts: the
// findings are those of all events in order.
func TestAnyOrder(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "del.yml", deletions)
	write(t, dir, "any.yml", anything)
	const n = 400
	list := calls(n, 1)
	want := expected(list)
	var first map[string]*finding.Finding
	for round := range uint64(3) {
		rnd := rand.New(rand.NewPCG(round, 9))
		data := t.TempDir()
		order := slices.Clone(list)
		if round > 0 {
			rnd.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
			order = append(order, order[:n/4]...) // once more
		}
		for part := range slices.Chunk(order, []int{n, 90, 33}[round]) {
			rules, _ := open(t, dir) // as after a restart
			take(t, data, rules, part)
		}
		got := found(t, data)
		for id, w := range want {
			g := got[id]
			if g == nil {
				t.Fatalf("round %d: no finding %s of %s", round, id, w.Entity)
			}
			ids := func(f *finding.Finding) []string { return slices.Sorted(slices.Values(f.EventIDs)) }
			if g.Count != w.Count || !g.First.Equal(w.First) || !g.Last.Equal(w.Last) || g.Entity != w.Entity || g.Outcome != w.Outcome || !slices.Equal(ids(g), ids(w)) {
				t.Errorf("round %d: %d events from %v to %v of %s, want %d from %v to %v of %s", round, g.Count, g.First, g.Last, g.Entity, w.Count, w.First, w.Last, w.Entity)
			}
		}
		if len(got) != len(want) {
			t.Errorf("round %d: %d findings, want %d", round, len(got), len(want))
		}
		if first == nil {
			first = got
			for _, f := range got {
				if f.RuleID == "del" && (f.Severity != rule.High || len(f.Get("requestParameters.bucketName")) == 0 || !slices.Equal(f.Mitre, []string{"T1485"})) {
					t.Errorf("%+v", f)
				}
			}
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("round %d differs from events in order (-in order +now):\n%.3000s", round, diff)
		}
	}
}

// TestManyEvents exceeds what is kept of a finding: the count stays right.
func TestManyEvents(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	write(t, dir, "any.yml", anything)
	var list []call
	for i := range 3*finding.MaxIDs + 7 {
		list = append(list, call{n: i, at: time.Date(2026, 1, 5, 10, 0, i%3600, 0, time.UTC), name: "GetObject", user: "alice", bucket: "b"})
	}
	for part := range slices.Chunk(list, 2500) {
		rules, _ := open(t, dir)
		take(t, data, rules, part)
		select {
		case <-rules.Written():
		default:
			t.Error("nobody is told of findings")
		}
	}
	for _, f := range found(t, data) {
		if int(f.Count) != len(list) || len(f.EventIDs) != finding.MaxIDs || f.Last.Unix()%3600 != int64(min(len(list), 3600)-1) {
			t.Errorf("%d events, %d ids, until %v", f.Count, len(f.EventIDs), f.Last)
		}
	}
}

func reload(t *testing.T, r *Rules) bool {
	t.Helper()
	changed, err := r.cfg.Rules.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestReload(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	write(t, dir, "del.yml", deletions)
	rules, log := open(t, dir)
	next := 0
	rulesOf := func() string {
		list := calls(6, 5)
		for i := range list {
			list[i].n, list[i].at, list[i].name, list[i].user = next, list[i].at.AddDate(0, 0, next), "DeleteBucket", fmt.Sprint("u", next)
			next++
		}
		take(t, data, rules, list)
		var ids []string
		for _, f := range found(t, data) {
			if strings.Contains(f.Entity, fmt.Sprint("u", next-1)) {
				ids = append(ids, f.Title)
			}
		}
		slices.Sort(ids)
		return strings.Join(ids, ",")
	}
	if got := rulesOf(); got != "Deletion" {
		t.Errorf("at first: %s", got)
	}
	if reload(t, rules) {
		t.Error("nothing changed, and was loaded again")
	}
	write(t, dir, "any.yml", anything)
	if reload(t, rules); rulesOf() != "Anything,Deletion" {
		t.Error("a new file does not run")
	}
	write(t, dir, "del.yml", "title: [\n")
	if reload(t, rules); rulesOf() != "Anything,Deletion" || !strings.Contains(log.String(), "rules stay as they were") || !strings.Contains(log.String(), "del.yml") {
		t.Errorf("a broken file does not keep its rule: %s", log)
	}
	write(t, dir, "del.yml", strings.Replace(deletions, "title: Deletion", "title: Mended", 1))
	if reload(t, rules); rulesOf() != "Anything,Mended" {
		t.Error("the mended file does not run")
	}
	if err := os.Remove(filepath.Join(dir, "any.yml")); err != nil {
		t.Fatal(err)
	}
	if reload(t, rules); rulesOf() != "Mended" {
		t.Error("a removed rule runs")
	}
}

// TestPanic has a rule fail on an event: it alone is disabled, after a restart too,
// until its text changes.
func TestPanic(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	write(t, dir, "del.yml", deletions)
	write(t, dir, "any.yml", anything)
	list := calls(300, 2)
	rules, log := open(t, dir)
	rules.cfg.hit = func(info *rule.Info, raw []byte) {
		if info.ID == "del" && bytes.Contains(raw, []byte("b17")) {
			panic("no such state")
		}
	}
	take(t, data, rules, list)
	all := expected(list)
	any := 0
	for id, f := range found(t, data) {
		if f.RuleID == "any" {
			any++
			if all[id].Count != f.Count {
				t.Errorf("%d events, want %d", f.Count, all[id].Count)
			}
		}
	}
	alarm := `msg="a rule is disabled; it runs again when its text changes" rule=del file=` + filepath.Join(dir, "del.yml") + ` reason="it failed: no such state"`
	if any == 0 || !strings.Contains(log.String(), "level=ERROR "+alarm) {
		t.Errorf("%d findings of the good rule: %s", any, log)
	}
	runs := func(r *Rules) (ids []string) {
		db, err := state.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := r.Sink(db); err != nil {
			t.Fatal(err)
		}
		for _, x := range r.latest.Load().Rules {
			if x.Off == "" {
				ids = append(ids, x.ID)
			}
		}
		return ids
	}
	again, _ := open(t, dir)
	if got := runs(again); !slices.Equal(got, []string{"any"}) {
		t.Errorf("after a restart %v run", got)
	}
	write(t, dir, "del.yml", deletions+"status: test\n")
	reload(t, again)
	if got := runs(again); len(got) != 2 { // the state still disables it, with the text before
		t.Errorf("after a change %v run", got)
	}
	take(t, data, again, list[:1])
	third, _ := open(t, dir)
	if got := runs(third); len(got) != 2 {
		t.Errorf("after a change and a restart %v run", got)
	}
}

// TestCost disables a rule that usually takes too long for an event, and no other.
func TestCost(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	write(t, dir, "del.yml", deletions)
	write(t, dir, "any.yml", anything)
	rules, log := open(t, dir)
	rs := rules.latest.Load()
	del := rs.Find("del")
	for range costSamples - 1 {
		rules.observe(rs, del, 2*maxCost)
		rules.observe(rs, rs.Find("any"), maxCost/2)
	}
	if rules.isDisabled("del") {
		t.Fatalf("a rule is gone too early: %s", log)
	}
	rules.observe(rs, del, 2*maxCost)
	if !rules.isDisabled("del") || rules.isDisabled("any") || !strings.Contains(log.String(), "2ms for an event") {
		t.Errorf("%s", log)
	}
	take(t, data, rules, calls(100, 3))
	for _, f := range found(t, data) {
		if f.RuleID == "del" {
			t.Errorf("the disabled rule found %v", f)
		}
	}
	if rules.counts.costs["any"] == nil {
		t.Error("the other rule is not timed")
	}
}
