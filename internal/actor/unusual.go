package actor

import (
	"fmt"
	"slices"
	"time"
)

// Question asks how unusual calls of an actor are. Empty lists are not asked about.
type Question struct {
	Actor, Type string
	Calls       [][2]string // eventSource and eventName
	Regions     []string
	Addresses   []string
	Agents      []string
	Accounts    []string
	First       time.Time // of the calls

	Show func(string) string // how texts of records stand in sentences; nil = as they are
}

func (q *Question) show(text string) string {
	if q.Show == nil {
		return text
	}
	return q.Show(text)
}

// mostSaid bounds the sentences on things of one kind.
const mostSaid = 3

// longKnown is how long an actor has to be known before something can be new for it.
const longKnown = 24 * 3600 // seconds

// Unusual says in sentences what of the calls is new for the actor, and who else in the
// account does the same. ok is false where too little is known of the actor to say it.
func (b *Book) Unusual(q Question) (list []string, ok bool) {
	e := b.Of(q.Actor, q.Type)
	from := q.First.Unix()
	if e == nil || e.Calls == 0 || from-e.First < longKnown {
		return nil, false
	}
	return append(b.firsts(e, &q, from), b.others(&q)...), true
}

// firsts says what is new for the actor.
func (b *Book) firsts(e *Evidence, q *Question, from int64) (list []string) {
	since := "a day"
	if n := (from - e.First) / (24 * 3600); n > 1 {
		since = fmt.Sprintf("%d days", n)
	}
	ask := func(t *table, key uint64, what string) {
		switch x, sure := t.find(key); {
		case x != nil && x.first < from:
		case x != nil || sure:
			list = append(list, "First "+what+" by this actor in "+since+" of calls.")
		}
	}
	said := func(n int, kind string, f func()) {
		before := len(list)
		f()
		if more := len(list) - before - n; more > 0 {
			list = append(list[:before+n], fmt.Sprintf("%d more %s are new.", more, kind))
		}
	}
	var services []string
	said(mostSaid, "services", func() {
		for _, c := range q.Calls {
			if s := serviceOf(c[0]); !slices.Contains(services, s) {
				services = append(services, s)
				ask(&e.services, hash(s), "use of "+q.show(s))
			}
		}
	})
	said(mostSaid, "calls", func() {
		for _, c := range q.Calls {
			if x, _ := e.services.find(hash(serviceOf(c[0]))); x != nil && x.first < from { // or else it was said of the service
				ask(&e.calls, callKey(c[0], c[1]), "call of "+q.show(serviceOf(c[0])+":"+c[1]))
			}
		}
	})
	said(mostSaid, "regions", func() {
		for _, r := range q.Regions {
			ask(&e.regions, hash(r), "call in "+q.show(r))
		}
	})
	said(mostSaid, "networks", func() {
		var asked []uint64
		for _, a := range q.Addresses {
			if n := b.Networks.of(a); n != nil && !slices.Contains(asked, n.key()) {
				asked = append(asked, n.key())
				ask(&e.networks, n.key(), "call from "+n.String())
			}
		}
	})
	said(mostSaid, "tools", func() {
		var asked []string
		for _, a := range q.Agents {
			if t := toolOf(a); t.name != "" && !slices.Contains(asked, t.name) {
				asked = append(asked, t.name)
				ask(&e.tools, hash(t.name), "call with "+q.show(t.name))
			}
		}
	})
	return list
}

// others says who else in the account makes the calls.
func (b *Book) others(q *Question) (list []string) {
	if len(q.Accounts) != 1 || len(q.Calls) == 0 {
		return nil
	}
	b.find()
	account := hash(q.Accounts[0])
	calls := q.Calls[:min(len(q.Calls), mostSaid)]
	there, does, perhaps := 0, make([]int, len(calls)), make([]int, len(calls))
	for n := range b.index {
		if n.name == q.Actor {
			continue
		}
		e := b.Of(n.name, n.kind)
		if x, _ := e.accounts.find(account); x == nil {
			continue
		}
		there++
		for i, c := range calls {
			switch x, sure := e.calls.find(callKey(c[0], c[1])); {
			case x != nil:
				does[i]++
			case !sure:
				perhaps[i]++
			}
		}
	}
	if there == 0 {
		return nil
	}
	for i, c := range calls {
		what, account := q.show(serviceOf(c[0])+":"+c[1]), q.show(q.Accounts[0])
		switch {
		case does[i] > 0:
			list = append(list, fmt.Sprintf("%d of %d other actors of account %s have called %s, too.", does[i], there, account, what))
		case perhaps[i] == 0:
			list = append(list, fmt.Sprintf("None of %d other actors of account %s has called %s.", there, account, what))
		}
	}
	return list
}
