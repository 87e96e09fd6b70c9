package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/state"
)

// work is what one transaction does.
type work struct {
	a       *Alerter
	tx      *state.Tx
	more    map[group]*content
	now     time.Time
	did     Did
	raised  [][]string         // the classes of the actors of each alert that was raised
	changed map[string]*change // by ID of the alert
	order   []*change
	risky   []risky
}

// group is what makes findings one alert, if they lie close enough.
type group struct{ rule, entity string }

// change is an alert that the transaction changes.
type change struct {
	*Alert
	created bool
	lost    bool // a finding went away: what is shown has to be made anew
	ended   bool // it was merged or closed; that is queued already
	was     rule.Severity
	why     Change // "" = outputs hear nothing
}

// ID returns the ID of the alert that begins with a finding.
func ID(rule, entity, finding string) string {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{rule, entity, finding} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// do makes alerts of entries of the queue. Findings are taken in order of time, so that
// those that come together make the same alerts in any order.
func (b *work) do(items []item) error {
	slices.SortStableFunc(items, func(x, y item) int {
		if x.f == nil || y.f == nil {
			return cmp.Compare(b2i(x.f != nil), b2i(y.f != nil))
		}
		return cmp.Or(x.f.First.Compare(y.f.First), cmp.Compare(x.f.ID, y.f.ID))
	})
	for i := range items {
		it := &items[i]
		var err error
		if key, ok := strings.CutPrefix(it.due.Finding, state.HealthDue); ok {
			err = b.health(key)
		} else {
			b.did.Findings++
			err = b.finding(it)
		}
		if err != nil {
			return err
		}
	}
	if err := b.a.fault("findings"); err != nil {
		return err
	}
	if err := b.risks(); err != nil {
		return err
	}
	for i := 0; i < len(b.order); i++ { // refresh may not add any, but merging has
		if err := b.refresh(b.order[i]); err != nil {
			return err
		}
	}
	return b.a.fault("alerts")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// load returns an alert that is going to change, nil if there is none.
func (b *work) load(id string) (*change, error) {
	if c := b.changed[id]; c != nil {
		return c, nil
	}
	row, err := b.tx.Alert(id)
	if row == nil || err != nil {
		return nil, err
	}
	doc, err := Decode(row)
	if err != nil {
		return nil, err
	}
	return b.add(doc, false), nil
}

func (b *work) add(doc *Alert, created bool) *change {
	c := &change{Alert: doc, created: created, was: doc.Severity}
	b.changed[doc.ID] = c
	b.order = append(b.order, c)
	return c
}

// finding takes a finding as it is now into an alert, or out of it.
func (b *work) finding(it *item) error {
	part, has, err := b.tx.Part(it.due.Finding)
	if err != nil {
		return err
	}
	if err := b.hits(it); err != nil {
		return err
	}
	if it.f == nil || !it.shown.Alert() {
		if !has {
			return nil
		}
		return b.withdraw(part)
	}
	f := it.f
	p := state.Part{Finding: f.ID, Severity: it.shown.Severity.Rank(), Events: f.Count, First: f.First.UnixNano(), Last: f.Last.UnixNano()}
	w := b.a.window(f)
	near, err := b.near(f.RuleID, f.Entity, f.First.Add(-w), f.Last.Add(w))
	if err != nil {
		return err
	}
	var to *change
	switch {
	case has:
		if to, err = b.load(part.Alert); err == nil && to == nil {
			err = fmt.Errorf("the alert %q of finding %q is gone", part.Alert, f.ID)
		}
		p.Silent = part.Silent
	case len(near) > 0:
		to, err = b.load(near[0].ID)
	default:
		to, err = b.create(it)
	}
	if err != nil {
		return err
	}
	if to.Status == Closed {
		switch {
		case !to.Touched, p.Severity > to.Severity.Rank() && !has:
			err = b.reopen(to, "its finding came back or is more severe than before")
		case !has:
			p.Silent = true
		}
		if err != nil {
			return err
		}
	}
	p.Alert = to.ID
	if err := b.tx.PutPart(p); err != nil {
		return err
	}
	if !p.Silent {
		to.take(it)
	}
	if err := b.sum(to); err != nil {
		return err
	}
	return b.merge(to, near)
}

// near returns the alerts that a finding may join: those that are open, the oldest
// first, then those that people have closed, the newest first.
func (b *work) near(rule, entity string, from, to time.Time) ([]state.Alert, error) {
	list, err := b.tx.AlertsNear(rule, entity, from, to)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(a state.Alert) bool { return Status(a.Status) == Closed && !a.Touched })
	slices.SortStableFunc(list, func(x, y state.Alert) int {
		if x, y := Status(x.Status) == Closed, Status(y.Status) == Closed; x != y {
			return b2i(x) - b2i(y)
		} else if x {
			return 0
		}
		return cmp.Compare(x.Number, y.Number)
	})
	return list, nil
}

// create returns a new alert that begins with a finding. If its ID is known, its finding
// was withdrawn, and comes back.
func (b *work) create(it *item) (*change, error) {
	f := it.f
	id := ID(f.RuleID, f.Entity, f.ID)
	if c, err := b.load(id); c != nil || err != nil {
		return c, err
	}
	doc := newAlert(id, b.now)
	doc.RuleID, doc.Rule, doc.Title, doc.Entity = f.RuleID, f.Rule, f.Title, f.Entity
	doc.Mitre = append(doc.Mitre, f.Mitre...)
	doc.EntityKind = entityKind(f)
	if it.info != nil {
		doc.FalsePositives = it.info.FalsePositives
	}
	c := b.add(doc, true)
	c.why = Raised
	return c, b.put(c)
}

func newAlert(id string, now time.Time) *Alert {
	return &Alert{ID: id, Status: New, Mitre: []string{}, Created: now, Updated: now, Severity: rule.Informational, RuleSeverity: rule.Informational}
}

// put writes an alert and gives a new one its number.
func (b *work) put(c *change) error {
	row := c.Row()
	if err := b.tx.PutAlert(row); err != nil {
		return err
	}
	c.Number = row.Number
	return nil
}

// sum counts the findings of an alert, so that those which follow see how far it reaches.
func (b *work) sum(c *change) error {
	if err := c.recount(b.tx); err != nil {
		return err
	}
	return b.put(c)
}

// recount sets what follows from the findings that count: their numbers, the events, and
// the worst severity.
func (a *Alert) recount(tx *state.Tx) error {
	sum, loud, silent, err := tx.Sum(a.ID)
	if err != nil {
		return err
	}
	if a.FindingCount, a.Silent = loud, silent; loud == 0 {
		return nil
	}
	a.Count, a.First, a.Last = sum.Events, time.Unix(0, sum.First).UTC(), time.Unix(0, sum.Last).UTC()
	if a.RuleID == RiskRule {
		a.Count = max(1, int64(len(a.EventIDs))) // several findings have the same events
	} else {
		a.Severity = rule.Severities[min(max(sum.Severity, 0), len(rule.Severities)-1)]
	}
	return nil
}

// withdraw takes a finding out of its alert.
func (b *work) withdraw(p state.Part) error {
	if err := b.tx.DropPart(p.Finding); err != nil {
		return err
	}
	c, err := b.load(p.Alert)
	if c == nil || err != nil {
		return err
	}
	c.lost = true
	return b.sum(c)
}

// reopen opens a closed alert again. What joined it silently counts from now on.
func (b *work) reopen(c *change, why string) error {
	c.Status, c.Verdict, c.Closed = New, "", nil
	c.why, c.ended = Reopened, false
	if err := b.tx.HearParts(c.ID); err != nil {
		return err
	}
	c.lost = true // what joined silently shows now
	return b.audit("reopened", c.ID, why)
}

// merge joins open alerts of the same rule and entity that a finding connects. Those
// that people work on stay.
func (b *work) merge(to *change, near []state.Alert) error {
	if to.Status == Closed {
		return nil
	}
	all := []*change{to}
	for _, n := range near {
		if n.ID == to.ID || Status(n.Status) == Closed {
			continue
		}
		c, err := b.load(n.ID)
		if err != nil {
			return err
		}
		if c != nil && c.Status != Closed {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y *change) int {
		return cmp.Or(b2i(y.Touched)-b2i(x.Touched), cmp.Compare(x.Number, y.Number))
	})
	keep := all[0]
	for _, c := range all[1:] {
		if c.Touched {
			continue
		}
		if err := b.tx.MoveParts(c.ID, keep.ID); err != nil {
			return err
		}
		if err := b.tx.MoveRecords(c.ID, keep.ID); err != nil {
			return err
		}
		keep.union(c.Alert)
		if err := b.end(c, Duplicate, fmt.Sprintf("merged into alert %d", keep.Number)); err != nil {
			return err
		}
		if err := b.audit("merged", keep.ID, fmt.Sprintf("alert %d, which later events connect with this one", c.Number)); err != nil {
			return err
		}
	}
	return b.sum(keep)
}

// end closes an alert by itself.
func (b *work) end(c *change, v Verdict, why string) error {
	at := b.now
	c.Status, c.Verdict, c.Closed = Closed, v, &at
	if c.ended = true; c.created { // nobody has heard of it
		c.why = ""
	} else {
		c.why = Ended
	}
	if err := b.tx.PutWait(state.Wait{Alert: c.ID}); err != nil {
		return err
	}
	if err := b.put(c); err != nil {
		return err
	}
	b.did.Withdrawn++
	return b.audit("closed", c.ID, string(v)+": "+why)
}

func (b *work) audit(action, alert, text string) error {
	return b.tx.Audit(state.Action{Time: b.now.UnixMilli(), Who: state.Bluetrail, Action: action, Kind: "alert", Object: alert, Text: text})
}

// refresh completes an alert after all findings of the transaction, writes it, and tells
// the outputs.
func (b *work) refresh(c *change) error {
	c.Updated = b.now
	if c.RuleID != HealthRule && c.RuleID != RiskRule {
		if err := b.fill(c); err != nil {
			return err
		}
	}
	switch {
	case c.created && c.why == Raised:
		b.did.Raised++
		b.raised = append(b.raised, c.ActorClass)
		if err := b.audit("raised", c.ID, string(c.Severity)); err != nil {
			return err
		}
	case c.why == "" && !c.ended && c.Status != Closed && c.Severity.Rank() > c.was.Rank():
		c.why = Worsened
		if err := b.audit("worsened", c.ID, fmt.Sprintf("from %s to %s", c.was, c.Severity)); err != nil {
			return err
		}
		fallthrough
	default:
		b.did.Changed++
	}
	if err := b.put(c); err != nil {
		return err
	}
	body, err := json.Marshal(c.Alert)
	if err != nil {
		return err
	}
	if err := b.tx.PutAlertBody(c.ID, body); err != nil {
		return err
	}
	if c.why == "" {
		return nil
	}
	if err := b.a.fault("queue"); err != nil {
		return err
	}
	return b.a.cfg.Queue(b.tx, c.Alert, c.why)
}

// fill completes an alert of findings.
func (b *work) fill(c *change) error {
	if c.lost && c.FindingCount > 0 {
		if err := b.remake(c); err != nil {
			return err
		}
	}
	var err error
	if c.Findings, err = b.tx.FindingsOf(c.ID, MaxFindings); err != nil {
		return err
	}
	if c.FindingCount == 0 && !c.ended && c.Status != Closed {
		if c.Touched {
			err = b.audit("withdrawn", c.ID, "later events took all of its findings back")
		} else {
			err = b.end(c, Withdrawn, "later events took all of its findings back")
		}
		if err != nil {
			return err
		}
	}
	if m := b.more[group{c.RuleID, c.Entity}]; m != nil && !c.ended {
		if err := b.keep(c, m); err != nil {
			return err
		}
	}
	if len(c.Actor) > 0 && c.FindingCount > 0 {
		if c.Risk, err = b.riskAt("actor", c.Actor[0], c.Last.UnixNano()); err != nil {
			return err
		}
	}
	if c.FindingCount > 0 {
		c.Summary, c.Notes = summarize(c.Alert), accountNotes(c.Alert)
	}
	return nil
}

// mostRemade bounds the findings from which an alert is made anew.
const mostRemade = 50

// remake makes what an alert shows from the findings that are left.
func (b *work) remake(c *change) error {
	ids, err := b.tx.FindingsOf(c.ID, mostRemade)
	if err != nil {
		return err
	}
	c.clear()
	for _, id := range ids {
		body, err := b.tx.Finding(id)
		if err != nil {
			return err
		}
		f := &finding.Finding{}
		if body == nil || json.Unmarshal(body, f) != nil {
			continue // retention has removed it
		}
		c.take(&item{f: f, shown: b.a.cfg.Triage(f)})
	}
	return nil
}
