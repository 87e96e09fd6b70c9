// Package finding holds what rules find: one Finding for a rule, an entity, a window
// of time and an outcome, with the events that led to it.
package finding

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
)

// Bounds of one finding. What exceeds them is counted only.
const (
	MaxEvents = 100     // events shown
	MaxIDs    = 1000    // event ids
	MaxValues = 20      // different values of account, region, …
	MaxText   = 4 << 10 // bytes of one text
)

// Finding says that a rule fired for an entity within a window of time. Its texts come
// from the trail and were written by whoever made the calls.
type Finding struct {
	ID        string        `json:"id"`
	Time      time.Time     `json:"time"` // of the event with which the rule fired first
	RuleID    string        `json:"rule_id"`
	Rule      string        `json:"rule"` // its name, or else its title
	Title     string        `json:"title"`
	Kind      rule.Kind     `json:"kind"`
	Severity  rule.Severity `json:"severity"`
	Mitre     []string      `json:"mitre"`
	Entity    string        `json:"entity"`
	Actor     Values        `json:"actor"`
	ActorType Values        `json:"actor_type"`
	Chain     Values        `json:"actor_chain"`
	Session   Values        `json:"session_id"`
	Account   Values        `json:"account"`
	Region    Values        `json:"region"`
	SourceIP  Values        `json:"source_ip"`
	EventName Values        `json:"event_name"`
	Object    Values        `json:"object"`
	UserAgent Values        `json:"user_agent"`
	Outcome   string        `json:"outcome"` // success, denied or error; mixed where a correlation joins several
	Count     int64         `json:"count"`   // events
	First     time.Time     `json:"first"`   // of the events
	Last      time.Time     `json:"last"`
	Events    []Event       `json:"events"`    // the first MaxEvents
	EventIDs  []string      `json:"event_ids"` // the first MaxIDs
	Message   string        `json:"message"`
	Fields    []Field       `json:"fields,omitempty"` // what else the rule shows: its fields, a count, the new value

	// What triage says, none of which is stored: Severity is the severity to show then.
	RuleSeverity rule.Severity `json:"rule_severity,omitempty"`
	ActorClass   Values        `json:"actor_class,omitempty"`
	Quiet        string        `json:"quiet,omitempty"`  // who quieted it: class or allow-list
	Triage       string        `json:"triage,omitempty"` // why it is quiet or its severity is lower or stays

	// Status and Note are what people say of a finding in the state: open, true or
	// false. A finding that was just made has none.
	Status string `json:"status,omitempty"`
	Note   string `json:"note,omitempty"`

	// More counts, by JSON name, the values that exceeded MaxValues. The same value
	// may be counted several times.
	More map[string]int `json:"more,omitempty"`
}

// Event is an event of a finding.
type Event struct {
	Time time.Time `json:"time"`
	match.Event
}

// Field is a named list of values.
type Field struct {
	Name   string `json:"name"`
	Values Values `json:"values"`
}

// Values are different values in the order in which they came, at most MaxValues. In
// JSON a single one is a string, several are an array, none is an empty string.
type Values []string

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	switch len(v) {
	case 0:
		return []byte(`""`), nil
	case 1:
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(data []byte) error {
	*v = nil
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(v))
	}
	var one string
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	if one != "" {
		*v = Values{one}
	}
	return nil
}

// add adds a value to the field with a JSON name, unless it is there; an empty value
// is none.
func (f *Finding) add(name string, to *Values, text string) {
	switch text = clip(text); {
	case text == "" || slices.Contains(*to, text):
	case len(*to) < MaxValues:
		*to = append(*to, text)
	default:
		if f.More == nil {
			f.More = map[string]int{}
		}
		f.More[name]++
	}
}

// clip shortens a text to MaxText bytes, at a rune.
func clip(s string) string {
	if len(s) <= MaxText {
		return s
	}
	end := MaxText
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}

// Who is the resolved caller of an event.
type Who struct {
	Actor   string
	Type    string
	Session string
	Chain   string // in words, "" = the actor called by himself
}

// Key is what makes events one finding.
type Key struct {
	Rule    string // its ID
	Entity  string
	Outcome string
	Window  int64 // start, unix nanoseconds
}

