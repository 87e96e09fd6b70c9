package actor

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/identity"
)

// mostRows bounds the principals of a Recorder and of a Book.
var mostRows = 20_000

// Recorder gathers the calls of one worker. It is not safe for concurrent use; the zero
// Recorder is ready.
type Recorder struct {
	Networks Networks

	rows   map[who]*row
	at     *row            // of the last call
	latest map[string]*row // by principal, the one that called last
	calls  map[[2]string]*thing
	things [things]map[string]*thing
	links  bool // credentials were issued, so another may be behind a principal now

	dropped int
}

// who is a principal as records name it: what decides who is behind it, apart from what
// differs between its sessions.
type who struct{ kind, principal, name, behalf, source, invokedBy string }

// foldedKind is the kind of a who that stands for a resolved actor: principal is its name
// and name is its type.
const foldedKind = "="

// row is the calls of one who.
type row struct {
	who    who
	caller identity.Caller
	Evidence
	runs            [things]run // that wait for being added to tables
	minute, waiting int64       // calls that wait for being added to the times of day
}

// What runs are of.
const (
	ofCall = iota
	ofRegion
	ofAccount
	ofAddress
	ofAgent
	things
)

// mostThings bounds the things of one kind that a Recorder remembers.
const mostThings = 4096

// thing is a text of records with what follows from it.
type thing struct {
	text    string
	source  string // of a call
	key     uint64
	service uint64    // key of a call's service
	class   toolClass // of an agent
	none    bool      // nothing is counted
}

// run is consecutive calls of a row that have a thing in common.
type run struct {
	*thing
	first, last, calls int64
	flags              uint8
}

func whoOf(c *identity.Caller) who {
	w := who{kind: c.Type, principal: c.PrincipalID, source: c.SourceIdentity, behalf: c.UserID}
	if c.PrincipalID == "" || c.Type == "WebIdentityUser" || c.Type == "SAMLUser" {
		w.name = cmp.Or(c.UserName, c.ARN)
	}
	if c.Delegate != "" {
		w.behalf = c.Delegate
	}
	if c.Type == "" || c.Type == "AWSService" {
		w.invokedBy = cmp.Or(c.InvokedBy, c.Address)
	}
	return w
}

func (w *who) texts() [6]*string {
	return [...]*string{&w.kind, &w.principal, &w.name, &w.behalf, &w.source, &w.invokedBy}
}

func (w who) clone() who {
	for _, t := range w.texts() {
		*t = strings.Clone(*t)
	}
	return w
}

// sample returns a caller without what differs between the calls of a principal.
func sample(c *identity.Caller) identity.Caller {
	one := identity.Caller{
		Type: c.Type, ARN: c.ARN, PrincipalID: c.PrincipalID, AccountID: c.AccountID, UserName: c.UserName, IssuerType: c.IssuerType, IssuerARN: c.IssuerARN, IssuerName: c.IssuerName,
		SourceIdentity: c.SourceIdentity, UserID: c.UserID, IdentityStore: c.IdentityStore, Provider: c.Provider, Delegate: c.Delegate, AssumedRoot: c.AssumedRoot,
	}
	if c.Type == "" || c.Type == "AWSService" {
		one.InvokedBy, one.Address = c.InvokedBy, c.Address
	}
	b, _ := one.AppendBinary(nil) // never fails
	_, _ = one.Decode(string(b))  // its own texts
	return one
}

// Add adds an event: its facts, and what the call was. It copies what it keeps.
func (r *Recorder) Add(f *identity.Facts, call *Call) {
	c := &f.Caller
	if c.Time == 0 || call.Name == "" {
		return
	}
	r.links = r.links || len(f.Links) > 0 || c.UserID != ""
	if w := whoOf(c); r.at == nil || w != r.at.who {
		r.at = r.row(w, c)
	}
	s := r.at
	if s.caller.ARN == "" && c.ARN != "" { // failed sign-ins have none
		s.caller = sample(c)
	}
	at, minute := c.Time/1e9, c.Time/60e9
	if minute != s.minute {
		s.settle()
		s.minute = minute
	}
	s.waiting++
	s.count(call, at)
	x := &s.runs[ofCall]
	if x.thing == nil || x.text != call.Name || x.source != call.Source {
		s.end(ofCall)
		x.thing = r.call(call)
	}
	x.take(at, call.entryFlags())
	for i, text := range [...]string{ofRegion: call.Region, ofAccount: call.Account, ofAddress: call.Address, ofAgent: call.Agent} {
		if text == "" {
			continue
		}
		x := &s.runs[i]
		if x.thing == nil || x.text != text {
			s.end(i)
			x.thing = r.thing(i, text)
		}
		if !x.none {
			x.take(at, 0)
		}
		switch x.class {
		case codeTool:
			s.Code++
		case scanTool:
			s.Scans++
		case agentTool:
			s.Minds++
		case shellTool:
			s.Shells++
		}
	}
}

