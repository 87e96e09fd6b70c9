package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/config"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"
)

type outputCmd struct {
	List outputListCmd `cmd:"" default:"withargs" help:"List the outputs of alerts: the last success, what waits, failures."`
	Test outputTestCmd `cmd:"" help:"Send an alert that is marked as a test, and print what came back."`
	Dead outputDeadCmd `cmd:"" help:"List, retry or drop messages that outputs gave up."`
}

type outputListCmd struct {
	Data   string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Output string `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

type outputTestCmd struct {
	Name string `arg:"" help:"The name of an output."`
	Data string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

type outputDeadCmd struct {
	List  outputDeadListCmd  `cmd:"" default:"withargs" help:"List messages that outputs gave up, the newest first."`
	Retry outputDeadRetryCmd `cmd:"" help:"Send them again."`
	Drop  outputDeadDropCmd  `cmd:"" help:"Remove them for good. The alerts stay."`
}

// deadMessages says which messages are meant.
type deadMessages struct {
	Name string `arg:"" optional:"" help:"The name of an output (default: all)."`
	Data string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

type outputDeadListCmd struct {
	deadMessages `embed:""`
	Limit        int    `help:"Maximum number of messages." default:"100" placeholder:"N"`
	Output       string `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

type outputDeadRetryCmd struct {
	deadMessages `embed:""`
	ID           []int64 `help:"Only this message; repeatable." placeholder:"N"`
}

type outputDeadDropCmd struct {
	deadMessages `embed:""`
	ID           []int64 `help:"Only this message; repeatable." placeholder:"N"`
}

func (c *outputListCmd) home(a *app) string { return a.dataDir(c.Data) }
func (c *outputTestCmd) home(a *app) string { return a.dataDir(c.Data) }
func (c *deadMessages) home(a *app) string  { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*outputCmd) Help() string {
	return "Outputs are where alerts are sent: the key outputs of the configuration, see docs/outputs.md.\n\n" + examples(
		"bluetrail output test soc-slack",
		"bluetrail output list",
		"bluetrail output dead retry soc-slack",
	)
}

// outbox opens the state for outputs.
func (a *app) outbox(data string) (db *state.DB, release func(), err error) {
	if db, release, err = a.findings(a.dataDir(data)); err == nil && db.Copied() {
		release()
		return nil, nil, fmt.Errorf("the data directory %q is read-only", a.dataDir(data))
	}
	return db, release, err
}

// outputs tells of outputs that cannot work as they are configured, and returns how many.
func (c *doctorCmd) outputs(a *app, line func(what, format string, args ...any)) (broken int) {
	for i := range a.cfg.Outputs {
		o := &a.cfg.Outputs[i]
		one := config.Config{Outputs: []config.Output{*o}}
		err := output.Check(&one)
		for _, s := range []config.Secret{o.URL, o.Token, o.Secret, o.Password} {
			if s != "" && err == nil {
				_, err = s.Read()
			}
		}
		if err != nil {
			broken++
			line("output", "BROKEN: %s: %v", o.Name, err)
		}
	}
	return broken
}

func stamp(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).UTC().Format(time.DateTime)
}

