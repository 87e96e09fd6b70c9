package api

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/enrich"
)

// named is a field with its values.
type named struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func namedOf(fields []finding.Field) []named {
	out := make([]named, len(fields))
	for i, f := range fields {
		out[i] = named{f.Name, texts(f.Values)}
	}
	return out
}

// source is an address with where it is on a map.
type source struct {
	alert.Source
	Code string   `json:"country_code,omitempty"`
	Lat  *float64 `json:"latitude,omitempty"`
	Lon  *float64 `json:"longitude,omitempty"`
}

func sourceOf(x alert.Source) source {
	s := source{Source: x}
	if p, ok := enrich.PlaceOf(x.Country); ok {
		s.Code, s.Lat, s.Lon = p.Code, &p.Lat, &p.Lon
	}
	return s
}

type entityRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type chainStep struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
	How  string `json:"how,omitempty"`
	From string `json:"from,omitempty"`
}

type searchStep struct {
	Search   string `json:"search"`
	Earliest string `json:"earliest"`
	Latest   string `json:"latest"`
	Complete bool   `json:"complete"`
}

type mitre struct {
	ID      string   `json:"id"`
	Name    string   `json:"name,omitempty"`
	Tactics []string `json:"tactics,omitempty"`
}

type alertRule struct {
	ID          string   `json:"id"`
	Name        string   `json:"name,omitempty"`
	Title       string   `json:"title"`
	Kind        string   `json:"kind"`
	Severity    string   `json:"severity"`
	Status      string   `json:"status,omitempty"`
	Description string   `json:"description,omitempty"`
	Misses      string   `json:"misses,omitempty"`
	Author      string   `json:"author,omitempty"`
	Tactics     []string `json:"tactics"`
	References  []string `json:"references"`
	State       string   `json:"state,omitempty"`
}

// alertPage is an alert as its page shows it: lists are lists, even of one value.
type alertPage struct {
	*alert.Alert
	Mitre          []string       `json:"mitre"`
	Techniques     []mitre        `json:"techniques"`
	Actor          []string       `json:"actor"`
	ActorType      []string       `json:"actor_type"`
	ActorClass     []string       `json:"actor_class"`
	ActorChain     []string       `json:"actor_chain"`
	Chain          [][]chainStep  `json:"chain"`
	Session        []string       `json:"session_id"`
	UserAgent      []string       `json:"user_agent"`
	Account        []string       `json:"account"`
	Region         []string       `json:"region"`
	EventName      []string       `json:"event_name"`
	Object         []string       `json:"object"`
	Sources        []source       `json:"sources"`
	Findings       []string       `json:"findings"`
	EventIDs       []string       `json:"event_ids"`
	Around         []alert.Around `json:"around"`
	Unusual        []string       `json:"unusual"`
	Notes          []string       `json:"notes"`
	Exposure       []string       `json:"exposure"`
	NextSteps      []string       `json:"next_steps"`
	Searches       []searchStep   `json:"searches"`
	FalsePositives []string       `json:"false_positives"`
	Fields         []named        `json:"fields"`
	RuleInfo       *alertRule     `json:"rule_info,omitempty"`
	EntityLink     *entityRef     `json:"entity_link,omitempty"`
	Entities       []entityRef    `json:"entities"`
	Suppression    *suppression   `json:"suppression,omitempty"`
	Tunable        bool           `json:"tunable"`
}

// rules returns the rules as they are now, nil if the server runs none.
func (s *Server) rules() *ruleset.Ruleset {
	if f := s.cfg.Product.Rules; f != nil {
		return f.Rules()
	}
	return nil
}

func (s *Server) getAlert(w http.ResponseWriter, r *http.Request) error {
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	return s.answerAlert(w, a)
}

