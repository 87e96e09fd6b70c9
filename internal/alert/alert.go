// Package alert turns findings into alerts: one for each thing that somebody has to
// look at.
package alert

import (
	"encoding/json"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
)

// Status is how far people have come with an alert.
type Status string

// The statuses of alerts.
const (
	New        Status = "new"
	InProgress Status = "in_progress"
	Closed     Status = "closed"
)

// Verdict is what an alert turned out to be when it was closed.
type Verdict string

// The verdicts on closed alerts.
const (
	True      Verdict = "true"
	Benign    Verdict = "benign" // it happened, and it was meant to
	False     Verdict = "false"
	Duplicate Verdict = "duplicate"

	// Bluetrail itself closes an alert with one of these.
	Withdrawn Verdict = "withdrawn" // later events took its findings back
	Resolved  Verdict = "resolved"  // a health condition ended
)

// Verdicts are those that people give.
var Verdicts = []Verdict{True, Benign, False, Duplicate}

// Alert is what somebody has to look at: what one rule, or the risk score, found of one
// entity. Its texts come from the trail and were written by whoever made the calls.
type Alert struct {
	ID       string        `json:"id"`     // 32 hexadecimal digits
	Number   int64         `json:"number"` // short, for people; counted from 1
	Created  time.Time     `json:"created"`
	Updated  time.Time     `json:"updated"`
	Status   Status        `json:"status"`
	Verdict  Verdict       `json:"verdict,omitempty"`
	Assignee string        `json:"assignee,omitempty"`
	Closed   *time.Time    `json:"closed,omitempty"`
	Severity rule.Severity `json:"severity"`
	Risk     float64       `json:"risk"` // of the actor, when the alert changed last

	RuleSeverity   rule.Severity   `json:"rule_severity"`    // before triage
	Triage         string          `json:"triage,omitempty"` // why the severities differ
	RuleID         string          `json:"rule_id"`
	Rule           string          `json:"rule"`
	Title          string          `json:"title"`
	Mitre          []string        `json:"mitre"`
	EntityKind     string          `json:"entity_kind"` // actor, session, address, resource, account or other
	Entity         string          `json:"entity"`
	Summary        string          `json:"summary"`           // a sentence that says what happened
	Message        string          `json:"message,omitempty"` // the rule's own sentence, if it has a template
	Actor          finding.Values  `json:"actor"`
	ActorType      finding.Values  `json:"actor_type"`
	ActorClass     finding.Values  `json:"actor_class"`
	Chain          finding.Values  `json:"actor_chain"`
	Session        finding.Values  `json:"session_id"`
	UserAgent      finding.Values  `json:"user_agent"`
	Account        finding.Values  `json:"account"`
	Region         finding.Values  `json:"region"`
	EventName      finding.Values  `json:"event_name"`
	Object         finding.Values  `json:"object"`
	Outcome        string          `json:"outcome"`
	Count          int64           `json:"count"` // of events
	First          time.Time       `json:"first"` // of the events
	Last           time.Time       `json:"last"`
	Sources        []Source        `json:"sources"`
	Findings       []string        `json:"findings"`
	FindingCount   int64           `json:"finding_count"`
	Silent         int64           `json:"silent,omitempty"`  // findings that joined after it was closed
	Touched        bool            `json:"touched,omitempty"` // people have changed it
	EventIDs       []string        `json:"event_ids"`
	RecordsKept    int64           `json:"records_kept"`           // events whose text is kept
	RecordsNote    string          `json:"records_note,omitempty"` // why others' is not
	Around         []Around        `json:"around,omitempty"`       // what else the entity did
	Unusual        []string        `json:"unusual,omitempty"`      // how unusual this is for the actor and the account, in words
	Notes          []string        `json:"notes,omitempty"`        // what enrichment adds, in words
	Exposure       []string        `json:"exposure,omitempty"`     // what the events opened to the internet, and what is behind it
	NextSteps      []string        `json:"next_steps,omitempty"`
	FalsePositives []string        `json:"false_positives,omitempty"`
	Fields         []finding.Field `json:"fields,omitempty"`
}

// Source is an address that calls came from.
type Source struct {
	Address     string   `json:"address"`
	Country     string   `json:"country,omitempty"`
	ASN         uint32   `json:"asn,omitempty"`
	Network     string   `json:"network,omitempty"`
	NetworkKind string   `json:"network_kind,omitempty"`
	Lists       []string `json:"lists,omitempty"` // threat lists, each with its reason
	FirstSeen   bool     `json:"first_seen,omitempty"`
}

// Around counts a call that the entity made close to an alert.
type Around struct {
	EventSource string    `json:"event_source"`
	EventName   string    `json:"event_name"`
	Outcome     string    `json:"outcome"`
	Count       int64     `json:"count"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
}

// Bounds of an alert. What exceeds them is counted only.
const (
	MaxFindings = 1000
	MaxEventIDs = 1000
	MaxRecords  = 100
	MaxBytes    = 1 << 20 // of the records, before they are compressed
	maxSources  = 20
)

// Record is an event of an alert. It is kept with the alert, so that it outlives the
// retention of events.
type Record struct {
	ID   string          `json:"id"`
	Time time.Time       `json:"time"`
	Raw  json.RawMessage `json:"raw"` // as AWS delivered it
}

// Change is why people are told of an alert.
type Change string

// The changes of alerts.
const (
	Raised   Change = "raised"
	Worsened Change = "worsened" // its severity rose
	Reopened Change = "reopened"
	Ended    Change = "closed"
)
