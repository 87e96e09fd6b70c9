package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/memory"
	"bluetrail/rules"

	"github.com/google/go-cmp/cmp"
)

// everyKind is rules of every type.
var everyKind = func() string {
	event := func(id, detection string) string {
		return fmt.Sprintf("title: Rule %s\nid: %[1]s\nname: %[1]s\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: %s, condition: s}\n", id, detection)
	}
	correlation := func(id, text string) string {
		return fmt.Sprintf("title: Rule %s\nid: %[1]s\nname: %[1]s\nlevel: high\ncorrelation: {%s}\n", id, text)
	}
	return strings.Join([]string{
		event("read", "{eventName: GetObject}"),
		event("denied", "{errorCode: AccessDenied}"),
		event("delete", "{eventName|startswith: Delete}") + "fields: [requestParameters.bucketName]\nmessage: '%actor% removed %requestParameters.bucketName%'\n",
		event("make", "{eventName: CreateUser}") + "entity: [actor, awsRegion]\nwindow: 30m\n",
		event("login", "{eventName: ConsoleLogin}"),
		event("write", "{readOnly: false}"),
		correlation("counted", "type: event_count, rules: [delete], group-by: [actor], timespan: 30m, generate: true, condition: {gte: 2}"),
		correlation("count", "type: event_count, rules: [delete, make], group-by: [actor], timespan: 10m, generate: true, condition: {gte: 2}"),
		correlation("few", "type: event_count, rules: [make], group-by: [session_id], timespan: 20m, generate: true, condition: {lte: 2}"),
		correlation("values", "type: value_count, rules: [read, delete], group-by: [actor], timespan: 30m, condition: {field: requestParameters.bucketName, gte: 5}"),
		correlation("sum", "type: value_sum, rules: [read], group-by: [src], timespan: 10m, condition: {field: additionalEventData.bytesTransferredOut, gte: 2000}"),
		correlation("average", "type: value_avg, rules: [read], group-by: [awsRegion], timespan: 5m, condition: {field: additionalEventData.bytesTransferredOut, gte: 600}"),
		correlation("median", "type: value_median, rules: [read], group-by: [actor], timespan: 15m, condition: {field: additionalEventData.bytesTransferredOut, gt: 700}"),
		correlation("percentile", "type: value_percentile, rules: [read], group-by: [actor], timespan: 15m, condition: {field: additionalEventData.bytesTransferredOut, gte: 800, percentile: 90}"),
		correlation("together", "type: temporal, rules: [login, make], group-by: [actor], timespan: 20m, generate: true"),
		correlation("order", "type: temporal_ordered, rules: [login, make, delete], group-by: [actor], timespan: 2h, generate: true"),
		correlation("new_region", "type: first_seen, rules: [write], fields: [awsRegion], group-by: [actor], learning: 1h, generate: true"),
		correlation("again", "type: first_seen, rules: [write], fields: [src], group-by: [actor], learning: 30m, expiry: 2h, generate: true"),
		correlation("absent", "type: absent, rules: [login, delete], group-by: [actor], timespan: 1h, generate: true"),
		correlation("nested", "type: event_count, rules: [counted], group-by: [actor], timespan: 7h, condition: {gte: 2}"),
		"name: Search\nid: search\nsearch: eventName=CreateUser awsRegion=eu-west-1 | where like('userIdentity.arn', \"%user%\")\n",
	}, "---\n")
}()

