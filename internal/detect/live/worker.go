package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/state"
)

// brief are the fields of every event of a finding.
var brief = []string{
	"eventID", "eventName", "eventSource", "recipientAccountId", "awsRegion", "sourceIPAddress", "userAgent", "userIdentity.arn", "user", "errorCode", "outcome", "object",
}

// worker evaluates the rules on the events of one builder.
type worker struct {
	rules  *Rules
	of     *running // that the rest is for
	eval   *sigma.Evaluator
	read   *event.Extractor
	row    *event.Row
	hits   []int
	seen   int // events, for sampling
	groups map[string]*group
}

// group is the events of a finding that came since the last commit.
type group struct {
	rule    *ruleOf
	key     finding.Key
	matches []state.FindingMatch
	more    state.More
}

// kept is an event of a finding as the state has it.
type kept struct {
	Event  match.Event     `json:"event"`
	Fields []finding.Field `json:"fields,omitempty"`
}

func (w *worker) use(rs *running) {
	w.of, w.eval = rs, rs.set.NewEvaluator()
	w.read = event.NewExtractor(rs.need)
	w.row = w.read.NewRow()
}

// Event implements ingest.SinkWorker.
func (w *worker) Event(e *ingest.Event) error {
	if e.Meta.Sourcetype != event.CloudTrail {
		return nil
	}
	rs := w.rules.set.Load()
	if rs.set.Len() == 0 {
		return nil
	}
	if rs != w.of {
		w.use(rs)
	}
	if w.seen++; w.seen%sampleEvery == 1 {
		w.rules.sample(rs, e.Raw)
	}
	if err := w.evaluate(e); err == nil {
		return nil
	}
	// A rule failed. Find out which, and go on without it.
	for i := range rs.rules {
		if err := try(&rs.rules[i], w.rules.cfg.hit, e.Raw); err != nil {
			w.rules.disable(&rs.rules[i], err.Error())
		}
	}
	w.use(w.rules.set.Load())
	if err := w.evaluate(e); err != nil { // not the fault of a rule; the event is worth more than what they say of it
		w.rules.counts.failed.Add(1)
		w.rules.cfg.Log.Error("the rules cannot be evaluated on an event; please report it", "event", w.rules.eventName(e.Raw), "err", err)
		w.use(w.of)
	}
	return nil
}

// eventName names an event in the log.
func (r *Rules) eventName(raw []byte) string {
	id, _ := event.ID(raw)
	return fmt.Sprintf("%x", id)
}

// evaluate evaluates all rules on an event. The error is a panic of a rule; nothing
// was noted then.
func (w *worker) evaluate(e *ingest.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	w.hits = w.hits[:0]
	source, name := names(e.Raw)
	w.eval.Evaluate(e.Raw, source, name, func(i int) {
		if w.rules.cfg.hit != nil {
			w.rules.cfg.hit(&w.of.rules[i].info, e.Raw)
		}
		w.hits = append(w.hits, i)
	})
	if len(w.hits) == 0 {
		return nil
	}
	meta := *e.Meta
	if err := w.read.Extract(e.Raw, &meta, w.row); err != nil {
		return err
	}
	for _, i := range w.hits {
		w.note(&w.of.rules[i], e)
	}
	return nil
}

// names returns eventSource and eventName of a record, by which the set finds the rules
// to try; "" = the record has no such text, and all rules are tried. CloudTrail writes
// both near the beginning.
func names(raw []byte) (source, name string) {
	text := func(v []byte) string {
		if jsonscan.KindOf(v) != jsonscan.String {
			return ""
		}
		return jsonscan.Text(v)
	}
	// Records were validated when they were decoded, so there is no error.
	_, _ = jsonscan.Object(raw, jsonscan.Space(raw, 0), jsonscan.MaxDepth, func(key string, v []byte) bool {
		switch key {
		case "eventSource":
			source = text(v)
		case "eventName":
			name = text(v)
		}
		return source == "" || name == ""
	})
	return source, name
}

// try evaluates one rule; the error is its panic.
func try(r *ruleOf, hit func(*rule.Info, []byte), raw []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it failed: %v", p)
		}
	}()
	r.alone.NewEvaluator().Evaluate(raw, "", "", func(int) {
		if hit != nil {
			hit(&r.info, raw)
		}
	})
	return nil
}

// values returns a field of the event that was extracted last.
func (w *worker) values(i int) []string {
	c := w.row.Cell(i)
	switch {
	case !c.Set:
		return nil
	case c.Many != nil:
		list := make([]string, len(c.Many))
		for i, t := range c.Many {
			list[i] = strings.Clone(t)
		}
		return list
	}
	return []string{strings.Clone(c.Text)}
}

// note adds the event that was extracted last to the findings of a rule.
func (w *worker) note(r *ruleOf, e *ingest.Event) {
	w.rules.counts.hit(r.info.ID)
	text := func(i int) string { return strings.Join(w.values(i), ", ") }
	code := text(9)
	if code == "success" { // what the field says of calls without one
		code = ""
	}
	k := kept{Event: match.Event{
		ID: text(0), Name: text(1), Source: text(2), Account: text(3), Region: text(4), SourceIP: text(5), UserAgent: text(6),
		User: cmp.Or(text(7), text(8)), ErrorCode: code, Outcome: cmp.Or(text(10), "success"), Object: text(11),
	}}
	for i, name := range r.info.Fields {
		if values := w.values(r.fields[i]); values != nil {
			k.Fields = append(k.Fields, finding.Field{Name: name, Values: values[:min(len(values), finding.MaxValues)]})
		}
	}
	body, err := json.Marshal(&k)
	if err != nil {
		panic(err) // texts
	}
	m := state.FindingMatch{Time: e.Time, ID: e.ID, Body: body}
	for _, entity := range w.entities(r, &k.Event) {
		key := finding.Key{Rule: r.info.ID, Entity: entity, Outcome: k.Event.Outcome, Window: finding.WindowAt(e.Time, window(&r.info))}
		id := key.ID()
		g := w.groups[id]
		if g == nil {
			g = &group{key: key}
			w.groups[id] = g
		}
		g.rule = r
		g.matches = append(g.matches, m)
		if len(g.matches) >= 2*finding.MaxIDs {
			g.shrink()
		}
	}
}

func window(info *rule.Info) time.Duration { return cmp.Or(info.Window, rule.DefaultWindow) }

// shrink keeps the first events that a finding shows, and counts the others.
func (g *group) shrink() {
	slices.SortFunc(g.matches, func(a, b state.FindingMatch) int { return a.Compare(&b) })
	for _, m := range g.matches[min(len(g.matches), finding.MaxIDs):] {
		g.more.Add(state.More{Events: 1, Last: m.Time})
	}
	g.matches = g.matches[:min(len(g.matches), finding.MaxIDs)]
}

// mostEntities bounds the findings that one event makes for a rule.
const mostEntities = 16

// entities says whom a finding of the event is about.
func (w *worker) entities(r *ruleOf, e *match.Event) []string {
	if len(r.entity) == 0 {
		return []string{cmp.Or(e.User, "unknown")}
	}
	all := []string{""}
	for n, i := range r.entity {
		values := w.values(i)
		if len(values) == 0 {
			values = []string{"unknown"}
		}
		var next []string
		for _, before := range all {
			for _, v := range values {
				if n > 0 {
					v = before + ", " + v
				}
				if len(next) < mostEntities && !slices.Contains(next, v) {
					next = append(next, v)
				}
			}
		}
		all = next
	}
	return all
}
