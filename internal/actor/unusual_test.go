package actor

import (
	"testing"
	"time"

	"bluetrail/internal/identity"

	"github.com/google/go-cmp/cmp"
)

func TestUnusual(t *testing.T) {
	rec, book := &Recorder{}, NewBook(nil, nil)
	call := func(user, source, name string, after time.Duration) {
		rec.Add(&identity.Facts{Caller: identity.Caller{Type: "IAMUser", PrincipalID: user, ARN: user, Time: begin.Add(after).UnixNano(), Recipient: "111122223333"}},
			&Call{Source: source + ".amazonaws.com", Name: name, Region: "eu-west-1", Account: "111122223333", Address: "192.0.2.1", Agent: "Boto3/1.35"})
	}
	const day = 24 * time.Hour
	call("dana", "s3", "GetObject", 0)
	call("dana", "s3", "PutObject", 2*day+time.Hour) // with the calls that are asked about
	call("erik", "s3", "PutObject", day)
	call("new", "s3", "PutObject", 2*day)
	book.Take(rec)
	ask := func(actor string, f func(q *Question)) []string {
		q := Question{
			Actor: actor, Calls: [][2]string{{"s3.amazonaws.com", "GetObject"}}, Regions: []string{"eu-west-1"}, Addresses: []string{"192.0.9.9", "ec2.amazonaws.com"},
			Agents: []string{"Boto3/1.36"}, Accounts: []string{"111122223333"}, First: begin.Add(2 * day),
		}
		f(&q)
		list, ok := book.Unusual(q)
		if !ok && list != nil {
			t.Errorf("%s: %q", actor, list)
		}
		if !ok {
			return []string{"too little is known"}
		}
		return list
	}
	for _, c := range []struct {
		name string
		got  []string
		want []string
	}{
		{"usual", ask("dana", func(q *Question) { q.Accounts = nil }), nil},
		{"new call", ask("dana", func(q *Question) { q.Calls[0][1] = "PutObject" }), []string{
			"First call of s3:PutObject by this actor in 2 days of calls.", "2 of 2 other actors of account 111122223333 have called s3:PutObject, too.",
		}},
		{"all else", ask("dana", func(q *Question) {
			q.Calls, q.Regions, q.Addresses, q.Agents = [][2]string{{"kms.amazonaws.com", "DisableKey"}}, []string{"a", "b", "c", "d", "e"}, []string{"198.51.100.1"}, []string{"aws-cli/2.1"}
			q.Show = func(s string) string { return "<" + s + ">" }
		}), []string{
			"First use of <kms> by this actor in 2 days of calls.", "First call in <a> by this actor in 2 days of calls.", "First call in <b> by this actor in 2 days of calls.",
			"First call in <c> by this actor in 2 days of calls.", "2 more regions are new.", "First call from 198.51.0.0/16 by this actor in 2 days of calls.",
			"First call with <aws-cli> by this actor in 2 days of calls.", "None of 2 other actors of account <111122223333> has called <kms:DisableKey>.",
		}},
		{"known since then", ask("new", func(*Question) {}), []string{"too little is known"}},
		{"nobody", ask("nobody", func(*Question) {}), []string{"too little is known"}},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, d)
		}
	}
}
