package actor

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/identity"

	"github.com/google/go-cmp/cmp"
)

var begin = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// happening is an event as a Recorder gets it.
type happening struct {
	facts identity.Facts
	call  Call
}

// happenings are calls of users, of roles that they assume, of a build system and of more
// things than tables hold.
func happenings(n int) (list []happening) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		at := begin.Add(time.Duration(rnd.IntN(20*3600)) * time.Second).UnixNano()
		h := happening{call: Call{
			Source: fmt.Sprintf("service%d.amazonaws.com", rnd.IntN(120)), Name: fmt.Sprintf("List%d", rnd.IntN(9)), Region: fmt.Sprintf("eu-west-%d", rnd.IntN(3)), Account: "111122223333",
			Address: fmt.Sprintf("198.51.%d.7", rnd.IntN(80)), Agent: fmt.Sprintf("tool%d/1.%d", rnd.IntN(30), rnd.IntN(3)), Read: rnd.IntN(3) > 0, Denied: rnd.IntN(9) == 0,
		}}
		c := &h.facts.Caller
		c.Time, c.Recipient = at, "111122223333"
		switch k := rnd.IntN(4); rnd.IntN(3) {
		case 0:
			c.Type, c.PrincipalID, c.ARN, c.UserName = "IAMUser", fmt.Sprint("AIDA", k), fmt.Sprint("arn:aws:iam::111122223333:user/u", k), fmt.Sprint("u", k)
			if rnd.IntN(3) == 0 { // a failed sign-in
				c.ARN = ""
			}
		case 1:
			c.Type, c.PrincipalID, c.IssuerARN, c.AccessKeyID = "AssumedRole", fmt.Sprint("AROAX:s", i%60), "arn:aws:iam::111122223333:role/app", fmt.Sprintf("ASIAEXAMPLE%05d", i%60)
			c.Created = begin.UnixNano()
		case 2:
			c.Type, c.PrincipalID, c.UserName, c.Provider = "WebIdentityUser", fmt.Sprint("p:", k), fmt.Sprint("repo:acme/app", k), "token.actions.githubusercontent.com"
			h.call.Source, h.call.Name = "sts.amazonaws.com", "AssumeRoleWithWebIdentity"
			key := k + 4*rnd.IntN(12) // of those up to 59, some are issued by nobody
			h.facts.Links = []identity.Link{{Key: fmt.Sprintf("ASIAEXAMPLE%05d", key), Holder: fmt.Sprint("AROAX:s", key), What: identity.WebIdentity}}
		}
		list = append(list, h)
	}
	return list
}

// told returns all that a book knows.
func told(b *Book) (list []string) {
	b.Each(func(actor, kind string, e *Evidence) {
		list = append(list, fmt.Sprintf("%s %s %+v %x", actor, kind, Classify(actor, kind, e), e.append(nil)))
	})
	return list
}

// TestAnyOrder: the evidence is a function of the set of events, however they are ordered
// and split between workers, taken at once or in parts, and kept in between.
func TestAnyOrder(t *testing.T) {
	events := happenings(1500)
	var want []string
	for round := range 4 {
		rnd := rand.New(rand.NewPCG(uint64(round), 7))
		list := slices.Clone(events)
		trail := identity.NewTrail(0)
		book := NewBook(nil, trail)
		workers := make([]*Recorder, 1+round)
		for i := range workers {
			workers[i] = &Recorder{}
		}
		if round > 0 {
			rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		}
		kept := map[string]Row{}
		for i := range list {
			trail.Add(&list[i].facts)
			workers[rnd.IntN(len(workers))].Add(&list[i].facts, &list[i].call)
			if round < 2 || rnd.IntN(300) > 0 {
				continue
			}
			for _, w := range workers {
				book.Take(w)
			}
			book.Opinion("repo:acme/app1", "")
			for _, r := range book.Changed() {
				kept[string(r.Key)] = r
			}
			if round == 3 { // the process starts anew
				book = NewBook(nil, trail)
				for _, r := range kept {
					if err := book.Restore(r); err != nil {
						t.Fatal(err)
					}
				}
				book.Changed()
			}
		}
		for _, w := range workers {
			book.Take(w)
		}
		if got := told(book); want == nil {
			want = got
		} else if d := cmp.Diff(want, got); d != "" {
			t.Errorf("round %d: (-in order +got)\n%.3000s", round, d)
		}
	}
	if len(want) < 9 {
		t.Errorf("%d actors", len(want))
	}
}

// TestDamaged: rows that were not written by Changed are refused.
func TestDamaged(t *testing.T) {
	book, rec := NewBook(nil, nil), &Recorder{}
	for _, h := range happenings(50) {
		rec.Add(&h.facts, &h.call)
	}
	book.Take(rec)
	for _, r := range book.Changed() {
		for _, bad := range []Row{{r.Key, r.Value[:len(r.Value)-1]}, {r.Key, nil}, {nil, r.Value}, {r.Key[:1], r.Value}} {
			if NewBook(nil, nil).Restore(bad) == nil {
				t.Errorf("a damaged row is accepted: %q", bad.Key)
			}
		}
	}
}

