package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/scorecard"
	"bluetrail/internal/generate"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

// newScorecard compares findings with the labels of a generated trail.
func newScorecard(labels []generate.Label, findings []*finding.Finding) *scorecard.Card {
	alarms := make([]scorecard.Alarm, len(findings))
	for i, f := range findings {
		alarms[i] = scorecard.Of(f)
	}
	return scorecard.New(labels, alarms)
}

// resultOf says in a word what the rules made of a label.
func resultOf(l *scorecard.Line) string {
	switch {
	case l.Expect == generate.Caught && l.Right():
		return "caught"
	case l.Expect == generate.Caught:
		return "MISSED"
	case l.Expect == generate.Quiet && !l.Right():
		return "LOUD"
	case l.Alarmed():
		return "shown"
	}
	return "quiet"
}

// ruleNames names the rules of a label. Those that say low or less stand in brackets.
func ruleNames(l *scorecard.Line) string {
	names := slices.Clone(l.Rules)
	for _, name := range l.LowRules {
		names = append(names, "("+name+")")
	}
	return strings.Join(names, " ")
}

// attackRows are the attacks by time.
func attackRows(lines []scorecard.Line) *vector.Batch {
	b := vector.NewBuilder("attack", "technique", "result", "severity", "after", "rules")
	for i := range lines {
		l := &lines[i]
		after := ""
		if l.Alarmed() {
			after = l.After.Round(time.Second).String()
		}
		addRow(b, l.Name, l.Technique, resultOf(l), string(l.Severity), after, ruleNames(l))
	}
	return b.Batch()
}

// lookalikeRows are the look-alikes, those of one name in one row, the loud ones first.
func lookalikeRows(lines []scorecard.Line) *vector.Batch {
	type group struct {
		name, result string
		labels       int
		rules        []string
	}
	var groups []*group
	for i := range lines {
		l := &lines[i]
		at := slices.IndexFunc(groups, func(g *group) bool { return g.name == l.Name && g.result == resultOf(l) })
		if at < 0 {
			at, groups = len(groups), append(groups, &group{name: l.Name, result: resultOf(l)})
		}
		g := groups[at]
		g.labels++
		for name := range strings.FieldsSeq(ruleNames(l)) {
			if !slices.Contains(g.rules, name) {
				g.rules = append(g.rules, name)
			}
		}
	}
	order := []string{"LOUD", "shown", "quiet"}
	slices.SortStableFunc(groups, func(x, y *group) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.result), slices.Index(order, y.result)), cmp.Compare(x.name, y.name))
	})
	b := vector.NewBuilder("look-alike", "times", "result", "rules")
	for _, g := range groups {
		addRow(b, g.name, strconv.Itoa(g.labels), g.result, strings.Join(g.rules, " "))
	}
	return b.Batch()
}

// firedRows are rules with how often they fired on what is no attack.
func firedRows(card *scorecard.Card, alarm string) *vector.Batch {
	b := vector.NewBuilder("rule", "severity", alarm+"s", "of")
	for _, f := range card.Ordinary {
		addRow(b, f.Rule, string(f.Severity), strconv.Itoa(f.Alarms), "ordinary traffic")
	}
	for _, f := range card.Doubtful {
		addRow(b, f.Rule, string(f.Severity), strconv.Itoa(f.Alarms), "what deserves a look")
	}
	return b.Batch()
}

// labelRows are all labels in one table, as other formats have them.
func labelRows(card *scorecard.Card) *vector.Batch {
	b := vector.NewBuilder("label", "technique", "expect", "result", "severity", "after", "rules", "first", "account", "actor", "source")
	for _, lines := range [][]scorecard.Line{card.Attacks, card.Lookalikes} {
		for i := range lines {
			l := &lines[i]
			after := ""
			if l.Alarmed() {
				after = l.After.Round(time.Second).String()
			}
			addRow(b, l.Name, l.Technique, string(l.Expect), resultOf(l), string(l.Severity), after, ruleNames(l), l.First.Format(time.RFC3339), l.Account, l.Actor, l.Source)
		}
	}
	return b.Batch()
}

func addRow(b *vector.Builder, texts ...string) {
	b.Add()
	for i, text := range texts {
		b.SetAt(i, vector.String(text))
	}
}

// writeScorecard writes the three tables of a scorecard with a heading each, or in
// another format the labels. alarm is what the rules raised: finding or alert.
func (a *app) writeScorecard(format string, card *scorecard.Card, alarm string) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	o := result.Options{Format: format, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	if format != "table" {
		return errors.Join(a.rows(out, o, func(w result.Writer) error { return w.Write(labelRows(card)) }), out.Flush())
	}
	quiet := len(card.MustBeQuiet())
	for _, t := range []struct {
		heading string
		rows    *vector.Batch
	}{
		{fmt.Sprintf("%d of %s caught", len(card.Attacks)-len(card.Missed()), count(len(card.Attacks), "staged attack")), attackRows(card.Attacks)},
		{fmt.Sprintf("%d of %s quiet", quiet-len(card.Loud()), count(quiet, "look-alike")), lookalikeRows(card.Lookalikes)},
		{count(scorecard.Alarms(card.Ordinary), alarm) + " above low in what is no attack", firedRows(card, alarm)},
	} {
		fmt.Fprintf(out, "%s\n\n", t.heading)
		if t.rows.Len == 0 {
			continue
		}
		if err := a.rows(out, o, func(w result.Writer) error { return w.Write(t.rows) }); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}
