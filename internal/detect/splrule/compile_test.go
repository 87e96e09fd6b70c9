package splrule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

func know(t *testing.T) *knowledge.Knowledge {
	t.Helper()
	dir := write(t, map[string]string{
		"macros/trail.yml":  "name: trail\ndefinition: index=aws sourcetype=aws:cloudtrail\n",
		"macros/f.yml":      "name: some_filter\ndefinition: search *\n",
		"lookups/known.csv": "user,firstTime\nalice,1\n",
	})
	k, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func compiled(t *testing.T, k *knowledge.Knowledge, text string) *Search {
	t.Helper()
	s, err := Compile(&Rule{Kind: SPL, Name: "r", Search: text}, k)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestCompile(t *testing.T) {
	k := know(t)
	for _, c := range []struct{ search, base, flags string }{
		{"`trail` eventName=A", "index=aws sourcetype=aws:cloudtrail eventName=A", "stateless idle"},
		{"`trail` eventName=A earliest=-1h | where x=1 | table a b | `some_filter`", "index=aws sourcetype=aws:cloudtrail eventName=A", "stateless idle"},
		{"eventName=A | eval y=now() | where y>1", "eventName=A", "idle"},
		{"eventName=A | stats count by user", "eventName=A", "idle"},
		{"eventName=A | search user=b | stats count by user | where count>3", "eventName=A user=b", "idle"},
		{"eventName=A | eval user=x | search user=b", "eventName=A", "stateless idle"},
		{"eventName=A | stats count", "eventName=A", ""},
		{"eventName=A | stats count by u | append [search eventName=B | stats count by u]", "eventName=B OR eventName=A", ""},
		{"eventName=A [search eventName=B | table u] | stats count by u", "eventName=B OR eventName=A", "idle"},
		{"eventName=A NOT [| inputlookup known.csv | table user] | stats count by u", "eventName=A", "idle"},
		{"eventName=A (x=1 OR earliest=-1h) | stats count by u", "eventName=A", "idle"},
		{"| tstats count where eventName=A by user", "eventName=A", "idle"},
		{"| tstats count where eventName=A", "eventName=A", ""},
		{"| inputlookup known.csv", "NOT *", ""},
		{"| makeresults | eval a=1", "NOT *", ""},
		{"| multisearch [search eventName=A] [search eventName=B]", "eventName=A OR eventName=B", ""},
		{"| savedsearch x", "*", ""},
		{"eventName=A | map search=\"search user=$user$\"", "*", ""},
		{"eventName=A | stats count by u | outputlookup seen.csv", "eventName=A", "keeps:seen.csv"},
		{"eventName=A | stats min(_time) AS f by u | inputlookup append=t seen.csv | stats min(f) AS f by u | outputlookup seen.csv", "eventName=A", "keeps:seen.csv accumulates"},
		{"eventName=A | lookup known.csv user", "eventName=A", "idle"},
		{"eventName=A | dedup user", "eventName=A", "idle"},
		{"eventName=A actor=x", "eventName=A", "idle"}, // who is behind it follows from other events
		{"eventName=A NOT actor_type IN (a b) | table user", "eventName=A", "idle"},
		{"eventName=A (session_id=x OR user=b)", "eventName=A", "idle"},
		{"eventName=A | where actor=\"x\"", "eventName=A", "idle"},
		{"eventName=A | eval actor=user | where actor=\"x\"", "eventName=A", "stateless idle"},
	} {
		s := compiled(t, k, c.search)
		var flags []string
		if s.Stateless() {
			flags = append(flags, "stateless")
		}
		if s.Idle {
			flags = append(flags, "idle")
		}
		for _, name := range s.Keeps {
			flags = append(flags, "keeps:"+name)
		}
		if s.Accumulates {
			flags = append(flags, "accumulates")
		}
		if got := filter.Print(s.Base); got != c.base || strings.Join(flags, " ") != c.flags {
			t.Errorf("%s:\n got %q %v\nwant %q [%s]", c.search, got, flags, c.base, c.flags)
		}
	}
	for _, text := range []string{"`nothing`", "| statz", "earliest=whenever x"} {
		if _, err := Compile(&Rule{Kind: SPL, Search: text}, k); err == nil {
			t.Errorf("%q is compiled", text)
		}
	}
	if _, err := Compile(&Rule{Kind: Sigma}, k); err == nil {
		t.Error("a Sigma rule is compiled")
	}
	r := &Rule{Kind: SPL, Search: "eventName=A", Alert: Alert{Suppress: Suppress{Period: time.Hour}}}
	if s, err := Compile(r, k); err != nil || s.Stateless() {
		t.Errorf("a rule with suppression is stateless: %v", err)
	}
}

func TestWrittenBounds(t *testing.T) {
	k := know(t)
	planned := at(t, "2026-03-01T04:00:00Z")
	for text, want := range map[string]string{
		"eventName=A earliest=-2h latest=-1h | stats count by u":               "02:00 03:00",
		"eventName=A earliest=-3h@h | stats count by u":                        "01:00 04:00",
		"eventName=A hoursago=2 | stats count by u":                            "02:00 04:00",
		"| tstats count where eventName=A earliest=-30m by user":               "03:30 04:00",
		"eventName=A (earliest=-3h OR x=1) | stats count by u":                 "03:00 04:00",
		"eventName=A [search eventName=B earliest=-9h | table u] | dedup user": "03:00 04:00",
	} {
		w := compiled(t, k, text).Schedule.Window(planned, nil)
		if got := w.Earliest.Format("15:04") + " " + w.Latest.Format("15:04"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// rows runs a search over events and returns its rows as text, sorted.
func rows(t *testing.T, k *knowledge.Knowledge, text string, events [][]byte) (list []string) {
	t.Helper()
	st := memory.New()
	for _, e := range events {
		if _, err := st.Add(e, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail, Fallback: 1}); err != nil {
			t.Fatal(err)
		}
	}
	s, _, err := search.Open(context.Background(), search.Options{Text: text, Store: st, Macros: k, Knowledge: k, Clock: time.Unix(1_700_000_000, 0)})
	if err != nil {
		t.Fatal(text, err)
	}
	defer s.Close()
	for {
		b, err := s.Next(context.Background())
		if err == io.EOF {
			slices.Sort(list)
			return list
		}
		if err != nil {
			t.Fatal(text, err)
		}
		for i := range b.Len {
			row := map[string][]string{}
			for _, c := range b.Cols {
				if v := c.At(i); !v.IsNull() && !strings.HasPrefix(c.Name, "_") {
					row[c.Name] = v.All()
				}
			}
			out, _ := json.Marshal(row)
			list = append(list, string(out))
		}
	}
}

// TestEvaluators compares evaluators with the search itself on random events: an
// Evaluator passes those that the search returns, and the search gives the same rows
// over the events that Base passes.
func TestEvaluators(t *testing.T) {
	k := know(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	var events [][]byte
	for i := range 400 {
		extra := ""
		if rnd.IntN(3) == 0 {
			extra = `,"errorCode":"AccessDenied"`
		}
		events = append(events, fmt.Appendf(nil, `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-%012d","eventTime":"2023-11-14T%02d:%02d:00Z","eventSource":"iam.amazonaws.com","eventName":%q,"awsRegion":%q,"sourceIPAddress":"198.51.100.%d","userIdentity":{"type":"IAMUser","userName":%q,"arn":"arn:aws:iam::111122223333:user/%s"},"requestParameters":{"n":%d}%s}`,
			i, rnd.IntN(22), rnd.IntN(60), pick("CreateUser", "createuser", "DeleteUser", "ListUsers"), pick("eu-west-1", "us-east-1"), rnd.IntN(4), pick("alice", "Bob"), pick("alice", "Bob"), rnd.IntN(5), extra))
	}
	for _, text := range []string{
		"`trail` eventName=CreateUser",
		"`trail` eventName IN (CreateUser, ListUsers) awsRegion=us-* NOT errorCode=*denied | `some_filter`",
		"eventName=*User | where 'requestParameters.n' > 2 AND user=\"alice\"",
		"eventName=CreateUser | eval big=if('requestParameters.n'>3,\"yes\",\"no\") | search big=yes | table eventID",
		"sourceIPAddress=198.51.100.0/31 | rename userIdentity.userName AS who | where like(who, \"B%\") | fields eventID who",
		"alice AND eventName!=ListUsers | regex awsRegion=\"^eu\" | table eventID",
		"errorCode=success | fillnull value=none missing | where missing=\"none\" | spath requestParameters.n output=n | search n=1",
		"eventtype=aws_cloudtrail_iam_change OR eventName=ListUsers",
	} {
		s := compiled(t, k, text)
		ev, err := s.NewEvaluator(context.Background(), nil)
		if err != nil {
			t.Fatal(text, err)
		}
		var want, got []string
		for _, e := range events {
			one := rows(t, k, text, [][]byte{e})
			passes, err := ev.Match(e, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail})
			if err != nil {
				t.Fatal(err)
			}
			if len(one) > 0 {
				want = append(want, string(e))
			}
			if passes {
				got = append(got, string(e))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-search +evaluator)\n%s", text, diff)
		}
		if n := len(rows(t, k, text, events)); n != len(got) || n == len(events) {
			t.Errorf("%s: %d rows of all events, %d one by one", text, n, len(got))
		}
	}
	for _, text := range []string{
		"eventName=CreateUser | stats count by user | where count>3",
		"eventName=CreateUser [search eventName=DeleteUser | dedup user | table user] | stats count by user",
		"eventName=ListUsers NOT [search eventName=DeleteUser errorCode=success | table sourceIPAddress awsRegion user requestParameters.n] | stats dc(user) AS n by sourceIPAddress",
		"| tstats count from datamodel=Change where All_Changes.action=created by All_Changes.user",
		"eventName=ListUsers | stats count by user | append [search eventName=DeleteUser | stats count by user]",
		"eventName=ListUsers | join user [search eventName=CreateUser | stats count AS made by user] | stats count by user made",
	} {
		s := compiled(t, k, text)
		if _, err := s.NewEvaluator(context.Background(), nil); err != ErrStateful {
			t.Errorf("%s: %v", text, err)
		}
		ev, err := s.BaseEvaluator(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var passing [][]byte
		for _, e := range events {
			if ok, err := ev.Match(e, &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}); err != nil {
				t.Fatal(err)
			} else if ok {
				passing = append(passing, e)
			}
		}
		all := rows(t, k, text, events)
		if diff := cmp.Diff(all, rows(t, k, text, passing)); diff != "" || len(all) == 0 || len(passing) == len(events) {
			t.Errorf("%s: %d rows, %d of %d events (-all +passing)\n%s", text, len(all), len(passing), len(events), diff)
		}
	}
	s := compiled(t, k, "eventName=x")
	ev, _ := s.NewEvaluator(context.Background(), nil)
	if _, err := ev.Match([]byte(`["eventName","x"]`), &event.Meta{}); err == nil {
		t.Error("an array passes for a record")
	}
}

// TestSkips leaves out records by the name of their call, and never one that passes.
func TestSkips(t *testing.T) {
	for _, c := range []struct {
		search string
		skips  bool
	}{
		{"sourcetype=aws:cloudtrail eventName=GetUser | table user", true},
		{"eventName IN (ListUsers, GETUSER) errorCode=success | table user", true},
		{"(eventName=GetUser OR eventName=ListUsers) | table user", true},
		{"eventName=Get* | table user", false},
		{"(eventName=GetUser OR user=alice) | table user", false},
		{"NOT eventName=DeleteTrail | table user", false},
	} {
		ev, err := compiled(t, know(t), c.search).NewEvaluator(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := ev.Skips("DeleteTrail"); got != c.skips {
			t.Errorf("%s skips DeleteTrail: %v", c.search, got)
		}
		if ev.Skips("getuser") || ev.Skips("") {
			t.Errorf("%s skips what it looks for, or what is not known", c.search)
		}
	}
}
