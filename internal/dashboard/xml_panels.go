package dashboard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// visuals are the elements of Simple XML that show a result, with our kind.
var visuals = map[string]string{"chart": "column", "table": "table", "single": "single", "event": "events", "map": "map", "viz": "table", "html": "text", "list": "table"}

func (x *importer) row(n *node) {
	var r Row
	if g := n.attrs["grouping"]; g != "" {
		x.leave(n, "row", "grouping=%q; the panels stand side by side", g)
	}
	x.hidden(n, "row")
	add := func(p *Panel) {
		if p != nil && len(x.d.Panels())+len(r.Panels) < MaxPanels {
			r.Panels = append(r.Panels, *p)
		}
	}
	for _, c := range n.nodes {
		if visuals[c.name] != "" { // without <panel>, as Splunk 5 wrote it
			add(x.visual(c, "", &r))
			continue
		}
		if c.name != "panel" {
			x.leave(c, "row", "<%s>", c.name)
			continue
		}
		title := c.says("title")
		x.hidden(c, "panel "+title)
		if ref := c.attrs["ref"]; ref != "" {
			x.leave(c, "panel "+title, "the prebuilt panel %q", ref)
		}
		for _, v := range c.nodes {
			switch {
			case v.name == "title":
			case v.name == "input":
				x.input(v)
			case visuals[v.name] != "":
				add(x.visual(v, title, &r))
			default:
				x.leave(v, "panel "+title, "<%s>", v.name)
			}
		}
	}
	for len(r.Panels) > 0 {
		n := min(len(r.Panels), Columns)
		x.d.Rows = append(x.d.Rows, Row{Height: r.Height, Panels: r.Panels[:n]})
		r.Panels = r.Panels[n:]
	}
}

func (x *importer) hidden(n *node, where string) {
	for _, a := range []string{"depends", "rejects"} {
		if v := n.attrs[a]; v != "" {
			x.leave(n, where, "%s=%q; it is always shown", a, v)
		}
	}
}

// visual reads one chart, table or the like.
func (x *importer) visual(n *node, title string, r *Row) *Panel {
	p := &Panel{Kind: visuals[n.name], Title: defaulted(n.says("title"), title)}
	where := "panel " + defaulted(p.Title, fmt.Sprintf("<%s>", n.name))
	x.hidden(n, where)
	if n.name == "html" {
		p.Text = flat(n)
		if p.Text == "" {
			x.leave(n, where, "HTML without text")
			return nil
		}
		x.leave(n, where, "the markup of HTML; its text stays")
		return p
	}
	if n.name == "viz" {
		x.leave(n, where, "the custom visualization %q; it became a table", n.attrs["type"])
	}
	if n.name == "list" {
		x.leave(n, where, "the list became a table")
	}
	s := n.child("search")
	if s == nil {
		s = n
	}
	if p.Base = s.attrs["base"]; p.Base != "" && x.d.Searches[p.Base] == "" {
		x.leave(s, where, "the base search %q, which the dashboard does not have", p.Base)
		p.Base = ""
	}
	p.Search = x.query(s, where)
	p.Earliest, p.Latest = x.times(s, where)
	if at := s.says("earliest", "earliestTime"); strings.Contains(at, "$") {
		id, _, _ := strings.Cut(strings.Trim(at, "$"), ".")
		if slices.ContainsFunc(x.d.Inputs, func(in Input) bool { return in.ID == id && in.Type == "time" }) {
			p.Time = id
		}
	}
	if p.Search == "" && p.Base == "" {
		x.leave(n, where, "a panel without a search")
		return nil
	}
	o := &Options{}
	for _, c := range n.nodes {
		switch c.name {
		case "title", "search", "searchString", "earliestTime", "latestTime":
		case "option":
			x.option(c, where, p, o, r)
		case "fields":
			for f := range strings.SplitSeq(strings.Trim(c.text, "[]"), ",") {
				o.Columns = append(o.Columns, strings.Trim(strings.TrimSpace(f), `"`))
			}
		case "drilldown":
			x.drilldown(c, where, p)
		default:
			x.leave(c, where, "<%s%s>", c.name, attr(c, "field"))
		}
	}
	if s != n {
		for _, c := range s.nodes {
			if !slices.Contains([]string{"query", "earliest", "latest"}, c.name) {
				x.leave(c, where, "<%s> of the search", c.name)
			}
		}
	}
	if fmt.Sprintf("%v", *o) != fmt.Sprintf("%v", Options{}) {
		p.Options = o
	}
	return p
}