func (s *Server) answerAlert(w http.ResponseWriter, a *alert.Alert) error {
	p := &alertPage{
		Alert: a, Mitre: texts(a.Mitre), Techniques: []mitre{}, Actor: texts(a.Actor), ActorType: texts(a.ActorType), ActorClass: texts(a.ActorClass), ActorChain: texts(a.Chain),
		Chain: [][]chainStep{}, Session: texts(a.Session), UserAgent: texts(a.UserAgent), Account: texts(a.Account), Region: texts(a.Region), EventName: texts(a.EventName),
		Object: texts(a.Object), Sources: []source{}, Findings: texts(a.Findings), EventIDs: texts(a.EventIDs), Around: a.Around, Unusual: texts(a.Unusual), Notes: texts(a.Notes),
		Exposure: texts(a.Exposure), NextSteps: texts(a.NextSteps), Searches: stepsOf(a.NextSteps, a.First, a.Last), FalsePositives: texts(a.FalsePositives), Fields: namedOf(a.Fields),
	}
	if p.Around == nil {
		p.Around = []alert.Around{}
	}
	for _, x := range a.Sources {
		p.Sources = append(p.Sources, sourceOf(x))
	}
	for _, text := range a.Chain {
		p.Chain = append(p.Chain, chainOf(text, a.Actor, a.Account))
	}
	p.Entities = entitiesOf(a)
	if link := entityOf(a.EntityKind, a.Entity); link.Kind != "" {
		p.EntityLink = &link
	}
	var tactics []string
	if rs := s.rules(); rs != nil {
		if i := rs.Find(a.RuleID); i >= 0 {
			x := &rs.Rules[i]
			p.RuleInfo = &alertRule{x.ID, x.Name, x.Title, string(x.Kind), string(x.Severity), x.Status, x.Description, x.Misses, x.Author, texts(x.Tactics()), texts(x.References), ruleState(x)}
			p.Tunable, tactics = x.Search == nil, x.Tactics()
		}
	}
	for _, id := range a.Mitre {
		p.Techniques = append(p.Techniques, mitre{id, rule.TechniqueName(id), tactics})
	}
	var err error
	if p.Suppression, err = s.suppressed(a); err != nil {
		return err
	}
	return ok(w, p)
}

// hole is a placeholder that a step could not fill.
var hole = regexp.MustCompile(`%[\w.{}:-]+%`)

// stepsOf gives next steps a range of time: a day before the alert to a day after.
func stepsOf(list []string, first, last time.Time) []searchStep {
	out := make([]searchStep, len(list))
	for i, text := range list {
		out[i] = searchStep{text, first.Add(-24 * time.Hour).UTC().Format(time.RFC3339), last.Add(24 * time.Hour).UTC().Format(time.RFC3339), !hole.MatchString(text)}
	}
	return out
}

// hows are the words by which identity.Who joins the steps of a chain. Names of users,
// roles and sessions have no spaces, so none can pretend to be one of them.
var hows = regexp.MustCompile(`, (assumed by|with a key created by|signed in by|through the AWS MCP server for|with credentials issued to|with the source identity) `)

var fromAddress = regexp.MustCompile(`^(.*) from (\S+)$`)

// chainOf takes the words of a chain apart.
func chainOf(text string, actors, accounts []string) (steps []chainStep) {
	text, _, _ = strings.Cut(text, " (uncertain: ")
	how := hows.FindAllStringSubmatch(text, -1)
	for i, name := range hows.Split(text, -1) {
		step := chainStep{Name: name}
		if i > 0 {
			if m := fromAddress.FindStringSubmatch(name); m != nil {
				step.Name = m[1]
				steps[i-1].From = m[2]
			}
		}
		if i < len(how) {
			step.How = how[i][1]
		}
		step.Kind, step.ID = stepKind(step.Name)
		if i == len(how) && len(actors) == 1 && strings.HasPrefix(actors[0], "arn:") { // the last is the actor
			link := entityOf("actor", actors[0])
			step.Kind, step.ID = link.Kind, link.Name
		}
		steps = append(steps, step)
	}
	return steps
}

