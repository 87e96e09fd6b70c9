package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/health"
	"bluetrail/internal/state"
)

func (s *Server) ruleRoutes() []route {
	return []route{
		{"GET /api/v1/rules", auth.Viewer, s.listRules},
		{"GET /api/v1/rules/coverage", auth.Viewer, s.coverage},
		{"POST /api/v1/rules/test", auth.Analyst, s.testRule},
		{"POST /api/v1/rules/explain", auth.Viewer, s.explainRule},
		{"POST /api/v1/rules/backtest", auth.Analyst, s.backtestRule},
		{"GET /api/v1/rules/{id}", auth.Viewer, s.getRule},
		{"PUT /api/v1/rules/{id}", auth.Engineer, s.putRule},
		{"DELETE /api/v1/rules/{id}", auth.Engineer, s.deleteRule},
		{"POST /api/v1/rules/{id}/enable", auth.Engineer, s.enableRule},
		{"POST /api/v1/rules/{id}/disable", auth.Engineer, s.disableRule},
		{"GET /api/v1/rules/{id}/versions", auth.Viewer, s.ruleVersions},
		{"GET /api/v1/rules/{id}/versions/{version}", auth.Viewer, s.ruleVersion},
	}
}

type ruleRow struct {
	ID         string     `json:"id"`
	Name       string     `json:"name,omitempty"`
	Title      string     `json:"title"`
	Kind       string     `json:"kind"`
	Severity   string     `json:"severity"`
	Status     string     `json:"status,omitempty"`
	Tactics    []string   `json:"tactics"`
	Techniques []string   `json:"techniques"`
	Data       []string   `json:"data"`
	Missing    bool       `json:"data_missing,omitempty"`
	State      string     `json:"state"`
	Reason     string     `json:"reason,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Origin     string     `json:"origin"`
	Tests      int        `json:"tests"`
	File       string     `json:"file"`
	Line       int        `json:"line"`
	Schedule   string     `json:"schedule,omitempty"`
	LastRun    *time.Time `json:"last_run,omitempty"`
	LastError  string     `json:"last_error,omitempty"`
	Failures   int        `json:"failures,omitempty"`
	LastHit    *time.Time `json:"last_hit,omitempty"`
	Hits       int64      `json:"hits_30d"`
	False      int64      `json:"false_30d,omitempty"`
	True       int64      `json:"true_30d,omitempty"`
	Days       []int64    `json:"days"`
	Cost       float64    `json:"cost_us,omitempty"`
}

// hitDays is over how many days hits of rules are counted.
const hitDays = 30

// ruleFacts is what is known of rules beside themselves.
type ruleFacts struct {
	hits     map[string]*state.RuleHits
	costs    map[string]time.Duration
	disabled map[string]state.Disabled
	progress map[string]state.RuleProgress
	last     map[string]state.Run
	missing  map[string]bool
	tests    map[string]int
}

// mostRuns bounds the runs of searches that are looked through for the last of each.
const mostRuns = 5000

func (s *Server) ruleFacts(ctx context.Context, rs *ruleset.Ruleset) (f ruleFacts, err error) {
	p := &s.cfg.Product
	end := time.Now()
	if p.Span != nil { // of a trail that ended long ago, its last days
		if _, last := p.Span(); !last.IsZero() && last.Before(end) {
			end = last.Add(time.Second)
		}
	}
	if f.hits, err = p.State.RuleHits(ctx, end, hitDays); err != nil {
		return f, err
	}
	if p.Live != nil {
		f.costs = p.Live.Costs()
	}
	f.disabled, f.progress, f.last, f.missing = map[string]state.Disabled{}, map[string]state.RuleProgress{}, map[string]state.Run{}, map[string]bool{}
	off, err := p.State.Disabled()
	if err != nil {
		return f, err
	}
	for _, d := range off {
		f.disabled[d.Rule] = d
	}
	progress, err := p.State.RulesProgress()
	if err != nil {
		return f, err
	}
	for _, x := range progress {
		f.progress[x.Rule] = x
	}
	runs, err := p.State.Runs("", mostRuns)
	if err != nil {
		return f, err
	}
	for _, x := range runs {
		if _, known := f.last[x.Rule]; !known {
			f.last[x.Rule] = x
		}
	}
	if events := s.categories.get(ctx, s); events != nil {
		x := health.Facts{Events: events}
		for i := range rs.Rules {
			x.Rules = append(x.Rules, rs.Rules[i].Info)
		}
		for _, r := range health.WithoutData(&x) {
			f.missing[r.ID] = true
		}
	}
	f.tests = s.tested.counts(s)
	return f, nil
}

func (s *Server) ruleRow(r *ruleset.Rule, f *ruleFacts) ruleRow {
	x := ruleRow{
		ID: r.ID, Name: r.Name, Title: r.Title, Kind: string(r.Kind), Severity: string(r.Severity), Status: r.Status, Tactics: texts(r.Tactics()), Techniques: texts(r.Mitre()), Data: texts(r.Data),
		Missing: f.missing[r.ID], State: ruleState(r), Reason: r.Off, Origin: "configured", Tests: max(len(r.Tests), f.tests[r.ID]), File: r.File, Line: r.Line, Days: make([]int64, hitDays),
	}
	switch {
	case strings.HasPrefix(r.File, ruleset.ShippedPrefix):
		x.Origin = "shipped"
	case s.cfg.Product.Own.NameOf(r) != "":
		x.Origin = "own"
	}
	if d, known := f.disabled[r.ID]; known && d.Holds(r.Print) {
		x.State, x.Reason, x.Since = "disabled", d.Reason, timeOf(d.Since)
	}
	if h := f.hits[r.ID]; h != nil {
		x.Hits, x.False, x.True, x.Days, x.LastHit = h.Findings, h.False, h.True, h.Days, timeOf(fromNano(h.Last))
	}
	if c := f.costs[r.ID]; c > 0 {
		x.Cost = float64(c) / float64(time.Microsecond)
	}
	if r.Search != nil && !r.Search.Stateless() {
		x.Schedule = cmp.Or(r.Search.Schedule.Cron, "every "+cmp.Or(r.Search.Schedule.Every, time.Hour).String())
		x.Failures = f.progress[r.ID].Failures
		if run, known := f.last[r.ID]; known {
			x.LastRun = timeOf(run.Started)
			if run.Status == state.RunFailed {
				x.LastError = run.Said
			}
			x.Cost = float64(run.Took) / float64(time.Microsecond)
		}
	}
	return x
}

type ruleFault struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
	Place  *Place `json:"place,omitempty"` // in the text that was sent
}

func faultsOf(list []ruleset.Fault) []ruleFault {
	out := []ruleFault{}
	for _, f := range list {
		out = append(out, ruleFault{File: f.File, Line: f.Line, Reason: f.Reason})
	}
	return out
}

func (s *Server) listRules(w http.ResponseWriter, r *http.Request) error {
	rs := s.rules()
	if rs == nil {
		return lacking("rules")
	}
	text, wanted, origin := r.FormValue("q"), r.FormValue("state"), r.FormValue("origin")
	if wanted != "" && !slices.Contains([]string{"on", "off", "disabled", "serves", "without_data"}, wanted) {
		return badRequest("state=%q is not known: use on, off, disabled, serves or without_data", wanted)
	}
	f, err := s.ruleFacts(r.Context(), rs)
	if err != nil {
		return err
	}
	out := struct {
		list[ruleRow]
		Faults []ruleFault `json:"faults"`
		Others int         `json:"other_logs,omitempty"`
	}{list[ruleRow]{Items: []ruleRow{}}, faultsOf(rs.Faults), len(rs.Others)}
	for i := range rs.Rules {
		x := s.ruleRow(&rs.Rules[i], &f)
		if origin != "" && x.Origin != origin || wanted == "without_data" && !x.Missing || wanted != "" && wanted != "without_data" && x.State != wanted {
			continue
		}
		if contains(strings.Join(append([]string{x.ID, x.Name, x.Title, rs.Rules[i].Description}, append(x.Tactics, x.Techniques...)...), "\n"), text) {
			out.Items = append(out.Items, x)
		}
	}
	out.Total = len(out.Items)
	return ok(w, out)
}

// findRule returns the rule that the path or a request names.
func (s *Server) findRule(ref string) (*ruleset.Ruleset, int, error) {
	rs := s.rules()
	if rs == nil {
		return nil, 0, lacking("rules")
	}
	at := rs.Find(ref)
	if at < 0 {
		return nil, 0, notFound("rule", ref)
	}
	return rs, at, nil
}

type ruleLink struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Severity string `json:"severity"`
}

func linkOf(r *ruleset.Rule) ruleLink { return ruleLink{r.ID, r.Title, string(r.Severity)} }

type ruleRun struct {
	Planned  time.Time  `json:"planned"`
	Started  time.Time  `json:"started"`
	Earliest *time.Time `json:"earliest,omitempty"`
	Latest   *time.Time `json:"latest,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Status   string     `json:"status"`
	Rows     int64      `json:"rows"`
	Findings int        `json:"findings"`
	Muted    int        `json:"muted,omitempty"`
	Took     float64    `json:"took_ms"`
	Said     string     `json:"said,omitempty"`
}

