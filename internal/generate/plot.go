package generate

import (
	"cmp"
	"fmt"
	"time"
)

// scene is one staged event.
type scene struct {
	call    call
	failure *fault
	delay   int   // slots by which its delivery is late
	apart   apart // not a call, nil for one
}

// plot is what is staged over the noise: sign-ins, harmless look-alikes and attacks.
type plot struct {
	org        *organisation
	seed       uint64
	first, end int64
	scenes     []scene
	attacks    []*deed
	lookalikes []*deed
	threats    []threat
	sessions   []*Session
}

// threat is a line of the threat list.
type threat struct{ address, country, category string }

// vars are the values that a plot fixes in a staged kind's templates.
type vars = map[string]string

// deed is a labelled group of scenes by one actor.
type deed struct {
	Label
	plot   *plot
	lane   *lane
	actor  *actor
	source string
	agent  string
	delay  int
	clock  int64 // when the last call of then was

	addendum string // of the events that follow
	twin     uint64 // seed of the record that another account has of the same call, 0 = none
}

// apart is what a trail holds besides calls, in files of its own.
type apart interface {
	folder() string
	record(b []byte, c *call) []byte
}

func newPlot(o *organisation, cfg Config, first, end int64) *plot {
	p := &plot{org: o, seed: mix(cfg.Seed, hashText("plot")), first: first, end: end}
	p.stageSignIns(cfg.Events / 50)
	p.stageIdentityCenter(cfg.Events / 100)
	p.stageRoutines(cfg.Events / 20)
	p.stageNewShapes(cfg.Ordinary)
	p.stageSums(cfg.Events / 200)
	p.stageLookalikes(!cfg.Ordinary)
	p.stageCloseMisses()
	if !cfg.Ordinary {
		p.stageGuideAttacks()
		p.stageFurtherAttacks()
		p.stageSpray()
		p.stageIntrusions()
		p.stageInsights()
	}
	p.listThreats()
	if cfg.Sessions {
		p.stageSessions()
	}
	return p
}

// at is a moment so many days before the day that the period ends in, by UTC.
// From 1 to 6 days before lies within the last seven days of the period.
func (p *plot) at(daysBefore, hours, minutes int64) int64 {
	return p.end - p.end%day - daysBefore*day + hours*hour + minutes*60
}

// do stages one event of the deed. The kind is a staged one or one of the catalogue.
func (d *deed) do(at int64, kindName string, v vars, failure *fault) {
	k := stagedKinds()[kindName]
	if k == nil {
		k = kindOf(kindName)
	}
	p := d.plot
	c := call{lane: d.lane, actor: d.actor, kind: k, time: at, seed: mix(p.seed, uint64(len(p.scenes))), source: d.source, agent: d.agent, vars: v, addendum: d.addendum, twin: d.twin}
	if d.delay >= lateBy {
		c.addendum = lateAddendum
	}
	p.scenes = append(p.scenes, scene{call: c, failure: failure, delay: d.delay})
	when := time.Unix(at, 0).UTC()
	if len(d.EventIDs) == 0 || when.Before(d.First) {
		d.First = when
	}
	if when.After(d.Last) {
		d.Last = when
	}
	d.EventIDs = append(d.EventIDs, string(c.eventID(nil)))
	p.tell(d.Name, &c)
}

// from sets the time from which then counts.
func (d *deed) from(at int64) *deed { d.clock = at; return d }

// then stages an event so many seconds after the last one.
func (d *deed) then(seconds int64, kindName string, v vars, failure *fault) *deed {
	d.clock += seconds
	d.do(d.clock, kindName, v, failure)
	return d
}

// grow labels what the last call made.
func (d *deed) grow(kind, name string) *deed {
	scenes := d.plot.scenes
	d.Grown = append(d.Grown, Grown{kind, name, scenes[len(scenes)-1].call.kind.name})
	return d
}

// as goes on with the deed under another identity.
func (d *deed) as(a *actor) *deed { d.actor = a; return d }

// in goes on with the deed in another lane.
func (d *deed) in(l *lane) *deed { d.lane = l; return d }

func (p *plot) deed(l *lane, who *actor, source, agent string, label Label) *deed {
	label.Account, label.Region, label.Actor, label.Source = l.account.id, l.region, who.arn, source
	return &deed{Label: label, plot: p, lane: l, actor: who, source: source, agent: agent}
}

func (p *plot) attack(l *lane, who *actor, source, agent string, label Label) *deed {
	label.Expect = Caught
	d := p.deed(l, who, source, agent, label)
	p.attacks = append(p.attacks, d)
	return d
}

func (p *plot) lookalike(l *lane, who *actor, source, agent string, label Label) *deed {
	label.Expect = cmp.Or(label.Expect, Quiet)
	d := p.deed(l, who, source, agent, label)
	p.lookalikes = append(p.lookalikes, d)
	return d
}

func labels(deeds []*deed) []Label {
	out := make([]Label, len(deeds))
	for i, d := range deeds {
		out[i] = d.Label
	}
	return out
}

// The identities that sign-in writes. A success names the user in full; a
// failure has no ARN; a wrong name is hidden, for it may be a password.

func (o *organisation) signedIn(acc *account, name string) *actor {
	arn := fmt.Sprintf("arn:aws:iam::%s:user/%s", acc.id, name)
	return &actor{name: name, arn: arn, encrypted: true, head: fmt.Sprintf(`{"type":"IAMUser","principalId":"%s","arn":"%s","accountId":"%s","userName":"%s"}`,
		o.userID(acc, arn), arn, acc.id, name), who: verdict{actor: arn, kind: "iam-user", name: name, certain: true}}
}

