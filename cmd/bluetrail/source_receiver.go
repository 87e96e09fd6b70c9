package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/ingest"
	"bluetrail/internal/serve"
	feed "bluetrail/internal/source"
	"bluetrail/internal/source/hec"
	"bluetrail/internal/source/inbox"
	"bluetrail/internal/source/webhook"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// receiver is a source to which clients send.
type receiver struct {
	s     *server
	src   config.Source
	inbox *inbox.Inbox
}

// lastPart is the part of a source's resume state that says when something last came.
const lastPart = "last"

// lastEvery is how often that is written down.
const lastEvery = time.Minute

// receivers returns the parts of sources to which clients send: each source, and behind
// them, so that they are stopped first, the addresses.
func (s *server) receivers() (parts []serve.Part) {
	var addrs []string
	muxes := map[string]*http.ServeMux{}
	behind := map[string][]*receiver{}
	first := map[string]config.Receiver{}
	for _, src := range s.cfg.Sources {
		if k := src.KindOf(); k != config.KindHEC && k != config.KindHTTP {
			continue
		}
		src.Receiver = src.Received()
		addr := src.Receiver.Listen
		if muxes[addr] == nil {
			addrs = append(addrs, addr)
			muxes[addr], first[addr] = http.NewServeMux(), src.Receiver
		}
		r := &receiver{s: s, src: src}
		behind[addr] = append(behind[addr], r)
		parts = append(parts, serve.Part{Name: "source " + src.Label(), Start: func(context.Context) error { return r.start(muxes[addr]) }, Run: r.run})
	}
	for _, addr := range addrs {
		l := &serve.Listener{Log: s.log, Handler: muxes[addr]}
		settings := first[addr]
		parts = append(parts, serve.Part{
			Name: "address " + addr,
			Start: func(ctx context.Context) (err error) {
				if l.TLS, err = s.secure(&settings.ListenTLS, addr, filepath.Join(s.data, "receivers")); err != nil {
					return err
				}
				if err = l.Listen(ctx, addr, settings.AllowPlain); err == nil {
					s.log.Info("listening for events", "addr", l.Addr(), "tls", l.TLS != nil)
				}
				return err
			},
			Run: func(context.Context) error { return l.Serve() },
			Stop: func(ctx context.Context) error {
				for _, r := range behind[addr] {
					r.inbox.Close()
				}
				return l.Stop(ctx)
			},
		})
	}
	return parts
}

// start makes the source and has a mux answer its requests.
func (r *receiver) start(mux *http.ServeMux) error {
	log := r.s.log.With(serve.KeySource, r.src.Label())
	tokens, err := inbox.NewTokens(r.src.Receiver.Tokens, log)
	if err != nil {
		return err
	}
	last, err := lastOf(r.s.pipeline.State(), r.src.Label())
	if err != nil {
		return err
	}
	r.inbox = inbox.New(inbox.Options{Name: r.src.Label(), Queue: int64(r.src.Receiver.QueueMiB) << 20, Last: last})
	switch r.src.KindOf() {
	case config.KindHEC:
		h := &hec.Handler{Source: r.src, Inbox: r.inbox, Tokens: tokens}
		mux.Handle(hec.Path, h)
		mux.Handle(hec.Path+"/", h)
	case config.KindHTTP:
		mux.Handle(r.src.Receiver.Path, &webhook.Handler{Source: r.src, Inbox: r.inbox, Tokens: tokens})
	}
	r.s.statuses.Store(r.src.Label(), r.status)
	r.s.metrics.RegisterMetricsWriter(r.measure)
	return nil
}

// run takes in what clients send until ctx ends.
func (r *receiver) run(ctx context.Context) error {
	noted := make(chan struct{})
	go func() { defer close(noted); r.noteLast(ctx) }()
	defer func() { <-noted }()
	return r.s.takeFrom(ctx, &r.src, func(context.Context) (feed.Source, func() error, error) {
		return r.inbox, func() error { r.inbox.Abandon(); return nil }, nil
	})
}

// noteLast writes down when something last came, until ctx ends.
func (r *receiver) noteLast(ctx context.Context) {
	was := r.inbox.Counts().Last
	tick := time.NewTicker(lastEvery)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		last := r.inbox.Counts().Last
		if last.Equal(was) {
			continue
		}
		if err := r.s.pipeline.State().SetResume(r.src.Label(), lastPart, last.UTC().Format(time.RFC3339Nano)); err != nil {
			r.s.log.Error("cannot note when a source last brought something", serve.KeySource, r.src.Label(), serve.KeyErr, err)
			continue
		}
		was = last
	}
}

// lastOf returns when a source to which clients send last brought something, zero = never.
func lastOf(db *state.DB, label string) (time.Time, error) {
	text, err := db.Resume(label, lastPart)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("cannot read when the source %q last brought something: %w", label, err)
	}
	return at, nil
}

// status returns how a source does to which clients send; ok is false if it is none.
func (s *server) status(label string) (st feed.Status, ok bool) {
	f, ok := s.statuses.Load(label)
	if !ok {
		return st, false
	}
	return f.(func() feed.Status)(), true
}

func (r *receiver) status() feed.Status {
	c := r.inbox.Counts()
	st := feed.Status{State: "fine", Pieces: c.Requests, Events: c.Events, Problems: c.Problems + c.Refused, Last: c.Last, Error: c.Error, ErrorAt: c.ErrorAt}
	switch {
	case r.inbox.Full():
		st.State, st.About = "failing", "its queue is full, so clients are told that the server is busy"
	case c.Last.IsZero():
		st.State, st.About = "waiting", "no request has come yet"
	}
	return st
}

// measure writes the metrics of the source.
func (r *receiver) measure(w io.Writer) {
	c := r.inbox.Counts()
	label := "{source=" + ingest.LabelValue(r.src.Label()) + "}"
	metrics.WriteCounterUint64(w, "bluetrail_receiver_requests_total"+label, uint64(c.Requests))
	metrics.WriteCounterUint64(w, "bluetrail_receiver_refused_total"+label, uint64(c.Refused))
	metrics.WriteCounterUint64(w, "bluetrail_receiver_busy_total"+label, uint64(c.Busy))
	metrics.WriteCounterUint64(w, "bluetrail_receiver_broken_total"+label, uint64(c.Problems))
	metrics.WriteGaugeUint64(w, "bluetrail_receiver_queued_requests"+label, uint64(c.Pending))
	metrics.WriteGaugeUint64(w, "bluetrail_receiver_queued_bytes"+label, uint64(max(0, c.Bytes)))
}
