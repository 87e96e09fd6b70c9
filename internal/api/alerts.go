package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/auth"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/state"
)

func (s *Server) alertRoutes() []route {
	return []route{
		{"GET /api/v1/alerts", auth.Viewer, s.listAlerts},
		{"GET /api/v1/alerts/counts", auth.Viewer, s.countAlerts},
		{"POST /api/v1/alerts/bulk", auth.Analyst, s.changeAlerts},
		{"GET /api/v1/alerts/{id}", auth.Viewer, s.getAlert},
		{"POST /api/v1/alerts/{id}", auth.Analyst, s.changeAlert},
		{"GET /api/v1/alerts/{id}/events", auth.Viewer, s.alertEvents},
		{"GET /api/v1/alerts/{id}/timeline", auth.Viewer, s.alertTimeline},
		{"GET /api/v1/alerts/{id}/similar", auth.Viewer, s.similarAlerts},
		{"GET /api/v1/alerts/{id}/history", auth.Viewer, s.alertHistory},
		{"POST /api/v1/alerts/{id}/suppress", auth.Engineer, s.suppressAlert},
		{"GET /api/v1/alerts/{id}/tune", auth.Analyst, s.tuneAlert},
		{"GET /api/v1/suppressions", auth.Viewer, s.listSuppressions},
		{"DELETE /api/v1/suppressions/{id}", auth.Engineer, s.endSuppression},
		{"GET /api/v1/findings", auth.Viewer, s.listFindings},
		{"GET /api/v1/findings/{id}", auth.Viewer, s.getFinding},
		{"POST /api/v1/findings/{id}", auth.Analyst, s.markFinding},
	}
}

// alertRow is an alert in a list, with the keys of a whole one.
type alertRow struct {
	ID           string     `json:"id"`
	Number       int64      `json:"number"`
	RuleID       string     `json:"rule_id"`
	Rule         string     `json:"rule"`
	Title        string     `json:"title"`
	EntityKind   string     `json:"entity_kind"`
	Entity       string     `json:"entity"`
	Severity     string     `json:"severity"`
	Status       string     `json:"status"`
	Verdict      string     `json:"verdict,omitempty"`
	Assignee     string     `json:"assignee,omitempty"`
	Account      []string   `json:"account"`
	Summary      string     `json:"summary"`
	Risk         float64    `json:"risk"`
	Count        int64      `json:"count"`
	FindingCount int64      `json:"finding_count"`
	Silent       int64      `json:"silent,omitempty"`
	First        time.Time  `json:"first"`
	Last         time.Time  `json:"last"`
	Created      time.Time  `json:"created"`
	Updated      time.Time  `json:"updated"`
	Closed       *time.Time `json:"closed,omitempty"`
	Touched      bool       `json:"touched,omitempty"`
}

func severityOf(rank int) string {
	return string(rule.Severities[min(max(rank, 0), len(rule.Severities)-1)])
}

func rowOf(r *state.Alert) alertRow {
	return alertRow{
		ID: r.ID, Number: r.Number, RuleID: r.Rule, Rule: r.Name, Title: r.Title, EntityKind: r.Kind, Entity: r.Entity, Severity: severityOf(r.Severity), Status: r.Status,
		Verdict: r.Verdict, Assignee: r.Assignee, Account: texts(r.Accounts), Summary: r.Summary, Risk: r.Risk, Count: r.Events, FindingCount: r.Findings, Silent: r.Silent,
		First: fromNano(r.First), Last: fromNano(r.Last), Created: fromMilli(r.Created), Updated: fromMilli(r.Updated), Closed: timeOf(fromMilli(r.Closed)), Touched: r.Touched,
	}
}

// several is one text or a list of them in JSON.
type several []string

