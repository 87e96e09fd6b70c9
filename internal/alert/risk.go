package alert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/state"
)

// RiskRule is the ID of the rule that alerts of risk belong to.
const RiskRule = "bluetrail-risk"

// Risk says when an entity is at risk. Its score adds up over rules and decays.
type Risk struct {
	Threshold float64       // of an actor, session or address; an account has accountFactor times that
	HalfLife  time.Duration // after which a finding counts half
}

// DefaultRisk holds where a Config says nothing.
var DefaultRisk = Risk{Threshold: 80, HalfLife: 24 * time.Hour}

// What a finding adds to a score, by the rank of its severity. Each further finding of
// the same rule adds half of what the one before did: a rule never counts double.
var weights = [...]float64{1, 5, 15, 35, 70}

const (
	accountFactor = 3  // much happens in an account
	leastRules    = 2  // a single rule has an alert of its own
	leastActors   = 2  // behind an address or account: a single actor's risk says it already
	mostBlocks    = 20 // that all informational findings together add
	mostHits      = 400
	memory        = 7 // half-lives after which a finding is forgotten
	riskPart      = "risk "
)

// risky is an entity whose score may have changed from a time on.
type risky struct {
	kind, entity string
	from, to     int64
}

// score returns the score of what adds to it at a time, and the rules that do.
func (r *Risk) score(hits []state.Hit, at int64) (total float64, rules []string) {
	by := map[string][]float64{}
	blocks := map[string]bool{}
	for _, h := range hits {
		if h.Time > at {
			continue
		}
		w := weights[min(max(h.Severity, 0), len(weights)-1)] * math.Exp2(-float64(at-h.Time)/float64(r.HalfLife))
		if by[h.Rule] == nil {
			rules = append(rules, h.Rule)
		}
		by[h.Rule] = append(by[h.Rule], w)
		blocks[h.Rule] = h.Severity <= rule.Informational.Rank()
	}
	small := 0.0
	for _, name := range rules { // in order: sums of floats depend on it
		list := by[name]
		slices.SortFunc(list, func(x, y float64) int { return cmp.Compare(y, x) })
		part := 1.0
		for _, w := range list {
			if blocks[name] {
				small += w * part
			} else {
				total += w * part
			}
			part /= 2
		}
	}
	return total + min(small, mostBlocks), rules
}

