package alert

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/filter"
)

// What is looked for around an alert.
const (
	aroundTime  = 30 * time.Minute // before its first event, and after the last
	aroundMost  = 2 * time.Hour    // of the alert itself
	aroundRows  = 40
	before      = 30 * 24 * time.Hour // in which something has to be missing to be unusual
	leastBefore = 24 * time.Hour      // which the store must hold for that
	maxUsers    = 5
)

// context gathers what the entity did around the alert, and how unusual it is.
func (a *Alerter) context(ctx context.Context, c *content, doc *draft) {
	who := whose(doc)
	if who == "" {
		return
	}
	last := doc.Last
	if last.Sub(doc.First) > aroundMost {
		last = doc.First.Add(aroundMost)
	}
	text := "index=* " + who + " | stats count min(_time) as first max(_time) as last by eventSource eventName outcome | sort " + strconv.Itoa(aroundRows) + " - count"
	err := a.search(ctx, text, doc.First.Add(-aroundTime), last.Add(aroundTime), func(r row) {
		n, _ := strconv.ParseInt(r.text("count"), 10, 64)
		c.around = append(c.around, Around{EventSource: r.text("eventSource"), EventName: r.text("eventName"), Outcome: r.text("outcome"), Count: n, First: r.time("first"), Last: r.time("last")})
	})
	if err != nil {
		c.around = nil // a part of it would mislead
	}
	a.unusual(ctx, c, doc, who)
}

// whose is Condition of a draft.
func whose(doc *draft) string { return Condition(&doc.Alert, doc.users) }

// Condition returns the condition of a search for what the entity of an alert did: its
// principals, which are users and actors, or else its addresses. It is empty if the alert
// names nobody. users is changed.
func Condition(doc *Alert, users map[string]bool) string {
	for _, actor := range doc.Actor {
		if len(users) < maxUsers && strings.HasPrefix(actor, "arn:") {
			users[actor] = true
		}
	}
	var tests []string
	for user := range users {
		tests = append(tests, test("userIdentity.arn", user))
	}
	if len(tests) == 0 {
		for i, s := range doc.Sources {
			if i < maxUsers && s.Address != "" && !strings.HasSuffix(s.Address, ".amazonaws.com") {
				tests = append(tests, test("sourceIPAddress", s.Address))
			}
		}
	}
	if len(tests) == 0 {
		return ""
	}
	slices.Sort(tests)
	return "(" + strings.Join(tests, " OR ") + ")"
}

// test writes a condition on one value, without wildcards.
func test(field, value string) string {
	return filter.PrintTest(field, strings.ReplaceAll(value, "*", `\*`))
}

// known says how unusual the alert's calls are by what is kept of its actor, which goes
// further back than the events may. It reports whether enough is known of the actor.
func (a *Alerter) known(c *content, doc *draft) (ok bool) {
	if a.cfg.Unusual == nil || len(doc.Actor) != 1 {
		return false
	}
	q := actor.Question{
		Actor: doc.Actor[0], Calls: doc.calls, Regions: doc.Region, Agents: doc.UserAgent, Accounts: doc.Account,
		First: doc.First.Add(-aroundTime), // what came just before belongs to it
		Show:  plain,
	}
	if len(doc.ActorType) == 1 {
		q.Type = doc.ActorType[0]
	}
	for _, s := range doc.Sources {
		q.Addresses = append(q.Addresses, s.Address)
	}
	c.unusual, ok = a.cfg.Unusual(q)
	return ok
}

// unusual says what of the alert was not there in the time before it.
func (a *Alerter) unusual(ctx context.Context, c *content, doc *draft, who string) {
	known := a.known(c, doc)
	o, err := a.cfg.Open()
	if err != nil {
		return
	}
	from := doc.First.Add(-before)
	if s, ok := o.Store.(interface{ Span() (first, last int64) }); ok {
		if first, _ := s.Span(); first > from.UnixNano() {
			from = time.Unix(0, first)
		}
	}
	stored := doc.First.Sub(from)
	if stored < leastBefore {
		return // everything is new where little is stored
	}
	span := "the day before"
	if n := int64(stored / (24 * time.Hour)); n > 1 {
		span = fmt.Sprintf("the %d days before", n)
	}
	upto := doc.First.Add(-aroundTime) // what came just before belongs to it
	ask := func(condition string) (found, ok bool) {
		err := a.search(ctx, "index=* "+condition+" | head 1 | fields _time", from, upto, func(row) { found = true })
		return found, err == nil
	}
	if seen, ok := ask(who); ok && !seen {
		if known {
			return
		}
		c.unusual = append(c.unusual, "There is no call by this identity in "+span+".")
		return
	}
	c.first = map[string]bool{}
	for i, s := range doc.Sources {
		if i == 3 || strings.HasSuffix(s.Address, ".amazonaws.com") {
			break
		}
		if seen, ok := ask(who + " " + test("sourceIPAddress", s.Address)); ok && !seen {
			c.first[s.Address] = true
		}
	}
	for i, name := range doc.EventName {
		if i == 3 || known {
			break
		}
		if seen, ok := ask(who + " " + test("eventName", name)); !ok || seen {
			continue
		}
		if len(doc.Account) == 1 {
			if seen, ok := ask(test("recipientAccountId", doc.Account[0]) + " " + test("eventName", name)); ok && !seen {
				c.unusual = append(c.unusual, fmt.Sprintf("Nobody in account %s called %s in %s.", doc.Account[0], plain(name), span))
				continue
			}
		}
		c.unusual = append(c.unusual, fmt.Sprintf("This identity did not call %s in %s.", plain(name), span))
	}
}
