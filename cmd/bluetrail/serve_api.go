package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"bluetrail/internal/api"
	"bluetrail/internal/diag"
	"bluetrail/internal/lookup"
	"bluetrail/internal/search"
	"bluetrail/internal/search/job"
	"bluetrail/internal/serve"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/findings"
	"bluetrail/web"
)

// serveAPI mounts the API, once everything that it answers from is there. in is
// what searches of the server run with.
func (s *server) serveAPI(in *app, h *serve.HTTP) error {
	s.jobs = job.New(s.jobConfig(in))
	s.handler = api.New(api.Config{
		Log:      s.log,
		Version:  version,
		Pages:    web.Dist(),
		Audit:    s.recordAct,
		Jobs:     s.jobs,
		Searched: s.searched,
		Identify: s.people.Identify,
		People:   s.people,
		Product:  s.product(in),
		Knowledge: func() (api.Knowledge, error) {
			var said strings.Builder
			return s.inside(in, &said).knowledge(s.data, nil)
		},
	})
	h.Mount(s.handler)
	return nil
}

// longSearch is how long a search may take before others go first.
const longSearch = 2 * time.Second

func (s *server) jobConfig(in *app) job.Config {
	c := job.DefaultConfig()
	c.Gate = job.NewGate(runtime.GOMAXPROCS(0), longSearch)
	c.Disk = in.disk()
	c.Options = func(a job.Ask, write bool) (search.Options, []diag.Notice, error) {
		return s.searchOptions(in, a, write)
	}
	c.Wrote = func(o *search.Options, err error) error {
		into, ok := o.Collector.(*collector)
		if !ok {
			return err
		}
		if err == nil {
			err = into.take(s.inside(in, &strings.Builder{}))
		}
		return errors.Join(err, into.drop())
	}
	return c
}

// inside returns the app of a search of the server, which writes what it has to
// say to said.
func (s *server) inside(in *app, said *strings.Builder) *app {
	a := *in
	a.ctx, a.out, a.err = context.Background(), said, said
	a.opened, a.rules, a.started = s.pipeline, s.rules, time.Now()
	return &a
}

// searchOptions says how to run a search of the API.
func (s *server) searchOptions(in *app, ask job.Ask, write bool) (search.Options, []diag.Notice, error) {
	var said strings.Builder
	a := s.inside(in, &said)
	src := source{Data: s.data, Earliest: ask.Earliest, Latest: ask.Latest, Now: ask.Now, TZ: ask.Zone}
	o, err := src.options(a)
	if err != nil {
		return o, nil, err
	}
	if own, ok := o.Store.(*findings.Beside); ok {
		for _, index := range ask.Refused {
			own.Refuse(index, fmt.Errorf("index=%s is not for this user or token: the audit log is for administrators, other indexes for tokens with their area", index))
		}
	}
	if write {
		o.Collector, o.Sender = &collector{data: s.data}, sender{&a.cfg}
	} else {
		o.Knowledge, o.Collector, o.Sender = readOnly{o.Knowledge}, refuses{}, refuses{}
	}
	var notices []diag.Notice
	for line := range strings.Lines(said.String()) {
		notices = append(notices, diag.Notice{Level: diag.Warning, Text: strings.TrimPrefix(strings.TrimSpace(line), "warning: ")})
	}
	return o, notices, nil
}

// errReadOnly is the error of a search that would change something and may not.
var errReadOnly = errors.New("this search may not change or send anything")

// refuses is a Collector and Sender of searches that may not write.
type refuses struct{}

func (refuses) Collect(exec.Collected) error { return errReadOnly }

func (refuses) Send(context.Context, *exec.Sending) error { return errReadOnly }

// mostSearched is how many searches the history of somebody has.
const mostSearched = 1000

// searched returns the searches of somebody.
func (s *server) searched(ctx context.Context, who string) (acts []api.Act, err error) {
	list, err := s.pipeline.State().ActionsOf(ctx, who, "searched", mostSearched)
	for _, a := range list {
		acts = append(acts, api.Act{Time: time.UnixMilli(a.Time), Who: a.Who, Action: a.Action, Kind: a.Kind, Object: a.Object, Detail: a.Text})
	}
	return acts, err
}

// readOnly is knowledge whose tables cannot be written.
type readOnly struct{ exec.Knowledge }

// WriteTable implements exec.Knowledge.
func (readOnly) WriteTable(context.Context, string, *lookup.Table) error { return errReadOnly }

// Problems returns which files could not be read.
func (k readOnly) Problems() []error {
	if p, ok := k.Knowledge.(interface{ Problems() []error }); ok {
		return p.Problems()
	}
	return nil
}