type ruleTest struct {
	Name string `json:"name"`
	Line int    `json:"line,omitempty"`
	Fire bool   `json:"fire"`
}

type rulePage struct {
	ruleRow
	Source         string            `json:"source"`
	Editable       bool              `json:"editable"`
	Version        int64             `json:"version,omitempty"`
	Description    string            `json:"description,omitempty"`
	Author         string            `json:"author,omitempty"`
	Misses         string            `json:"misses,omitempty"`
	Message        string            `json:"message,omitempty"`
	Window         int64             `json:"window_seconds,omitempty"`
	Entity         []string          `json:"entity"`
	References     []string          `json:"references"`
	FalsePositives []string          `json:"false_positives"`
	Investigate    []string          `json:"investigate"`
	Fields         []string          `json:"fields"`
	Warnings       []string          `json:"warnings"`
	Class          map[string]string `json:"class"`
	Search         string            `json:"search,omitempty"`
	TestList       []ruleTest        `json:"test_list"`
	Runs           []ruleRun         `json:"runs"`
	Uses           []ruleLink        `json:"uses"`
	UsedBy         []ruleLink        `json:"used_by"`
}

// shownRuns is how many runs of a search its page shows.
const shownRuns = 50

func (s *Server) getRule(w http.ResponseWriter, r *http.Request) error {
	return s.answerRule(w, r, r.PathValue("id"))
}

