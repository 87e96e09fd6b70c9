package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/control"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/exposure"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

type exposureCmd struct {
	input
	Facts  []control.Path `help:"JSON that 'aws ec2 describe-…' printed: instances, security groups, network ACLs, subnets, interfaces or addresses; may be repeated." placeholder:"FILE"`
	AWS    bool           `name:"aws" help:"Ask AWS about the accounts and regions that the configuration lists under facts, unless it was asked lately."`
	ID     []string       `help:"Only openings of this security group, network ACL or instance; may be repeated." placeholder:"ID"`
	All    bool           `help:"Also openings that are closed again."`
	Lookup bool           `help:"Write what is open to the lookup exposure.csv of the data directory, for searches; a server does so by itself."`
	Output string         `short:"o" help:"Output format: table, json (whole openings) or csv." enum:"table,json,csv" default:"table"`
}

func (*exposureCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*exposureCmd) Help() string {
	return "What is open to the whole internet: security groups and network ACLs, since when, by whom, which instances are behind them, and whether anything still blocks it.\n\n" + examples(
		"bluetrail exposure ./AWSLogs",
		"bluetrail exposure --data ./data --all -o json",
		"aws ec2 describe-network-acls > acls.json; bluetrail exposure --data ./data --facts acls.json",
	)
}

// exposureColumns are the columns of a row of openings. exposureSpare are those that a
// narrow terminal does not show.
var (
	exposureColumns = []string{"reach", "id", "traffic", "opened", "by", "instances", "why", "closed", "closed_by", "account", "region"}
	exposureSpare   = []string{"region", "account", "closed_by", "by"}
)

func (c *exposureCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	m := exposure.New()
	o.Text = exposure.Search()
	if err := a.collect(o, func(b *vector.Batch) {
		for i := range b.Len {
			m.Add([]byte(b.At(event.Raw, i).Text()))
		}
	}); err != nil {
		return err
	}
	for _, path := range pathsOf(c.Facts) {
		if err := addFacts(m, a.path(path)); err != nil {
			return err
		}
	}
	if c.AWS {
		data := ""
		if len(c.Files) == 0 {
			data = a.dataDir(c.Data)
		}
		if err := a.addAWS(m, data); err != nil {
			return err
		}
	}
	all := exposure.Merge(m.Openings())
	list := slices.DeleteFunc(slices.Clone(all), func(o exposure.Opening) bool {
		return !c.All && o.Closed != nil || len(c.ID) > 0 && !concerns(&o, c.ID)
	})
	if c.Lookup {
		if len(c.Files) > 0 {
			return usage("--lookup is for a data directory; use --data DIR")
		}
		k, err := a.keeping(a.dataDir(c.Data), nil)
		if err != nil {
			return err
		}
		if err := k.WriteTable(a.ctx, exposure.LookupName, exposure.Lookup(all)); err != nil {
			return err
		}
	}
	out := bufio.NewWriter(a.out)
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
	} else if err := c.write(a, out, list, o.Zone); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	note := count(len(list), "opening")
	if hidden := len(all) - len(list); hidden > 0 && !c.All && len(c.ID) == 0 {
		note += fmt.Sprintf("; %d closed again, shown by --all", hidden)
	}
	a.note("%s; known from %s", note, count(int(m.Records), "change"))
	if m.Unread > 0 || m.Dropped > 0 {
		a.warn("%s could not be read, %s beyond what is kept", count(int(m.Unread), "record"), count(int(m.Dropped), "thing"))
	}
	return nil
}

// addFacts adds a file of what AWS described. It was described when the file was written.
func addFacts(m *exposure.Model, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	const most = 1 << 30
	if info.Size() > most {
		return usage("%s is larger than %d MiB", diag.Printable(path), most>>20)
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := m.Describe(doc, info.ModTime(), "", ""); err != nil {
		return usage("cannot use %s as facts: %v; give the JSON that 'aws ec2 describe-…' prints", diag.Printable(path), err)
	}
	return nil
}

// concerns reports whether an opening is of, or has behind it, one of some things.
func concerns(o *exposure.Opening, ids []string) bool {
	return slices.Contains(ids, o.ID) || slices.ContainsFunc(o.Instances, func(i exposure.Instance) bool { return slices.Contains(ids, i.ID) })
}

func (c *exposureCmd) write(a *app, out io.Writer, list []exposure.Opening, zone *time.Location) error {
	w, err := result.New(out, result.Options{
		Format: c.Output, Width: a.outTerm.Width, Zone: zone, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err,
		Spare: exposureSpare, Whole: []string{"opened", "reach", "id"},
	})
	if err != nil {
		return err
	}
	b := vector.NewBuilder(exposureColumns...)
	for i := range list {
		o := &list[i]
		b.Add()
		set := func(name, text string) {
			if text != "" {
				b.Set(name, vector.String(text))
			}
		}
		set("reach", string(o.Reach))
		set("id", o.ID)
		set("traffic", o.Traffic.String())
		set("opened", o.Opened.Time.In(zone).Format(time.DateTime))
		set("by", o.Opened.By)
		set("why", o.Why)
		if o.Closed != nil {
			set("closed", o.Closed.Time.In(zone).Format(time.DateTime))
			set("closed_by", o.Closed.By)
		}
		set("instances", behind(o, c.Output == "csv"))
		set("account", o.Account)
		set("region", o.Region)
	}
	if err := w.Write(b.Batch()); err != nil {
		return err
	}
	_, err = w.Close()
	return err
}

// behind names the instances behind an opening: all of them, or as many as fit a table.
func behind(o *exposure.Opening, all bool) string {
	const most = 2
	var ids []string
	for i, x := range o.Instances {
		if i == most && !all {
			break
		}
		ids = append(ids, x.ID)
	}
	text := strings.Join(ids, " ")
	if more := len(o.Instances) + o.More - len(ids); more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	return text
}
