package main

import (
	"fmt"

	"bluetrail/internal/state"
)

type findingsMarkCmd struct {
	ID   []string `arg:"" name:"id" help:"The ID of a finding, or how it begins."`
	As   string   `required:"" help:"false (harmless), true (what the rule looks for) or open (take the mark back)." enum:"false,true,open" placeholder:"STATUS"`
	Note *string  `help:"Why. Replaces the note that the finding has; an empty text removes it." placeholder:"TEXT"`
	Who  string   `help:"Who says so, for the audit log (default: the user of the operating system)." placeholder:"WHO"`
	Data string   `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

// AfterApply asks who it is on the side of the user.
func (c *findingsMarkCmd) AfterApply() (err error) {
	c.Who, err = whoever(c.Who)
	return err
}

func (c *findingsMarkCmd) home(a *app) string { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*findingsMarkCmd) Help() string {
	return examples(
		"bluetrail findings mark 5f0c1d 9a77e2 --as false --note 'nightly deployment'",
		"bluetrail findings mark 5f0c1d --as open",
	)
}

func (c *findingsMarkCmd) Run(a *app) error {
	if c.Note != nil && len(*c.Note) > state.MaxNote {
		return usage("the note has %d bytes; at most %d are kept", len(*c.Note), state.MaxNote)
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	if db.Copied() {
		return fmt.Errorf("cannot mark findings: the data directory %q is read-only", a.dataDir(c.Data))
	}
	ids := make([]string, len(c.ID)) // all are looked up before one is marked
	for i, id := range c.ID {
		f, err := oneFinding(db, id)
		if err != nil {
			return err
		}
		ids[i] = f.ID
	}
	err = db.Write(func(t *state.Tx) error {
		for _, id := range ids {
			if err := t.PutMark(id, state.Status(c.As), c.Note); err != nil {
				return err
			}
			said := c.As
			if c.Note != nil {
				said += ": " + *c.Note
			}
			if err := t.Audit(state.Action{Who: c.Who, Action: "marked", Kind: "finding", Object: id, Text: said}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot mark findings: %w", err)
	}
	a.note("%s marked %s", count(len(ids), "finding"), c.As)
	return nil
}
