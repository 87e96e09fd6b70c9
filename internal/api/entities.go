package api

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/alert"
	"bluetrail/internal/auth"
	"bluetrail/internal/enrich"
	"bluetrail/internal/incident"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

func (s *Server) entityRoutes() []route {
	return []route{
		{"GET /api/v1/entities", auth.Viewer, s.listEntities},
		{"GET /api/v1/entities/{kind}", auth.Viewer, s.getEntity},
		{"GET /api/v1/entities/{kind}/activity", auth.Viewer, s.entityActivity},
		{"GET /api/v1/entities/{kind}/trace", auth.Viewer, s.entityTrace},
		{"GET /api/v1/entities/{kind}/alerts", auth.Viewer, s.entityAlerts},
	}
}

type actorDoc struct {
	Actor      string    `json:"actor"`
	Type       string    `json:"actor_type"`
	Class      string    `json:"actor_class"`
	Confidence float64   `json:"confidence"`
	Trusted    bool      `json:"trusted"`
	Why        []string  `json:"why"`
	Calls      int64     `json:"calls"`
	Denied     int64     `json:"denied"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
}

func actorOf(b *actor.Book, name, kind string, e *actor.Evidence) actorDoc {
	o := b.Opinion(name, kind)
	return actorDoc{name, kind, string(o.Class), o.Confidence, o.Trusted, texts(slices.Clone(o.Reasons)), e.Calls, e.Denied, time.Unix(e.First, 0).UTC(), time.Unix(e.Last, 0).UTC()}
}

func (s *Server) listEntities(w http.ResponseWriter, r *http.Request) error {
	limit, from, err := pageOf(r)
	if err != nil {
		return err
	}
	if s.cfg.Product.Book == nil {
		return lacking("knowledge of actors")
	}
	text, class := r.FormValue("q"), r.FormValue("class")
	all := []actorDoc{}
	err = s.cfg.Product.Book(func(b *actor.Book) {
		b.Each(func(name, kind string, e *actor.Evidence) {
			if !contains(name, text) {
				return
			}
			if x := actorOf(b, name, kind, e); class == "" || class == x.Class {
				all = append(all, x)
			}
		})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(x, y actorDoc) int { return cmp.Compare(y.Calls, x.Calls) })
	return ok(w, cut(all, limit, from))
}

// entity is what a request is about.
type entity struct {
	kind, name string
	from, to   time.Time
}

var entityKinds = []string{"actor", "user", "role", "session", "key", "address", "instance", "bucket", "account"}

// usualSpan is how far back an entity is looked at by default.
const usualSpan = 30 * 24 * time.Hour

func (s *Server) entity(r *http.Request) (e entity, err error) {
	e.kind, e.name = r.PathValue("kind"), r.FormValue("name")
	switch {
	case !slices.Contains(entityKinds, e.kind):
		x := badRequest("there is no kind %q of entities", e.kind)
		x.Hint = "kinds are " + strings.Join(entityKinds, ", ")
		return e, x
	case e.name == "" || len(e.name) > 2048:
		return e, badRequest("name must have 1 to 2048 bytes")
	}
	if e.from, e.to, err = between(r); err != nil {
		return e, err
	}
	var first, last time.Time
	if s.cfg.Product.Span != nil {
		first, last = s.cfg.Product.Span()
	}
	if last.IsZero() {
		last = time.Now().UTC()
	}
	if e.to.IsZero() {
		e.to = last.Add(time.Second).Truncate(time.Second)
	}
	if e.from.IsZero() {
		if e.from = e.to.Add(-usualSpan); e.from.Before(first) {
			e.from = first.Truncate(time.Second)
		}
	}
	if !e.from.Before(e.to) {
		return e, badRequest("since is not before until")
	}
	return e, nil
}

func (e *entity) condition() string { return incident.EntityCondition(e.kind, e.name) }

type valueCount struct {
	Value       string     `json:"value"`
	Count       int64      `json:"count"`
	Denied      int64      `json:"denied,omitempty"`
	First       *time.Time `json:"first,omitempty"`
	Last        *time.Time `json:"last,omitempty"`
	Why         string     `json:"why,omitempty"`
	Country     string     `json:"country,omitempty"`
	Code        string     `json:"country_code,omitempty"`
	Lat         *float64   `json:"latitude,omitempty"`
	Lon         *float64   `json:"longitude,omitempty"`
	ASN         uint64     `json:"asn,omitempty"`
	Network     string     `json:"network,omitempty"`
	NetworkKind string     `json:"network_kind,omitempty"`
	Lists       []string   `json:"lists,omitempty"`
}

type valueCounts struct {
	Items    []*valueCount `json:"items"`
	Distinct int           `json:"distinct"`
}

// mostValues bounds the values of a field that are sent.
const mostValues = 50

func countOf(x *incident.Tally) *valueCount {
	return &valueCount{Value: x.Value, Count: x.Count, Denied: x.Denied, First: timeOf(x.First), Last: timeOf(x.Last)}
}

func countsOf(t *incident.Tallies) valueCounts {
	out := valueCounts{[]*valueCount{}, t.Len()}
	for _, x := range t.Top(mostValues) {
		out.Items = append(out.Items, countOf(x))
	}
	return out
}

// located adds what is known of an address.
func (v *valueCount) located(address string) {
	known := enrich.Current().Source(address)
	v.Country, v.Network, v.Lists = known.Country, known.Network, known.Lists
	if known.Kind != enrich.KindUnknown {
		v.NetworkKind = string(known.Kind)
	}
	v.ASN, _ = strconv.ParseUint(known.ASN, 10, 32)
	v.placed()
}

func (v *valueCount) placed() {
	if p, ok := enrich.PlaceOf(v.Country); ok {
		v.Code, v.Lat, v.Lon = p.Code, &p.Lat, &p.Lon
	}
}

// places sums addresses up by country and by network.
func places(addresses *incident.Tallies) (countries, networks valueCounts) {
	byCountry, byNetwork := map[string]*valueCount{}, map[string]*valueCount{}
	add := func(by map[string]*valueCount, key string, x *incident.Tally, like valueCount) {
		v := by[key]
		if v == nil {
			like.Value, like.Count, like.Denied, like.Lists = key, 0, 0, nil
			v = &like
			by[key] = v
		}
		v.Count, v.Denied = v.Count+x.Count, v.Denied+x.Denied
		if v.First == nil || x.First.Before(*v.First) {
			v.First = timeOf(x.First)
		}
		if v.Last == nil || x.Last.After(*v.Last) {
			v.Last = timeOf(x.Last)
		}
	}
	for _, x := range addresses.Top(math.MaxInt) {
		v := valueCount{}
		v.located(x.Value)
		if v.Country != "" {
			add(byCountry, v.Country, x, valueCount{Country: v.Country, Code: v.Code, Lat: v.Lat, Lon: v.Lon})
		}
		if name := cmp.Or(v.Network, v.NetworkKind); name != "" {
			add(byNetwork, name, x, valueCount{ASN: v.ASN, Network: v.Network, NetworkKind: v.NetworkKind})
		}
	}
	sorted := func(by map[string]*valueCount) valueCounts {
		out := valueCounts{[]*valueCount{}, len(by)}
		for _, v := range by {
			out.Items = append(out.Items, v)
		}
		slices.SortFunc(out.Items, func(x, y *valueCount) int {
			return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Value, y.Value))
		})
		out.Items = out.Items[:min(len(out.Items), mostValues)]
		return out
	}
	return sorted(byCountry), sorted(byNetwork)
}

// Bounds of a profile.
const (
	entityTime   = 10 * time.Second
	entityEvents = 1_000_000
)

type alertSum struct {
	Total int    `json:"total"`
	Open  int    `json:"open"`
	Worst string `json:"worst,omitempty"`
}

type namedSearch struct {
	Title  string `json:"title"`
	Search string `json:"search"`
}

type accountInfo struct {
	ID          string `json:"id"`
	Name        string `json:"name,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Environment string `json:"environment,omitempty"`
	Critical    bool   `json:"critical,omitempty"`
}

