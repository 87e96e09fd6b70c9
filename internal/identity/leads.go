package identity

import (
	"slices"
	"strings"
	"time"
)

// Leads are what the records of an actor or a session may carry, beside its name: each
// such record has one of them, or the name itself. Other records may have them, too.
type Leads struct {
	Keys       []string // access keys, ARNs of sign-in sessions, ids of requests by the AWS MCP server
	Principals []string // principalId
	Users      []string // onBehalfOf.userId
}

// ActorLeads returns the leads to the actors whose name passes. It is for concurrent use,
// as Resolve is.
func (t *Trail) ActorLeads(passes func(actor string) bool) Leads {
	quiet := &Trail{rows: t.rows} // nobody watches these answers
	var l leads
	for id, r := range t.rows {
		switch id.kind {
		case Issued, Assumed:
			if slices.ContainsFunc(r.set, func(text string) bool { return quiet.leadsTo(text, passes) }) {
				l.add(id)
			}
		case Behalf:
			if slices.ContainsFunc(r.set, func(user string) bool {
				return passes(user[strings.LastIndexByte(user, '/')+1:]) || slices.ContainsFunc(quiet.values(Named, user), passes)
			}) {
				l.session(id.key)
			}
		case Named:
			if slices.ContainsFunc(r.set, passes) {
				l.user(id.key)
			}
		}
	}
	return l.list()
}

// SessionLeads returns the leads to the sessions whose name passes.
func (t *Trail) SessionLeads(passes func(session string) bool) Leads {
	var l leads
	for id, r := range t.rows {
		if id.kind == Session && slices.ContainsFunc(r.set, passes) {
			l.session(id.key)
		}
	}
	return l.list()
}

// leadsTo reports whether a caller whose parent is encoded in text may be an actor that
// passes.
func (t *Trail) leadsTo(text string, passes func(string) bool) bool {
	var parent Caller
	if _, ok := decodeParent(text, &parent); !ok {
		return false
	}
	w, ended := t.follow(&parent)
	// Where a chain without an end is cut depends on where it begins.
	return passes(w.Actor) || !ended || len(w.Chain) >= maxHops-1
}

// leads collects leads, each once.
type leads struct{ keys, principals, users map[string]bool }

func note(set *map[string]bool, text string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[text] = true
}

// add takes in the key of a row of Issued or Assumed.
func (l *leads) add(id rowID) {
	if id.kind == Issued {
		note(&l.keys, id.key)
		return
	}
	l.principal(id.key)
}

// principal takes in a principal, with the start of its session or without.
func (l *leads) principal(key string) {
	note(&l.principals, key)
	if i := strings.LastIndexByte(key, '@'); i >= 0 {
		if _, err := time.Parse(time.RFC3339, key[i+1:]); err == nil {
			note(&l.principals, key[:i])
		}
	}
}

// session takes in the key of a session; see Caller.session.
func (l *leads) session(key string) {
	note(&l.keys, key)
	l.principal(key)
}

// user takes in the key of a user of Identity Center, whose store may have slashes in its
// name.
func (l *leads) user(key string) {
	for i := range len(key) {
		if key[i] == '/' {
			note(&l.users, key[i+1:])
		}
	}
}

func (l *leads) list() (out Leads) {
	for set, to := range map[*map[string]bool]*[]string{&l.keys: &out.Keys, &l.principals: &out.Principals, &l.users: &out.Users} {
		for text := range *set {
			*to = append(*to, text)
		}
		slices.Sort(*to)
	}
	return out
}