// trail is calls of users, and of sessions that they and other sessions start.
func trail(from time.Time, n int, seed uint64) (records []string) {
	r := rand.New(rand.NewPCG(seed, 17))
	type session struct {
		identity string
		begun    int
	}
	var sessions []session
	for i := range n {
		when := from.Add(time.Duration(i)*time.Duration(8*3600/n)*time.Second + time.Duration(r.IntN(9))*time.Second)
		user := []string{"alice", "bob", "carol"}[r.IntN(3)]
		who := fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDA%s","arn":"arn:aws:iam::111122223333:user/%[1]s","accountId":"111122223333","accessKeyId":"AKIAABCDEFGH0000%[2]d","userName":%[1]q}`, user, len(user))
		if k := len(sessions); k > 0 && r.IntN(2) == 0 {
			who = sessions[k-1-r.IntN(min(k, 4))].identity
		}
		source, name, more, readOnly := "s3.amazonaws.com", "GetObject", "", true
		switch r.IntN(7) {
		case 0:
			name, source, readOnly = "DeleteBucket", "s3.amazonaws.com", false
		case 1:
			name, source, readOnly = "CreateUser", "iam.amazonaws.com", false
			more = fmt.Sprintf(`,"requestParameters":{"userName":"u%d"}`, i)
		case 2:
			name, source, readOnly = "ConsoleLogin", "signin.amazonaws.com", false
		case 3:
			name, source = "AssumeRole", "sts.amazonaws.com"
			key := fmt.Sprintf("ASIAABCDEFGH%05dX", i)
			principal := fmt.Sprintf("AROADEPLOY:s%d", i%5)
			arn := fmt.Sprintf("arn:aws:sts::111122223333:assumed-role/deploy/s%d", i%5)
			more = fmt.Sprintf(`,"responseElements":{"credentials":{"accessKeyId":%q},"assumedRoleUser":{"assumedRoleId":%q,"arn":%q}}`, key, principal, arn)
			sessions = append(sessions, session{identity: fmt.Sprintf(`{"type":"AssumedRole","principalId":%q,"arn":%q,"accountId":"111122223333","accessKeyId":%q,"sessionContext":{"attributes":{"creationDate":%q},"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY","arn":"arn:aws:iam::111122223333:role/deploy","userName":"deploy"}}}`,
				principal, arn, key, when.Format(time.RFC3339)), begun: i})
		default:
			more = fmt.Sprintf(`,"additionalEventData":{"bytesTransferredOut":%d}`, r.IntN(1000))
		}
		if source == "s3.amazonaws.com" {
			more += fmt.Sprintf(`,"requestParameters":{"bucketName":"b%d"}`, r.IntN(20))
		}
		if r.IntN(6) == 0 {
			more += `,"errorCode":"AccessDenied"`
		}
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-9000-%012d","eventTime":%q,"eventSource":%q,"eventName":%q,"readOnly":%v,"awsRegion":%q,"recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.%d","userAgent":"aws-cli/2.1","userIdentity":%s%s}`,
			i, when.Format(time.RFC3339), source, name, readOnly, []string{"eu-west-1", "us-east-1", "eu-west-1", "ap-south-1"}[r.IntN(2+2*(i*2/n))], r.IntN(3), who, more))
	}
	return records
}

// searched loads the rules of a folder and the shipped ones.
func searched(t *testing.T, dir string) ruleset.FollowOptions {
	return ruleset.FollowOptions{Paths: []string{dir}, Options: ruleset.Options{
		Shipped: rules.Files, Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	}}
}