// hits notes what a finding adds to risks.
func (b *work) hits(it *item) error {
	was, err := b.tx.HitsOf(it.due.Finding)
	if err != nil {
		return err
	}
	var list []state.Hit
	if f := it.f; f != nil && it.shown.Quiet == triage.NotQuiet {
		actor := ""
		if len(f.Actor) > 0 {
			actor = f.Actor[0]
		}
		for _, k := range []struct {
			kind   string
			values finding.Values
		}{{"actor", f.Actor}, {"session", f.Session}, {"address", f.SourceIP}, {"account", f.Account}} {
			for i, v := range k.values {
				if i == namedValues || v == "" || k.kind == "address" && strings.HasSuffix(v, ".amazonaws.com") {
					continue
				}
				list = append(list, state.Hit{Kind: k.kind, Entity: v, Finding: f.ID, Rule: f.RuleID, Actor: actor, Severity: it.shown.Severity.Rank(), Events: f.Count, Time: f.Time.UnixNano()})
			}
		}
	}
	if err := b.tx.PutHits(it.due.Finding, list); err != nil {
		return err
	}
	for _, h := range slices.Concat(was, list) {
		i := slices.IndexFunc(b.risky, func(r risky) bool { return r.kind == h.Kind && r.entity == h.Entity })
		if i < 0 {
			b.risky = append(b.risky, risky{h.Kind, h.Entity, h.Time, h.Time})
			continue
		}
		b.risky[i].from, b.risky[i].to = min(b.risky[i].from, h.Time), max(b.risky[i].to, h.Time)
	}
	for _, h := range was {
		if slices.ContainsFunc(list, func(x state.Hit) bool { return x.Kind == h.Kind && x.Entity == h.Entity }) {
			continue
		}
		p, ok, err := b.tx.Part(riskPart + h.Kind + " " + h.Finding)
		if ok && err == nil {
			err = b.withdraw(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// riskAt returns the score of an entity at a time.
func (b *work) riskAt(kind, entity string, at int64) (float64, error) {
	hits, err := b.tx.Hits(kind, entity, at-int64(memory*b.a.cfg.Risk.HalfLife), at, mostHits)
	total, _ := b.a.cfg.Risk.score(hits, at)
	return math.Round(total*10) / 10, err
}

// risks raises alerts of entities that many rules found something about.
func (b *work) risks() error {
	r := &b.a.cfg.Risk
	for _, e := range b.risky {
		threshold := r.Threshold
		if e.kind == "account" {
			threshold *= accountFactor
		}
		hits, err := b.tx.Hits(e.kind, e.entity, e.from-int64(memory*r.HalfLife), e.to+int64(r.HalfLife), mostHits)
		if err != nil {
			return err
		}
		peak, at := 0.0, int64(0)
		for i, h := range hits {
			if h.Time < e.from || i+1 < len(hits) && hits[i+1].Time == h.Time {
				continue
			}
			if s, rules := r.score(hits, h.Time); s > peak && len(rules) >= leastRules && b.telling(e.kind, hits, h.Time) {
				peak, at = s, h.Time
			}
		}
		if err := b.risk(e, hits, peak, at, threshold); err != nil {
			return err
		}
	}
	return b.a.fault("risks")
}

// telling reports whether the risk of an entity says more than that of an actor.
func (b *work) telling(kind string, hits []state.Hit, at int64) bool {
	actors := map[string]bool{}
	for _, h := range hits {
		if h.Time <= at {
			actors[h.Actor] = true
		}
	}
	switch kind {
	case "actor":
		return true
	case "session":
		return len(actors) == 1 && actors[""]
	}
	return len(actors) >= leastActors
}

// risk raises, changes or withdraws the alert of an entity's risk.
func (b *work) risk(e risky, hits []state.Hit, peak float64, at int64, threshold float64) error {
	w := b.a.cfg.Window
	near, err := b.near(RiskRule, e.entity, time.Unix(0, e.from).Add(-w), time.Unix(0, e.to).Add(w))
	if err != nil {
		return err
	}
	near = slices.DeleteFunc(near, func(a state.Alert) bool { return a.Kind != e.kind })
	if peak < threshold {
		if len(near) == 0 || near[0].Status == string(Closed) {
			return nil
		}
		c, err := b.load(near[0].ID)
		if err == nil && c.lost && !c.Touched && !c.ended { // or else it was reached before, and decays
			err = b.end(c, Withdrawn, "later events took findings back that the risk was made of")
		}
		return err
	}
	severity := rule.High
	if peak >= 2*threshold {
		severity = rule.Critical
	}
	var c *change
	if len(near) > 0 {
		c, err = b.load(near[0].ID)
	} else if c, err = b.load(ID(RiskRule+" "+e.kind, e.entity, firstOf(hits, at))); c == nil && err == nil {
		doc := newAlert(ID(RiskRule+" "+e.kind, e.entity, firstOf(hits, at)), b.now)
		doc.RuleID, doc.Rule, doc.EntityKind, doc.Entity, doc.Severity = RiskRule, "Risk of an entity", e.kind, e.entity, severity
		c = b.add(doc, true)
		c.was, c.why = severity, Raised
	}
	if err != nil {
		return err
	}
	silent := false
	if c.Status == Closed {
		if c.Touched && severity.Rank() <= c.Severity.Rank() {
			silent = true
		} else if err := b.reopen(c, "the risk rose"); err != nil {
			return err
		}
	}
	for _, h := range hits {
		if h.Time > max(at, e.to) || h.Time < at-3*int64(b.a.cfg.Risk.HalfLife) {
			continue
		}
		id := riskPart + h.Kind + " " + h.Finding
		if _, has, err := b.tx.Part(id); has || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := b.tx.PutPart(state.Part{Finding: id, Alert: c.ID, Severity: h.Severity, Events: h.Events, First: h.Time, Last: h.Time, Silent: silent}); err != nil {
			return err
		}
	}
	if !silent {
		c.Risk = max(math.Round(peak*10)/10, c.Risk)
		if c.lost {
			c.Risk = math.Round(peak*10) / 10
		}
		if c.Severity = severity; c.Risk >= 2*threshold {
			c.Severity = rule.Critical
		}
		if err := b.fillRisk(c, hits, at); err != nil {
			return err
		}
	}
	return b.sum(c)
}

// firstOf returns the finding with which a score was reached.
func firstOf(hits []state.Hit, at int64) string {
	for _, h := range hits {
		if h.Time == at {
			return h.Finding
		}
	}
	return ""
}

// Bounds of an alert of risk: the rules that it names, and the findings of which it shows
// more than that.
const (
	mostListed = 20
	mostTaken  = 40
)

// fillRisk says what a risk is made of.
func (b *work) fillRisk(c *change, hits []state.Hit, at int64) error {
	first := int64(math.MaxInt64)
	counts := map[string]int{}
	var order []string
	names := map[string]string{}
	c.clear()
	c.Mitre = []string{}
	ids := []string{}
	taken := 0
	for _, h := range slices.Backward(hits) { // the newest first
		if h.Time > at || h.Time < at-3*int64(b.a.cfg.Risk.HalfLife) {
			continue
		}
		first = min(first, h.Time)
		if counts[h.Rule]++; counts[h.Rule] == 1 {
			order = append(order, h.Rule)
		}
		if taken++; taken > mostTaken {
			continue
		}
		body, err := b.tx.Finding(h.Finding)
		if err != nil {
			return err
		}
		f := &finding.Finding{}
		if body == nil || json.Unmarshal(body, f) != nil {
			continue // retention has removed it
		}
		names[h.Rule] = f.Rule
		c.take(&item{f: f, shown: b.a.cfg.Triage(f)})
		join(&c.Mitre, f.Mitre, MaxFindings)
		ids = append(ids, f.ID)
	}
	c.RuleSeverity, c.Findings = c.Severity, ids
	var list []string
	for i, id := range order {
		if i == mostListed {
			list = append(list, fmt.Sprintf("and %d more", len(order)-i))
			break
		}
		text := cmp.Or(names[id], id)
		if n := counts[id]; n > 1 {
			text += fmt.Sprintf(" (%d findings)", n)
		}
		list = append(list, text)
	}
	c.Fields = []finding.Field{{Name: "rules", Values: list}}
	who := plain(c.Entity)
	if c.EntityKind == "actor" {
		kind := ""
		if len(c.ActorType) == 1 {
			kind = c.ActorType[0]
		}
		who = ActorWords(c.Entity, kind)
	} else {
		who = "the " + c.EntityKind + " " + who
	}
	reached := fmt.Sprintf("risk of %s reached %.0f", who, c.Risk)
	c.Title = capital(reached)
	named := make([]string, 0, len(list))
	for i, text := range list {
		if i == 6 {
			named = append(named, fmt.Sprintf("%d more", len(order)-i))
			break
		}
		named = append(named, text)
	}
	c.Summary = clipWord(fmt.Sprintf("%s: %s in %s, by %s: %s", capital(reached), count(int64(len(order)), "rule"), span(time.Duration(at-first)), time.Unix(0, at).UTC().Format("15:04:05 UTC on 2 Jan 2006"), strings.Join(named, "; ")), maxSentence) + "."
	c.NextSteps = []string{fmt.Sprintf("index=_findings %s | sort _time | table _time, severity, rule, outcome, count, message", condition(c.EntityKind, c.Entity))}
	return b.tx.PutWait(state.Wait{Alert: c.ID, Next: b.now.UnixMilli()})
}

// condition is what findings of an entity have.
func condition(kind, entity string) string {
	field := map[string]string{"actor": "actor", "session": "session_id", "address": "source_ip", "account": "account"}[kind]
	return test(cmp.Or(field, "entity"), entity)
}

// span writes a duration in words: 3 h, 20 min.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