func (s *several) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*s = several{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

// alertFilter is the parameters that choose alerts.
type alertFilter struct {
	Status   string  `json:"status"`
	Severity string  `json:"severity"`
	Rule     several `json:"rule"`
	Entity   several `json:"entity"`
	Kind     string  `json:"kind"`
	Assignee several `json:"assignee"`
	Account  several `json:"account"`
	Actor    several `json:"actor"`
	Verdict  string  `json:"verdict"`
	Since    string  `json:"since"`
	Until    string  `json:"until"`
	Text     string  `json:"q"`

	bodies bool // whole alerts are wanted
}

func alertFilterOf(r *http.Request) alertFilter {
	q := r.URL.Query()
	return alertFilter{
		Status: q.Get("status"), Severity: q.Get("severity"), Rule: q["rule"], Entity: q["entity"], Kind: q.Get("kind"), Assignee: q["assignee"], Account: q["account"],
		Actor: q["actor"], Verdict: q.Get("verdict"), Since: q.Get("since"), Until: q.Get("until"), Text: q.Get("q"),
	}
}

// severities reads a severity: at least one, or with = before it exactly those named.
func severities(text string) (least int, exact []int, err error) {
	if text == "" {
		return 0, nil, nil
	}
	names, only := strings.CutPrefix(text, "=")
	several := strings.Split(names, ",")
	for _, name := range several {
		rank := rule.Severity(strings.TrimPrefix(strings.TrimSpace(name), "=")).Rank()
		if rank < 0 {
			e := badRequest("severity=%q is not known", name)
			e.Hint = "use informational, low, medium, high or critical"
			return 0, nil, e
		}
		exact = append(exact, rank)
	}
	if !only && len(several) == 1 {
		return exact[0], nil, nil
	}
	return 0, exact, nil
}

// assignees returns the patterns of assignees, with the name of who asks for me.
func (f *alertFilter) assignees(who string) []string {
	names := slices.Clone(f.Assignee)
	for i, name := range names {
		if name == "me" {
			names[i] = strings.ReplaceAll(who, "*", `\*`)
		}
	}
	return names
}

// query returns what the state filters by, and what is to be filtered from its rows.
func (f *alertFilter) query(who string) (q state.AlertQuery, match func(*state.Alert) bool, err error) {
	since, err := when("since", f.Since)
	if err != nil {
		return q, nil, err
	}
	until, err := when("until", f.Until)
	if err != nil {
		return q, nil, err
	}
	if !since.IsZero() {
		q.Earliest = since.UnixNano()
	}
	if !until.IsZero() {
		q.Latest = until.UnixNano()
	}
	x := alert.Filter{Rule: f.Rule, Entity: f.Entity, Kind: f.Kind, Account: f.Account, Assignee: f.assignees(who), Verdict: f.Verdict, Text: f.Text}
	if q.Severity, x.Exact, err = severities(f.Severity); err != nil {
		return q, nil, err
	}
	for name := range strings.SplitSeq(f.Status, ",") {
		switch name = strings.TrimSpace(name); name {
		case "", "all":
		case "open":
			q.Status = append(q.Status, string(alert.New), string(alert.InProgress))
		case string(alert.New), string(alert.InProgress), string(alert.Closed):
			q.Status = append(q.Status, name)
		default:
			e := badRequest("status=%q is not known", name)
			e.Hint = "use new, in_progress, closed or open"
			return q, nil, e
		}
	}
	match = x.Match()
	byActor := strings.Join(f.Actor, "") != ""
	if q.Bodies = f.bodies || byActor; byActor {
		rest, actor := match, alert.AnyOf(f.Actor)
		match = func(a *state.Alert) bool { return rest(a) && slices.ContainsFunc(actorsOf(a), actor) }
	}
	return q, match, nil
}

// actorsOf returns the actors of an alert that was read whole.
func actorsOf(a *state.Alert) []string {
	var body struct {
		Actor finding.Values `json:"actor"`
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return nil
	}
	return body.Actor
}

// each calls f with the alerts of a filter, the newest first.
func (s *Server) eachAlert(r *http.Request, f alertFilter, each func(*state.Alert) error) error {
	q, match, err := f.query(user(r))
	if err != nil {
		return err
	}
	return s.cfg.Product.State.Alerts(r.Context(), q, func(a *state.Alert) error {
		if match(a) {
			return each(a)
		}
		return nil
	})
}

// mostSorted bounds the alerts that are sorted otherwise than by time.
const mostSorted = 50_000

type alertList struct {
	list[alertRow]
	Groups []*alertGroup `json:"groups,omitempty"`
}

func (s *Server) listAlerts(w http.ResponseWriter, r *http.Request) error {
	limit, from, err := pageOf(r)
	if err != nil {
		return err
	}
	f := alertFilterOf(r)
	if by := r.FormValue("group_by"); by != "" {
		groups, total, err := s.groupAlerts(r, f, by)
		if err != nil {
			return err
		}
		return ok(w, alertList{list[alertRow]{Items: []alertRow{}, Total: total}, groups})
	}
	order := cmp.Or(r.FormValue("sort"), "-last")
	compare, known := alertOrders[strings.TrimPrefix(order, "-")]
	if !known {
		e := badRequest("sort=%q is not known", order)
		e.Hint = "use last, severity, risk, count or number, with a minus for the greatest first"
		return e
	}
	out := list[alertRow]{Items: []alertRow{}}
	var all []state.Alert
	err = s.eachAlert(r, f, func(a *state.Alert) error {
		switch out.Total++; {
		case order != "-last":
			if len(all) == mostSorted {
				e := unprocessable("too_many", "there are more than %d alerts to sort", mostSorted)
				e.Hint = "narrow the filter, or sort by -last"
				return e
			}
			all = append(all, *a)
		case out.Total > from && len(out.Items) < limit:
			out.Items = append(out.Items, rowOf(a))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if order != "-last" {
		slices.SortStableFunc(all, func(x, y state.Alert) int {
			if order[0] == '-' {
				x, y = y, x
			}
			return cmp.Or(compare(&x, &y), cmp.Compare(x.Last, y.Last))
		})
		for i := from; i < min(from+limit, len(all)); i++ {
			out.Items = append(out.Items, rowOf(&all[i]))
		}
	}
	if from+len(out.Items) < out.Total && len(out.Items) > 0 {
		out.Next = strconv.Itoa(from + len(out.Items))
	}
	return ok(w, alertList{out, nil})
}

var alertOrders = map[string]func(x, y *state.Alert) int{
	"last":     func(x, y *state.Alert) int { return cmp.Compare(x.Last, y.Last) },
	"severity": func(x, y *state.Alert) int { return cmp.Compare(x.Severity, y.Severity) },
	"risk":     func(x, y *state.Alert) int { return cmp.Compare(x.Risk, y.Risk) },
	"count":    func(x, y *state.Alert) int { return cmp.Compare(x.Events, y.Events) },
	"number":   func(x, y *state.Alert) int { return cmp.Compare(x.Number, y.Number) },
}

type alertGroup struct {
	Key    string    `json:"key"`
	Alerts int       `json:"alerts"`
	Open   int       `json:"open"`
	Events int64     `json:"events"`
	Worst  string    `json:"worst"`
	Last   time.Time `json:"last"`

	rank int
	last int64
}

// keysOfAlert returns the values of an alert's field.
func keysOfAlert(a *state.Alert, field string) ([]string, bool) {
	switch field {
	case "rule":
		return []string{cmp.Or(a.Name, a.Title)}, true
	case "entity":
		return []string{a.Entity}, true
	case "severity":
		return []string{severityOf(a.Severity)}, true
	case "status":
		return []string{a.Status}, true
	case "verdict":
		return []string{a.Verdict}, true
	case "assignee":
		return []string{a.Assignee}, true
	case "account":
		return a.Accounts, true
	case "actor":
		return actorsOf(a), true
	}
	return nil, false
}

// mostGroups bounds the groups that are sent.
const mostGroups = 1000

func (s *Server) groupAlerts(r *http.Request, f alertFilter, by string) (groups []*alertGroup, total int, err error) {
	if _, known := keysOfAlert(&state.Alert{}, by); !known {
		e := badRequest("group_by=%q is not known", by)
		e.Hint = "use rule, entity, account, actor, severity, status, verdict or assignee"
		return nil, 0, e
	}
	all := map[string]*alertGroup{}
	f.bodies = by == "actor"
	err = s.eachAlert(r, f, func(a *state.Alert) error {
		total++
		keys, _ := keysOfAlert(a, by)
		for _, key := range keys {
			g := all[key]
			if g == nil {
				g = &alertGroup{Key: key}
				all[key] = g
			}
			g.Alerts++
			g.Events += a.Events
			g.rank, g.last = max(g.rank, a.Severity), max(g.last, a.Last)
			if a.Status != string(alert.Closed) {
				g.Open++
			}
		}
		return nil
	})
	groups = []*alertGroup{}
	for _, g := range all {
		g.Worst, g.Last = severityOf(g.rank), fromNano(g.last)
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(x, y *alertGroup) int { return cmp.Or(cmp.Compare(y.Alerts, x.Alerts), cmp.Compare(x.Key, y.Key)) })
	return groups[:min(len(groups), mostGroups)], total, err
}

// countAlerts counts by each field what the rest of the filter leaves.
func (s *Server) countAlerts(w http.ResponseWriter, r *http.Request) error {
	f := alertFilterOf(r)
	whole, match, err := f.query(user(r))
	if err != nil {
		return err
	}
	// One pass over what the widest filter gives; each field leaves itself out.
	wide := f
	wide.Status, wide.Severity, wide.Verdict, wide.Assignee = "", "", "", nil
	statuses := whole.Status
	byAssignee := alert.Filter{Assignee: f.assignees(user(r))}.Match()
	least, exact, err := severities(f.Severity)
	if err != nil {
		return err
	}
	counts := map[string]map[string]int{"status": {}, "severity": {}, "verdict": {}, "assignee": {}}
	total, open := 0, 0
	err = s.eachAlert(r, wide, func(a *state.Alert) error {
		holds := map[string]bool{
			"status": len(statuses) == 0 || slices.Contains(statuses, a.Status), "severity": a.Severity >= least && (len(exact) == 0 || slices.Contains(exact, a.Severity)),
			"verdict": f.Verdict == "" || f.Verdict == a.Verdict, "assignee": byAssignee(a),
		}
		misses := 0
		for _, holds := range holds {
			if !holds {
				misses++
			}
		}
		if misses == 0 && match(a) {
			total++
			if a.Status != string(alert.Closed) {
				open++
			}
		}
		for field, by := range counts {
			if misses == 0 || misses == 1 && !holds[field] {
				keys, _ := keysOfAlert(a, field)
				if field == "verdict" && keys[0] == "" {
					continue
				}
				if _, there := by[keys[0]]; there || len(by) < mostGroups {
					by[keys[0]]++
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return ok(w, map[string]any{"total": total, "open": open, "status": counts["status"], "severity": counts["severity"], "verdict": counts["verdict"], "assignee": counts["assignee"]})
}

// alertID returns the ID of the alert that the path names.
func (s *Server) alertID(r *http.Request) (string, error) {
	return s.findAlert(r.PathValue("id"))
}

func (s *Server) findAlert(text string) (string, error) {
	id, err := alert.Find(s.cfg.Product.State, text)
	switch {
	case errors.Is(err, alert.ErrGone):
		return "", notFound("alert", text)
	case errors.Is(err, alert.ErrSeveral):
		return "", badRequest("%q is not enough: %v", text, err)
	}
	return id, err
}

// readAlert returns the alert that the path names.
func (s *Server) readAlert(r *http.Request) (*alert.Alert, error) {
	id, err := s.alertID(r)
	if err != nil {
		return nil, err
	}
	row, err := s.cfg.Product.State.Alert(id)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, notFound("alert", r.PathValue("id"))
	}
	return alert.Decode(row)
}

type similarRow struct {
	alertRow
	Alike string `json:"alike"`
}

// similarWithin is how far back similar alerts are looked for.
const similarWithin = 180 * 24 * time.Hour

func (s *Server) similarAlerts(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", 20, 1, 1000)
	if err != nil {
		return err
	}
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	out := list[similarRow]{Items: []similarRow{}}
	err = s.cfg.Product.State.Alerts(r.Context(), state.AlertQuery{Earliest: a.Last.Add(-similarWithin).UnixNano()}, func(x *state.Alert) error {
		if x.ID == a.ID || x.Rule != a.RuleID && x.Entity != a.Entity {
			return nil
		}
		if out.Total++; out.Total > limit {
			return nil
		}
		alike := "both"
		switch {
		case x.Rule != a.RuleID:
			alike = "entity"
		case x.Entity != a.Entity:
			alike = "rule"
		}
		out.Items = append(out.Items, similarRow{rowOf(x), alike})
		return nil
	})
	if err != nil {
		return err
	}
	return ok(w, out)
}

type alertAction struct {
	ID     int64     `json:"id"`
	Time   time.Time `json:"time"`
	Who    string    `json:"who"`
	Action string    `json:"action"`
	Text   string    `json:"text,omitempty"`
}

func (s *Server) alertHistory(w http.ResponseWriter, r *http.Request) error {
	id, err := s.alertID(r)
	if err != nil {
		return err
	}
	history, err := s.cfg.Product.State.History("alert", id)
	if err != nil {
		return err
	}
	out := make([]alertAction, len(history))
	for i, x := range history {
		out[i] = alertAction{x.ID, fromMilli(x.Time), x.Who, x.Action, x.Text}
	}
	return ok(w, listOf(out))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