func (s *Server) answerRule(w http.ResponseWriter, r *http.Request, ref string) error {
	rs, at, err := s.findRule(ref)
	if err != nil {
		return err
	}
	f, err := s.ruleFacts(r.Context(), rs)
	if err != nil {
		return err
	}
	x := &rs.Rules[at]
	p := &rulePage{
		ruleRow: s.ruleRow(x, &f), Description: x.Description, Author: x.Author, Misses: x.Misses, Message: x.Message, Window: int64(x.Window / time.Second), Entity: texts(x.Entity),
		References: texts(x.References), FalsePositives: texts(x.FalsePositives), Investigate: texts(x.Investigate), Fields: texts(x.Fields), Warnings: texts(x.Warnings),
		Class: map[string]string{}, TestList: []ruleTest{}, Runs: []ruleRun{}, Uses: []ruleLink{}, UsedBy: []ruleLink{},
	}
	for class, severity := range x.Class {
		p.Class[class] = string(severity)
	}
	if p.Source, err = x.Text(s.cfg.Product.Shipped); err != nil {
		return unprocessable("unreadable", "the text of the rule cannot be read: %v", err)
	}
	for _, t := range s.tested.of(s, x) {
		p.TestList = append(p.TestList, ruleTest{t.Name, t.Line, t.Fire})
	}
	if name := s.cfg.Product.Own.NameOf(x); name != "" {
		p.Editable = true
		d, err := s.cfg.Product.State.Document(ruleKind, name)
		if err != nil {
			return err
		}
		if d != nil {
			p.Version = d.Version
		}
	}
	if x.Search != nil {
		p.Search = x.Search.Rule.Search
		runs, err := s.cfg.Product.State.Runs(x.ID, shownRuns)
		if err != nil {
			return err
		}
		for _, y := range runs {
			p.Runs = append(p.Runs, ruleRun{y.Planned, y.Started, timeOf(y.Earliest), timeOf(y.Latest), y.Reason, string(y.Status), y.Rows, y.Findings, y.Muted, float64(y.Took) / float64(time.Millisecond), y.Said})
		}
	}
	if x.Correlation != nil {
		for _, ref := range x.Correlation.Rules {
			if i := rs.Position(ref); i >= 0 {
				p.Uses = append(p.Uses, linkOf(&rs.Rules[i]))
			}
		}
	}
	for _, i := range rs.Using(at) {
		if i != at {
			p.UsedBy = append(p.UsedBy, linkOf(&rs.Rules[i]))
		}
	}
	return ok(w, p)
}

