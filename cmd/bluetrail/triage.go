package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/enrich"
	"bluetrail/internal/state"
)

// network finds the network of an address.
func network(address netip.Addr) (n actor.Network, ok bool) {
	s := enrich.Current().SourceNetwork(address.String())
	asn, err := strconv.ParseUint(s.ASN, 10, 32)
	return actor.Network{ASN: uint32(asn), Name: s.Network, Kind: string(s.Kind)}, err == nil
}

// classes returns what the configuration says of actors.
func (a *app) classes() ([]actor.Override, error) {
	var list []actor.Override
	for _, c := range a.cfg.Classes {
		switch class := actor.Class(c.Class); {
		case c.Actor == "":
			return nil, usage("classes in the configuration: an entry has no actor")
		case !class.Known():
			return nil, usage("classes in the configuration: %q is no class of actors; classes are person, aws_service, automation, scanner, agent and unknown", c.Class)
		default:
			list = append(list, actor.Override{Actor: c.Actor, Class: class, Reason: c.Reason, By: "the configuration"})
		}
	}
	return list, nil
}

// overrides returns what the configuration says of actors, as far as it can be used.
func (a *app) overrides() *actor.Overrides {
	list, err := a.classes()
	if err != nil {
		a.warn("%v", err)
	}
	return actor.NewOverrides(list)
}

// classOf returns what says the class of actors of a data directory that no process has
// open.
func (a *app) classOf(dir string) func(name, kind string) string {
	var mu sync.Mutex
	book := sync.OnceValue(func() (own *actor.Book) {
		db, err := state.OpenReadable(dir)
		if err == nil {
			err = a.book(db, func(b *actor.Book) { own = b })
			err = errors.Join(err, db.Close())
		}
		if err != nil {
			a.warn("cannot read what is known of actors: %v", err)
		}
		return own
	})
	return func(name, kind string) string {
		mu.Lock()
		defer mu.Unlock()
		if b := book(); b != nil {
			return string(b.Opinion(name, kind).Class)
		}
		return ""
	}
}

// triage says how findings of a hunt are triaged.
func (a *app) triage(all bool) (*hunt.Triage, error) {
	list, err := a.classes()
	return &hunt.Triage{Networks: network, Overrides: actor.NewOverrides(list), Allowed: allowed, All: all}, err
}

// heard adds what users of a data directory said of actors.
func (a *app) heard(t *hunt.Triage, data string) error {
	db, release, err := a.state(a.dataDir(data))
	if err != nil {
		return err
	}
	defer release()
	return a.book(db, func(b *actor.Book) { t.Overrides = b.Overrides })
}

// book calls f with what a data directory tells of actors.
func (a *app) book(db *state.DB, f func(*actor.Book)) error {
	if a.rules != nil {
		return a.rules.Book(f)
	}
	list, err := a.classes()
	if err != nil {
		return err
	}
	b, err := live.ReadBook(db, network, list)
	if err == nil {
		f(b)
	}
	return err
}

// desk returns what triages the findings of a data directory. rules finds a rule by its
// ID; nil = those of the configuration and the own ones of data, "" = of none.
func (a *app) desk(db *state.DB, data string, rules func(id string) *rule.Info) (d *triage.Desk, err error) {
	defer func() {
		if d != nil {
			d.Allowed = func(f *finding.Finding) string { return allowed(f, d.Rule(f.RuleID)) }
		}
	}()
	if a.rules != nil {
		return a.rules.Desk(), nil
	}
	if rules == nil {
		rs, err := a.ruleset(a.cfg.Rules.Dirs, a.cfg.Rules.Shipped || len(a.cfg.Rules.Dirs) == 0, nil, data)
		if err != nil {
			return nil, err
		}
		byID := map[string]*rule.Info{}
		for i := range rs.Rules {
			byID[rs.Rules[i].ID] = &rs.Rules[i].Info
		}
		rules = func(id string) *rule.Info { return byID[id] }
	}
	err = a.book(db, func(b *actor.Book) {
		d = &triage.Desk{Rule: rules, Actor: b.Opinion, Strange: b.Strange, Own: b.Own, Unusual: b.Unusual}
	})
	return d, err
}

// shownFinding returns what makes of a finding's JSON what searches of a data directory
// see. db is its state, nil = it is to be opened.
func (a *app) shownFinding(db *state.DB, dir string) func(body []byte) ([]byte, error) {
	var mu sync.Mutex
	desk := sync.OnceValues(func() (*triage.Desk, error) {
		if db == nil {
			own, err := state.OpenReadable(dir)
			if err != nil {
				return nil, err
			}
			defer own.Close()
			return a.desk(own, dir, nil)
		}
		return a.desk(db, dir, nil)
	})
	return func(body []byte) ([]byte, error) {
		mu.Lock() // a book is for one at a time
		defer mu.Unlock()
		d, err := desk()
		if err != nil {
			return nil, err
		}
		var f finding.Finding
		if err := json.Unmarshal(body, &f); err != nil {
			return nil, err
		}
		d.Apply(&f)
		return json.Marshal(&f)
	}
}

// triaged says in words what triage has done, "" for nothing.
func triaged(t *hunt.Triaged) string {
	var parts []string
	if t.Lowered > 0 {
		parts = append(parts, count(t.Lowered, "finding")+" lowered by class")
	}
	for _, by := range slices.Sorted(maps.Keys(t.Quiet)) {
		how := "by class"
		if by == triage.ByAllowList {
			how = "by allow-lists"
		}
		parts = append(parts, fmt.Sprintf("%s quieted %s", count(t.Quiet[by], "finding"), how))
	}
	return strings.Join(parts, ", ")
}

// noteTriage says what triage has done.
func (a *app) noteTriage(res *hunt.Result) {
	if line := triaged(&res.Triaged); line != "" {
		if len(res.Triaged.Quiet) > 0 {
			line += "; --all lists those, too"
		}
		a.note("%s", line)
	}
	if res.Book != nil && res.Book.Dropped() > 0 {
		a.warn("%s with few calls forgotten to bound memory: their class may be wrong", count(res.Book.Dropped(), "actor"))
	}
}
