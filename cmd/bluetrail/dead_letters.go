package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/state"
)

// lettersCmd is about messages that sources could not take in.
type lettersCmd struct {
	List  deadLettersListCmd  `cmd:"" default:"withargs" help:"List dead letters, the newest first."`
	Retry deadLettersRetryCmd `cmd:"" help:"Have a running server retry dead letters."`
	Drop  deadLettersDropCmd  `cmd:"" help:"Delete dead letters for good."`
}

// letters says which dead letters are meant.
type letters struct {
	Source string `help:"Only those of this queue (its URL; default: all queues)." placeholder:"URL"`
	Data   string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

type deadLettersListCmd struct {
	letters `embed:""`
	Limit   int    `help:"Maximum number of dead letters." default:"100" placeholder:"N"`
	Output  string `short:"o" help:"Output format: table or json (with the bodies of the messages)." enum:"table,json" default:"table"`
}

type deadLettersRetryCmd struct {
	ID      []int64 `arg:"" optional:"" name:"id" help:"Only these (default: all)."`
	letters `embed:""`
	person
}

type deadLettersDropCmd struct {
	ID      []int64 `arg:"" optional:"" name:"id" help:"Only these."`
	All     bool    `help:"All of them."`
	letters `embed:""`
	person
}

func (c *letters) home(a *app) string { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*lettersCmd) Help() string {
	return "A dead letter is a queue message that could not be ingested: it is unreadable, points to a bucket that the configuration does not list, or its object is gone or broken. It has left its queue. See docs/aws.md.\n\n" + examples(
		"bluetrail dead-letters",
		"bluetrail dead-letters list -o json | jq -r .body",
		"bluetrail dead-letters retry",
		"bluetrail dead-letters drop 7 9",
	)
}

func (c *deadLettersListCmd) Run(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	list, total, err := db.DeadLetters(c.Source, max(c.Limit, 1))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(list) > 0 && c.Output == "table" {
		fmt.Fprintln(w, "ID\tLAST TRY\tTRIES\tSOURCE\tREASON")
	}
	for i := range list {
		l := &list[i]
		if c.Output == "json" {
			line, err := json.Marshal(map[string]any{
				"id": l.ID, "source": l.Source, "message": l.Message, "reason": l.Reason, "tries": l.Received, "retry": l.Retry,
				"first": time.UnixMilli(l.First).UTC(), "last": time.UnixMilli(l.Last).UTC(), "body": l.Body,
			})
			if err == nil {
				err = writeJSON(out, line)
			}
			if err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\n", l.ID, stamp(l.Last), l.Received, diag.Printable(l.Source), diag.Printable(l.Reason))
	}
	switch {
	case total == 0:
		a.note("there are no dead letters")
	case total > len(list):
		a.note("%s more; list them with --limit %d", count(total-len(list), "dead letter"), total)
	}
	return errors.Join(w.Flush(), out.Flush())
}

// change does something with dead letters and writes it into the audit log.
func (c *letters) change(a *app, who, action string, ids []int64, do func(db *state.DB) (int, error)) (n int, err error) {
	db, release, err := a.outbox(c.Data)
	if err != nil {
		return 0, err
	}
	defer release()
	if n, err = do(db); err != nil {
		return n, err
	}
	if n < len(ids) {
		err = usage("%d of %d dead letters do not exist; see bluetrail dead-letters", len(ids)-n, len(ids))
	}
	if n > 0 {
		object := strings.Trim(fmt.Sprint(ids), "[]")
		if len(ids) == 0 {
			object = "all"
		}
		err = errors.Join(err, db.Write(func(t *state.Tx) error {
			return t.Audit(state.Action{Who: who, Action: action, Kind: "dead letter", Object: object, Text: c.Source})
		}))
	}
	return n, err
}

func (c *deadLettersRetryCmd) Run(a *app) error {
	n, err := c.change(a, c.As, "retried", c.ID, func(db *state.DB) (int, error) { return db.RetryDeadLetters(c.Source, c.ID...) })
	switch {
	case n > 0:
		a.note("%s to be tried again by a running bluetrail serve", count(n, "dead letter"))
	case err == nil:
		a.note("there are no dead letters to try again")
	}
	return err
}

func (c *deadLettersDropCmd) Run(a *app) error {
	if len(c.ID) == 0 && !c.All {
		return usage("name the IDs of the dead letters to drop, or use --all")
	}
	n, err := c.change(a, c.As, "dropped", c.ID, func(db *state.DB) (int, error) { return db.DropDeadLetters(c.Source, c.ID...) })
	switch {
	case n > 0:
		a.note("%s dropped", count(n, "dead letter"))
	case err == nil:
		a.note("there are no dead letters to drop")
	}
	return err
}
