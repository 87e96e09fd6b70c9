package actor

import (
	"encoding/binary"
	"strings"
)

// Limits of the tables of one actor, in entries of some 40 bytes.
const (
	mostCalls    = 256
	mostServices = 96
	mostRegions  = 40
	mostNetworks = 48
	mostTools    = 24
	mostAccounts = 32
	mostMinutes  = 32
	mostDays     = 48
)

// Evidence is what is known of one actor: a summary of bounded size. It is a function of
// the set of calls; merging is commutative and associative.
type Evidence struct {
	Calls   int64
	Reads   int64
	Denied  int64
	Failed  int64 // with other errors
	Console int64 // with credentials of the console
	SignIns int64 // to the console, successful
	MFA     int64
	Through int64 // made by AWS services on behalf of the actor
	MCP     int64 // made by the AWS MCP server
	Code    int64 // by tools of infrastructure as code, as the user agent claims
	Scans   int64 // by tools that scan accounts, likewise
	Minds   int64 // by tools of AI agents, likewise
	Shells  int64 // by browsers, CloudShell and the console, likewise

	First, Last int64 // unix seconds

	hours   [24]int64 // calls by hour of the day, UTC
	slots   [12]int64 // by the five minutes of the hour
	weekend int64
	signs   Sign

	calls, services, regions, networks, tools, accounts, minutes, days table
}

// Sign is what nobody can bring about who only holds an actor's credentials.
type Sign uint32

// Signs.
const (
	SignPipeline Sign = 1 << iota // the identity provider of a build system vouches for it
	SignWorkload                  // the identity provider of a cluster does
	SignBuild                     // an AWS service that builds and deploys starts its sessions
	SignCompute                   // an AWS service that runs programs does
	SignAgent                     // an AWS service that runs AI agents does
	SignScan                      // an AWS service that checks configurations does
)

// Call is what evidence takes from an event.
type Call struct {
	Source, Name    string // eventSource and eventName
	Region, Account string // awsRegion and recipientAccountId
	Address, Agent  string // sourceIPAddress and userAgent
	Read            bool
	Denied, Failed  bool
	Console, SignIn bool
	MFA, Through    bool
	MCP             bool
}

// entryFlags are those of the entry of the call.
func (c *Call) entryFlags() uint8 {
	if c.Read {
		return readFlag
	}
	return 0
}

// count adds a call at a time to the counts, but not to the tables.
func (e *Evidence) count(c *Call, at int64) {
	if e.Calls == 0 {
		e.First, e.Last = at, at
	}
	e.First, e.Last = min(e.First, at), max(e.Last, at)
	e.Calls++
	for _, x := range [...]struct {
		holds bool
		to    *int64
	}{
		{c.Read, &e.Reads}, {c.Denied, &e.Denied}, {c.Failed, &e.Failed}, {c.Console, &e.Console}, {c.SignIn, &e.SignIns}, {c.MFA, &e.MFA}, {c.Through, &e.Through}, {c.MCP, &e.MCP},
	} {
		if x.holds {
			*x.to++
		}
	}
}

// at adds calls of one minute, counted from 1970, to the times of day.
func (e *Evidence) at(minute, calls int64) {
	day := minute / (24 * 60)
	e.hours[minute/60%24] += calls
	e.slots[minute%60/5] += calls
	if w := (day + 4) % 7; w == 0 || w == 6 { // 1970 began on a Thursday
		e.weekend += calls
	}
	from := minute * 60
	e.minutes.add(&entry{key: mix(minute), first: from, last: from, calls: calls}, mostMinutes)
	e.days.add(&entry{key: mix(day), first: from, last: from, calls: calls}, mostDays)
}

// Merge adds what another summary knows, which may be used on.
func (e *Evidence) Merge(o *Evidence) {
	if o.Calls == 0 {
		e.signs |= o.signs
		return
	}
	if e.Calls == 0 {
		e.First, e.Last = o.First, o.Last
	}
	e.First, e.Last = min(e.First, o.First), max(e.Last, o.Last)
	to, from := e.counts(), o.counts()
	for i := range to {
		*to[i] += *from[i]
	}
	e.signs |= o.signs
	tables, others := e.tables(), o.tables()
	for i := range tables {
		tables[i].merge(others[i].table, tables[i].limit)
	}
}

func (e *Evidence) counts() (list [14 + 24 + 12]*int64) {
	n := copy(list[:], []*int64{&e.Calls, &e.Reads, &e.Denied, &e.Failed, &e.Console, &e.SignIns, &e.MFA, &e.Through, &e.MCP, &e.Code, &e.Scans, &e.Minds, &e.Shells, &e.weekend})
	for i := range e.hours {
		list[n+i] = &e.hours[i]
	}
	n += len(e.hours)
	for i := range e.slots {
		list[n+i] = &e.slots[i]
	}
	return list
}

type limited struct {
	*table
	limit int
}

func (e *Evidence) tables() [8]limited {
	return [...]limited{
		{&e.calls, mostCalls}, {&e.services, mostServices}, {&e.regions, mostRegions}, {&e.networks, mostNetworks}, {&e.tools, mostTools}, {&e.accounts, mostAccounts},
		{&e.minutes, mostMinutes}, {&e.days, mostDays},
	}
}

// append appends the summary in the form that decode reads.
func (e *Evidence) append(b []byte) []byte {
	b = binary.AppendVarint(b, e.First)
	b = binary.AppendVarint(b, e.Last)
	b = binary.AppendUvarint(b, uint64(e.signs))
	for _, n := range e.counts() {
		b = binary.AppendVarint(b, *n)
	}
	for _, t := range e.tables() {
		b = t.append(b)
	}
	return b
}

func (d *decoder) evidence(e *Evidence) {
	e.First, e.Last = d.varint(), d.varint()
	e.signs = Sign(d.uvarint())
	for _, n := range e.counts() {
		*n = d.varint()
	}
	for _, t := range e.tables() {
		d.table(t.table, t.limit)
	}
}

func serviceOf(source string) string { return strings.TrimSuffix(source, ".amazonaws.com") }

func callKey(source, name string) uint64 { return hash(serviceOf(source) + ":" + name) }
