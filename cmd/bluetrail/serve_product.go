package main

import (
	"path/filepath"
	"time"

	"bluetrail/dashboards"
	"bluetrail/internal/actor"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/api"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/rules"
)

// product is what the API answers from beside searches. in is what searches of the
// server run with.
func (s *server) product(in *app) api.Product {
	own := *in
	own.rules = s.rules
	state := s.pipeline.State()
	p := api.Product{
		State: state, Config: &s.cfg, Data: in.path(s.data), Started: time.Now(), Live: s.rules, Exposure: s.exposed, SourceProblem: s.shares.problems.get, Lists: s.lists, Queue: output.Queue,
		Allow: suppressions(in.path(s.data)), Shipped: rules.Files, Dashboards: dashboards.Files,
		Search: func(dirs []string) (search.Options, error) { return s.searching(in, dirs) },
		Knowledge: func() (*knowledge.Knowledge, error) {
			k, err := in.knowledge(s.data, nil)
			if err == nil {
				k.WritingTo(filepath.Join(in.path(s.data), "knowledge"))
			}
			return k, err
		},
		Coverage: s.covered.Read,
		Received: s.status,
		Desk:     func() (*triage.Desk, error) { return own.desk(state, s.data, nil) },
		Book:     func(f func(*actor.Book)) error { return own.book(state, f) },
		Span: func() (first, last time.Time) {
			from, to := s.pipeline.Store().Span()
			if from > to || from == 0 || to == store.End { // no events
				return first, last
			}
			return time.Unix(0, from).UTC(), time.Unix(0, to).UTC()
		},
	}
	if s.follow != nil {
		p.Rules = s.follow
		p.Own = &ruleset.Own{Dir: ownRules(in.path(s.data)), Follow: s.follow}
	}
	return p
}
