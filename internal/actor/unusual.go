package actor

import (
	"fmt"
	"slices"
	"strings"
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
}

// mostSaid bounds the sentences on things of one kind.
const mostSaid = 3

// Unusual says in sentences what of the calls is new for the actor, and who else in the
// account does the same. Texts of records stand in them as they are.
func (b *Book) Unusual(q Question) (list []string) {
	e := b.Of(q.Actor, q.Type)
	if e == nil || e.Calls == 0 {
		return []string{"Nothing else is known of this actor."}
	}
	from := q.First.Unix()
	if e.First >= from {
		list = append(list, fmt.Sprintf("The actor was first seen at %s, with these calls.", moment(e.First)))
	} else {
		list = append(list, b.firsts(e, &q, from)...)
	}
	return append(list, b.others(&q)...)
}

// firsts says what is new for the actor.
func (b *Book) firsts(e *Evidence, q *Question, from int64) (list []string) {
	since := span(from - e.First)
	ask := func(t *table, key uint64, what string) {
		switch x, sure := t.find(key); {
		case x != nil && x.first < from:
		case x != nil || sure:
			list = append(list, "First "+what+" by this actor in "+since+" of calls.")
		}
	}
	said := func(n int, f func()) {
		before := len(list)
		f()
		if more := len(list) - before - n; more > 0 {
			list = append(list[:before+n], fmt.Sprintf("%d more of the kind are new.", more))
		}
	}
	var services []string
	said(mostSaid, func() {
		for _, c := range q.Calls {
			if s := serviceOf(c[0]); !slices.Contains(services, s) {
				services = append(services, s)
				ask(&e.services, hash(s), "use of "+s)
			}
		}
	})
	said(mostSaid, func() {
		for _, c := range q.Calls {
			if x, _ := e.services.find(hash(serviceOf(c[0]))); x != nil && x.first < from { // or else it was said of the service
				ask(&e.calls, callKey(c[0], c[1]), "call of "+serviceOf(c[0])+":"+c[1])
			}
		}
	})
	said(mostSaid, func() {
		for _, r := range q.Regions {
			ask(&e.regions, hash(r), "call in "+r)
		}
	})
	said(mostSaid, func() {
		var asked []uint64
		for _, a := range q.Addresses {
			if n := b.Networks.of(a); n != nil && !slices.Contains(asked, n.key()) {
				asked = append(asked, n.key())
				ask(&e.networks, n.key(), "call from "+n.String())
			}
		}
	})
	said(mostSaid, func() {
		var asked []string
		for _, a := range q.Agents {
			if t := toolOf(a); t.name != "" && !slices.Contains(asked, t.name) {
				asked = append(asked, t.name)
				ask(&e.tools, hash(t.name), "call with "+t.name)
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
		what := serviceOf(c[0]) + ":" + c[1]
		switch {
		case does[i] > 0:
			list = append(list, fmt.Sprintf("%d of %d other actors of account %s call %s, too.", does[i], there, q.Accounts[0], what))
		case perhaps[i] == 0:
			list = append(list, fmt.Sprintf("None of %d other actors of account %s has called %s.", there, q.Accounts[0], what))
		}
	}
	return list
}

func moment(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// span is a time in words.
func span(seconds int64) string {
	for _, u := range []struct {
		seconds int64
		word    string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if n := seconds / u.seconds; n > 0 {
			return fmt.Sprintf("%d %s%s", n, u.word, strings.Repeat("s", int(min(n-1, 1))))
		}
	}
	return "less than a minute"
}
