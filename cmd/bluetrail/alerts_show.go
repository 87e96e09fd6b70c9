package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/diag"
	"bluetrail/internal/state"

	"github.com/dustin/go-humanize"
	"github.com/mattn/go-runewidth"
)

type alertsShowCmd struct {
	ID     []string `arg:"" name:"alert" help:"The number of an alert, or how its ID begins."`
	Data   string   `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Output string   `short:"o" help:"Output format: text or json." enum:"text,json" default:"text"`
}

func (*alertsShowCmd) pages() bool { return true }

func (c *alertsShowCmd) home(a *app) string { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*alertsShowCmd) Help() string {
	return examples("bluetrail alerts show 12", "bluetrail alerts show 12 -o json | jq .around")
}

func (c *alertsShowCmd) Run(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	out := bufio.NewWriterSize(a.out, 64<<10)
	for i, text := range c.ID {
		x, err := readAlert(db, text)
		if err != nil {
			out.Flush()
			return err
		}
		if c.Output == "json" {
			body, err := json.Marshal(x)
			if err == nil {
				err = writeJSON(out, body)
			}
			if err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		history, err := db.History("alert", x.ID)
		if err != nil {
			return err
		}
		p := &page{out: out, width: 80, zone: a.zone(), data: shellWord(a.dataDir(c.Data))}
		if a.outTerm.Width > 0 {
			p.width = min(a.outTerm.Width, 110)
		}
		p.alert(x, history)
	}
	return out.Flush()
}

// readAlert returns the alert that a text means.
func readAlert(db *state.DB, text string) (*alert.Alert, error) {
	id, err := oneAlert(db, text)
	if err != nil {
		return nil, err
	}
	row, err := db.Alert(id)
	if err == nil && row == nil {
		err = alert.ErrGone
	}
	if err != nil {
		return nil, err
	}
	return alert.Decode(row)
}

// page writes an alert for people.
type page struct {
	out   *bufio.Writer
	width int
	zone  *time.Location
	data  string // the data directory as a shell takes it
}

const labelWidth = 12

func (p *page) alert(x *alert.Alert, history []state.Action) {
	status := string(x.Status)
	if x.Verdict != "" {
		status += " as " + string(x.Verdict)
	}
	if x.Assignee != "" {
		status += ", assigned to " + x.Assignee
	}
	fmt.Fprintf(p.out, "Alert %d · %s · %s\n", x.Number, x.Severity, diag.Printable(status))
	p.text("", x.Title)
	fmt.Fprintln(p.out)
	p.text("", x.Summary)
	fmt.Fprintln(p.out)
	when := p.when(x.First)
	if x.Last.Sub(x.First) >= time.Second {
		when += " to " + p.when(x.Last)
	}
	p.field("when", fmt.Sprintf("%s, %s", when, count(int(x.Count), "event")))
	for i, actor := range x.Actor {
		kind := ""
		if len(x.ActorType) == len(x.Actor) {
			kind = x.ActorType[i]
		}
		p.field("who", alert.ActorWords(actor, kind))
	}
	p.values("class", x.ActorClass)
	p.values("chain", slices.DeleteFunc(slices.Clone(x.Chain), func(chain string) bool { // says no more than the actor
		return slices.ContainsFunc(x.Actor, func(actor string) bool { return actor == chain || strings.HasSuffix(actor, "/"+chain) })
	}))
	p.values("session", x.Session)
	for _, s := range x.Sources {
		p.field("from", sourceWords(&s))
	}
	p.values("agent", x.UserAgent)
	p.values("account", x.Account)
	p.values("region", x.Region)
	p.values("call", x.EventName)
	p.values("object", x.Object)
	p.field("outcome", x.Outcome)
	for _, f := range x.Fields {
		if !said(x, f.Values) {
			p.values(f.Name, f.Values)
		}
	}
	rule := x.Rule
	if len(x.Mitre) > 0 {
		rule += " (" + strings.Join(x.Mitre, ", ") + ")"
	}
	p.field("rule", rule)
	if x.Triage != "" {
		p.field("triage", x.Triage)
	}
	if x.Risk > 0 {
		p.field("risk", fmt.Sprintf("%.0f", x.Risk))
	}
	p.list("How unusual", x.Unusual, "")
	p.list("Opened", x.Exposure, "")
	p.list("Notes", x.Notes, "")
	p.around(x.Around)
	p.list("Next steps", x.NextSteps, "bluetrail search --data "+p.data+" ")
	p.list("Harmless when", x.FalsePositives, "")
	p.history(history)
	fmt.Fprintln(p.out)
	kept := fmt.Sprintf("%s of %s kept", count(int(x.RecordsKept), "record"), count(int(x.Count), "event"))
	if x.RecordsNote != "" {
		kept += " (" + x.RecordsNote + ")"
	}
	p.text("", fmt.Sprintf("%s; %s. Write them with: bluetrail alerts export %d --data %s", kept, count(int(x.FindingCount+x.Silent), "finding"), x.Number, p.data))
	if x.Silent > 0 {
		p.text("", fmt.Sprintf("%s joined after it was closed.", count(int(x.Silent), "finding")))
	}
}

// said reports whether all values of a field are shown already.
func said(x *alert.Alert, values []string) bool {
	for _, v := range values {
		if v != x.Entity && !slices.Contains(x.Object, v) && !slices.ContainsFunc(x.Sources, func(s alert.Source) bool { return s.Address == v }) {
			return false
		}
	}
	return true
}

func (p *page) when(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04:05") }

// field writes a label and a text, which is broken into lines.
func (p *page) field(label, text string) {
	if text == "" {
		return
	}
	label = diag.Printable(label)
	if n := runewidth.StringWidth(label); n < labelWidth {
		label += strings.Repeat(" ", labelWidth-n)
	} else {
		fmt.Fprintf(p.out, "  %s\n", label)
		label = strings.Repeat(" ", labelWidth)
	}
	p.wrap("  "+label, strings.Repeat(" ", labelWidth+2), diag.Printable(text))
}

func (p *page) values(label string, values []string) {
	const most = 5
	list := values
	if len(list) > most {
		list = append(list[:most:most], fmt.Sprintf("and %d more", len(values)-most))
	}
	for i, v := range list {
		if i > 0 {
			label = ""
		}
		p.field(label, v)
	}
}

func (p *page) text(indent, text string) { p.wrap(indent, indent, diag.Printable(text)) }

// wrap writes a text in lines of the page's width. A word that is longer gets cut.
func (p *page) wrap(first, rest, text string) {
	line, used := first, runewidth.StringWidth(first)
	empty := true
	flush := func() {
		fmt.Fprintln(p.out, strings.TrimRight(line, " "))
		line, used, empty = rest, runewidth.StringWidth(rest), true
	}
	for _, word := range strings.Fields(text) {
		for {
			n := runewidth.StringWidth(word)
			if !empty && used+1+n > p.width {
				flush()
			}
			room := max(p.width-used, 10)
			if n <= room || !empty {
				break
			}
			head := runewidth.Truncate(word, room, "")
			line += head
			empty = false
			word = word[len(head):]
			flush()
		}
		if !empty {
			line += " "
			used++
		}
		line += word
		used += runewidth.StringWidth(word)
		empty = false
	}
	if !empty {
		flush()
	}
}

// list writes a heading and a text for each of a list. Searches are written as a shell
// takes them.
func (p *page) list(heading string, texts []string, command string) {
	if len(texts) == 0 {
		return
	}
	fmt.Fprintf(p.out, "\n%s\n", heading)
	for _, text := range texts {
		if command != "" {
			text = command + shellWord(printableLine(text))
		}
		p.wrap("  ", "    ", diag.Printable(text))
	}
}

func (p *page) around(list []alert.Around) {
	if len(list) == 0 {
		return
	}
	const most = 12
	fmt.Fprintf(p.out, "\nAround it, from 30 minutes before to 30 minutes after\n")
	for i, x := range list {
		if i == most {
			fmt.Fprintf(p.out, "  %s\n", count(len(list)-i, "more call"))
			break
		}
		span := x.First.In(p.zone).Format("15:04")
		if last := x.Last.In(p.zone).Format("15:04"); last != span {
			span += "–" + last
		}
		call := strings.TrimSuffix(x.EventSource, ".amazonaws.com") + ":" + x.EventName
		fmt.Fprintf(p.out, "  %7s  %-8s %-11s  %s\n", humanize.Comma(x.Count), diag.Printable(x.Outcome), span, diag.Printable(runewidth.Truncate(call, max(p.width-34, 20), "…")))
	}
}

func (p *page) history(list []state.Action) {
	if len(list) == 0 {
		return
	}
	const most = 20
	fmt.Fprintf(p.out, "\nHistory\n")
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(p.out, "  %s\n", count(more, "earlier action"))
		list = list[more:]
	}
	for _, x := range list {
		text := x.Action
		if x.Text != "" {
			text += ": " + x.Text
		}
		p.wrap("  ", "      ", diag.Printable(fmt.Sprintf("%s %s %s", p.when(time.UnixMilli(x.Time)), x.Who, text)))
	}
}

// sourceWords describes an address.
func sourceWords(s *alert.Source) string {
	var about []string
	if s.Country != "" {
		about = append(about, s.Country)
	}
	switch {
	case s.Network != "" && s.ASN != 0:
		about = append(about, fmt.Sprintf("%s (AS%d)", s.Network, s.ASN))
	case s.Network != "":
		about = append(about, s.Network)
	}
	if s.NetworkKind != "" {
		about = append(about, s.NetworkKind)
	}
	text := s.Address
	if len(about) > 0 {
		text += ", " + strings.Join(about, ", ")
	}
	if s.FirstSeen {
		text += "; new for this identity"
	}
	for _, l := range s.Lists {
		text += "; on list " + l
	}
	return text
}
