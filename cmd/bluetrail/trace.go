package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/incident"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

type traceCmd struct {
	Thing string `arg:"" help:"An access key, ARN, name of a user or role, address, or instance ID."`
	input
	Output string `short:"o" help:"Output format: table, json or html (one page that needs no network)." enum:"table,json,html" default:"table"`
}

func (*traceCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*traceCmd) Help() string {
	return "What a thing did and what grew out of it: keys created and used, roles assumed, users made.\n\n" + examples(
		"bluetrail trace AKIAIOSFODNN7EXAMPLE ./AWSLogs",
		"bluetrail trace alice --data ./data",
		"bluetrail trace 203.0.113.9 ./AWSLogs -o html > trace.html",
	)
}

func (c *traceCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	t := incident.NewTrace(c.Thing)
	o.Text = incident.LinkSearch()
	if err := a.collectQuietly(o, t.Link); err != nil {
		return err
	}
	t.Follow()
	o.Text = t.Search()
	if err := a.collect(o, t.Add); err != nil {
		return err
	}
	t.Done()
	if t.Truncated {
		a.warn("there was more to follow than a trace can hold; narrow the time range")
	}
	out := bufio.NewWriter(a.out)
	switch c.Output {
	case "html":
		err = t.WriteHTML(out)
	case "json":
		err = a.traceJSON(out, t, o.Zone)
	default:
		writeNode(out, t.Root, "", o.Zone)
	}
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if t.Root.Calls == 0 && len(t.Root.Children) == 0 {
		a.note("no event by %q; names are case-sensitive", c.Thing)
	}
	return nil
}

// maxIdle is how many things without calls are shown below one that made them.
const maxIdle = 3

func writeNode(w io.Writer, n *incident.Node, indent string, zone *time.Location) {
	const clock = "2006-01-02 15:04:05"
	made := ""
	if n.Made != "" {
		made = fmt.Sprintf(", made by %s at %s", n.Made, n.At.In(zone).Format(clock))
	}
	fmt.Fprintf(w, "%s%s %s%s: %s\n", indent, n.Kind, diag.Printable(n.Name), diag.Printable(made), count(int(n.Calls), "call"))
	for _, d := range n.Deeds {
		mark := " "
		if d.Write {
			mark = "*"
		}
		line := fmt.Sprintf("%s  %s %s %s", indent, d.First.In(zone).Format(clock), mark, d.Text())
		if len(d.Objects) > 0 {
			line += " on " + strings.Join(d.Objects, ", ")
		}
		fmt.Fprintln(w, diag.Printable(line))
	}
	if n.More > 0 {
		fmt.Fprintf(w, "%s  %s\n", indent, count(int(n.More), "further call"))
	}
	idle := 0
	for _, child := range n.Children {
		if child.Calls == 0 && len(child.Children) == 0 {
			if idle++; idle > maxIdle {
				continue
			}
		}
		writeNode(w, child, indent+"    ", zone)
	}
	if idle > maxIdle {
		fmt.Fprintf(w, "%s    %d more without calls (-o json lists them)\n", indent, idle-maxIdle)
	}
}

// traceJSON writes an object for each deed, and one for a node without any.
func (a *app) traceJSON(out io.Writer, t *incident.Trace, zone *time.Location) error {
	w, err := result.New(out, result.Options{Format: "json", Zone: zone, Terminal: a.outTerm.TTY, Cancelled: a.ctx.Err})
	if err != nil {
		return err
	}
	var walk func(n *incident.Node, path []string) error
	walk = func(n *incident.Node, path []string) error {
		path = append(path[:len(path):len(path)], n.Name)
		deeds := n.Deeds
		if len(deeds) == 0 {
			deeds = []*incident.Deed{nil}
		}
		for _, d := range deeds {
			b := vector.NewBuilder("kind", "name", "path", "made_by", "made_at", "first", "last", "event_name", "event_source", "outcome", "count", "objects", "addresses")
			b.Add()
			b.Set("kind", vector.String(n.Kind))
			b.Set("name", vector.String(n.Name))
			b.Set("path", vector.Strings(path))
			if n.Made != "" {
				b.Set("made_by", vector.String(n.Made))
				b.Set("made_at", vector.String(n.At.In(zone).Format(time.RFC3339)))
			}
			if d != nil {
				b.Set("first", vector.String(d.First.In(zone).Format(time.RFC3339)))
				b.Set("last", vector.String(d.Last.In(zone).Format(time.RFC3339)))
				b.Set("event_name", vector.String(d.Name))
				b.Set("event_source", vector.String(d.Source))
				b.Set("outcome", vector.String(d.Outcome))
				b.Set("count", vector.String(strconv.FormatInt(d.Count, 10)))
				if len(d.Objects) > 0 {
					b.Set("objects", vector.Strings(d.Objects))
				}
				var from []string
				for _, c := range d.Addresses.Top() {
					from = append(from, c.Value)
				}
				if len(from) > 0 {
					b.Set("addresses", vector.Strings(from))
				}
			}
			if err := w.Write(b.Batch()); err != nil {
				return err
			}
		}
		for _, child := range n.Children {
			if err := walk(child, path); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(t.Root, nil); err != nil {
		return err
	}
	_, err = w.Close()
	return err
}
