// Package findings is a store of what rules found. Each finding is an event of the
// index _findings, with its JSON as the record.
package findings

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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
	"account", "actor", "actor_chain", "actor_type", "count", "entity", "event_ids", "event_name", "events{}.account", "events{}.error_code", "events{}.event_id",
	"events{}.event_name", "events{}.event_source", "events{}.file", "events{}.object", "events{}.outcome", "events{}.region", "events{}.source_ip", "events{}.time",
	"events{}.user", "events{}.user_agent", "fields{}.name", "fields{}.values", "fields{}.values{}", "first", "id", "kind", "last", "message", "mitre", "note", "object", "outcome",
	"region", "rule", "rule_id", "session_id", "severity", "source_ip", "status", "time", "title", "user_agent",
}

// Store reads findings from the state.
type Store struct{ open func() (*state.DB, error) }

var _ store.Store = (*Store)(nil)

// New returns a store of the findings in a state. open is called by each search that
// reads them; whoever made the state closes it.
func New(open func() (*state.DB, error)) *Store { return &Store{open} }

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

// maxRows bounds a batch: a finding may have a hundred events.
const maxRows = 256

func (s *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	db, err := s.s.open()
	if err != nil {
		return err
	}
	fields := s.q.Fields.Add(filter.FieldsOf(s.q.Filter)...)
	if s.q.Ordered {
		fields = fields.Add(event.Time)
	}
	reader := store.NewFieldReader(ctx, fields)
	lists := slices.DeleteFunc(slices.Clone(listed), func(name string) bool { return !fields.Has(name) })
	b := vector.NewBuilder()
	seq := 0
	q := state.FindingQuery{Earliest: s.q.Earliest, Latest: s.q.Latest, Arrived: state.Arrival(s.q.Arrived)}
	err = db.Findings(ctx, q, func(f *state.Finding) error {
		body, err := f.Document()
		if err != nil {
			return err
		}
		b.Add()
		if err := reader.Read(b, body, meta(f)); err != nil {
			return fmt.Errorf("finding %q cannot be read: %w", f.ID, err)
		}
		setLists(b, f.Body, lists)
		if s.q.Ordered {
			b.Set(store.Seq, vector.Int(seq))
		}
		seq++
		if b.Len() < maxRows {
			return nil
		}
		full := b.Batch()
		b = vector.NewBuilder()
		return emit(0, full)
	})
	if err != nil || b.Len() == 0 {
		return err
	}
	return emit(0, b.Batch())
}

// meta is what is known of a finding beside its JSON.
func meta(f *state.Finding) *event.Meta {
	return &event.Meta{Index: Index, Sourcetype: Sourcetype, Source: f.Rule, Host: event.Server, Fallback: f.Time, IndexTime: float64(f.Arrived) / 1000}
}

// listed are the fields of which a finding may have several values. In JSON they are
// an array then, whose field would be called name{}; a search asks for name.
var listed = []string{"account", "actor", "actor_chain", "actor_type", "event_ids", "event_name", "mitre", "object", "region", "session_id", "source_ip", "user_agent"}

// setLists sets those of the fields that have several values.
func setLists(b *vector.Builder, body []byte, fields []string) {
	if len(fields) == 0 {
		return
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return // the reader has read it
	}
	for _, name := range fields {
		var values []string
		if len(all[name]) > 0 && all[name][0] == '[' && json.Unmarshal(all[name], &values) == nil && len(values) > 0 {
			b.Set(name, vector.Strings(values))
		}
	}
}
