package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/ingest"
	"bluetrail/internal/state"
)

// Sink writes findings with the checkpoints of a pipeline.
type Sink struct {
	rules   *Rules
	workers []*worker
}

var _ ingest.Sink = (*Sink)(nil)

// Sink returns the sink for a pipeline, see ingest.Config. Rules that were disabled
// before stay so until their file changes.
func (r *Rules) Sink(db *state.DB) (ingest.Sink, error) {
	known, err := db.Disabled()
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range known {
		r.disabled[d.Rule] = d
	}
	if len(known) > 0 {
		r.build()
	}
	return &Sink{rules: r}, nil
}

// Worker implements ingest.Sink. Workers are made one after the other.
func (s *Sink) Worker() ingest.SinkWorker {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	w := &worker{rules: s.rules, groups: map[string]*group{}}
	s.workers = append(s.workers, w)
	return w
}

// Commit implements ingest.Sink.
func (s *Sink) Commit(tx *state.Tx) error {
	s.rules.mu.Lock()
	workers, changed := slices.Clone(s.workers), s.rules.changed
	s.rules.changed = nil
	s.rules.mu.Unlock()
	for _, d := range changed {
		err := tx.Enable(d.Rule)
		if d.Reason != "" {
			err = tx.Disable(d)
		}
		if err != nil {
			return err
		}
	}
	all := map[string][]*group{}
	for _, w := range workers {
		for id, g := range w.groups {
			all[id] = append(all[id], g)
		}
	}
	now := time.Now().UnixMilli()
	var list []state.Finding
	for _, id := range slices.Sorted(maps.Keys(all)) {
		f, err := s.finding(tx, id, all[id])
		if err != nil {
			return err
		}
		f.Arrived = now
		if list = append(list, f); len(list) == 100 {
			if err := tx.PutFindings(list); err != nil {
				return err
			}
			list = list[:0]
		}
	}
	return tx.PutFindings(list)
}

// finding adds the events of groups to their finding and makes it anew of all of its
// events: the order in which they came makes no difference.
func (s *Sink) finding(tx *state.Tx, id string, groups []*group) (f state.Finding, err error) {
	var matches []state.FindingMatch
	var more state.More
	for _, g := range groups {
		g.shrink()
		matches = append(matches, g.matches...)
		more.Add(g.more)
	}
	bodies, more, err := tx.AddMatches(id, matches, more, finding.MaxIDs)
	if err != nil {
		return f, err
	}
	g := groups[0]
	info := &g.rule.info
	found := finding.New(info, g.key)
	shown := map[string]finding.Values{}
	for _, b := range bodies {
		var k kept
		if err := json.Unmarshal(b.Body, &k); err != nil {
			return f, fmt.Errorf("an event of finding %q cannot be read: %w", id, err)
		}
		found.Add(&match.Match{Time: b.Time, Event: k.Event}, &finding.Who{Actor: k.Event.User})
		for _, x := range k.Fields {
			for _, v := range x.Values {
				if list := shown[x.Name]; len(list) < finding.MaxValues && !slices.Contains(list, v) {
					shown[x.Name] = append(list, v)
				}
			}
		}
	}
	for _, name := range info.Fields {
		if shown[name] != nil {
			found.Set(name, shown[name]...)
		}
	}
	if found.Count += more.Events; more.Events > 0 && more.Last > found.Last.UnixNano() {
		found.Last = time.Unix(0, more.Last).UTC()
	}
	found.Describe(info.Message)
	body, err := json.Marshal(found)
	return state.Finding{
		ID: id, Time: found.Time.UnixNano(), Rule: found.RuleID, Severity: found.Severity.Rank(), Entity: found.Entity,
		First: found.First.UnixNano(), Last: found.Last.UnixNano(), Body: body,
	}, err
}

// Committed implements ingest.Sink.
func (s *Sink) Committed() {
	for _, w := range s.workers {
		s.rules.counts.written.Add(int64(len(w.groups)))
		clear(w.groups)
	}
}
