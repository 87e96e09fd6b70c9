package actors

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"
)

// mostLeads bounds the values of a condition that narrow adds. Beyond it all events are
// read.
const mostLeads = 2000

const user = "userIdentity."

// narrow returns a condition that every event passes that can have the actor or session
// which a search demands, nil when it demands none or most events could have it.
func (k *known) narrow(where filter.Expr) filter.Expr {
	if names, ok := demanded(where, "actor"); ok {
		return k.candidates(names, actorTests, k.trail.ActorLeads)
	}
	if names, ok := demanded(where, fields[sessionField]); ok {
		return k.candidates(names, sessionTests, k.trail.SessionLeads)
	}
	return nil
}

// demanded returns the values of a field of which an event must have one. ok is false
// unless they stand for nothing but themselves.
func demanded(where filter.Expr, field string) (names []string, ok bool) {
	names = filter.Demanded(where, field)
	return names, len(names) > 0 && len(names) <= 16 && !slices.ContainsFunc(names, special)
}

// special reports whether a test for a text does more than compare texts, or is of no
// use to find records.
func special(text string) bool {
	if text == "" || len(text) > 1000 || strings.ContainsAny(text, "*\\") || strings.TrimSpace(text) != text {
		return true
	}
	_, number := strconv.ParseFloat(text, 64)
	_, network := netip.ParsePrefix(text)
	return number == nil || network == nil
}

// candidates returns the condition for values of a field: add adds the tests of what a
// record says itself of such a value.
func (k *known) candidates(names []string, add func(t *tests, name string), leads func(func(string) bool) identity.Leads) filter.Expr {
	lower := map[string]bool{}
	for _, name := range names {
		lower[filter.Lower(name)] = true
	}
	found := leads(func(name string) bool { return lower[filter.Lower(name)] })
	if len(found.Keys)+len(found.Principals)+len(found.Users) > mostLeads {
		return nil
	}
	for _, list := range [][]string{found.Keys, found.Principals, found.Users} {
		if slices.ContainsFunc(list, func(text string) bool { return len(text) > 1000 || strings.ContainsAny(text, "*\\") }) {
			return nil
		}
	}
	var t tests
	// Other events have such fields of their own.
	t.list = append(t.list, &filter.Not{Arg: &filter.Compare{Field: event.Sourcetype, Op: "=", Value: event.CloudTrail}})
	for _, name := range names {
		add(&t, name)
	}
	for _, leaf := range []string{"userIdentity.accessKeyId", "userIdentity.sessionContext.signInSessionArn", "requestID"} {
		t.in(leaf, found.Keys)
	}
	t.in("userIdentity.principalId", found.Principals)
	t.in("userIdentity.onBehalfOf.userId", found.Users)
	return &filter.Or{Args: t.list}
}

// tests are conditions of which one must hold.
type tests struct{ list []filter.Expr }

func (t *tests) in(field string, values []string) {
	if len(values) > 0 {
		t.list = append(t.list, &filter.In{Field: field, Values: values})
	}
}

// like tests several fields of a record for a value, which may have wildcards.
func (t *tests) like(value string, fields ...string) {
	for _, field := range fields {
		t.list = append(t.list, &filter.Compare{Field: field, Op: "=", Value: value})
	}
}

// actorTests are the places where identity.Resolve finds an actor's name in a record.
func actorTests(t *tests, name string) {
	t.like(name, user+"arn", user+"userName", user+"principalId", user+"accountId", user+"invokedBy", user+"sessionContext.sessionIssuer.arn", user+"sessionContext.sourceIdentity",
		user+"invokedByDelegate.accountId", "sourceIPAddress")
	t.like("*:"+name, user+"principalId")                                                // a user of Identity Center
	t.like("*"+name, user+"onBehalfOf.userId")                                           // the same, without a name
	t.like("*:role/aws-service-role/"+name+"*", user+"sessionContext.sessionIssuer.arn") // a service
	if i := strings.LastIndexByte(name, '/'); i >= 0 {                                   // account/principal
		t.like("*"+name[i+1:]+"*", user+"principalId")
	}
	if strings.EqualFold(name, "anonymous") {
		t.like("anonymous*", user+"accountId", user+"principalId")
	}
}

// sessionTests are the places where it finds a session's.
func sessionTests(t *tests, name string) {
	holder := name
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		holder = name[:i]
	}
	for _, text := range []string{name, holder} {
		t.like(text, user+"sessionContext.signInSessionArn", user+"accessKeyId", user+"principalId", user+"onBehalfOf.userId", user+"arn")
	}
	for i := range len(holder) { // a service/its account, or type/account/name
		if holder[i] == '/' {
			t.like(holder[:i], user+"invokedBy", user+"type")
		}
	}
}

// narrowed returns a scan of the events that can have what the search demands, or the
// scan itself. What is left to be checked above them is the same.
func (s *scan) narrowed(k *known) store.Scan {
	extra := k.narrow(s.where)
	if extra == nil {
		return s.Scan
	}
	in := s.query
	if _, all := in.Filter.(*filter.Everything); all {
		in.Filter = extra
	} else {
		in.Filter = &filter.And{Args: []filter.Expr{in.Filter, extra}}
	}
	sc, err := s.from.Prepare(&in)
	if err != nil || sc.Workers() > s.Scan.Workers() {
		return s.Scan // it answers, too
	}
	checked := map[string]bool{filter.Print(extra): true}
	for _, e := range conjuncts(s.Scan.Residual()) {
		checked[filter.Print(e)] = true
	}
	for _, e := range conjuncts(sc.Residual()) {
		if !checked[filter.Print(e)] {
			return s.Scan
		}
	}
	return sc
}

// conjuncts returns the conditions that a condition joins.
func conjuncts(e filter.Expr) (list []filter.Expr) {
	switch e := e.(type) {
	case nil:
		return nil
	case *filter.And:
		for _, arg := range e.Args {
			list = append(list, conjuncts(arg)...)
		}
		return list
	}
	return []filter.Expr{e}
}
