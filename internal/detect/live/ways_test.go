package live

import (
	"context"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/schedule"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"

	"github.com/google/go-cmp/cmp"
)

// bursts looks at several events at a time, so that only the scheduler can run it.
const bursts = `name: Bursts
id: bursts
search: eventName=DeleteBucket | stats count min(_time) as firstTime max(_time) as lastTime by userIdentity.arn awsRegion | where count > 2
schedule: {every: 1h, earliest: -1h, latest: now}
`

// TestThreeWays does what a server does: the pipeline runs rules on events as they come,
// hour by hour, and the scheduler runs searches between. Together they find what a hunt over
// the same records finds.
func TestThreeWays(t *testing.T) {
	dir := t.TempDir()
	at := strings.LastIndex(everyKind, "---\n")
	write(t, dir, "every.yml", everyKind[:at])
	write(t, dir, "search.yml", everyKind[at+4:])
	write(t, dir, "bursts.yml", bursts)
	from := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	records := trail(from, 400, 3)
	want := hunted(t, dir, records)

	s := &server{t: t, dir: dir, data: t.TempDir(), late: time.Hour}
	s.start()
	now := from
	plan := schedule.New(schedule.Config{
		State: s.p.State(), Emit: schedule.Keep{}, Streaming: true, Clock: func() time.Time { return now },
		Open: func(folders []string) (search.Options, error) {
			k, err := knowledge.Open(folders...)
			return search.Options{Store: s.p.Store(), Macros: k, Knowledge: k}, err
		},
	})
	if err := plan.SetRules(s.rules.cfg.Rules.Rules()); err != nil {
		t.Fatal(err)
	}
	tick := func(at time.Time) {
		t.Helper()
		now = at
		if err := plan.RunDue(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	tick(from.Add(time.Minute))
	for hour := range 9 {
		end := from.Add(time.Duration(hour+1) * time.Hour)
		n := 0
		for n < len(records) && timeOf(t, records[n]).Before(end) {
			n++
		}
		if n > 0 {
			s.take(records[:n])
			records = records[n:]
		}
		tick(end.Add(time.Minute))
	}
	s.stop()
	got := s.found()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a hunt has %d findings, live and scheduled rules %d (-hunt +server):\n%.4000s", len(want), len(got), diff)
	}
	for _, id := range []string{"bursts", "search", "denied", "values", "new_region"} {
		found := 0
		for _, body := range want {
			if strings.Contains(body, `"rule_id":"`+id+`"`) {
				found++
			}
		}
		if found == 0 {
			t.Errorf("the rule %s found nothing", id)
		}
	}
}

func timeOf(t *testing.T, record string) time.Time {
	t.Helper()
	_, rest, _ := strings.Cut(record, `"eventTime":"`)
	text, _, _ := strings.Cut(rest, `"`)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
