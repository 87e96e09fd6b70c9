// Package engine turns records into matches and matches into findings. Hunting,
// the live pipeline and tests of rules drive it.
package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"
	"unsafe"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/spl/exec"
)

// Record is a record of the trail with what is known about it.
type Record struct {
	Raw     []byte // a JSON object
	Meta    *event.Meta
	Time    int64 // unix nanoseconds
	Arrival int64 // likewise; 0 = it does not arrive, but lies in a file
	ID      [16]byte
	Given   bool       // ID was derived from the record; otherwise the scanner hashes its text
	Row     *event.Row // of Leaves; nil: the scanner reads them
	File    string     // where it lies; "" = in the store
	Partial bool       // an event of a test, which may lack what tells CloudTrail's records from other JSON
}

// Scanner is the stateless part of a ruleset. It is for one goroutine.
type Scanner struct {
	rules    *ruleset.Ruleset
	events   eventRules
	searches []search
	brief    *event.Extractor
	row      *event.Row
	numbers  []int     // of the wanted fields, for the Sigma rules
	derived  []int     // cell of each wanted field among the row's, -1 = only a record field
	wants    [][]int32 // positions in Wanted of what is asked of the matches of a rule
	wanted   []int32   // those of the match under way
	texts    []string  // of its values
	match    match.Match
	own      *event.Row // of Leaves
	leaves   *event.Row // of the record under way: own, or the caller's
	facts    identity.Facts
	caller   []byte // of the match, encoded
	trail    *identity.Trail
	recorder *actor.Recorder // nil = none

	n, every int // records, and how many lie between samples; 0 = no samples
	observe  func(rule int, took time.Duration)
}

// eventRules evaluates the Sigma rules.
type eventRules interface {
	Evaluate(raw []byte, eventSource, eventName string, yield func(rule int))
	Number(field string) (n int, ok bool)
	AppendValues(dst []string, n int) []string
	Borrow(fields []string, lend sigma.Lender)
	Skip(rule int, skip bool)
	Sample(n int, observe func(rule int, took time.Duration))
}

// search is an SPL rule that looks at one event at a time.
type search struct {
	position int32
	ev       *splrule.Evaluator
	skipped  bool
}

// briefFields are those of a match.Event, in the order of setBrief.
var briefFields = []string{
	"eventID", "eventName", "eventSource", "recipientAccountId", "awsRegion", "sourceIPAddress", "userAgent", "userIdentity.arn",
	"errorCode", "outcome", "object", "userIdentity.type", "userIdentity.invokedBy", "userIdentity.principalId",
}

// NewScanner returns a scanner of the rules. It adds the identity facts of all records
// to trail. ctx ends the evaluation of searches.
func NewScanner(ctx context.Context, rules *ruleset.Ruleset, geo exec.Geo, trail *identity.Trail) (*Scanner, error) {
	s := &Scanner{rules: rules, events: rules.Set.NewEvaluator(), trail: trail, own: Leaves.NewRow(), wants: rules.Wants()}
	s.events.Borrow(Leaves.Leaves(), s.lend)
	fields := slices.Clone(briefFields)
	for _, f := range rules.Wanted {
		n, _ := s.events.Number(f) // the set reads all that is wanted
		s.numbers = append(s.numbers, n)
		at := -1
		if event.Addon(f) != nil {
			if at = slices.Index(fields, f); at < 0 {
				at = len(fields)
				fields = append(fields, f)
			}
		}
		s.derived = append(s.derived, at)
	}
	s.brief = event.NewExtractor(fields)
	s.row = s.brief.NewRow()
	for i := range rules.Rules {
		r := &rules.Rules[i]
		if r.Event != nil && r.Off != "" {
			s.Skip(i)
		}
		if r.Search == nil || r.Off != "" {
			continue
		}
		ev, err := r.Search.NewEvaluator(ctx, geo)
		if errors.Is(err, splrule.ErrStateful) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.searches = append(s.searches, search{position: int32(i), ev: ev})
	}
	return s, nil
}

// Record has the scanner tell a recorder of all events of the trail.
func (s *Scanner) Record(r *actor.Recorder) { s.recorder = r }

// Skip leaves a rule out of all further scans.
func (s *Scanner) Skip(rule int) {
	if s.rules.Rules[rule].Event != nil {
		s.events.Skip(rule, true)
	}
	for i := range s.searches {
		if s.searches[i].position == int32(rule) {
			s.searches[i].skipped = true
		}
	}
}

// Sample times the rules that are tried on every n-th record, and calls observe for each
// of them.
func (s *Scanner) Sample(n int, observe func(rule int, took time.Duration)) {
	s.every, s.observe = n, observe
	s.events.Sample(n, observe)
}