// ID returns the finding's ID, the same wherever and whenever it is computed.
func (k *Key) ID() string {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{k.Rule, k.Entity, k.Outcome} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	binary.BigEndian.PutUint64(n[:], uint64(k.Window))
	h.Write(n[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// WindowAt returns the start of the window of a length that holds a time. Windows
// begin at multiples of their length since 1970, so that late events never move one.
func WindowAt(ns int64, length time.Duration) int64 {
	if length <= 0 {
		length = rule.DefaultWindow
	}
	n := int64(length)
	rest := ns % n
	if rest < 0 {
		rest += n
	}
	return ns - rest
}

// New returns a finding without events.
func New(info *rule.Info, key Key) *Finding {
	return &Finding{
		ID: key.ID(), RuleID: info.ID, Rule: cmp.Or(info.Name, info.Title), Title: info.Title, Kind: info.Kind,
		Severity: info.Severity, Mitre: info.Mitre(), Entity: clip(key.Entity), Outcome: key.Outcome,
	}
}

// Clone returns a finding to which events can be added while f stays as it is.
func (f *Finding) Clone() *Finding {
	c := *f
	for _, v := range []*Values{&c.Actor, &c.ActorType, &c.Chain, &c.Session, &c.Account, &c.Region, &c.SourceIP, &c.EventName, &c.Object, &c.UserAgent} {
		*v = slices.Clip(*v)
	}
	c.Events, c.EventIDs, c.Fields, c.More = slices.Clip(c.Events), slices.Clip(c.EventIDs), slices.Clone(c.Fields), maps.Clone(c.More)
	for i := range c.Fields {
		c.Fields[i].Values = slices.Clip(c.Fields[i].Values)
	}
	return &c
}

// Add adds an event. Events come in order of time; one that comes late moves the
// beginning of the finding, but not the order of what it shows.
func (f *Finding) Add(m *match.Match, who *Who) {
	at := time.Unix(0, m.Time).UTC()
	if f.Count == 0 {
		f.First, f.Time, f.Last = at, at, at
	}
	if at.Before(f.First) {
		if f.Time.Equal(f.First) {
			f.Time = at
		}
		f.First = at
	}
	if at.After(f.Last) {
		f.Last = at
	}
	f.Count++
	e := &m.Event
	for _, c := range []struct {
		name string
		to   *Values
		text string
	}{
		{"actor", &f.Actor, who.Actor}, {"actor_type", &f.ActorType, who.Type}, {"actor_chain", &f.Chain, who.Chain}, {"session_id", &f.Session, who.Session},
		{"account", &f.Account, e.Account}, {"region", &f.Region, e.Region}, {"source_ip", &f.SourceIP, e.SourceIP}, {"event_name", &f.EventName, e.Name},
		{"object", &f.Object, e.Object}, {"user_agent", &f.UserAgent, e.UserAgent},
	} {
		f.add(c.name, c.to, c.text)
	}
	if len(f.Events) < MaxEvents {
		f.Events = append(f.Events, Event{at, *e})
	}
	if e.ID != "" && len(f.EventIDs) < MaxIDs {
		f.EventIDs = append(f.EventIDs, clip(e.ID))
	}
}

// Put adds values to a field by its JSON name, unless they are there; a name that is no
// field of a finding is one of Fields.
func (f *Finding) Put(name string, values ...string) {
	to := map[string]*Values{
		"actor": &f.Actor, "actor_type": &f.ActorType, "actor_chain": &f.Chain, "session_id": &f.Session, "account": &f.Account, "region": &f.Region,
		"source_ip": &f.SourceIP, "event_name": &f.EventName, "object": &f.Object, "user_agent": &f.UserAgent,
	}[name]
	if to == nil {
		i := slices.IndexFunc(f.Fields, func(x Field) bool { return x.Name == name })
		if i < 0 {
			i = len(f.Fields)
			f.Fields = append(f.Fields, Field{Name: name})
		}
		to = &f.Fields[i].Values
	}
	for _, text := range values {
		f.add(name, to, text)
	}
}

// Set replaces a field of Fields.
func (f *Finding) Set(name string, values ...string) {
	i := slices.IndexFunc(f.Fields, func(x Field) bool { return x.Name == name })
	if i < 0 {
		i = len(f.Fields)
		f.Fields = append(f.Fields, Field{Name: name})
	}
	v := &f.Fields[i].Values
	*v = nil
	for _, text := range values {
		f.add(name, v, text)
	}
}

// Append adds values to a field of Fields, each once.
func (f *Finding) Append(name string, values ...string) {
	if len(values) == 0 {
		return
	}
	i := slices.IndexFunc(f.Fields, func(x Field) bool { return x.Name == name })
	if i < 0 {
		i = len(f.Fields)
		f.Fields = append(f.Fields, Field{Name: name})
	}
	for _, text := range values {
		f.add(name, &f.Fields[i].Values, text)
	}
}

// getters read the fields that all findings have, by their JSON names.
var getters = map[string]func(f *Finding) []string{
	"rule_id":  func(f *Finding) []string { return []string{f.RuleID} },
	"rule":     func(f *Finding) []string { return []string{f.Rule} },
	"title":    func(f *Finding) []string { return []string{f.Title} },
	"severity": func(f *Finding) []string { return []string{string(f.Severity)} },
	"entity":   func(f *Finding) []string { return []string{f.Entity} },
	"outcome":  func(f *Finding) []string { return []string{f.Outcome} },
	"count":    func(f *Finding) []string { return []string{strconv.FormatInt(f.Count, 10)} },
	"first":    func(f *Finding) []string { return []string{f.First.Format(time.RFC3339)} },
	"last":     func(f *Finding) []string { return []string{f.Last.Format(time.RFC3339)} },

	"rule_severity": func(f *Finding) []string { return []string{string(f.RuleSeverity)} },
	"actor_class":   func(f *Finding) []string { return f.ActorClass },
	"quiet":         func(f *Finding) []string { return []string{f.Quiet} },
	"triage":        func(f *Finding) []string { return []string{f.Triage} },

	"actor":       func(f *Finding) []string { return f.Actor },
	"actor_type":  func(f *Finding) []string { return f.ActorType },
	"actor_chain": func(f *Finding) []string { return f.Chain },
	"session_id":  func(f *Finding) []string { return f.Session },
	"account":     func(f *Finding) []string { return f.Account },
	"region":      func(f *Finding) []string { return f.Region },
	"source_ip":   func(f *Finding) []string { return f.SourceIP },
	"event_name":  func(f *Finding) []string { return f.EventName },
	"object":      func(f *Finding) []string { return f.Object },
	"user_agent":  func(f *Finding) []string { return f.UserAgent },
}

// Has reports whether all findings have a field with a JSON name, so that a message
// may name it without the rule asking for it.
func Has(name string) bool { return getters[name] != nil }

// Get returns the values of a field by its JSON name, those of Fields included.
func (f *Finding) Get(name string) []string {
	if get := getters[name]; get != nil {
		return get(f)
	}
	for _, x := range f.Fields {
		if x.Name == name {
			return x.Values
		}
	}
	return nil
}

// Compare orders findings as an analyst reads them: by time, then by severity, the
// worst first, then by rule and entity.
func Compare(a, b *Finding) int {
	return cmp.Or(a.First.Compare(b.First), cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.ID, b.ID))
}
