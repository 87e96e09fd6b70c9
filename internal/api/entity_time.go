package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/incident"
	"bluetrail/internal/vector"
)

// seriesFields are the fields by which activity is told apart.
var seriesFields = map[string]string{"service": "eventSource", "outcome": "outcome", "region": "awsRegion", "call": "eventName", "address": "sourceIPAddress", "account": "recipientAccountId"}

type series struct {
	Name   string  `json:"name"`
	Total  int64   `json:"total"`
	Values []int64 `json:"values"`
}

// mostSeries bounds the series; the rest is OTHER.
const mostSeries = 12

// spans are the lengths of buckets to choose from.
var spans = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// bucketsOf cuts a range of time into about n buckets whose bounds lie on multiples of
// their length.
func bucketsOf(from, to time.Time, n int) (start time.Time, span time.Duration, count int) {
	span = spans[len(spans)-1]
	for _, s := range spans {
		if to.Sub(from) <= s*time.Duration(n) {
			span = s
			break
		}
	}
	seconds := int64(span / time.Second)
	at := from.Unix() - (from.Unix()%seconds+seconds)%seconds
	start = time.Unix(at, 0).UTC()
	return start, span, min(max(int((to.Sub(start)+span-1)/span), 1), 2000)
}

func (s *Server) entityActivity(w http.ResponseWriter, r *http.Request) error {
	n, err := number(r, "buckets", 60, 1, 500)
	if err != nil {
		return err
	}
	e, err := s.entity(r)
	if err != nil {
		return err
	}
	field, known := seriesFields[cmp.Or(r.FormValue("by"), "service")]
	if !known {
		x := badRequest("by=%q is not known", r.FormValue("by"))
		x.Hint = "use service, outcome, region, call, address or account"
		return x
	}
	start, span, count := bucketsOf(e.from, e.to, n)
	text := fmt.Sprintf("index=* %s | bin _time span=%ds | stats count by _time %s", e.condition(), int64(span/time.Second), field)
	by := map[string]*series{}
	notice, err := s.searching(r.Context(), text, e.from, e.to, entityTime, nil, func(b *vector.Batch) error {
		for i := range b.Len {
			at := int(cellTime(b, "_time", i).Sub(start) / span)
			if at < 0 || at >= count {
				continue
			}
			name := cell(b, field, i)
			if field == "eventSource" {
				name = strings.TrimSuffix(name, ".amazonaws.com")
			}
			x := by[name]
			if x == nil {
				name = strings.Clone(name)
				x = &series{Name: name, Values: make([]int64, count)}
				by[name] = x
			}
			c := cellNumber(b, "count", i)
			x.Values[at] += c
			x.Total += c
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := struct {
		From   time.Time   `json:"from"`
		To     time.Time   `json:"to"`
		Span   int64       `json:"span_seconds"`
		Times  []time.Time `json:"times"`
		Series []*series   `json:"series"`
		Search string      `json:"search"`
		Notice string      `json:"notice,omitempty"`
	}{e.from, e.to, int64(span / time.Second), []time.Time{}, topSeries(by, count), fmt.Sprintf("index=* %s | timechart span=%ds count by %s", e.condition(), int64(span/time.Second), field), notice}
	for i := range count {
		out.Times = append(out.Times, start.Add(time.Duration(i)*span))
	}
	return ok(w, out)
}

// topSeries returns the largest series, and the sum of the others.
func topSeries(by map[string]*series, count int) []*series {
	all := []*series{}
	for _, x := range by {
		all = append(all, x)
	}
	slices.SortFunc(all, func(x, y *series) int { return cmp.Or(cmp.Compare(y.Total, x.Total), cmp.Compare(x.Name, y.Name)) })
	if len(all) <= mostSeries {
		return all
	}
	rest := &series{Name: "OTHER", Values: make([]int64, count)}
	for _, x := range all[mostSeries:] {
		rest.Total += x.Total
		for i, v := range x.Values {
			rest.Values[i] += v
		}
	}
	return append(all[:mostSeries:mostSeries], rest)
}

type traceDeed struct {
	Name      string    `json:"event_name"`
	Source    string    `json:"event_source"`
	Outcome   string    `json:"outcome"`
	Write     bool      `json:"write"`
	Count     int64     `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Objects   []string  `json:"objects"`
	Addresses []string  `json:"addresses"`
}

type traceNode struct {
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Entity   *entityRef   `json:"entity,omitempty"`
	Made     string       `json:"made_by,omitempty"`
	At       *time.Time   `json:"made_at,omitempty"`
	Calls    int64        `json:"calls"`
	More     int64        `json:"further_calls,omitempty"`
	Deeds    []traceDeed  `json:"deeds"`
	Idle     int          `json:"idle,omitempty"`
	Children []*traceNode `json:"children"`
}

type traceOrigin struct {
	Kind    string     `json:"kind"`
	Name    string     `json:"name"`
	Entity  *entityRef `json:"entity,omitempty"`
	Call    string     `json:"call"`
	Time    time.Time  `json:"time"`
	Address string     `json:"address,omitempty"`
}

// Bounds of a trace as it is sent.
const (
	traceDeeds     = 100 // of a node
	traceIdle      = 5   // children without calls
	traceAddresses = 10
)

func refOf(kind, name string) *entityRef {
	if kind == "user" {
		return &entityRef{"user", name}
	}
	if x := entityOf(kind, name); x.Kind != "" {
		return &x
	}
	return nil
}

func traceOf(n *incident.Node) *traceNode {
	out := &traceNode{Kind: n.Kind, Name: n.Name, Entity: refOf(n.Kind, n.Name), Made: n.Made, At: timeOf(n.At), Calls: n.Calls, More: n.More, Deeds: []traceDeed{}, Children: []*traceNode{}}
	for i, d := range n.Deeds {
		if i >= traceDeeds {
			out.More += d.Count
			continue
		}
		x := traceDeed{d.Name, d.Source, d.Outcome, d.Write, d.Count, d.First.UTC(), d.Last.UTC(), texts(d.Objects), []string{}}
		for i, c := range d.Addresses.Top() {
			if i < traceAddresses {
				x.Addresses = append(x.Addresses, c.Value)
			}
		}
		out.Deeds = append(out.Deeds, x)
	}
	idle := 0
	for _, child := range n.Children {
		if child.Calls == 0 && len(child.Children) == 0 {
			if idle++; idle > traceIdle {
				out.Idle++
				continue
			}
		}
		out.Children = append(out.Children, traceOf(child))
	}
	return out
}

func (s *Server) entityTrace(w http.ResponseWriter, r *http.Request) error {
	e, err := s.entity(r)
	if err != nil {
		return err
	}
	if e.kind == "account" || e.kind == "bucket" {
		return unprocessable("no_trace", "a trace follows who calls; a %s makes no calls", e.kind)
	}
	t := incident.NewTrace(e.name)
	// What made it may lie before the range.
	notice, err := s.searching(r.Context(), incident.LinkSearch(), e.from.Add(-usualSpan), e.to, entityTime, nil, func(b *vector.Batch) error { t.Link(b); return nil })
	if err != nil {
		return err
	}
	t.Follow()
	seen := 0
	more, err := s.searching(r.Context(), t.Search(), e.from, e.to, entityTime, nil, func(b *vector.Batch) error {
		t.Add(b)
		if seen += b.Len; seen >= entityEvents {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.Done()
	switch notice = cmp.Or(notice, more); {
	case seen >= entityEvents:
		notice = fmt.Sprintf("Only %d events were looked at; narrow the range of time.", entityEvents)
	case t.Truncated:
		notice = "There was more to follow than a trace can hold; narrow the range of time."
	}
	out := struct {
		From    time.Time     `json:"from"`
		To      time.Time     `json:"to"`
		Origins []traceOrigin `json:"origins"`
		Root    *traceNode    `json:"root"`
		Nodes   int           `json:"nodes"`
		Notice  string        `json:"notice,omitempty"`
	}{e.from, e.to, []traceOrigin{}, traceOf(t.Root), t.Nodes(), notice}
	for _, o := range t.Origins() {
		out.Origins = append(out.Origins, traceOrigin{o.Kind, o.Name, refOf(o.Kind, o.Name), o.Call, o.At.UTC(), o.Address})
	}
	return ok(w, out)
}
