package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/result"
)

type actorsCmd struct {
	List actorsListCmd `cmd:"" default:"withargs" help:"List who acts and what kind of actor each one is."`
	Set  actorsSetCmd  `cmd:"" help:"Say what kind of actor somebody is."`
}

type actorsSetCmd struct {
	Actor  string `arg:"" help:"The actor, as actors list names it; * stands for any text."`
	Class  string `arg:"" help:"person, aws_service, automation, scanner, agent, unknown, or auto to take back what was said." enum:"person,aws_service,automation,scanner,agent,unknown,auto"`
	Reason string `help:"Why." placeholder:"TEXT"`
	Data   string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
}

func (c *actorsSetCmd) home(a *app) string { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*actorsSetCmd) Help() string {
	return examples("bluetrail actors set 'arn:aws:iam::*:role/SecurityAudit' scanner --reason 'weekly configuration review'", "bluetrail actors set 'arn:aws:iam::*:role/SecurityAudit' auto")
}

func (c *actorsSetCmd) Run(a *app) error {
	class := actor.Class(c.Class)
	switch {
	case c.Class == "auto":
		class = ""
	case strings.TrimSpace(c.Reason) == "":
		return usage("say why with --reason TEXT: whoever reads a finding of this actor sees it")
	}
	if len(c.Reason) > live.MaxReason || len(c.Actor) > live.MaxReason {
		return usage("the actor and the reason may have at most %d bytes", live.MaxReason)
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	if db.Copied() {
		return fmt.Errorf("cannot set the class of %q: the data directory %q is read-only", c.Actor, a.dataDir(c.Data))
	}
	now := time.Now()
	if err := live.SetClass(db, c.Actor, class, c.Reason, now); err != nil {
		return fmt.Errorf("cannot set the class of %q: %w", c.Actor, err)
	}
	if a.rules != nil {
		if err := a.rules.Heard(c.Actor, class, c.Reason, now); err != nil {
			return err
		}
	}
	return a.book(db, func(b *actor.Book) {
		if strings.Contains(c.Actor, "*") || b.Of(c.Actor, "") != nil {
			return
		}
		var names []string
		b.Each(func(name, _ string, _ *actor.Evidence) { names = append(names, name) })
		near := diag.DidYouMean(c.Actor, names)
		if near == "" {
			near = "bluetrail actors lists those there are"
		}
		a.warn("no event so far is by %s; %s", diag.Printable(c.Actor), diag.Printable(near))
	})
}

type actorsListCmd struct {
	Actor string `help:"Only actors of this name; * stands for any text." placeholder:"TEXT"`
	Class string `help:"Only actors of this class: person, aws_service, automation, scanner, agent or unknown." enum:",person,aws_service,automation,scanner,agent,unknown" default:"" placeholder:"CLASS"`
	input
	Output string `short:"o" help:"Output format: table, list, json or csv." enum:"table,list,json,csv" default:"table"`
}

func (c *actorsListCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*actorsListCmd) Help() string {
	return examples("bluetrail actors ./AWSLogs", "bluetrail actors --class scanner --data ./data", "bluetrail actors ./AWSLogs -o json | jq -r .why[]")
}

// listedActor is an actor as actors list -o json has it.
type listedActor struct {
	Actor      string      `json:"actor"`
	Type       string      `json:"actor_type"`
	Class      actor.Class `json:"actor_class"`
	Confidence float64     `json:"confidence"`
	Trusted    bool        `json:"trusted"`
	Why        []string    `json:"why"`
	Calls      int64       `json:"calls"`
	Denied     int64       `json:"denied"`
	First      time.Time   `json:"first"`
	Last       time.Time   `json:"last"`
}

func (c *actorsListCmd) Run(a *app) error {
	if len(c.Files) == 0 {
		return c.kept(a)
	}
	h, err := c.hunting(a, &ruleset.Ruleset{Set: sigma.NewSet(nil)})
	if err != nil {
		return err
	}
	defer h.close()
	if h.Triage, err = a.triage(false); err != nil {
		return err
	}
	stop := h.meter(a)
	res, err := hunt.Run(a.ctx, h.Options)
	stop()
	if err != nil {
		return err
	}
	list := c.of(res.Book)
	if err := c.write(a, list); err != nil {
		return err
	}
	a.huntProblems(res, h.stats())
	a.noteTriage(res)
	a.note("%s from %s", count(len(list), "actor"), a.huntRead(res, h.stats()))
	return nil
}

// kept lists the actors of a data directory, as rules that run on what comes in know them.
func (c *actorsListCmd) kept(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	var list []listedActor
	if err := a.book(db, func(b *actor.Book) { list = c.of(b) }); err != nil {
		return err
	}
	if err := c.write(a, list); err != nil {
		return err
	}
	a.note("%s", count(len(list), "actor"))
	return nil
}

// of returns the actors that are asked for, the most calls first.
func (c *actorsListCmd) of(b *actor.Book) (list []listedActor) {
	match := filter.Wildcard(c.Actor, false)
	b.Each(func(name, kind string, e *actor.Evidence) {
		o := b.Opinion(name, kind)
		if c.Actor != "" && !match(name) || c.Class != "" && c.Class != string(o.Class) {
			return
		}
		list = append(list, listedActor{name, kind, o.Class, o.Confidence, o.Trusted, o.Reasons, e.Calls, e.Denied, time.Unix(e.First, 0).UTC(), time.Unix(e.Last, 0).UTC()})
	})
	slices.SortStableFunc(list, func(x, y listedActor) int { return int(min(max(y.Calls-x.Calls, -1), 1)) })
	return list
}

func (c *actorsListCmd) write(a *app, list []listedActor) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Output == "json" {
		for i := range list {
			body, err := json.Marshal(&list[i])
			if err == nil {
				err = writeJSON(out, body)
			}
			if err != nil {
				return err
			}
		}
		return out.Flush()
	}
	rows := make([][]string, len(list))
	for i, x := range list {
		rows[i] = []string{x.Actor, x.Type, string(x.Class), strconv.FormatInt(x.Calls, 10), x.Last.In(a.zone()).Format(time.RFC3339), strings.Join(x.Why, " ")}
	}
	o := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	o.Spare, o.Whole = []string{"why", "actor_type"}, []string{"last"}
	if err := a.textRows(out, o, []string{"actor", "actor_type", "actor_class", "calls", "last", "why"}, rows); err != nil {
		return err
	}
	return out.Flush()
}
