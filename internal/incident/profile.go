package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// EntityCondition returns the condition of a search for the events of an entity: what a
// user, role, session, key, address, instance or actor did, what happened to an instance
// or bucket, everything in or by an account.
func EntityCondition(kind, name string) string {
	test := func(field string) string {
		return filter.PrintTest(field, strings.ReplaceAll(name, "*", `\*`))
	}
	either := func(tests ...string) string { return "(" + strings.Join(tests, " OR ") + ")" }
	arn := strings.HasPrefix(name, "arn:")
	switch kind {
	case "user":
		if arn {
			return test("userIdentity.arn")
		}
		return test("userIdentity.userName")
	case "role":
		if arn {
			return test("userIdentity.sessionContext.sessionIssuer.arn")
		}
		return test("userIdentity.sessionContext.sessionIssuer.userName")
	case "session":
		if arn {
			return test("userIdentity.arn")
		}
		return test("session_id")
	case "key":
		return test("userIdentity.accessKeyId")
	case "address":
		return test("sourceIPAddress")
	case "bucket":
		return test("requestParameters.bucketName")
	case "instance":
		return filter.Quote(strings.ReplaceAll(name, "*", `\*`)) // a word of the record: it stands in many places
	case "account":
		return either(test("recipientAccountId"), test("userIdentity.accountId"))
	}
	if arn && strings.HasSuffix(name, ":root") {
		return test("userIdentity.arn")
	}
	return test("actor")
}

// Tally counts the events of a value.
type Tally struct {
	Value         string
	Count, Denied int64
	First, Last   time.Time
}

// Tallies counts events by the values of a field, up to a number of values.
type Tallies struct {
	by   map[string]*Tally
	More int64 // events of values beyond the bound
}

// mostTallied bounds the values of one field.
const mostTallied = 5000

func (t *Tallies) add(value string, at time.Time, denied bool) {
	if value == "" {
		return
	}
	value = short(value)
	x := t.by[value]
	if x == nil {
		if len(t.by) >= mostTallied {
			t.More++
			return
		}
		if t.by == nil {
			t.by = map[string]*Tally{}
		}
		x = &Tally{Value: strings.Clone(value), First: at, Last: at}
		t.by[x.Value] = x
	}
	x.Count++
	if denied {
		x.Denied++
	}
	if at.Before(x.First) {
		x.First = at
	}
	if at.After(x.Last) {
		x.Last = at
	}
}

// Len returns how many values there are.
func (t *Tallies) Len() int { return len(t.by) }

// Top returns the most frequent values, at most n.
func (t *Tallies) Top(n int) []*Tally {
	list := make([]*Tally, 0, len(t.by))
	for _, x := range t.by {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *Tally) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value)) })
	return list[:min(len(list), n)]
}

// Profile is what the events of an entity tell.
type Profile struct {
	Type                          string // of the caller, the last one
	First, Last                   time.Time
	Calls, Denied, Errors, Writes int64

	Names, Services, Regions, Accounts, Addresses, Agents, Keys, Identities, Sessions, Codes, Objects Tallies
}

// profileFields are what a profile reads of an event.
var profileFields = []string{
	"_time", "eventName", "eventSource", "outcome", "readOnly", "errorCode", "awsRegion", "recipientAccountId", "sourceIPAddress", "ua_tool", "userIdentity.type", "userIdentity.arn",
	"userIdentity.accessKeyId", "userIdentity.sessionContext.sessionIssuer.arn", "object",
}

// ProfileSearch is the search for the rows of a Profile.
func ProfileSearch(condition string) string {
	return "index=* " + condition + ` | fields "` + strings.Join(profileFields, `" "`) + `"`
}

// Add takes the rows of a ProfileSearch.
func (p *Profile) Add(b *vector.Batch) {
	r := rowsOf(b)
	for r.i = range b.Len {
		name := r.get("eventName")
		if name == "" {
			continue
		}
		at, outcome := r.time(), r.get("outcome")
		denied := outcome == event.Denied
		p.Calls++
		switch outcome {
		case event.Denied:
			p.Denied++
		case event.Failed:
			p.Errors++
		}
		if r.get("readOnly") == "false" {
			p.Writes++
		}
		if p.Calls == 1 || at.Before(p.First) {
			p.First = at
		}
		if p.Calls == 1 || at.After(p.Last) {
			p.Last, p.Type = at, strings.Clone(r.get("userIdentity.type"))
		}
		arn, issuer := r.get("userIdentity.arn"), r.get("userIdentity.sessionContext.sessionIssuer.arn")
		if issuer != "" {
			p.Identities.add(issuer, at, denied)
			p.Sessions.add(arn, at, denied)
		} else {
			p.Identities.add(arn, at, denied)
		}
		p.Names.add(name, at, denied)
		p.Services.add(strings.TrimSuffix(r.get("eventSource"), ".amazonaws.com"), at, denied)
		p.Regions.add(r.get("awsRegion"), at, denied)
		p.Accounts.add(r.get("recipientAccountId"), at, denied)
		p.Addresses.add(r.get("sourceIPAddress"), at, denied)
		p.Agents.add(r.get("ua_tool"), at, denied)
		p.Keys.add(r.get("userIdentity.accessKeyId"), at, denied)
		if code := r.get("errorCode"); code != "success" {
			p.Codes.add(code, at, denied)
		}
		for _, o := range r.all("object") {
			p.Objects.add(o, at, denied)
		}
	}
}
