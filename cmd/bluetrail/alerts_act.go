package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/state"
)

// alertTargets are the alerts that a command changes: those named, or all that the
// filter shows.
type alertTargets struct {
	ID  []string `arg:"" optional:"" name:"alert" help:"The number of an alert, or how its ID begins."`
	All bool     `help:"All alerts that the filter flags show, instead of named ones."`
	Yes bool     `help:"Do it; without this, --all only says how many alerts there are."`
	alertFilter
	person
}

// atOnce is how many alerts a transaction changes: ingest waits for it.
const atOnce = 100

// apply does something with the targets and returns which changed.
func (c *alertTargets) apply(a *app, what string, act alert.Act) (changed []*alert.Alert, err error) {
	switch {
	case len(c.ID) == 0 && !c.All:
		return nil, usage("name alerts, or choose them with filter flags and --all")
	case len(c.ID) > 0 && (c.All || c.chosen()):
		return nil, usage("name alerts, or choose them with filter flags and --all, but not both")
	}
	dir := a.dataDir(c.Data)
	db, release, err := a.findings(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if db.Copied() {
		return nil, fmt.Errorf("cannot change alerts: the data directory %q is read-only", dir)
	}
	var ids []string
	for _, text := range c.ID { // all are looked up before one is changed
		id, err := oneAlert(db, text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if c.All {
		if err := c.each(a, db, false, func(r *state.Alert) error { ids = append(ids, r.ID); return nil }); err != nil {
			return nil, err
		}
		if !c.Yes && len(ids) > 0 {
			return nil, usage("this would %s %s; add --yes to do it, or look at them first with: bluetrail alerts list", what, count(len(ids), "alert"))
		}
	}
	act.Who = c.As
	for part := range slices.Chunk(ids, atOnce) {
		if a.ctx.Err() != nil {
			return changed, a.ctx.Err()
		}
		var some []*alert.Alert
		err := db.Write(func(tx *state.Tx) error {
			some = some[:0]
			for _, id := range part {
				x, did, err := alert.Apply(tx, output.Queue, id, act)
				if errors.Is(err, alert.ErrGone) && c.All {
					continue // retention removed it meanwhile
				}
				if err != nil {
					return err
				}
				if did {
					some = append(some, x)
				}
			}
			return nil
		})
		if err != nil {
			return changed, fmt.Errorf("cannot %s alerts: %w", what, err)
		}
		changed = append(changed, some...)
	}
	if same := len(ids) - len(changed); same > 0 {
		a.note("%s as before", count(same, "alert"))
	}
	return changed, nil
}

// tooLong says that a comment is.
func tooLong(text string) error {
	if len(text) > alert.MaxComment {
		return usage("the comment has %d bytes; at most %d are kept", len(text), alert.MaxComment)
	}
	return nil
}

type alertsCloseCmd struct {
	alertTargets
	Verdict string `required:"" help:"What it was: true (an attack), benign (it happened, and was meant to), false (not what the rule looks for) or duplicate." enum:"true,benign,false,duplicate" placeholder:"VERDICT"`
	Comment string `short:"m" help:"Why." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (*alertsCloseCmd) Help() string {
	return "Findings of the same rule and entity that follow within the window of the configuration join a closed alert silently.\n" +
		"Closing as true or false marks the findings, too, so that bluetrail rules tune can propose a filter.\n\n" + examples(
		"bluetrail alerts close 12 --verdict true -m 'key revoked, see incident 7'",
		"bluetrail alerts close --all --rule 'Console login without MFA' --status new --verdict benign --yes",
	)
}

func (c *alertsCloseCmd) Run(a *app) error {
	if err := tooLong(c.Comment); err != nil {
		return err
	}
	changed, err := c.apply(a, "close", alert.Act{Close: alert.Verdict(c.Verdict), Comment: c.Comment})
	if err != nil {
		return err
	}
	a.note("%s closed as %s", count(len(changed), "alert"), c.Verdict)
	if c.Verdict != string(alert.False) {
		return nil
	}
	rules := map[string]string{}
	for _, x := range changed {
		if x.RuleID != alert.RiskRule && x.RuleID != alert.HealthRule {
			rules[x.RuleID] = x.Rule
		}
	}
	for i, id := range slices.Sorted(maps.Keys(rules)) {
		if i == 5 {
			a.note("and %d more rules", len(rules)-i)
			break
		}
		a.note("to propose a filter for %s: bluetrail rules tune %s --data %s", rules[id], shellWord(id), shellWord(a.dataDir(c.Data)))
	}
	return nil
}

type alertsAssignCmd struct {
	alertTargets
	To     string `required:"" help:"Whom to assign them to; none for nobody." placeholder:"WHO"`
	Reopen bool   `help:"Reopen those that are closed."`
}

// Help implements kong.HelpProvider.
func (*alertsAssignCmd) Help() string {
	return "New alerts are in progress once they are assigned.\n\n" + examples(
		"bluetrail alerts assign 12 13 --to alice",
		"bluetrail alerts assign 12 --to alice --reopen",
	)
}

func (c *alertsAssignCmd) Run(a *app) error {
	if c.To == "" || len(c.To) > maxPerson {
		return usage("--to needs a name of at most %d bytes; none stands for nobody", maxPerson)
	}
	to := c.To
	if to == "none" {
		to = ""
	}
	changed, err := c.apply(a, "assign", alert.Act{Assign: &to, Reopen: c.Reopen})
	if err != nil {
		return err
	}
	a.note("%s assigned to %s", count(len(changed), "alert"), c.To)
	closed := 0
	for _, x := range changed {
		if x.Status == alert.Closed {
			closed++
		}
	}
	if closed > 0 {
		a.note("%d of them closed; --reopen opens them", closed)
	}
	return nil
}

type alertsCommentCmd struct {
	alertTargets
	Message string `required:"" short:"m" help:"The comment." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (*alertsCommentCmd) Help() string {
	return examples("bluetrail alerts comment 12 -m 'asked alice: she did not do this'")
}

func (c *alertsCommentCmd) Run(a *app) error {
	if err := tooLong(c.Message); err != nil {
		return err
	}
	if strings.TrimSpace(c.Message) == "" {
		return usage("the comment is empty")
	}
	changed, err := c.apply(a, "comment on", alert.Act{Comment: c.Message})
	if err != nil {
		return err
	}
	a.note("%s commented on", count(len(changed), "alert"))
	return nil
}