func (c *outputListCmd) Run(a *app) error {
	if len(a.cfg.Outputs) == 0 {
		a.note("the configuration has no outputs; see docs/outputs.md")
		return nil
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	list, err := output.List(db, &a.cfg)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		enc := json.NewEncoder(a.out)
		for _, s := range list {
			if err := enc.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tLAST SUCCESS\tSENT\tWAITING\tGIVEN UP\tHELD\tSTATE")
	for _, s := range list {
		said := s.Problem
		switch {
		case said != "":
		case !s.Routed:
			said = "no route leads here"
		default:
			said = "ok"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", s.Name, s.Type, stamp(s.Success), s.Sent, s.Waiting, s.Dead, s.Held, diag.Printable(said))
	}
	return w.Flush()
}

func (c *outputTestCmd) Run(a *app) error {
	reply, err := output.Test(a.ctx, &a.cfg, c.Name)
	if !slices.ContainsFunc(a.cfg.Outputs, func(o config.Output) bool { return o.Name == c.Name }) {
		return err
	}
	if err != nil {
		return fmt.Errorf("output %q: %w", c.Name, err)
	}
	fmt.Fprintf(a.out, "%s: %s\n", c.Name, diag.Printable(reply))
	return nil
}

func (c *outputDeadListCmd) Run(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	list, err := db.DeadDeliveries(c.Name, max(c.Limit, 1))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(list) > 0 && c.Output == "table" {
		fmt.Fprintln(w, "ID\tOUTPUT\tQUEUED\tTRIES\tMESSAGE\tERROR")
	}
	for _, d := range list {
		var m message.Message
		heading := "unreadable"
		if json.Unmarshal(d.Body, &m) == nil {
			heading = m.Heading()
		}
		if c.Output == "json" {
			line, err := json.Marshal(map[string]any{"id": d.ID, "output": d.Output, "queued": time.UnixMilli(d.Queued).UTC(), "tries": d.Tries, "error": d.Error, "message": json.RawMessage(d.Body)})
			if err == nil {
				err = writeJSON(out, line)
			}
			if err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\n", d.ID, d.Output, stamp(d.Queued), d.Tries, diag.Printable(message.Clip(heading, 100)), diag.Printable(d.Error))
	}
	if len(list) == 0 {
		a.note("no message was given up")
	}
	return errors.Join(w.Flush(), out.Flush())
}

func (c *outputDeadRetryCmd) Run(a *app) error {
	n, err := a.dead(&c.deadMessages, c.ID, func(tx *state.Tx, ids []int64) error {
		return tx.ReviveDeliveries(ids, time.Now().UnixMilli())
	})
	if err == nil {
		a.note("%s to be sent again, by a running bluetrail serve or at the end of the next ingest", count(n, "message"))
	}
	return err
}

func (c *outputDeadDropCmd) Run(a *app) error {
	n, err := a.dead(&c.deadMessages, c.ID, func(tx *state.Tx, ids []int64) error { return tx.EndDeliveries(ids) })
	if err == nil {
		a.note("%s dropped", count(n, "message"))
	}
	return err
}

// mostDead is how many messages are dealt with in one transaction.
const mostDead = 1000

// dead does something with given-up messages, all or those with given IDs, and returns
// how many there were.
func (a *app) dead(c *deadMessages, only []int64, do func(*state.Tx, []int64) error) (n int, err error) {
	db, release, err := a.outbox(c.Data)
	if err != nil {
		return 0, err
	}
	defer release()
	wanted := map[int64]bool{}
	for _, id := range only {
		wanted[id] = true
	}
	for {
		list, err := db.DeadDeliveries(c.Name, mostDead)
		if err != nil {
			return n, err
		}
		var ids []int64
		for _, d := range list {
			if len(wanted) == 0 || wanted[d.ID] {
				ids = append(ids, d.ID)
			}
		}
		if err := db.Write(func(tx *state.Tx) error { return do(tx, ids) }); err != nil {
			return n, err
		}
		n += len(ids)
		if len(list) < mostDead || len(only) > 0 {
			break
		}
	}
	if len(only) > n {
		return n, usage("%d of %d messages are not among the last %d that were given up; see bluetrail output dead list", len(only)-n, len(only), mostDead)
	}
	return n, nil
}

// deliver sends what the outbox of a data directory holds, when no server does it.
// Without outputs it empties the outbox, so that outputs of later do not hear of it.
func (a *app) deliver(data string) error {
	if a.opened != nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(a.path(data), state.DatabaseFile)); err != nil {
		return nil // nothing was ingested
	}
	db, err := state.Open(a.path(data))
	if err != nil {
		return err
	}
	defer db.Close()
	d, err := output.Open(db, &a.cfg, slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		return usageError{err}
	}
	sum, err := d.Drain(a.ctx)
	if sum.Sent > 0 {
		a.note("%s sent to outputs", count(sum.Sent, "message"))
	}
	for _, s := range sum.Waiting {
		why := ""
		if s.Problem != "" {
			why = ": " + strings.TrimSuffix(s.Problem, ".")
		}
		a.warn("output %q has %s waiting%s; bluetrail serve or the next ingest sends them", s.Name, count(int(s.Waiting), "message"), why)
	}
	return err
}