type entityProfile struct {
	Kind       string        `json:"kind"`
	Name       string        `json:"name"`
	Found      bool          `json:"found"`
	From       time.Time     `json:"from"`
	To         time.Time     `json:"to"`
	Search     string        `json:"search"`
	Type       string        `json:"type,omitempty"`
	First      *time.Time    `json:"first,omitempty"`
	Last       *time.Time    `json:"last,omitempty"`
	Calls      int64         `json:"calls"`
	Denied     int64         `json:"denied"`
	Errors     int64         `json:"errors"`
	Writes     int64         `json:"writes"`
	Class      *actorDoc     `json:"class,omitempty"`
	Names      valueCounts   `json:"calls_by_name"`
	Services   valueCounts   `json:"services"`
	Regions    valueCounts   `json:"regions"`
	Accounts   valueCounts   `json:"accounts"`
	Addresses  valueCounts   `json:"addresses"`
	Countries  valueCounts   `json:"countries"`
	Networks   valueCounts   `json:"networks"`
	Agents     valueCounts   `json:"agents"`
	Keys       valueCounts   `json:"keys"`
	Identities valueCounts   `json:"identities"`
	Sessions   valueCounts   `json:"sessions"`
	Codes      valueCounts   `json:"error_codes"`
	Objects    valueCounts   `json:"objects"`
	Favoured   []*valueCount `json:"favoured"`
	Alerts     alertSum      `json:"alerts"`
	Risk       float64       `json:"risk"`
	Address    *source       `json:"address,omitempty"`
	Account    *accountInfo  `json:"account,omitempty"`
	Related    []entityRef   `json:"related"`
	Searches   []namedSearch `json:"searches"`
	Notice     string        `json:"notice,omitempty"`
}

