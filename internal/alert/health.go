package alert

import (
	"strconv"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"
)

// HealthRule is the ID of the rule that alerts of bluetrail's own health belong to.
const HealthRule = "bluetrail-health"

// maxHealth bounds the text of a condition, in characters.
const maxHealth = 1000

// Health opens a condition of bluetrail's own health, or changes the one with this key.
// An empty text ends it. The alerter raises an alert of it, and closes that with it.
// Calls that change nothing cost one look-up.
func Health(tx *state.Tx, key string, severity rule.Severity, text string) error {
	return tx.Health(key, max(severity.Rank(), 0), clipWord(text, maxHealth))
}

// health raises, changes or closes the alert of a condition.
func (b *work) health(key string) error {
	cond, ok, err := b.tx.Condition(key)
	if !ok || err != nil {
		return err
	}
	opened := time.UnixMilli(cond.Opened)
	near, err := b.tx.AlertsNear(HealthRule, key, opened.Add(-b.a.cfg.Window), b.now)
	if err != nil {
		return err
	}
	severity := rule.Severities[min(max(cond.Severity, 0), len(rule.Severities)-1)]
	var c *change
	switch {
	case len(near) > 0:
		if c, err = b.load(near[0].ID); err != nil {
			return err
		}
	case cond.Closed > 0: // it ended before anybody heard of it
		return nil
	default:
		doc := newAlert(ID(HealthRule, key, strconv.FormatInt(cond.ID, 10)), b.now)
		doc.RuleID, doc.Rule, doc.EntityKind, doc.Entity, doc.Severity = HealthRule, "Health of bluetrail", "other", key, severity
		doc.First = opened.UTC()
		c = b.add(doc, true)
		c.was, c.why = severity, Raised
	}
	c.Last = time.UnixMilli(cond.Updated).UTC()
	c.Title, c.Summary = clipWord(diag.Printable(cond.Text), 2*maxWord), diag.Printable(cond.Text)
	if cond.Closed > 0 {
		if c.Status == Closed {
			return nil
		}
		return b.end(c, Resolved, "the condition ended")
	}
	c.Count++
	if c.Status == Closed && (!c.Touched || severity.Rank() > c.Severity.Rank()) {
		if err := b.reopen(c, "the condition is back"); err != nil {
			return err
		}
		c.lost = false
	}
	c.Severity, c.RuleSeverity = severity, severity
	return b.put(c)
}