func (o *organisation) notSignedIn(acc *account, name string) *actor {
	arn := fmt.Sprintf("arn:aws:iam::%s:user/%s", acc.id, name)
	return &actor{name: name, arn: arn, encrypted: true, head: fmt.Sprintf(`{"type":"IAMUser","principalId":"%s","accountId":"%s","accessKeyId":"","userName":"%s"}`,
		o.userID(acc, arn), acc.id, name), who: verdict{actor: name, kind: "iam-user", certain: true}}
}

func unknownUser(acc *account) *actor {
	return &actor{name: hidden, arn: "arn:aws:iam::" + acc.id + ":user/" + hidden, encrypted: true,
		head: fmt.Sprintf(`{"type":"IAMUser","accountId":"%s","accessKeyId":"","userName":"%s"}`, acc.id, hidden),
		who:  verdict{actor: hidden, kind: "iam-user", certain: true}}
}

// consoleUser is an IAM user at work in the console, after signing in at start.
func (o *organisation) consoleUser(acc *account, name string, start int64, mfa bool) *actor {
	a := o.signedIn(acc, name)
	id := mix(o.seed, hashText(a.arn), uint64(start))
	a.console = true
	a.head = fmt.Sprintf(`%s,"accessKeyId":"%s","sessionContext":{"attributes":{"creationDate":"%s","mfaAuthenticated":"%v"}}}`,
		a.head[:len(a.head)-1], identifier("ASIA", acc.number, id, 20), appendTime(nil, start), mfa)
	a.who.session = o.userID(acc, a.arn) + "@" + string(appendTime(nil, start))
	return a
}

const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

var (
	wrongPassword = mustFault("", "Failed authentication", true)
	wrongName     = mustFault("", "No username found in supplied account", true)
)

// consoleUsers are the people who still have an IAM user of their own, and where.
func (p *plot) consoleUsers() []*person { return p.org.people[:8] }

func (p *plot) consoleAccount(u *person) *account {
	return p.org.accounts[1+u.index%2] // prod or dev
}

// stageSignIns stages the console's ordinary sign-ins, at most limit of them:
// single sign-on in the morning of working days, and IAM users with MFA.
func (p *plot) stageSignIns(limit int) {
	start := len(p.scenes)
	group := map[string]*deed{}
	for _, u := range p.consoleUsers() {
		acc := p.consoleAccount(u)
		group[u.name] = p.lookalike(acc.lane("us-east-1"), p.org.signedIn(acc, u.name), u.home, u.agent,
			Label{Name: "login-with-mfa", Search: "console-login-without-mfa", Note: "IAM user with MFA: the search must not find it"})
	}
	var ssoLogins []*deed
	for i := range p.org.people {
		// Spread over the list, so that a small trail still has people of every office.
		u := p.org.people[i*7%len(p.org.people)]
		acc := p.org.workplaces(u)[0]
		l := acc.lane("us-east-1")
		d := p.deed(l, p.org.signOn(l, u, true), u.home, u.agent, Label{Name: "single-sign-on", Expect: Quiet, Search: "console-login-without-mfa",
			Note: "single sign-on always says MFAUsed=No: the search finds it, and there is nothing in it"})
		ssoLogins = append(ssoLogins, d)
	}
	// From the last day backwards: if there is not room for all, the last days are whole.
	for before := int64(1); p.at(before, 0, 0) > p.first; before++ {
		for i, u := range p.consoleUsers() {
			at := p.at(before, 8, int64(within(mix(p.seed, uint64(before), uint64(i)), 50))) - u.office.offset
			if len(p.scenes)-start >= limit {
				break
			}
			if weekday(at+u.office.offset) < 5 && at >= p.first {
				group[u.name].do(at, "console-login", vars{"outcome": "Success", "mfa": "Yes"}, nil)
			}
		}
		for _, d := range ssoLogins {
			office := d.actor.person.office
			// The session's start, so that creationDate of what follows agrees with the login.
			at := d.actor.sessionStart(p.at(before, 11, 0) - office.offset)
			if len(p.scenes)-start >= limit {
				break
			}
			if weekday(at+office.offset) < 5 && at >= p.first && at < p.end {
				d.do(at, "console-login", vars{"outcome": "Success", "mfa": "No"}, nil)
			}
		}
	}
	for _, d := range ssoLogins {
		if len(d.EventIDs) > 0 {
			p.lookalikes = append(p.lookalikes, d)
		}
	}
}

// listThreats writes the threat list: the attackers' addresses among others that never call.
func (p *plot) listThreats() {
	places := []struct {
		country, category string
		in                func(uint64) string
	}{
		{"RU", "brute-force", func(h uint64) string { return addressIn(rangeRussia, h).String() }},
		{"CN", "scanner", func(h uint64) string { return addressIn(rangeChina, h).String() }},
		{"UA", "credential-stuffing", func(h uint64) string { return addressIn(rangeUkraine, h).String() }},
		{"NG", "phishing", func(h uint64) string { return addressIn(rangeNigeria, h).String() }},
	}
	for i := range uint64(40) {
		place := places[i%4]
		p.threats = append(p.threats, threat{place.in(mix(p.seed, hashText("threat"), i)), place.country, place.category})
	}
}
