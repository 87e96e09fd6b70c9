package vlogs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// plain stops a store from counting alike rows.
type plain struct{ store.Store }

func (p plain) Prepare(q *store.Query) (store.Scan, error) {
	each := *q
	each.Alike = false
	return p.Store.Prepare(&each)
}

func open(t testing.TB, st store.Store, text string, zone *time.Location) *plan.Plan {
	t.Helper()
	env := exec.NewEnv(time.Unix(1_768_000_000, 0))
	env.Zone = zone
	q, err := plan.Parse(text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s, err := plan.Open(ctx, q, st, env)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// table runs a search and returns its rows as text, in order.
func table(t testing.TB, st store.Store, text string, zone *time.Location) (rows []string) {
	t.Helper()
	err := exec.Drain(ctx, open(t, st, text, zone), func(b *vector.Batch) error {
		for i := range b.Len {
			var row strings.Builder
			for _, c := range b.Cols {
				if v := c.At(i); !v.IsNull() {
					fmt.Fprintf(&row, "%s=%.100q ", c.Name, v.All())
				}
			}
			rows = append(rows, row.String())
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rows
}

// counted returns the lines of a search's explain that say where rows are
// counted.
func counted(s *plan.Plan) string {
	for _, step := range s.Steps() {
		if pipe, ok := strings.CutPrefix(step.What, "vlogs: count alike rows with stats by "); ok {
			return strings.TrimSuffix(pipe, " count() "+alikeColumn)
		}
	}
	return ""
}

// TestCondensed pins what the engine counts, and checks that the rows equal
// those of the other ways.
func TestCondensed(t *testing.T) {
	mem, st := both(t, testRecords(t, 4))
	kolkata := time.FixedZone("UTC+05:30", 19800)
	odd := time.FixedZone("odd", 3601)
	for _, c := range []struct {
		search string
		zone   *time.Location
		want   string // "" = rows are delivered one by one
	}{
		{"* | stats count", nil, `("index")`},
		{"* | stats count by eventName", nil, `("eventName")`},
		{"* | stats count by eventName, errorCode", nil, `("errorCode", "eventName")`},
		{"* | stats count(errorMessage) count by awsRegion", nil, `("awsRegion", "errorMessage")`},
		{"* | stats dc(eventName) values(sourceIPAddress) by userIdentity.arn", nil, `("eventName", "sourceIPAddress", "userIdentity.arn")`},
		{"* | stats min(eventVersion) max(recipientAccountId) mode(awsRegion) by eventSource", nil, `("awsRegion", "eventSource", "eventVersion", "recipientAccountId")`},
		{"* | stats count by src", nil, `("sourcetype", "sourceIPAddress", "src")`},
		{"* | stats count by signature, user", nil, `("user", "sourcetype", "eventName", "signature")`},
		{"* | stats count by requestParameters.bucketName", nil, `("requestParameters.bucketName")`},
		{"* | stats count by requestParameters.instancesSet.items{}.instanceId", nil, `("requestParameters.instancesSet.items{}.instanceId")`},
		{"requestParameters.bucketName=my* | stats count by eventName", nil, `("eventName")`},
		{"* | stats count by object_category", nil, `("sourcetype", "eventName", "eventSource", "object_category")`},
		{"* | stats count by api.operation", nil, `("sourcetype", "eventName", "api.operation")`},
		{"* | stats count by start_time", nil, `("sourcetype", "eventTime", "start_time")`},
		{"* | stats count by source, index, sourcetype", nil, `("index", "source", "sourcetype")`},
		{"eventName=consolelogin | stats count by user", nil, `("user")`},
		{"errorCode=Access* NOT awsRegion=us-east-1 | stats count by eventName", nil, `("eventName")`},
		{"earliest=1767607200 latest=1767607207 * | stats count by eventName", nil, `("eventName")`},
		{"* | top eventName", nil, `("eventName")`},
		{"* | rare limit=3 awsRegion by eventSource", nil, `("awsRegion", "eventSource")`},
		{"* | chart count over awsRegion by eventSource", nil, `("awsRegion", "eventSource")`},
		{"* | timechart span=1h count by eventSource", nil, `(_time:3600s, "eventSource")`},
		{"* | timechart span=1d dc(user)", nil, `(_time:3600s, "user")`},
		{"* | timechart span=1d count", kolkata, `(_time:60s)`},
		{"* | timechart span=10m count by awsRegion", nil, `(_time:60s, "awsRegion")`},
		{"* | stats count by date_hour", nil, `(_time:3600s)`},
		{"* | stats count by date_wday, date_minute, awsRegion", nil, `("awsRegion", _time:60s)`},
		{"* | timechart span=1h count by date_wday", nil, `(_time:3600s)`},
		{"* | timechart span=1d dc(date_minute)", nil, `(_time:60s)`},
		{"date_hour>9 | stats count by eventName", nil, ""},
		{"* | stats count by date_second", nil, ""},
		{"* | timechart span=1h count", odd, ""},
		{"* | timechart span=30s count by awsRegion", nil, ""},
		{"* | timechart count by awsRegion", nil, ""},
		{"* | timechart span=1h aligntime=17 count", nil, ""},
		{"* | timechart span=1d max(_time)", nil, ""},
		{"* | stats count by _time", nil, ""},
		{"* | stats max(_indextime) by eventName", nil, ""},
		{"* | stats latest(eventName) by awsRegion", nil, ""},
		{"* | stats sum(eventVersion) by awsRegion", nil, ""},
		{`* | stats count(eval(errorCode="success")) as ok by awsRegion`, nil, ""},
		{"* | stats dc(user*) by awsRegion", nil, ""},
		{"* | stats count by eventID", nil, `("eventID")`},
		{"* | stats count by requestID", nil, ""},
		{"iamuser | stats count by eventName", nil, ""},
		{"sourceIPAddress=198.51.100.0/24 | stats count by eventName", nil, `("eventName", "sourceIPAddress")`},
		{"user_arn=arn:aws:iam::* | stats count by eventName", nil, `("eventName", "sourcetype", "userIdentity.arn", "requestParameters.roleArn", "user_arn")`},
		{"NOT aws_account_id=1* | timechart span=1h count", nil, `(_time:3600s, "sourcetype", "userIdentity.type", "userIdentity.accountId", "recipientAccountId", "aws_account_id")`},
		{`eventTime>"2026-01-05" | stats count by eventName`, nil, ""},
		{`iamuser user_arn=* | stats count by eventName`, nil, ""},
		{"* | eval x=lower(eventName) | stats count by x", nil, ""},
	} {
		zone := c.zone
		if zone == nil {
			zone = time.UTC
		}
		s := open(t, st, c.search, zone)
		s.Close()
		if got := counted(s); got != c.want {
			t.Errorf("%s: the engine counts %s, want %s", c.search, got, c.want)
		}
		want := table(t, mem, c.search, zone)
		if diff := cmp.Diff(want, table(t, st, c.search, zone)); diff != "" {
			t.Errorf("%s (-memory +vlogs):\n%.2000s", c.search, diff)
		}
		if diff := cmp.Diff(want, table(t, plain{st}, c.search, zone)); diff != "" {
			t.Errorf("%s (-memory +vlogs row by row):\n%.2000s", c.search, diff)
		}
	}
}

// TestCondensedRandom counts random fields of random searches in every way.
func TestCondensedRandom(t *testing.T) {
	records := testRecords(t, 4)
	mem, st := both(t, records)
	rnd := rand.New(rand.NewPCG(3, 5))
	fields := slices.Concat(stored, []string{"api.operation", "src_endpoint.ip", "actor.user.uid", "cloud.region", "severity"})
	seen := map[string]bool{}
	for i := 0; i < len(records); i += 10 {
		m := event.Meta{Sourcetype: event.Detect(records[i])}
		err := event.Flatten(context.Background(), records[i], &m, func(name string, _ event.Cell) {
			if !seen[name] && name != event.Raw && len(seen) < 400 {
				seen[name] = true
				fields = append(fields, name)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	field := func() string { return syntax.PrintField(fields[rnd.IntN(len(fields))]) }
	pairs := [][2]string{{"eventName", "ConsoleLogin"}, {"awsRegion", "us-east-1"}, {"userIdentity.type", "IAMUser"}, {"errorCode", "success"}, {"src", "198.51.100.7"}, {"eventName", "A"}}
	aggs := []string{"count", "dc", "values", "min", "max", "range", "mode"}
	pushed := 0
	for range 150 {
		var b strings.Builder
		fmt.Fprintf(&b, "search %s | ", filter.Print(randomSearch(rnd, pairs, 2)))
		b.WriteString([]string{"stats count", "stats count", "timechart span=1h cont=false limit=0 count", "chart count"}[rnd.IntN(4)])
		for range rnd.IntN(3) {
			fmt.Fprintf(&b, " %s(%s)", aggs[rnd.IntN(len(aggs))], field())
		}
		b.WriteString(" by " + field())
		text := strings.TrimPrefix(b.String(), "search ")
		s := open(t, st, text, time.UTC)
		s.Close()
		if counted(s) != "" {
			pushed++
		}
		if diff := cmp.Diff(table(t, mem, text, time.UTC), table(t, st, text, time.UTC)); diff != "" {
			t.Fatalf("%s (-memory +vlogs):\n%.2000s", text, diff)
		}
	}
	if pushed < 50 {
		t.Errorf("only %d of 150 searches were counted by the engine", pushed)
	}
}