// hunted returns the findings of a hunt over records.
func hunted(t *testing.T, dir string, records []string) map[string]string {
	t.Helper()
	f, err := ruleset.Follow(t.Context(), searched(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Rules().Faults {
		t.Error(x)
	}
	mem := memory.New()
	for _, r := range records {
		if _, err := mem.Add([]byte(r), &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}); err != nil {
			t.Fatal(err)
		}
	}
	from, err := hunt.FromStore(mem, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	o := hunt.Options{Rules: f.Rules(), Records: from, Space: spill.NewSpace(t.TempDir(), 1<<30), TempDir: t.TempDir(), Disk: 1 << 30}
	o.Search.Macros, o.Search.Knowledge = o.Rules.Knowledge, o.Rules.Knowledge
	res, err := hunt.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, x := range res.Findings {
		body, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		out[x.ID] = string(body)
	}
	return out
}

// server is a process that takes records in.
type server struct {
	t     *testing.T
	dir   string // of rules
	data  string
	late  time.Duration
	ahead time.Duration // of the clock
	log   bytes.Buffer
	rules *Rules
	p     *ingest.Pipeline
	n     int
}

func (s *server) start() {
	s.t.Helper()
	f, err := ruleset.Follow(s.t.Context(), searched(s.t, s.dir))
	if err != nil {
		s.t.Fatal(err)
	}
	s.rules = Open(Config{Rules: f, Lateness: s.late, Log: slog.New(slog.NewTextHandler(&s.log, nil)), clock: func() time.Time { return time.Now().Add(s.ahead) }})
	if s.p, err = ingest.Open(s.t.Context(), ingest.Config{Data: s.data, Workers: 2, Sink: s.rules.Sink}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) stop() {
	s.t.Helper()
	if err := s.p.Close(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) take(records []string) {
	s.t.Helper()
	dir := s.t.TempDir()
	s.n++
	write(s.t, dir, fmt.Sprintf("part%d.json", s.n), strings.Join(records, "\n")+"\n")
	if sum, err := s.p.Files(s.t.Context(), ingest.Options{Paths: []string{dir}}); err != nil || len(sum.Skipped) > 0 {
		s.t.Fatal(err, sum.Skipped)
	}
}

// found returns the findings as JSON, by ID.
func (s *server) found() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for id, f := range found(s.t, s.data) {
		body, err := json.Marshal(f)
		if err != nil {
			s.t.Fatal(err)
		}
		out[id] = string(body)
	}
	return out
}

// TestSameAsHunt takes records in as a whole and in portions, in order and shuffled,
// twice, with restarts and reloads between: live rules of all types find what a hunt
// finds.
func TestSameAsHunt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "every.yml", everyKind[:strings.LastIndex(everyKind, "---\n")])
	write(t, dir, "search.yml", everyKind[strings.LastIndex(everyKind, "---\n")+4:])
	const n = 500
	for _, c := range []struct {
		name     string
		ahead    time.Duration // the clock is ahead of arrival: everything folds at once
		portions int
		shuffle  bool
		seeds    uint64
		restart  int // portions between restarts, 0 = none
		reload   int
	}{
		{name: "as a whole", seeds: 2, portions: n},
		{name: "in order, folding", seeds: 2, portions: 23, ahead: 3 * time.Hour},
		{name: "in order, folding, with restarts", seeds: 1, portions: 31, ahead: 3 * time.Hour, restart: 3},
		{name: "shuffled", seeds: 2, portions: 40, shuffle: true},
		{name: "shuffled, with restarts and reloads", seeds: 1, portions: 43, shuffle: true, restart: 2, reload: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range c.seeds {
				from := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
				if c.ahead > 0 { // or else the state is dropped as long over
					from = time.Now().Add(c.ahead).Truncate(time.Hour).UTC()
				}
				records := trail(from, n, seed)
				want := hunted(t, dir, records)
				rnd := rand.New(rand.NewPCG(seed, 4))
				if c.shuffle {
					rnd.Shuffle(n, func(i, j int) { records[i], records[j] = records[j], records[i] })
					records = append(records, records[:n/5]...) // once more
				}
				s := &server{t: t, dir: dir, data: t.TempDir(), late: time.Hour, ahead: c.ahead}
				s.start()
				i := 0
				for part := range slices.Chunk(records, c.portions) {
					s.take(part)
					if i++; c.restart > 0 && i%c.restart == 0 {
						s.stop()
						s.start()
					}
					if c.reload > 0 && i%c.reload == 0 {
						write(t, dir, "more.yml", strings.NewReplacer("Deletion", "Nothing", "id: del", "id: nothing", "eventName|startswith: Delete", fmt.Sprintf("eventName: None%d", i)).Replace(deletions))
						reload(t, s.rules)
					}
				}
				s.stop()
				got := s.found()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("seed %d: %d findings, a hunt has %d (-hunt +live):\n%.4000s\n%.1000s", seed, len(got), len(want), diff, &s.log)
				}
				kinds := map[string]int{}
				for _, text := range got {
					var f struct {
						RuleID string `json:"rule_id"`
					}
					if err := json.Unmarshal([]byte(text), &f); err != nil {
						t.Fatal(err)
					}
					kinds[f.RuleID]++
				}
				if seed == 0 && c.portions == n {
					t.Log(kinds)
				}
				for _, id := range []string{"denied", "search", "count", "few", "values", "sum", "average", "median", "percentile", "together", "order", "new_region", "again", "absent", "nested"} {
					if kinds[id] == 0 {
						t.Errorf("seed %d: the rule %s found nothing", seed, id)
					}
				}
			}
		})
	}
}
