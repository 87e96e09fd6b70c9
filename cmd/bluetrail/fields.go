package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

type fieldsCmd struct {
	Names  []string `arg:"" optional:"" name:"field" help:"Only these fields; * stands for any text."`
	Where  string   `help:"Only events that this search finds." default:"*" placeholder:"SPL"`
	Values int      `help:"How many of the most frequent values to show." default:"3" placeholder:"N"`
	All    bool     `help:"Also list the parts of the date, such as date_hour."`
	source
	Output string `short:"o" help:"Output format: table, list, json or csv." enum:"table,list,json,csv" default:"table"`
}

func (*fieldsCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*fieldsCmd) Help() string {
	return examples(
		"bluetrail fields --files ./AWSLogs",
		"bluetrail fields --where 'eventName=CreateUser' 'requestParameters.*'",
		"bluetrail fields user src -o list --values 10",
		"bluetrail fields actor actor_type session_id actor_chain   # only listed when they are named",
	)
}

func (c *fieldsCmd) home(a *app) string { return c.source.home(a) }

// everyEvent is a field that all events have.
const everyEvent = "index"

// field is what is known of a field over some events.
type field struct {
	name             string
	events, distinct int
	exact            bool
	values           []string
}

func (c *fieldsCmd) Run(a *app) error {
	if c.Values < 1 || c.Values > 100 {
		return usage("--values must be between 1 and 100")
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	o.Text = fmt.Sprintf("%s | fieldsummary maxvals=%d", c.Where, c.Values)
	for _, name := range c.Names {
		o.Text += " " + quoted(name)
	}
	if len(c.Names) > 0 {
		o.Text += " " + everyEvent // to count the events
	}
	list, err := c.summaries(a, o)
	if err != nil {
		return err
	}
	total := 0
	if i := slices.IndexFunc(list, func(f field) bool { return f.name == everyEvent }); i >= 0 {
		total = list[i].events
		if len(c.Names) > 0 && !slices.Contains(c.Names, everyEvent) {
			list = slices.Delete(list, i, i+1)
		}
	}
	switch {
	case total == 0:
		return nil // the reasons were told
	case len(list) == 0:
		a.note("no event has such a field; bluetrail fields lists all")
		return nil
	}
	b := vector.NewBuilder("field", "events", "share", "distinct", "top values")
	shown := 0
	for _, f := range list {
		if len(c.Names) == 0 && !c.All && strings.HasPrefix(f.name, "date_") {
			continue
		}
		shown++
		b.Add()
		b.Set("field", vector.String(f.name))
		b.Set("events", vector.String(strconv.Itoa(f.events)))
		b.Set("share", vector.String(share(f.events, total)))
		distinct := strconv.Itoa(f.distinct)
		if !f.exact {
			distinct = "about " + distinct
		}
		b.Set("distinct", vector.String(distinct))
		values := strings.Join(f.values, ", ")
		if c.Output == "json" || c.Output == "list" {
			b.Set("top values", vector.Strings(f.values))
		} else {
			b.Set("top values", vector.String(values))
		}
		if known := event.Lookup(f.name); known != nil {
			b.Set("meaning", vector.String(strings.ReplaceAll(known.Doc, "`", "")))
		}
	}
	out := bufio.NewWriter(a.out)
	w, err := result.New(out, result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: time.UTC, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour})
	if err != nil {
		return err
	}
	if err := w.Write(b.Batch()); err != nil {
		return err
	}
	if _, err := w.Close(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	a.note("%s; what derived fields mean: docs/fields.md", count(shown, "field"))
	return nil
}

// summaries runs the search and returns the fields, sorted by name.
func (c *fieldsCmd) summaries(a *app, o search.Options) (list []field, err error) {
	err = a.running(o, func(s *search.Search, stop func()) error {
		err := s.Each(a.ctx, func(b *vector.Batch) error {
			for i := range b.Len {
				text := func(name string) string {
					if col := b.Col(name); col != nil {
						return col.At(i).Text()
					}
					return ""
				}
				f := field{name: text("field"), exact: text("is_exact") != "0"}
				f.events, _ = strconv.Atoi(text("count"))
				f.distinct, _ = strconv.Atoi(text("distinct_count"))
				var values []struct {
					Value string `json:"value"`
					Count int    `json:"count"`
				}
				if err := json.Unmarshal([]byte(text("values")), &values); err != nil {
					return fmt.Errorf("cannot read the values of field %q: %w", f.name, err)
				}
				for _, v := range values {
					f.values = append(f.values, fmt.Sprintf("%s (%d)", v.Value, v.Count))
				}
				list = append(list, f)
			}
			return nil
		})
		stop()
		a.notices(s.Notices())
		a.noteSkipped(s)
		return err
	})
	slices.SortFunc(list, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return list, err
}

// quoted writes a name of a field, which may have wildcards, as an argument of a
// command.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// share returns a part in percent; what is not nothing is not written as 0%.
func share(n, of int) string {
	if of == 0 {
		return ""
	}
	percent := float64(n) * 100 / float64(of)
	switch {
	case n > 0 && percent < 0.1:
		return "<0.1%"
	case n < of && percent > 99.9:
		return ">99.9%"
	case percent == math.Trunc(percent):
		return fmt.Sprintf("%.0f%%", percent)
	}
	return fmt.Sprintf("%.1f%%", percent)
}