func attr(n *node, name string) string {
	if v := n.attrs[name]; v != "" {
		return fmt.Sprintf(" %s=%q", name, v)
	}
	return ""
}

// flat returns the text of an element and those below it.
func flat(n *node) string {
	parts := []string{}
	if n.text != "" && n.name != "style" && n.name != "script" {
		parts = append(parts, strings.Join(strings.Fields(n.text), " "))
	}
	for _, c := range n.nodes {
		if t := flat(c); t != "" {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, "\n")
}

// option translates one <option name="…">.
func (x *importer) option(n *node, where string, p *Panel, o *Options, r *Row) {
	name, v := n.attrs["name"], n.text
	number := func(least, most int) (int, bool) {
		i, err := strconv.Atoi(v)
		return i, err == nil && i >= least && i <= most
	}
	ok := true
	switch name {
	case "charting.chart":
		kind := map[string]string{"line": "line", "area": "area", "column": "column", "bar": "bar", "pie": "pie",
			"radialGauge": "single", "fillerGauge": "single", "markerGauge": "single"}[v]
		if kind == "" {
			x.leave(n, where, "the chart type %s; it became a table", v)
			p.Kind = "table"
			return
		}
		if p.Kind = kind; strings.HasSuffix(v, "Gauge") {
			x.leave(n, where, "the gauge became a number")
		}
	case "charting.chart.stackMode":
		o.Stack = strings.HasPrefix(v, "stacked")
		if v == "stacked100" {
			x.leave(n, where, "stacking to 100%%; it is stacked")
		}
	case "charting.legend.placement":
		if slices.Contains(legends, v) {
			o.Legend = v
		} else {
			x.leave(n, where, "the legend's place %q", v)
		}
	case "charting.axisY.scale":
		o.Log = v == "log"
	case "unit":
		o.Unit = v
	case "numberPrecision":
		_, digits, _ := strings.Cut(v, ".")
		o.Decimals = min(len(digits), 10)
	case "height", "charting.height":
		v = strings.TrimSuffix(v, "px")
		var h int
		if h, ok = number(60, 2000); ok {
			r.Height = max(r.Height, h)
		}
	case "count", "rowsPerPage":
		if o.Limit, ok = number(1, 10000); !ok {
			o.Limit = 0
		}
	case "field":
		o.Value = v
	case "drilldown", "charting.drilldown":
		if v == "none" {
			p.Drilldown = &Drilldown{None: true}
		}
	case "wrap", "rowNumbers", "dataOverlayMode", "totalsRow", "percentagesRow", "showPager", "link.visible", "refresh.display",
		"charting.axisLabelsX.majorLabelStyle.rotation", "charting.axisLabelsX.majorLabelStyle.overflowMode", "charting.legend.labelStyle.overflowMode",
		"charting.axisX.scale", "charting.chart.nullValueMode", "charting.chart.showDataLabels", "charting.layout.splitSeries", "charting.legend.mode",
		"charting.axisTitleX.visibility", "charting.axisTitleY.visibility", "charting.chart.style", "mapping.type", "useThousandSeparators", "unitPosition":
		if v != "" && v != "none" && v != "default" && !(name == "mapping.type" && v == "marker") {
			x.leave(n, where, "the option %s=%s", name, v)
		}
	default:
		x.leave(n, where, "the option %s=%s", name, v)
	}
	if !ok {
		x.leave(n, where, "the option %s=%s", name, v)
	}
}

// drilldown translates a link to a search; other targets are named.
func (x *importer) drilldown(n *node, where string, p *Panel) {
	for _, c := range n.nodes {
		if c.name != "link" {
			x.leave(c, where, "a click that does <%s%s>", c.name, attr(c, "token"))
			continue
		}
		link := c.text
		_, query, ok := strings.Cut(link, "search?q=")
		if !ok || p.Drilldown != nil {
			x.leave(c, where, "a click that leads to %s", link)
			continue
		}
		query, _, _ = strings.Cut(query, "&")
		query = strings.NewReplacer("%20", " ", "%22", `"`, "%3D", "=", "%7C", "|", "+", " ").Replace(query)
		text := strings.TrimPrefix(x.tokens(c, where, query), "search ")
		if list, err := tokens(text); err != nil || slices.ContainsFunc(list, func(t token) bool { return !isRow(t.name) && strings.HasPrefix(t.name, "click.") }) {
			x.leave(c, where, "a click that leads to %s", link)
			continue
		}
		p.Drilldown = &Drilldown{Search: text}
	}
}
