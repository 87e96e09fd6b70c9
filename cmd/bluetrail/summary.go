package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/incident"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/vector"

	"github.com/dustin/go-humanize"
)

type summaryCmd struct {
	Top int `help:"How many identities to show; 0 shows all." default:"20" placeholder:"N"`
	input
	Output string `short:"o" help:"Output format: table, list, json or csv." enum:"table,list,json,csv" default:"table"`
}

func (*summaryCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*summaryCmd) Help() string {
	return "Who was active: identities that deserve a look come first.\n\n" + examples(
		"bluetrail summary ./AWSLogs",
		"bluetrail summary --data ./data --earliest -24h -o json",
	)
}

func (c *summaryCmd) Run(a *app) error {
	if c.Top < 0 {
		return usage("--top must not be negative")
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	sum := incident.NewSummary()
	o.Text, o.Gather = incident.SummarySearch(), sum.Gather
	if err := a.collect(o, func(*vector.Batch) {}); err != nil {
		return err
	}
	list := sum.Identities()
	total := len(list)
	if c.Top > 0 && len(list) > c.Top {
		list = list[:c.Top]
	}
	geo, _ := o.Geo.(*enrich.Geo)
	out := bufio.NewWriter(a.out)
	if c.Output == "table" {
		for _, d := range list {
			writeIdentity(out, d, geo, o.Zone)
		}
	} else {
		w, err := result.New(out, result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: o.Zone, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err})
		if err != nil {
			return err
		}
		for _, d := range list {
			if err := w.Write(identityRow(d, geo, o.Zone)); err != nil {
				return err
			}
		}
		if _, err := w.Close(); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	a.note("%s by %s", count(int(sum.Events), "event"), count(total, "caller"))
	if more := total - len(list); more > 0 {
		a.note("%d more not shown; --top 0 shows all", more)
	}
	if o := &sum.Overflow; o.Events > 0 {
		text := fmt.Sprintf("%s of further callers not summarized, %s of them denied", count(int(o.Events), "event"), humanize.Comma(o.Denied))
		for i, c := range o.Favoured.Top() {
			if i == shownValues {
				break
			}
			text += fmt.Sprintf(", %s ×%d", diag.Printable(c.Value), c.N)
		}
		a.warn("%s: there are too many; narrow the time range", text)
	}
	return nil
}

// collect runs a search and passes on its batches, then says what could not be
// read.
func (a *app) collect(o search.Options, take func(*vector.Batch)) error {
	return a.gather(o, take, true)
}

// collectQuietly is collect for a first of several searches of the same events:
// what could not be read is told by the last.
func (a *app) collectQuietly(o search.Options, take func(*vector.Batch)) error {
	return a.gather(o, take, false)
}

func (a *app) gather(o search.Options, take func(*vector.Batch), tell bool) error {
	return a.running(o, func(s *search.Search, stop func()) error {
		err := s.Each(a.ctx, func(b *vector.Batch) error { take(b); return nil })
		stop()
		if tell || err != nil {
			a.notices(s.Notices())
			a.tellSkipped(s)
		}
		return err
	})
}

// tellSkipped is noteSkipped for commands that do not sum up what was read.
func (a *app) tellSkipped(s *search.Search) {
	a.noteSkipped(s)
	if st, ok := s.Stats(); ok && len(st.Skipped) > 0 {
		a.note("%s while reading; everything else was read", count(len(st.Skipped)+int(st.SkippedMore), "problem"))
	}
}

// running opens a search and lets use take its rows. stop ends the progress line.
func (a *app) running(o search.Options, use func(s *search.Search, stop func()) error) error {
	defer a.limitMemory()()
	stop := a.progress(o.Store)
	defer stop()
	s, notices, err := search.Open(a.ctx, o)
	if err != nil {
		stop()
		a.notices(notices)
		return err
	}
	defer s.Close()
	return use(s, stop)
}

// shownValues is how many values of a kind a table shows for an identity.
const shownValues = 4

func writeIdentity(w io.Writer, d *incident.Identity, geo *enrich.Geo, zone *time.Location) {
	if zone == nil {
		zone = time.UTC
	}
	const clock = "2006-01-02 15:04:05"
	fmt.Fprintf(w, "%s (%s)\n", diag.Printable(d.Name), diag.Printable(d.Type))
	fmt.Fprintf(w, "  %s to %s: %s, %s denied, %s\n", d.First.In(zone).Format(clock), d.Last.In(zone).Format(clock), count(int(d.Calls), "call"), humanize.Comma(d.Denied), count(int(d.Errors), "error"))
	for _, c := range d.Favoured.Top() {
		fmt.Fprintf(w, "  ! %s ×%d: %s\n", diag.Printable(c.Value), c.N, incident.Why(c.Value))
	}
	line := func(label string, c *incident.Counts, word func(string) string) {
		top := c.Top()
		if len(top) == 0 {
			return
		}
		var parts []string
		for i, v := range top {
			if i == shownValues {
				parts = append(parts, fmt.Sprintf("%d more", c.Len()-i))
				break
			}
			text := v.Value
			if word != nil {
				if about := word(v.Value); about != "" {
					text += " (" + about + ")"
				}
			}
			parts = append(parts, fmt.Sprintf("%s ×%d", diag.Printable(text), v.N))
		}
		if c.Unknown() > 0 {
			parts = append(parts, fmt.Sprintf("other values ×%d", c.Unknown()))
		}
		text, indent := "  "+label, strings.Repeat(" ", 12)
		text += strings.Repeat(" ", len(indent)-len(text))
		used := len(indent)
		for i, p := range parts {
			if i < len(parts)-1 {
				p += ","
			}
			n := len([]rune(p))
			switch {
			case used > len(indent) && used+1+n > 79:
				text += "\n" + indent
				used = len(indent)
			case used > len(indent):
				text += " "
				used++
			}
			text += p
			used += n
		}
		fmt.Fprintln(w, text)
	}
	line("from", &d.Addresses, func(ip string) string { return incident.Place(geo, ip) })
	line("regions", &d.Regions, nil)
	line("keys", &d.Keys, nil)
	line("agents", &d.Agents, nil)
	line("services", &d.Services, nil)
	fmt.Fprintln(w)
}

func identityRow(d *incident.Identity, geo *enrich.Geo, zone *time.Location) *vector.Batch {
	if zone == nil {
		zone = time.UTC
	}
	b := vector.NewBuilder("identity", "type", "score", "calls", "denied", "errors", "first", "last", "favoured", "addresses", "keys", "agents", "regions", "services")
	b.Add()
	values := func(name string, c *incident.Counts, word func(string) string) {
		var list []string
		for _, v := range c.Top() {
			text := v.Value
			if word != nil {
				if about := word(v.Value); about != "" {
					text += " (" + about + ")"
				}
			}
			list = append(list, fmt.Sprintf("%s ×%d", text, v.N))
		}
		if c.More() > 0 {
			list = append(list, fmt.Sprintf("other values ×%d", c.More()))
		}
		if len(list) > 0 {
			b.Set(name, vector.Strings(list))
		}
	}
	for name, text := range map[string]string{
		"identity": d.Name, "type": d.Type, "first": d.First.In(zone).Format(time.RFC3339), "last": d.Last.In(zone).Format(time.RFC3339),
		"score": strconv.FormatInt(d.Score(), 10), "calls": strconv.FormatInt(d.Calls, 10), "denied": strconv.FormatInt(d.Denied, 10), "errors": strconv.FormatInt(d.Errors, 10),
	} {
		b.Set(name, vector.String(text))
	}
	values("favoured", &d.Favoured, incident.Why)
	values("addresses", &d.Addresses, func(ip string) string { return incident.Place(geo, ip) })
	values("keys", &d.Keys, nil)
	values("agents", &d.Agents, nil)
	values("regions", &d.Regions, nil)
	values("services", &d.Services, nil)
	return b.Batch()
}