func (s *Server) getEntity(w http.ResponseWriter, r *http.Request) error {
	e, err := s.entity(r)
	if err != nil {
		return err
	}
	p := &incident.Profile{}
	full := false
	notice, err := s.searching(r.Context(), incident.ProfileSearch(e.condition()), e.from, e.to, entityTime, nil, func(b *vector.Batch) error {
		if p.Add(b); p.Calls >= entityEvents {
			full = true
			return errEnough
		}
		return nil
	})
	if err != nil {
		return err
	}
	if full {
		notice = fmt.Sprintf("Only %d events were looked at; narrow the range of time.", entityEvents)
	}
	condition := e.condition()
	out := &entityProfile{
		Kind: e.kind, Name: e.name, Found: p.Calls > 0, From: e.from, To: e.to, Search: "index=* " + condition, Type: p.Type, First: timeOf(p.First), Last: timeOf(p.Last),
		Calls: p.Calls, Denied: p.Denied, Errors: p.Errors, Writes: p.Writes, Names: countsOf(&p.Names), Services: countsOf(&p.Services), Regions: countsOf(&p.Regions),
		Accounts: countsOf(&p.Accounts), Addresses: countsOf(&p.Addresses), Agents: countsOf(&p.Agents), Keys: countsOf(&p.Keys), Identities: countsOf(&p.Identities),
		Sessions: countsOf(&p.Sessions), Codes: countsOf(&p.Codes), Objects: countsOf(&p.Objects), Favoured: []*valueCount{}, Related: []entityRef{}, Notice: notice,
	}
	for _, v := range out.Addresses.Items {
		v.located(v.Value)
	}
	out.Countries, out.Networks = places(&p.Addresses)
	for _, x := range p.Names.Top(math.MaxInt) {
		if why := incident.Why(x.Value); why != "" && len(out.Favoured) < mostValues {
			v := countOf(x)
			v.Why = why
			out.Favoured = append(out.Favoured, v)
		}
	}
	if e.kind == "address" {
		x := sourceOf(alert.About(e.name))
		out.Address = &x
	}
	if e.kind == "account" {
		out.Account = &accountInfo{ID: e.name}
		if x, ok := enrich.Current().Accounts[e.name]; ok {
			out.Account = &accountInfo{e.name, x.Name, x.Owner, x.Environment, x.Critical}
		}
	}
	if s.cfg.Product.Book != nil {
		_ = s.cfg.Product.Book(func(b *actor.Book) { // before the rules run, nothing is known
			if known := b.Of(e.name, ""); known != nil {
				x := actorOf(b, e.name, p.Type, known)
				out.Class = &x
			}
		})
	}
	worst := -1
	if err := s.alertsAbout(r, e, func(a *state.Alert) {
		out.Alerts.Total++
		if a.Status != string(alert.Closed) {
			out.Alerts.Open++
			out.Risk = max(out.Risk, a.Risk)
		}
		worst = max(worst, a.Severity)
	}); err != nil {
		return err
	}
	if worst >= 0 {
		out.Alerts.Worst = severityOf(worst)
	}
	out.Related = related(e, out)
	out.Searches = append(out.Searches, []namedSearch{
		{"Calls over time", "index=* " + condition + " | timechart count by eventSource"},
		{"What was refused", "index=* " + condition + " outcome=denied | stats count by eventName errorCode | sort - count"},
		{"What it changed", "index=* " + condition + " readOnly=false outcome=success | table _time eventSource eventName object sourceIPAddress awsRegion | sort - _time"},
		{"Where it came from", "index=* " + condition + " | stats count min(_time) as first max(_time) as last by sourceIPAddress src_country src_network | sort - count"},
	}...)
	return ok(w, out)
}

