// Package findings is a store of what rules found. Each finding is an event of the
// index _findings, with its JSON as the record.
package findings

import (
	"context"
	"fmt"

	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// Index is the index of the findings.
const Index = config.FindingsIndex

// Sourcetype is that of a finding.
const Sourcetype = "bluetrail:finding"

// names are the fields of a finding's JSON.
var names = []string{
	"account", "actor", "actor_chain", "actor_class", "actor_type", "count", "entity", "event_ids", "event_name", "events{}.account", "events{}.error_code", "events{}.event_id",
	"events{}.event_name", "events{}.event_source", "events{}.file", "events{}.object", "events{}.outcome", "events{}.region", "events{}.source_ip", "events{}.time",
	"events{}.user", "events{}.user_agent", "fields{}.name", "fields{}.values", "fields{}.values{}", "first", "id", "kind", "last", "message", "mitre", "note", "object", "outcome", "quiet",
	"region", "rule", "rule_id", "rule_severity", "session_id", "severity", "source_ip", "status", "time", "title", "triage", "user_agent",
}

// Store reads findings from the state.
type Store struct {
	open func() (*state.DB, error)

	// Triage, if not nil, returns a finding as it is to be shown.
	Triage func(body []byte) ([]byte, error)
}

var _ store.Store = (*Store)(nil)

// New returns a store of the findings in a state. open is called by each search that
// reads them; whoever made the state closes it.
func New(open func() (*state.DB, error)) *Store { return &Store{open: open} }

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Prepare implements store.Store: the state answers the time range.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) { return &scan{s, q}, nil }

type scan struct {
	s *Store
	q *store.Query
}

func (s *scan) Residual() filter.Expr { return s.q.Filter }
func (s *scan) Workers() int          { return 1 }
func (s *scan) Explain() []string     { return []string{"findings: all of the time range"} }

func (s *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	db, err := s.s.open()
	if err != nil {
		return err
	}
	w := newWriter(ctx, s.q, listed, emit)
	q := state.FindingQuery{Earliest: s.q.Earliest, Latest: s.q.Latest, Arrived: state.Arrival(s.q.Arrived)}
	err = db.Findings(ctx, q, func(f *state.Finding) error {
		body, err := f.Document()
		if err == nil && s.s.Triage != nil {
			body, err = s.s.Triage(body)
		}
		if err != nil {
			return err
		}
		if err := w.add(body, meta(f)); err != nil {
			return fmt.Errorf("finding %q cannot be read: %w", f.ID, err)
		}
		return nil
	})
	return w.end(err)
}

// meta is what is known of a finding beside its JSON.
func meta(f *state.Finding) *event.Meta {
	return &event.Meta{Index: Index, Sourcetype: Sourcetype, Source: f.Rule, Host: event.Server, Fallback: f.Time, IndexTime: float64(f.Arrived) / 1000}
}

// listed are the fields of which a finding may have several values. In JSON they are
// an array then, whose field would be called name{}; a search asks for name.
var listed = []string{"account", "actor", "actor_chain", "actor_class", "actor_type", "event_ids", "event_name", "mitre", "object", "region", "session_id", "source_ip", "user_agent"}