// search tries a search on a record.
func (s *Scanner) search(x *search, rec *Record) (bool, error) {
	if s.every == 0 || s.n%s.every != 0 {
		return x.ev.Match(rec.Raw, rec.Meta)
	}
	start := time.Now()
	ok, err := x.ev.Match(rec.Raw, rec.Meta)
	s.observe(int(x.position), time.Since(start))
	return ok, err
}

// Scan returns the match of a record, nil if no rule matches. The match is valid
// until the next call and shares the record's bytes and memory of the scanner.
func (s *Scanner) Scan(rec *Record) (*match.Match, error) {
	m := &s.match
	m.Rules = m.Rules[:0]
	leaves := rec.Row
	if leaves == nil {
		leaves = s.own
		if err := Leaves.Read(rec.Raw, leaves); err != nil {
			return nil, err
		}
	}
	s.leaves = leaves
	if err := identity.FromRow(rec.Raw, leaves, &s.facts); err != nil {
		return nil, err
	}
	other := !rec.Partial && !Leaves.OfTrail(leaves) // only searches look at it
	if !other {
		s.trail.Add(&s.facts)
		if s.recorder != nil {
			s.recorder.AddRow(leaves, &s.facts)
		}
	}
	source, name := identity.Names(leaves)
	s.events.Evaluate(rec.Raw, source, name, func(i int) { // also what Values reads of it
		if !other {
			m.Rules = append(m.Rules, int32(i))
		}
	})
	s.n++
	for i := range s.searches {
		x := &s.searches[i]
		if x.skipped || !other && x.ev.Skips(name) {
			continue
		}
		ok, err := s.search(x, rec)
		if err != nil {
			return nil, err
		}
		if ok {
			m.Rules = append(m.Rules, x.position)
		}
	}
	if len(m.Rules) == 0 {
		return nil, nil
	}
	m.Time, m.Arrival, m.ID = rec.Time, rec.Arrival, rec.ID
	if !rec.Given {
		sum := sha256.Sum256(rec.Raw)
		copy(m.ID[:], sum[:])
	}
	if err := s.brief.Read(rec.Raw, s.row); err != nil {
		return nil, err
	}
	s.fill(rec)
	return m, nil
}

// lend is a sigma.Lender of the leaves of the record under way.
func (s *Scanner) lend(i int) (string, sigma.Lent) {
	switch c := s.leaves.Leaf(i); {
	case s.leaves.Odd() || c.Many != nil:
		return "", sigma.NotLent
	case c.Set:
		return c.Text, sigma.Given
	case s.leaves.Blank():
		return "", sigma.Blank
	}
	return "", sigma.Missing
}

// fill sets what a match tells of its event.
func (s *Scanner) fill(rec *Record) {
	m := &s.match
	text := func(i int) string {
		c := s.brief.FinishOne(i, rec.Raw, rec.Meta, s.row)
		if len(c.Many) > 0 {
			return c.Many[0]
		}
		return c.Text
	}
	m.Event = match.Event{
		ID: text(0), Name: text(1), Source: text(2), Account: text(3), Region: text(4), SourceIP: text(5), UserAgent: text(6),
		User: cmp.Or(text(7), text(12), text(13), text(11)), ErrorCode: text(8), Outcome: text(9), Object: strings.Join(s.values(rec, 10), ", "), File: rec.File,
	}
	if m.Event.ErrorCode == "success" { // derived; the record has none
		m.Event.ErrorCode = ""
	}
	caller := s.facts.Caller
	caller.TrimTime()
	s.caller, _ = caller.AppendBinary(s.caller[:0]) // never fails
	m.Caller = unsafe.String(unsafe.SliceData(s.caller), len(s.caller))
	m.Values, s.texts = m.Values[:0], s.texts[:0]
	s.wanted = s.wanted[:0]
	for _, r := range m.Rules {
		s.wanted = append(s.wanted, s.wants[r]...)
	}
	slices.Sort(s.wanted)
	for _, i := range slices.Compact(s.wanted) {
		from := len(s.texts)
		s.texts = s.events.AppendValues(s.texts, s.numbers[i])
		if len(s.texts) == from && s.derived[i] >= 0 {
			s.texts = append(s.texts, s.values(rec, s.derived[i])...)
		}
		if end := len(s.texts); end > from {
			m.Values = append(m.Values, match.Value{Field: i, Texts: s.texts[from:end:end]})
		}
	}
}

// values returns all values of a field of the row.
func (s *Scanner) values(rec *Record, i int) []string {
	switch c := s.brief.FinishOne(i, rec.Raw, rec.Meta, s.row); {
	case !c.Set:
		return nil
	case len(c.Many) > 0:
		return c.Many
	default:
		return []string{c.Text}
	}
}