// related returns entities to look at next: those that occur with the entity most.
func related(e entity, p *entityProfile) []entityRef {
	out := []entityRef{}
	add := func(kind string, v valueCounts, most int) {
		for i, x := range v.Items {
			ref := entityOf(kind, x.Value)
			if i == most {
				return
			}
			if ref.Kind != "" && ref != (entityRef{e.kind, e.name}) && !slices.Contains(out, ref) {
				out = append(out, ref)
			}
		}
	}
	add("actor", p.Identities, 5)
	add("session", p.Sessions, 5)
	add("", p.Keys, 5)
	for i, x := range p.Addresses.Items {
		if _, err := netip.ParseAddr(x.Value); err == nil && i < 5 && (e.kind != "address" || x.Value != e.name) {
			out = append(out, entityRef{"address", x.Value})
		}
	}
	add("account", p.Accounts, 5)
	add("resource", p.Objects, 10)
	return out
}

// alertsAbout calls each with the alerts that are about an entity: it is their entity, or
// the entity ends with its name, or it is their account.
func (s *Server) alertsAbout(r *http.Request, e entity, each func(*state.Alert)) error {
	tail := "/" + e.name
	return s.cfg.Product.State.Alerts(r.Context(), state.AlertQuery{}, func(a *state.Alert) error {
		about := a.Entity == e.name || !strings.HasPrefix(e.name, "arn:") && e.kind != "address" && strings.HasSuffix(a.Entity, tail) || strings.HasPrefix(a.Entity, e.name+"@")
		if e.kind == "account" {
			about = about || slices.Contains(a.Accounts, e.name)
		}
		if e.kind == "bucket" {
			about = about || a.Entity == "arn:aws:s3:::"+e.name
		}
		if about || (e.kind == "address" || e.kind == "key" || e.kind == "instance") && strings.Contains(a.Summary, e.name) {
			each(a)
		}
		return nil
	})
}

func (s *Server) entityAlerts(w http.ResponseWriter, r *http.Request) error {
	limit, err := number(r, "limit", 50, 1, 1000)
	if err != nil {
		return err
	}
	e, err := s.entity(r)
	if err != nil {
		return err
	}
	out := list[alertRow]{Items: []alertRow{}}
	if err := s.alertsAbout(r, e, func(a *state.Alert) {
		if out.Total++; len(out.Items) < limit {
			out.Items = append(out.Items, rowOf(a))
		}
	}); err != nil {
		return err
	}
	return ok(w, out)
}
