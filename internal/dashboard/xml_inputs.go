package dashboard

import (
	"regexp"
	"strings"
)

// inputs reads a fieldset, or the inputs of a panel.
func (x *importer) inputs(n *node, where string) {
	for _, c := range n.nodes {
		switch c.name {
		case "input":
			x.input(c)
		case "html":
			x.leave(c, where, "HTML beside the inputs")
		default:
			x.leave(c, where, "<%s>", c.name)
		}
	}
}

// setters notes the tokens that <init> and <change> set.
func (x *importer) setters(n *node) {
	for _, c := range n.nodes {
		switch c.name {
		case "set", "eval":
			if name := c.attrs["token"]; name != "" && c.name == "set" {
				x.set[strings.TrimPrefix(name, "form.")] = c.text
				continue
			}
			x.leave(c, n.name, "<%s token=%q>", c.name, c.attrs["token"])
		case "condition":
			x.setters(c)
		default:
			x.leave(c, n.name, "<%s token=%q>", c.name, c.attrs["token"])
		}
	}
}

// fieldBefore reads user=" and user= as they stand in <prefix> and <valuePrefix>.
var fieldBefore = regexp.MustCompile(`^\(?\s*([A-Za-z_][\w.{}-]*)\s*=\s*"?$`)

func (x *importer) input(n *node) {
	id := strings.TrimPrefix(n.attrs["token"], "form.")
	where := "input " + id
	in := Input{ID: id, Label: n.says("label")}
	kind := n.attrs["type"]
	if kind == "time" && id == "" {
		in.ID = "time" // the one without a token is for the whole page
	}
	if !inputForm.MatchString(in.ID) {
		x.leave(n, where, "the token %q is no name of an input", n.attrs["token"])
		return
	}
	switch kind {
	case "time":
		in.Type = "time"
		at := n.child("default")
		if i := n.child("initialValue"); i != nil {
			at = i
		}
		in.Earliest = defaulted(at.says("earliest", "earliestTime"), "-24h@h")
		in.Latest = defaulted(at.says("latest", "latestTime"), "now")
	case "dropdown", "radio", "link":
		in.Type = "dropdown"
	case "multiselect", "checkbox":
		in.Type, in.Multiple = "dropdown", true
	case "text":
		in.Type = "text"
	default:
		x.leave(n, where, "the type %q became text", kind)
		in.Type = "text"
	}
	if in.Type != "time" {
		x.choices(n, &in, where)
	}
	for _, c := range n.nodes {
		switch c.name {
		case "label", "default", "initialValue", "choice", "search", "populatingSearch", "fieldForLabel", "fieldForValue",
			"prefix", "suffix", "valuePrefix", "valueSuffix", "delimiter", "allowCustomValues", "selectFirstChoice":
		case "change":
			x.setters(c)
			x.leave(c, where, "what happens on a change (<change>)")
		default:
			x.leave(c, where, "<%s>", c.name)
		}
	}
	for _, a := range []string{"depends", "rejects"} {
		if n.attrs[a] != "" {
			x.leave(n, where, "%s=%q; the input is always shown", a, n.attrs[a])
		}
	}
	if in.Type == "dropdown" && len(in.Choices) == 0 && in.Search == "" {
		x.leave(n, where, "a %s without choices became text", kind)
		in.Type, in.Multiple = "text", false
	}
	if in.Type == "text" && len(in.Default) > 1 {
		in.Default = in.Default[:1]
	}
	x.d.Inputs = append(x.d.Inputs, in)
}

// choices reads what may be chosen, and how Splunk writes the choice into the search.
func (x *importer) choices(n *node, in *Input, where string) {
	if in.Type == "dropdown" {
		for _, c := range n.nodes {
			if c.name != "choice" {
				continue
			}
			v := c.attrs["value"]
			if strings.ContainsAny(v, "|=") || strings.Contains(v, " OR ") {
				x.leave(c, where, "the choice %q stands for a part of a search; here a choice is one value", c.text)
				continue
			}
			in.Choices = append(in.Choices, Choice{Label: c.text, Value: v})
		}
		for _, name := range []string{"search", "populatingSearch"} {
			s := n.child(name)
			if s == nil {
				continue
			}
			if name == "populatingSearch" {
				in.Search = x.tokens(s, where, s.text)
			} else if in.Search = x.query(s, where); s.attrs["base"] != "" {
				in.Search = strings.TrimSpace(x.d.Searches[s.attrs["base"]] + "\n" + piped(in.Search))
			}
			in.Earliest, in.Latest = x.times(s, where)
			in.Value = defaulted(n.says("fieldForValue"), s.attrs["fieldForValue"])
			in.Text = defaulted(n.says("fieldForLabel"), s.attrs["fieldForLabel"])
			if in.Value == "" {
				in.Value = in.Text
			}
			if in.Search != "" && in.Value == "" {
				x.leave(s, where, "a search for choices without <fieldForValue>")
				in.Search = ""
			}
		}
		if in.Search == "" {
			in.Earliest, in.Latest = "", ""
		}
	}
	at := n.says("initialValue", "default")
	if at != "" && at != "*" {
		if in.Multiple {
			for v := range strings.SplitSeq(at, ",") {
				in.Default = append(in.Default, strings.TrimSpace(v))
			}
		} else {
			in.Default = Strings{at}
		}
	}
	before := defaulted(n.says("valuePrefix"), n.says("prefix"))
	if m := fieldBefore.FindStringSubmatch(before); m != nil {
		in.Field = m[1]
		return
	}
	for _, c := range n.nodes {
		switch c.name {
		case "prefix", "suffix", "valuePrefix", "valueSuffix":
			if t := strings.Trim(c.text, `"() `); t != "" {
				x.leave(c, where, "<%s>%s</%s>: values are put in without it", c.name, c.text, c.name)
			}
		case "delimiter":
			if t := strings.TrimSpace(c.text); t != "," && t != "" {
				x.leave(c, where, "<delimiter>%s</delimiter>: several values are put in with commas, for IN ($%s$)", c.text, in.ID)
			}
		}
	}
}

// times returns the times of a search, "" for those of the page.
func (x *importer) times(n *node, where string) (earliest, latest string) {
	earliest = n.says("earliest", "earliestTime")
	latest = n.says("latest", "latestTime")
	if strings.Contains(earliest+latest, "$") { // of an input
		return "", ""
	}
	return earliest, latest
}
