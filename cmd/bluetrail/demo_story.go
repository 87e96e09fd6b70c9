package main

import (
	"bufio"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/scorecard"
	"bluetrail/internal/generate"
	"bluetrail/internal/result"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

// story is what the demonstration tells at its end.
type story struct {
	trail, data string
	card        *scorecard.Card
	alerts      int    // above low
	worst       string // an alert to begin with: its number, "" = none
}

// tell reads the alerts of the data directory and compares them with the labels.
func (a *app) tell(trail, data string) (*story, error) {
	labels, err := generate.ReadLabels(trail)
	if err != nil {
		return nil, err
	}
	db, release, err := a.state(data)
	if err != nil {
		return nil, err
	}
	defer release()
	findings := map[string]*finding.Finding{}
	if err := db.Findings(a.ctx, state.FindingQuery{Latest: math.MaxInt64}, func(s *state.Finding) error {
		f, _, err := readFinding(s)
		if err == nil {
			f.Events, findings[f.ID] = nil, f
		}
		return err
	}); err != nil {
		return nil, err
	}
	s := &story{trail: trail, data: data}
	var alarms []scorecard.Alarm
	worst := -1
	err = db.Alerts(a.ctx, state.AlertQuery{Bodies: true}, func(r *state.Alert) error {
		one, err := alert.Decode(r)
		if err != nil {
			return err
		}
		if one.Severity.Rank() > rule.Low.Rank() {
			s.alerts++
		}
		if one.RuleID == alert.RiskRule { // it sums up the others
			return nil
		}
		if r.Severity > worst {
			worst, s.worst = r.Severity, strconv.FormatInt(r.Number, 10)
		}
		for _, id := range one.Findings {
			if f := findings[id]; f != nil {
				alarm := scorecard.Of(f)
				alarm.ID, alarm.Severity = one.ID, one.Severity
				alarms = append(alarms, alarm)
			}
		}
		return nil
	})
	s.card = scorecard.New(labels, alarms)
	return s, err
}

// storyRows are the intrusions, with how many of their steps were caught.
func storyRows(card *scorecard.Card, zone *time.Location) *vector.Batch {
	b := vector.NewBuilder("intrusion", "began", "steps", "caught", "first alert after", "worst", "addresses")
	for _, name := range card.Stories() {
		steps, caught := 0, 0
		var first, alarm time.Time
		worst := rule.Severity("")
		var addresses []string
		for i := range card.Attacks {
			l := &card.Attacks[i]
			if l.Story != name {
				continue
			}
			steps++
			if first.IsZero() || l.First.Before(first) {
				first = l.First
			}
			if l.Alarmed() {
				caught++
				if at := l.First.Add(l.After); alarm.IsZero() || at.Before(alarm) {
					alarm = at
				}
			}
			if worst.Rank() < l.Severity.Rank() {
				worst = l.Severity
			}
			if !slices.Contains(addresses, l.Source) {
				addresses = append(addresses, l.Source)
			}
		}
		after := "never"
		if !alarm.IsZero() {
			after = alarm.Sub(first).Round(time.Second).String()
		}
		if more := len(addresses) - 2; more > 0 {
			addresses = append(addresses[:2], fmt.Sprintf("%d more", more))
		}
		addRow(b, name, first.In(zone).Format("2 Jan 15:04"), strconv.Itoa(steps), strconv.Itoa(caught), after, string(worst), strings.Join(addresses, ", "))
	}
	return b.Batch()
}

// storySummary writes what was attacked, what was caught, what was quiet and how to go on.
func (a *app) storySummary(s *story, events int) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	o := result.Options{Format: "table", Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err, Spare: []string{"addresses"}}
	caught := len(s.card.Attacks) - len(s.card.Missed())
	fmt.Fprintf(out, "What was attacked\n\n%d intrusions took %d steps among %s. bluetrail raised %s.\n\n", len(s.card.Stories()), len(s.card.Attacks), count(events, "event"), count(s.alerts, "alert"))
	rows := storyRows(s.card, a.zone())
	if err := a.rows(out, o, func(w result.Writer) error { return w.Write(rows) }); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nWhat was caught\n\n%d of %d steps.", caught, len(s.card.Attacks))
	for _, l := range s.card.Missed() {
		fmt.Fprintf(out, "\n  missed: %s (%s): %s", l.Name, l.Technique, l.Note)
	}
	loud, quiet, kinds := s.card.Loud(), s.card.MustBeQuiet(), map[string]bool{}
	for i := range quiet {
		kinds[quiet[i].Name] = true
	}
	fmt.Fprintf(out, "\n\nWhat was quiet\n\n%d of %d look-alikes of %d kinds: deployments by Terraform, a posture scanner, single sign-on, backups, keys that people change.\n", len(quiet)-len(loud), len(quiet), len(kinds))
	for i := range loud {
		fmt.Fprintf(out, "  loud: %s: %s\n", loud[i].Name, strings.Join(loud[i].Rules, ", "))
	}
	fmt.Fprintf(out, "%s of ordinary traffic, and %s of harmless things that deserve a look, such as a trainee's new user.\n", count(scorecard.Alarms(s.card.Ordinary), "alert"), count(scorecard.Alarms(s.card.Doubtful), "alert"))
	data := shellWord(s.data)
	fmt.Fprintf(out, "\nHow to look further\n\n  bluetrail alerts --data %s --severity high\n", data)
	if s.worst != "" {
		fmt.Fprintf(out, "  bluetrail alerts show %s --data %s\n", s.worst, data)
	}
	if len(s.card.Attacks) > 0 {
		l := s.card.Attacks[0]
		for _, other := range s.card.Attacks {
			if other.Story == "ransom" {
				l = other
				break
			}
		}
		fmt.Fprintf(out, "  bluetrail trace %s --data %s\n", l.Source, data)
	}
	fmt.Fprintf(out, "  bluetrail search --data %s 'index=_alerts | stats count by severity title | sort - count'\n", data)
	fmt.Fprintf(out, "  bluetrail hunt %s --labels %s\n", shellWord(s.trail+"/AWSLogs"), shellWord(s.trail))
	return out.Flush()
}