// TestBounds: neither principals nor actors grow without end, and the sessions of a role
// are not lost to it.
func TestBounds(t *testing.T) {
	defer func(n int) { mostRows = n }(mostRows)
	mostRows = 200
	rec, book := &Recorder{}, NewBook(nil, nil)
	h := happening{call: Call{Source: "s3.amazonaws.com", Name: "ListBuckets"}}
	add := func(i int, c identity.Caller) {
		c.Time = begin.Add(time.Duration(i) * time.Second).UnixNano()
		h.facts.Caller = c
		rec.Add(&h.facts, &h.call)
	}
	const n = 310
	for i := range n {
		add(i, identity.Caller{Type: "AssumedRole", PrincipalID: fmt.Sprint("AROA:s", i), ARN: "arn:aws:sts::111122223333:assumed-role/app/s", IssuerARN: "arn:aws:iam::111122223333:role/app"})
	}
	if len(rec.rows) > mostRows {
		t.Errorf("%d rows", len(rec.rows))
	}
	book.Take(rec)
	for i := range n {
		add(n+i, identity.Caller{Type: "IAMUser", PrincipalID: fmt.Sprint("AIDA", i), ARN: fmt.Sprint("arn:aws:iam::111122223333:user/u", i)})
	}
	book.Take(rec)
	if book.Len() > mostRows || book.Dropped() == 0 || book.Of("arn:aws:iam::111122223333:user/u0", "") != nil || book.Of(fmt.Sprint("arn:aws:iam::111122223333:user/u", n-1), "") == nil {
		t.Errorf("%d principals, %d dropped", book.Len(), book.Dropped())
	}
	if e := book.Of("arn:aws:iam::111122223333:role/app", "role"); e == nil || e.Calls != n {
		t.Errorf("the role has %+v", e)
	}
}

func TestStrange(t *testing.T) {
	networks := func(a netip.Addr) (Network, bool) {
		return Network{ASN: 64500 + uint32(a.As4()[3]), Name: "Net"}, a.As4()[3] != 9
	}
	book, rec := NewBook(networks, nil), &Recorder{Networks: networks}
	call := func(address string, after time.Duration) {
		h := happening{call: Call{Source: "s3.amazonaws.com", Name: "ListBuckets", Address: address}}
		h.facts.Caller = identity.Caller{Type: "IAMUser", PrincipalID: "AIDA", ARN: "u", Time: begin.Add(after).UnixNano()}
		rec.Add(&h.facts, &h.call)
	}
	const day = 24 * time.Hour
	call("192.0.2.1", 0)
	call("192.0.2.2", 20*time.Minute)
	call("192.0.2.3", 2*day)
	call("cloudformation.amazonaws.com", 2*day)
	call("198.51.100.9", 3*day)
	book.Take(rec)
	for _, c := range []struct {
		address string
		at      time.Duration
		want    string
	}{
		{"192.0.2.1", 2 * day, ""}, {"198.51.100.1", 2 * day, ""}, {"192.0.2.2", day, ""},
		{"192.0.2.3", 2 * day, "192.0.2.3 is in AS64503 Net, where the actor calls from only since 2026-03-04T06:00:00Z"}, {"192.0.2.3", 10 * day, ""},
		{"192.0.2.4", 2 * day, "192.0.2.4 is in AS64504 Net, where the actor never called from"}, {"cloudformation.amazonaws.com", 2 * day, ""},
		{"198.51.7.9", 3 * day, "198.51.7.9 is in 198.51.0.0/16, where the actor calls from only since 2026-03-05T06:00:00Z"},
	} {
		if why, ok := book.Strange("u", c.address, begin.Add(c.at)); why != c.want || ok != (c.want != "") {
			t.Errorf("%s after %s: %q, %v", c.address, c.at, why, ok)
		}
	}
	if _, ok := book.Strange("nobody", "192.0.2.1", begin); ok {
		t.Error("nothing is known of nobody")
	}
}

func TestOwn(t *testing.T) {
	book, rec := NewBook(nil, nil), &Recorder{}
	for _, account := range []string{"111122223333", "444455556666"} {
		if book.Own(account) {
			t.Errorf("%s is known before its records", account)
		}
		var f identity.Facts
		f.Caller = identity.Caller{Type: "IAMUser", PrincipalID: "AIDA", ARN: "u", AccountID: "999988887777", Time: begin.UnixNano()}
		rec.Add(&f, &Call{Source: "s3.amazonaws.com", Name: "ListBuckets", Account: account})
		book.Take(rec)
		if !book.Own(account) || book.Own("999988887777") {
			t.Errorf("of %s: %v; of the caller's account: %v", account, book.Own(account), book.Own("999988887777"))
		}
	}
}