type coverageCell struct {
	ID    string     `json:"id"`
	Name  string     `json:"name,omitempty"`
	Rules []ruleLink `json:"rules"`
	Hits  int64      `json:"hits_30d"`
}

type coverageTactic struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Rules      int             `json:"rules"`
	Hits       int64           `json:"hits_30d"`
	Techniques []*coverageCell `json:"techniques"`
}

// placesOf returns the tactics under which a technique of a rule stands: those of the
// rule that it belongs to. If it belongs to none of them, its own.
func placesOf(technique string, ofRule []string) []string {
	known := rule.TechniqueTactics(technique)
	if known == nil {
		return ofRule
	}
	if both := slices.DeleteFunc(slices.Clone(known), func(t string) bool { return !slices.Contains(ofRule, t) }); len(both) > 0 {
		return both
	}
	return known
}

func (s *Server) coverage(w http.ResponseWriter, r *http.Request) error {
	rs := s.rules()
	if rs == nil {
		return lacking("rules")
	}
	f, err := s.ruleFacts(r.Context(), rs)
	if err != nil {
		return err
	}
	tactics := make([]*coverageTactic, len(rule.AllTactics))
	for i, id := range rule.AllTactics {
		words := strings.Split(id, "-")
		for j, word := range words {
			if word != "and" {
				words[j] = strings.ToUpper(word[:1]) + word[1:]
			}
		}
		tactics[i] = &coverageTactic{ID: id, Name: strings.Join(words, " "), Techniques: []*coverageCell{}}
	}
	techniques := map[string]bool{}
	count := 0
	for i := range rs.Rules {
		x := &rs.Rules[i]
		if x.Off != "" || x.Silent {
			continue
		}
		count++
		hits := int64(0)
		if h := f.hits[x.ID]; h != nil {
			hits = h.Findings
		}
		own := x.Tactics()
		for _, tactic := range own {
			if at := slices.Index(rule.AllTactics, tactic); at >= 0 {
				tactics[at].Rules++
				tactics[at].Hits += hits
			}
		}
		for _, id := range x.Mitre() {
			techniques[id] = true
			for _, tactic := range placesOf(id, own) {
				at := slices.Index(rule.AllTactics, tactic)
				if at < 0 {
					continue
				}
				t := tactics[at]
				j := slices.IndexFunc(t.Techniques, func(c *coverageCell) bool { return c.ID == id })
				if j < 0 {
					t.Techniques = append(t.Techniques, &coverageCell{ID: id, Name: rule.TechniqueName(id)})
					j = len(t.Techniques) - 1
				}
				c := t.Techniques[j]
				c.Rules = append(c.Rules, linkOf(x))
				c.Hits += hits
			}
		}
	}
	for _, t := range tactics {
		slices.SortFunc(t.Techniques, func(x, y *coverageCell) int { return strings.Compare(x.ID, y.ID) })
	}
	return ok(w, map[string]any{"tactics": tactics, "techniques": len(techniques), "rules": count})
}