func (x *run) take(at int64, flags uint8) {
	if x.calls == 0 {
		x.first, x.last = at, at
	}
	x.first, x.last = min(x.first, at), max(x.last, at)
	x.calls++
	x.flags |= flags
}

// end adds a run to its table.
func (s *row) end(i int) {
	x := &s.runs[i]
	if x.calls > 0 {
		e := entry{key: x.key, first: x.first, last: x.last, calls: x.calls, flags: x.flags}
		switch i {
		case ofCall:
			s.calls.add(&e, mostCalls)
			e.key, e.flags = x.service, 0
			s.services.add(&e, mostServices)
		case ofRegion:
			s.regions.add(&e, mostRegions)
		case ofAccount:
			s.accounts.add(&e, mostAccounts)
		case ofAddress:
			s.networks.add(&e, mostNetworks)
		case ofAgent:
			s.tools.add(&e, mostTools)
		}
	}
	*x = run{}
}

func (r *Recorder) call(c *Call) *thing {
	t := r.calls[[2]string{c.Source, c.Name}]
	if t == nil {
		if r.calls == nil || len(r.calls) >= mostThings {
			r.calls = map[[2]string]*thing{}
		}
		t = &thing{source: strings.Clone(c.Source), text: strings.Clone(c.Name), key: callKey(c.Source, c.Name), service: hash(serviceOf(c.Source))}
		r.calls[[2]string{t.source, t.text}] = t
	}
	return t
}

func (r *Recorder) thing(i int, text string) *thing {
	t := r.things[i][text]
	if t != nil {
		return t
	}
	if r.things[i] == nil || len(r.things[i]) >= mostThings {
		r.things[i] = map[string]*thing{}
	}
	t = &thing{text: strings.Clone(text)}
	switch i {
	case ofAddress:
		if n := r.Networks.of(text); n != nil {
			t.key = n.key()
		} else {
			t.none = true
		}
	case ofAgent:
		made := toolOf(text)
		t.key, t.class, t.none = hash(made.name), made.class, made.name == ""
	default:
		t.key = hash(text)
	}
	r.things[i][t.text] = t
	return t
}

func (r *Recorder) row(w who, c *identity.Caller) *row {
	if s := r.latest[w.principal]; s != nil && s.who == w {
		return s
	}
	s := r.rows[w]
	if s == nil {
		if len(r.rows) >= mostRows {
			r.flush()
			r.dropped += shrink(r.rows, (*Book)(nil).behind, func(who) {})
			clear(r.latest)
		}
		if r.rows == nil {
			r.rows, r.latest = map[who]*row{}, map[string]*row{}
		}
		s = &row{who: w.clone(), caller: sample(c), minute: -1}
		r.rows[s.who] = s
	}
	r.latest[s.who.principal] = s
	return s
}

// settle adds the calls of the minute under way to the times of day.
func (s *row) settle() {
	if s.waiting > 0 {
		s.Evidence.at(s.minute, s.waiting)
	}
	s.minute, s.waiting = -1, 0
}

// flush adds up what waits.
func (r *Recorder) flush() {
	for _, s := range r.rows {
		s.settle()
		for i := range s.runs {
			s.end(i)
		}
	}
}

// shrink makes room: the oldest principals count for the actor behind them from then on.
// Where that does not help, those with the fewest calls are dropped, so that a flood of
// new names does not wash away what is known. touch is told what changes.
func shrink(rows map[who]*row, behind func(*row) (name, Sign), touch func(who)) (dropped int) {
	byAge := func(a, b *row) int { return cmp.Compare(a.Last, b.Last) }
	for _, s := range least(rows, len(rows)/2, byAge) {
		if s.who.kind == foldedKind {
			continue
		}
		n, signs := behind(s)
		s.signs |= signs
		touch(s.who)
		touch(fold(rows, s, n.name, n.kind).who)
	}
	if len(rows) > mostRows*9/10 {
		for _, s := range least(rows, mostRows/5, func(a, b *row) int { return cmp.Or(cmp.Compare(a.Calls, b.Calls), byAge(a, b)) }) {
			delete(rows, s.who)
			touch(s.who)
			dropped++
		}
	}
	return dropped
}

// least returns the n least rows.
func least(rows map[who]*row, n int, compare func(a, b *row) int) []*row {
	list := slices.SortedFunc(maps.Values(rows), func(a, b *row) int {
		return cmp.Or(compare(a, b), cmp.Compare(a.who.principal, b.who.principal), cmp.Compare(a.who.name, b.who.name))
	})
	return list[:n]
}

// fold moves what is known of a row to the one that stands for an actor.
func fold(rows map[who]*row, s *row, actor, kind string) *row {
	delete(rows, s.who)
	w := who{kind: foldedKind, principal: actor, name: kind}
	to := rows[w]
	if to == nil {
		to = &row{who: w.clone(), minute: -1}
		rows[to.who] = to
	}
	to.Merge(&s.Evidence)
	return to
}

// reset forgets what was gathered.
func (r *Recorder) reset() {
	clear(r.rows)
	clear(r.latest)
	r.at, r.links, r.dropped = nil, false, 0
}
