package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/backtest"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/ruletest"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/event"
	"bluetrail/internal/store/files"
)

type testedRule struct {
	ID       string       `json:"id"`
	Title    string       `json:"title"`
	Kind     string       `json:"kind"`
	Severity string       `json:"severity"`
	Tests    []testResult `json:"tests"`
}

type testResult struct {
	Name   string `json:"name"`
	Line   int    `json:"line"`
	Want   bool   `json:"want"`
	Got    bool   `json:"got"`
	Passed bool   `json:"passed"`
	Error  string `json:"error,omitempty"`
}

// testTime bounds the tests of a text.
const testTime = 30 * time.Second

func (s *Server) testRule(w http.ResponseWriter, r *http.Request) error {
	own, err := s.own()
	if err != nil {
		return err
	}
	var c struct {
		ID     string `json:"id"`
		Source string `json:"source"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	if (c.ID == "") == (c.Source == "") {
		return badRequest("send either the id or the source of a rule")
	}
	ctx, cancel := context.WithTimeout(r.Context(), testTime)
	defer cancel()
	var (
		rs     *ruleset.Ruleset
		at     []int
		faults []ruleset.Fault
		files  fs.FS // that tests name
		before int   // lines of the file before the text of the rule
	)
	if c.ID != "" {
		if rs, at, err = s.runs(c.ID); err != nil {
			return err
		}
		x := &rs.Rules[at[0]]
		if files, err = x.Files(s.cfg.Product.Shipped); err != nil {
			return err
		}
		before = max(x.Line-1, 0)
	} else if rs, at, faults, err = own.Try(ctx, s.replaced(c.Source), c.Source); err != nil {
		return err
	}
	if len(at) == 0 && len(faults) == 0 {
		faults = []ruleset.Fault{{Reason: ruleset.NoRule}}
	}
	out := struct {
		OK       bool         `json:"ok"`
		Faults   []ruleFault  `json:"faults"`
		Warnings []string     `json:"warnings"`
		Rules    []testedRule `json:"rules"`
	}{len(faults) == 0, faultsOf(faults), []string{}, []testedRule{}}
	for i := range out.Faults {
		if f := &out.Faults[i]; f.Line > 0 {
			f.Place = placeOfLine(c.Source, f.Line)
		}
	}
	for _, i := range at {
		x := &rs.Rules[i]
		out.Warnings = append(out.Warnings, x.Warnings...)
		y := testedRule{x.ID, x.Title, string(x.Kind), string(x.Severity), []testResult{}}
		for _, t := range ruletest.Run(ctx, rs, i, files) {
			z := testResult{Name: t.Name, Line: max(t.Line-before, 1), Want: t.Want, Got: t.Got, Passed: t.Passed()}
			if t.Err != nil {
				z.Error = t.Err.Error()
			}
			out.OK = out.OK && z.Passed
			y.Tests = append(y.Tests, z)
		}
		out.Rules = append(out.Rules, y)
	}
	return ok(w, out)
}

// runs returns the rules that run, with the tests of one of them, and its position.
func (s *Server) runs(ref string) (*ruleset.Ruleset, []int, error) {
	rs, at, err := s.findRule(ref)
	if err != nil {
		return nil, nil, err
	}
	with := *rs
	with.Rules = slices.Clone(rs.Rules)
	with.Rules[at].Tests = s.tested.of(s, &rs.Rules[at])
	return &with, []int{at}, nil
}

// replaced returns the name of the own rule that a text is a new version of, "" = none.
// Otherwise both would have the same id.
func (s *Server) replaced(source string) string {
	c := sigma.NewCollection(nil)
	c.Add("rule.yml", []byte(source))
	for _, x := range c.Rules {
		for _, name := range []string{x.Name, x.ID} {
			if s.cfg.Product.Own.Has(name) {
				return name
			}
		}
	}
	for _, x := range c.Correlations {
		for _, name := range []string{x.Name, x.ID} {
			if s.cfg.Product.Own.Has(name) {
				return name
			}
		}
	}
	return ""
}

// ruleOf returns the rule that a request means: by its id, or by its text, which must
// hold one rule that raises findings.
func (s *Server) ruleOf(ctx context.Context, id, source string) (rs *ruleset.Ruleset, at int, err error) {
	switch {
	case (id == "") == (source == ""):
		return nil, 0, badRequest("send either the id or the source of a rule")
	case id != "":
		return s.findRule(id)
	}
	own, err := s.own()
	if err != nil {
		return nil, 0, err
	}
	rs, several, faults, err := own.Try(ctx, s.replaced(source), source)
	switch {
	case err != nil:
		return nil, 0, err
	case len(faults) > 0:
		e := unprocessable("bad_rule", "%s", faults[0].Reason)
		if faults[0].Line > 0 {
			e.Place = placeOfLine(source, faults[0].Line)
		}
		return nil, 0, e
	}
	loud := slices.DeleteFunc(slices.Clone(several), func(i int) bool { return rs.Rules[i].Silent })
	if len(loud) == 0 {
		loud = several
	}
	if len(loud) != 1 {
		return nil, 0, unprocessable("bad_rule", "the text has %d rules that raise findings, not one", len(loud))
	}
	return rs, loud[0], nil
}

type explained struct {
	ID   any `json:"event_id,omitempty"`
	Name any `json:"event_name,omitempty"`
	*sigma.Explanation
}

// maxExplained is how many events are explained at once.
const maxExplained = 20

func (s *Server) explainRule(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		ID     string            `json:"id"`
		Source string            `json:"source"`
		Events []json.RawMessage `json:"events"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	if len(c.Events) == 0 || len(c.Events) > maxExplained {
		return badRequest("send 1 to %d events", maxExplained)
	}
	rs, at, err := s.ruleOf(r.Context(), c.ID, c.Source)
	if err != nil {
		return err
	}
	x := &rs.Rules[at]
	if x.Event == nil {
		e := unprocessable("not_explainable", "%q is a search", x.Title)
		e.Hint = "run it, or look at how it runs with explain of the search page"
		if x.Correlation != nil {
			e.Message, e.Hint = "\""+x.Title+"\" looks at several events", "explain one of the rules that it uses"
		}
		return e
	}
	out := []explained{}
	for i, raw := range c.Events {
		var head struct {
			ID   any `json:"eventID"`
			Name any `json:"eventName"`
		}
		if err := json.Unmarshal(raw, &head); err != nil {
			return badRequest("event %d is not an object", i+1)
		}
		y := explained{Explanation: sigma.Explain(x.Event, raw)}
		if id, is := head.ID.(string); is {
			y.ID = id
		}
		if name, is := head.Name.(string); is {
			y.Name = name
		}
		out = append(out, y)
	}
	return ok(w, map[string]any{"items": out})
}

type backtestReport struct {
	RuleID    string             `json:"rule_id"`
	Title     string             `json:"title"`
	Findings  int64              `json:"finding_count"`
	Events    int64              `json:"event_count"`
	Read      int64              `json:"events_read"`
	From      *time.Time         `json:"from"`
	To        *time.Time         `json:"to"`
	First     *time.Time         `json:"first"`
	Last      *time.Time         `json:"last"`
	DayCount  int                `json:"day_count"`
	QuietDays int                `json:"quiet_days"`
	Days      []backtest.Day     `json:"days"`
	By        []backtest.Table   `json:"by"`
	Beneath   []backtest.Beneath `json:"beneath"`
	List      []*findingDoc      `json:"findings"`
	LeftOut   int                `json:"findings_left_out,omitempty"`
	Faults    []string           `json:"faults,omitempty"`
}

// Bounds of a backtest.
const (
	backtestTime     = 15 * time.Minute
	backtestFindings = 200
	backtestRows     = 100 // of a table
)

func (s *Server) backtestRule(w http.ResponseWriter, r *http.Request) error {
	var c struct {
		ID       string `json:"id"`
		Source   string `json:"source"`
		Earliest string `json:"earliest"`
		Latest   string `json:"latest"`
		TZ       string `json:"tz"`
	}
	if err := decode(w, r, &c); err != nil {
		return err
	}
	earliest, err := when("earliest", c.Earliest)
	if err != nil {
		return err
	}
	latest, err := when("latest", c.Latest)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(cmp.Or(c.TZ, "UTC"))
	if err != nil {
		return badRequest("tz=%q is not a time zone", c.TZ)
	}
	rs, at, err := s.ruleOf(r.Context(), c.ID, c.Source)
	if err != nil {
		return err
	}
	o, err := s.hunting(rs, earliest, latest)
	if err != nil {
		return err
	}
	select { // one at a time: each reads everything
	case s.backtesting <- struct{}{}:
		defer func() { <-s.backtesting }()
	default:
		e := &Error{Status: http.StatusTooManyRequests, Code: "busy", Message: "another backtest is running", Hint: "try again when it has ended"}
		return e
	}
	if err := s.audit(r, "backtested", "rule", rs.Rules[at].ID, c.Earliest+" "+c.Latest); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), backtestTime)
	defer cancel()
	read := &counted{Records: o.Records}
	o.Records = read
	out := stream(w)
	began := time.Now()
	if err := out.write(map[string]any{"type": "start", "rule_id": rs.Rules[at].ID}); err != nil {
		return nil // the client is gone
	}
	type done struct {
		rep *backtest.Report
		err error
	}
	ended := make(chan done, 1)
	go func() {
		rep, err := backtest.Run(ctx, o, at, zone)
		ended <- done{rep, err}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if out.write(map[string]any{"type": "progress", "seconds": time.Since(began).Seconds(), "events": read.n.Load()}) != nil {
				cancel()
			}
		case d := <-ended:
			switch {
			case errors.Is(d.err, context.DeadlineExceeded):
				d.err = unprocessable("too_long", "the backtest took longer than %s; narrow the range of time", backtestTime)
				fallthrough
			case d.err != nil:
				_ = out.write(map[string]any{"type": "error", "error": s.toSend(r, d.err).body()}) // the client may be gone
				return nil
			}
			_ = out.write(map[string]any{"type": "report", "report": reportOf(d.rep)}) // likewise
			_ = out.write(map[string]any{"type": "end", "seconds": time.Since(began).Seconds()})
			return nil
		}
	}
}

