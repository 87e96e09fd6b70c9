package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/spill"
	"bluetrail/internal/state"
	"bluetrail/internal/store"

	"github.com/google/go-cmp/cmp"
)

const firstRegion = "title: Write\nid: write\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {readOnly: false}, condition: s}\nlevel: low\n---\n" +
	"title: New region\nid: region\nlevel: high\ncorrelation: {type: first_seen, rules: [write], fields: [awsRegion], group-by: [actor], learning: 1d}\n"

// write1 is a call of alice.
func write1(n int, at time.Time, region string) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-7000-%012d","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"CreateUser","readOnly":false,"awsRegion":%q,"recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","principalId":"AIDAA","arn":"arn:aws:iam::111122223333:user/alice","userName":"alice"}}`,
		n, at.Format(time.RFC3339), region)
}

// regions returns the new regions that were found.
func regions(fs map[string]*finding.Finding) (list []string) {
	for _, f := range fs {
		if f.RuleID == "region" {
			list = append(list, f.Get("new")...)
		}
	}
	slices.Sort(list)
	return list
}

// history is what a server has stored.
func (s *server) history() History {
	return History{Space: spill.NewSpace(s.t.TempDir(), 1<<30), Open: func(earliest time.Time, batch int64) (Records, error) {
		return hunt.Arrived(s.p.Store(), store.Arrival{Upto: batch}, earliest, time.Time{})
	}}
}

// TestLearn adds a first_seen rule to a server with events: it learns from those that
// were there before, once, and raises what is new since.
func TestLearn(t *testing.T) {
	was := stageAt
	stageAt = 1
	defer func() { stageAt = was }()
	dir := t.TempDir()
	s := &server{t: t, dir: dir, data: t.TempDir(), ahead: 3 * time.Hour}
	write(t, dir, "any.yml", anything)
	s.start()
	now := time.Now().UTC().Truncate(time.Second)
	s.take([]string{write1(1, now.AddDate(0, 0, -9), "eu-west-1"), write1(2, now.AddDate(0, 0, -8), "us-east-1"), write1(3, now.AddDate(0, 0, -7), "eu-west-1")})
	write(t, dir, "region.yml", firstRegion)
	reload(t, s.rules)
	s.take([]string{write1(4, now.Add(-5*time.Hour), "ap-east-1")}) // still with the rules before
	s.take([]string{write1(5, now.Add(-4*time.Hour), "us-east-1"), write1(6, now.Add(-4*time.Hour+time.Second), "sa-east-1")})
	if got := regions(found(t, s.data)); got != nil {
		t.Errorf("%q are new before anything is learnt", got)
	}
	s.stop() // learning goes on after a restart
	s.start()
	for range 2 {
		if err := s.rules.LearnNow(t.Context(), s.history()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(s.log.String(), "rules have learnt"); n != 1 || !strings.Contains(s.log.String(), "matches=4 tuples=4") {
		t.Errorf("learnt %d times: %s", n, &s.log)
	}
	s.take([]string{write1(7, now.Add(-3*time.Hour), "eu-west-1"), write1(8, now.Add(-3*time.Hour), "ap-east-1"), write1(9, now.Add(-3*time.Hour), "us-west-2"), write1(10, now.Add(-3*time.Hour), "sa-east-1")})
	if got := regions(found(t, s.data)); !slices.Equal(got, []string{"us-west-2"}) {
		t.Errorf("%q are new", got)
	}
	s.stop()
	s.start()
	s.take([]string{write1(11, now.Add(-2*time.Hour), "us-west-2"), write1(12, now.Add(-2*time.Hour), "eu-north-1")})
	s.stop()
	if got := regions(found(t, s.data)); !slices.Equal(got, []string{"eu-north-1", "us-west-2"}) {
		t.Errorf("%q are new after a restart", got)
	}
}

// TestCorrect forgets and adds tuples, in a process and in a state that none has open.
func TestCorrect(t *testing.T) {
	dir := t.TempDir()
	s := &server{t: t, dir: dir, data: t.TempDir(), ahead: 3 * time.Hour}
	write(t, dir, "region.yml", firstRegion)
	now := time.Now().UTC().Truncate(time.Second)
	alice := []string{"arn:aws:iam::111122223333:user/alice"}
	of := func(region string) []seen.Row {
		return []seen.Row{{Rule: "region", Scope: alice, Values: []string{region}}}
	}
	s.start()
	s.take([]string{write1(1, now.AddDate(0, 0, -3), "eu-west-1"), write1(2, now.AddDate(0, 0, -3), "us-east-1")})
	if n, err := s.rules.Forget(of("us-east-1")); n != 1 || err != nil {
		t.Errorf("%d forgotten: %v", n, err)
	}
	if n, err := s.rules.Forget(of("none")); n != 0 || err != nil {
		t.Errorf("%d forgotten: %v", n, err)
	}
	if err := s.rules.Remember(of("ap-east-1"), now); err != nil {
		t.Error(err)
	}
	s.take([]string{write1(3, now, "us-east-1"), write1(4, now, "ap-east-1"), write1(5, now, "eu-west-1")})
	if got := regions(found(t, s.data)); !slices.Equal(got, []string{"us-east-1"}) {
		t.Errorf("%q are new", got)
	}
	s.stop()
	db, err := state.Open(s.data)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Forget(db, append(of("eu-west-1"), of("none")...)); n != 1 || err != nil {
		t.Errorf("%d forgotten: %v", n, err)
	}
	if err := Remember(db, append(of("sa-east-1"), of("us-east-1")...), now); err != nil {
		t.Error(err)
	}
	remembered := map[string]int64{}
	if err := db.Seen(func(x *state.Seen) error { remembered[x.Tuple] = x.First; return nil }); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{}
	for region, first := range map[string]time.Time{"us-east-1": now, "ap-east-1": now, "sa-east-1": now} {
		want[fmt.Sprintf(`[[%q],[%q]]`, alice[0], region)] = first.Unix()
	}
	want[fmt.Sprintf(`[[%q],[]]`, alice[0])] = now.AddDate(0, 0, -3).Unix()
	if diff := cmp.Diff(want, remembered); diff != "" {
		t.Errorf("remembered (-want +got):\n%s", diff)
	}
	db.Close()
	s.start()
	s.take([]string{write1(6, now.Add(time.Second), "sa-east-1"), write1(7, now.Add(time.Second), "eu-west-1")})
	s.stop()
	if got := regions(found(t, s.data)); !slices.Equal(got, []string{"eu-west-1", "us-east-1"}) {
		t.Errorf("%q are new after the corrections", got)
	}
}