func stepKind(name string) (kind, id string) {
	if rest, ok := strings.CutPrefix(name, "role "); ok {
		role, session, several := strings.Cut(rest, ", session ")
		if several && strings.HasPrefix(session, "i-") {
			return "instance", session
		}
		return "role", role
	}
	for _, p := range []struct{ prefix, kind string }{{"account ", "account"}, {"root of ", "account"}, {"assumed root of ", "account"}, {"federated user ", "user"}} {
		if id, ok := strings.CutPrefix(name, p.prefix); ok {
			return p.kind, id
		}
	}
	switch {
	case strings.HasSuffix(name, ".amazonaws.com"):
		return "service", ""
	case name == "an unknown caller":
		return "other", ""
	}
	return "user", name
}

// entityOf returns under which kind /entities has a thing, an empty one if it does not.
func entityOf(kind, name string) entityRef {
	switch kind {
	case "address", "account":
		return entityRef{kind, name}
	}
	switch part := strings.SplitN(name, ":", 6); {
	case name == "":
	case len(part) == 6 && part[0] == "arn":
		what := part[5]
		switch {
		case part[2] == "iam" && strings.HasPrefix(what, "user/"):
			return entityRef{"user", name}
		case part[2] == "iam" && strings.HasPrefix(what, "role/"):
			return entityRef{"role", name}
		case part[2] == "sts" && strings.HasPrefix(what, "assumed-role/"):
			return entityRef{"session", name}
		case part[2] == "s3":
			bucket, _, _ := strings.Cut(what, "/")
			return entityRef{"bucket", bucket}
		case part[2] == "ec2" && strings.HasPrefix(what, "instance/"):
			return entityRef{"instance", strings.TrimPrefix(what, "instance/")}
		case kind == "actor" || what == "root":
			return entityRef{"actor", name}
		}
		return entityRef{}
	case instanceID.MatchString(name):
		return entityRef{"instance", name}
	case keyID.MatchString(name):
		return entityRef{"key", name}
	case accountID.MatchString(name):
		return entityRef{"account", name}
	case kind == "session", kind == "actor", kind == "user", kind == "role":
		return entityRef{kind, name}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return entityRef{"address", name}
	}
	return entityRef{}
}

var (
	instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)
	keyID      = regexp.MustCompile(`^A[KS]IA[A-Z0-9]{8,}$`)
	accountID  = regexp.MustCompile(`^\d{12}$`)
)

// mostLinked bounds the entities that an alert links to.
const mostLinked = 40

// entitiesOf returns the entities that an alert names.
func entitiesOf(a *alert.Alert) []entityRef {
	out := []entityRef{}
	add := func(kind string, names ...string) {
		for _, name := range names {
			if x := entityOf(kind, name); x.Kind != "" && len(out) < mostLinked && !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	add(a.EntityKind, a.Entity)
	add("actor", a.Actor...)
	for _, x := range a.Sources {
		if _, err := netip.ParseAddr(x.Address); err == nil {
			add("address", x.Address)
		}
	}
	add("account", a.Account...)
	add("resource", a.Object...)
	for _, f := range a.Fields {
		add("", f.Values...)
	}
	return out
}

type alertEvent struct {
	ID   string          `json:"id"`
	Time time.Time       `json:"time"`
	Raw  json.RawMessage `json:"raw"`
}

func (s *Server) alertEvents(w http.ResponseWriter, r *http.Request) error {
	a, err := s.readAlert(r)
	if err != nil {
		return err
	}
	records, err := s.cfg.Product.State.AlertRecords(a.ID)
	if err != nil {
		return err
	}
	out := []alertEvent{}
	for _, x := range records {
		out = append(out, alertEvent{x.Event, fromNano(x.Time), json.RawMessage(x.Raw)})
	}
	return ok(w, struct {
		Items []alertEvent `json:"items"`
		Total int64        `json:"total"`
		Note  string       `json:"note,omitempty"`
	}{out, a.Count, a.RecordsNote})
}

// ruleState says whether a rule runs.
func ruleState(r *ruleset.Rule) string {
	switch {
	case r.Off != "":
		return "off"
	case r.Silent:
		return "serves"
	}
	return "on"
}