// counted counts the records that are read.
type counted struct {
	hunt.Records
	n atomic.Int64
}

func (c *counted) Each(ctx context.Context, x *event.Extractor, visitor func(worker int) (func(*files.Record) error, error)) error {
	return c.Records.Each(ctx, x, func(worker int) (func(*files.Record) error, error) {
		visit, err := visitor(worker)
		if err != nil {
			return nil, err
		}
		return func(r *files.Record) error {
			c.n.Add(1)
			return visit(r)
		}, nil
	})
}

func reportOf(r *backtest.Report) *backtestReport {
	out := &backtestReport{
		RuleID: r.Rule.ID, Title: r.Rule.Title, Findings: r.Findings, Events: r.Events, Read: r.Hunt.Events, From: timeOf(r.Hunt.First), To: timeOf(r.Hunt.Last), First: timeOf(r.First), Last: timeOf(r.Last),
		DayCount: r.Span, QuietDays: r.Quiet(), Days: append([]backtest.Day{}, r.Days...), By: []backtest.Table{}, Beneath: append([]backtest.Beneath{}, r.Beneath...), List: []*findingDoc{},
		LeftOut: r.Hunt.Dropped + max(0, len(r.Hunt.Findings)-backtestFindings),
	}
	for _, t := range r.Tables {
		t.Rows = append([]backtest.Row{}, t.Rows[:min(len(t.Rows), backtestRows)]...)
		out.By = append(out.By, t)
	}
	for _, f := range r.Hunt.Findings[:min(len(r.Hunt.Findings), backtestFindings)] {
		out.List = append(out.List, docOf(f, false))
	}
	for _, f := range r.Hunt.Faults {
		out.Faults = append(out.Faults, f.Error())
	}
	return out
}
