package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"bluetrail/internal/alert/output"
	"bluetrail/internal/api"
	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/control"
	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/door"
	"bluetrail/internal/detect/live"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/exposure"
	"bluetrail/internal/idset"
	"bluetrail/internal/ingest"
	"bluetrail/internal/integrity"
	"bluetrail/internal/leftover"
	"bluetrail/internal/search/job"
	"bluetrail/internal/serve"
	feed "bluetrail/internal/source"
	"bluetrail/internal/source/dir"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/web"

	"github.com/VictoriaMetrics/metrics"
)

type serveCmd struct {
	Data        string `help:"Data directory (default: from the configuration); created if missing." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Addr        string `help:"Address of the browser application and the API (default: from the configuration)." placeholder:"HOST:PORT"`
	AllowRemote bool   `help:"Allow an address that other machines can reach without TLS: a proxy in front speaks it."`

	quiet bool // only warnings are logged
}

// server is the process that has a data directory open.
type server struct {
	cfg      config.Config
	data     string
	log      *slog.Logger
	shares   *shares
	pipeline *ingest.Pipeline
	commands *control.Server
	metrics  *metrics.Set
	follow   *ruleset.Follower // nil = no rules
	rules    *live.Rules       // nil = none
	exposed  *exposure.Keeper  // what is open to the internet
	covered  *coverage.Reader  // which accounts and regions bring records
	lists    *load.Loader
	door     *door.Filters                   // what is dropped
	jobs     *job.Jobs                       // searches of the API
	handler  http.Handler                    // the API
	lags     func() map[string]time.Duration // of scheduled rules; nil = there are none
	people   *auth.People
	statuses sync.Map // func() feed.Status of sources to which clients send, by label
	once     string   // password of the first account, "" = it was there
}

// Run serves until the context ends or a part fails.
func (c *serveCmd) Run(a *app) error { return c.serve(a, greet) }

func (c *serveCmd) serve(a *app, hello greeting) error {
	s := &server{
		cfg: a.cfg, data: a.dataDir(c.Data), shares: a.shares, metrics: metrics.NewSet(),
		log: newLog(a.err, a.cfg.Log, c.quiet),
	}
	defer s.metrics.UnregisterAllMetrics()
	s.cfg.Data = s.data
	var err error
	if s.cfg, err = absolute(s.cfg); err != nil {
		return err
	}
	addr := s.cfg.Serve.Addr
	if c.Addr != "" {
		addr = c.Addr
	}
	plain := c.AllowRemote || s.cfg.Serve.AllowRemote || s.cfg.Serve.AllowPlain
	if _, err := serve.CheckAddr(a.ctx, addr, plain || s.cfg.Serve.TLS.On()); err != nil {
		return usageError{err}
	}
	in := *a // for searches of rules
	in.cfg = s.cfg
	if s.follow, err = in.followRules(s.data, s.log); err != nil {
		return err
	}
	if s.follow != nil {
		if s.rules, err = in.live(s.follow, s.log); err != nil {
			return err
		}
	}
	if s.door, err = door.Load(s.cfg.Drop, a.path); err != nil {
		return usageError{err}
	}
	defer tuneMemory(serveMemory)()
	h := &serve.HTTP{Metrics: s.metrics, Log: s.log, Hosts: auth.Hosts{Names: s.cfg.Serve.Hosts}}
	if h.Hosts.Proxies, err = auth.ParseProxies(s.cfg.Serve.TrustedProxies); err != nil {
		return usageError{err}
	}
	if h.TLS, err = s.secure(&s.cfg.Serve.TLS, addr, s.data); err != nil {
		return err
	}
	h.Mount(api.Starting(web.Dist()))
	parts := []serve.Part{
		{
			Name: "http",
			Start: func(ctx context.Context) error {
				err := h.Listen(ctx, addr, plain)
				if err == nil {
					s.log.Info("listening", "addr", h.Addr())
				}
				return err
			},
			Run:  func(context.Context) error { return h.Serve() },
			Stop: h.Stop,
		},
		{Name: "data directory", Start: s.open, Stop: s.close},
		s.peoplePart(h),
		s.enrichment(&in),
	}
	parts = append(parts, serve.Part{Name: "damage reports", Run: s.reportDamage}, serve.Part{Name: "reload", Run: func(ctx context.Context) error { return s.reload(ctx, a) }})
	if err := output.Check(&s.cfg); err != nil {
		return usageError{err}
	}
	parts = append(parts, serve.Part{Name: "outputs", Run: s.deliver})
	if s.follow != nil {
		parts = append(parts, s.schedule(&in), serve.Part{Name: "rules", Run: s.follow.Watch}, serve.Part{Name: "judging", Run: s.rules.Run}, serve.Part{Name: "learning", Run: s.learn(&in)})
	}
	parts = append(parts, s.alerts(&in), s.exposure(&in), s.facts(&in), s.coverage(&in), s.health(&in))
	parts = append(parts, serve.Part{Name: "api", Start: func(context.Context) error { return s.serveAPI(&in, h) }, Stop: func(context.Context) error { s.jobs.Close(); return nil }})
	if s.cfg.Verify.Keys != "" {
		if _, err := readKeys(s.cfg.Verify.Keys); err != nil {
			return err
		}
		parts = append(parts, s.verification(&in))
	}
	if days := s.cfg.Serve.ScrubDays; days > 0 {
		period := time.Duration(days) * 24 * time.Hour
		parts = append(parts, serve.Part{Name: "scrub", Run: func(ctx context.Context) error { return s.scrub(ctx, period) }},
			serve.Part{Name: "scrub of known ids", Run: func(ctx context.Context) error { return s.scrubIDs(ctx, period) }})
	}
	parts = append(parts, serve.Part{
		Name: "commands",
		Start: func(context.Context) (err error) {
			s.commands, err = control.Listen(s.data, version, s.answer, s.log)
			return err
		},
		Run:  func(context.Context) error { return s.commands.Serve() },
		Stop: func(ctx context.Context) error { return s.commands.Stop(ctx) },
	})
	for i := range s.cfg.Sources {
		if k := s.cfg.Sources[i].KindOf(); k != config.KindHEC && k != config.KindHTTP {
			parts = append(parts, s.sourcePart(&s.cfg.Sources[i]))
		}
	}
	parts = append(parts, s.receivers()...)
	return serve.Run(a.ctx, s.log, parts, func() {
		h.SetReady(true)
		text, err := hello(a.ctx, s, h.URL())
		if err != nil {
			s.log.Error("cannot tell how to sign in", serve.KeyErr, err)
		}
		fmt.Fprint(a.err, text)
		s.log.Info("ready")
	}, func() { s.stopping(); h.SetReady(false) })
}

// newLog returns the log of a server; quiet leaves out what is not a warning.
func newLog(w io.Writer, cfg config.Log, quiet bool) *slog.Logger {
	var o slog.HandlerOptions
	if quiet {
		o.Level = slog.LevelWarn
	}
	if cfg.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, &o))
	}
	return slog.New(slog.NewTextHandler(w, &o))
}

// stopping is called when the server is to end. Searches and ingests of commands
// end at once rather than compete with what the sources still commit.
func (s *server) stopping() {
	s.log.Info("stopping")
	if s.commands != nil {
		s.commands.Refuse() // Stop returns the error
	}
	if s.pipeline != nil {
		s.pipeline.Hurry()
	}
}

// openWait is how long a server waits for a command that has its data directory
// open.
const openWait = time.Minute

// open opens the data directory.
func (s *server) open(ctx context.Context) error {
	said := ""
	for until := time.Now().Add(openWait); ; {
		owner := vlogs.Owner(filepath.Join(s.data, ingest.EventsDir))
		if owner == "" || time.Now().After(until) {
			break
		}
		// A server that ends has closed its socket already; any other keeps the directory.
		if conn, err := control.Dial(s.data); conn != nil || err != nil {
			if conn != nil {
				conn.Close()
			}
			return fmt.Errorf("a server (process %s) has %q open already; stop it first, or choose another --data", owner, s.data)
		}
		if owner != said {
			said = owner
			s.log.Info("waiting for the data directory", "pid", owner)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	removed, err := leftover.Remove(s.data)
	if err != nil {
		return err
	}
	for _, path := range removed {
		s.log.Info("removed leftovers of a killed run", "path", path)
	}
	cfg := ingest.Config{Data: s.data, Retention: s.cfg.Retention, Door: s.door}
	if s.rules != nil {
		cfg.Sink = s.rules.Sink
	}
	p, err := ingest.Open(ctx, cfg)
	if err != nil {
		return err
	}
	s.pipeline = p
	for _, alarm := range p.Alarms() {
		s.log.Error("events are missing", "alarm", integrity.Describe(alarm))
	}
	for _, damage := range p.Renewed() {
		s.log.Warn("known ids were damaged and made anew from the stored events", "ids", damage)
	}
	s.measure()
	return nil
}

// scrub looks for damage of the store until ctx ends.
func (s *server) scrub(ctx context.Context, period time.Duration) error {
	return s.pipeline.Store().Scrub(ctx, period, s.damaged)
}

// scrubIDs looks for damage of the known ids until ctx ends.
func (s *server) scrubIDs(ctx context.Context, period time.Duration) error {
	return s.pipeline.ScrubIDs(ctx, period, func(d idset.Damage) {
		s.log.Error("known ids are damaged; the next start makes them anew from the stored events", "ids", d)
	})
}

// reportDamage reports damage that searches and merges meet, until ctx ends.
func (s *server) reportDamage(ctx context.Context) error {
	for {
		select {
		case d := <-s.pipeline.Store().Met():
			s.damaged(d)
		case <-ctx.Done():
			return nil
		}
	}
}

// damaged logs damage and raises an alarm.
func (s *server) damaged(d vlogs.Damage) {
	if d.Day == 0 { // of a large record, whose day is not known
		s.log.Error("the store is damaged; restart the server, which checks everything", "reason", d.Reason)
		return
	}
	s.log.Error("the store is damaged; stop the server, then run bluetrail repair", "day", vlogs.DayName(d.Day), "events", d.Rows, "reason", d.Reason)
	if err := s.pipeline.State().Suspect(state.Alarm{Day: d.Day, Since: time.Now(), Reason: d.Reason}); err != nil {
		s.log.Error("the alarm could not be kept", serve.KeyErr, err)
	}
}

// deliver sends alerts to outputs until ctx ends.
func (s *server) deliver(ctx context.Context) error {
	d, err := output.Open(s.pipeline.State(), &s.cfg, s.log)
	if err != nil {
		return err
	}
	d.Measure(s.metrics)
	return d.Run(ctx)
}

func (s *server) close(context.Context) error {
	s.metrics.UnregisterAllMetrics() // they ask the store
	return s.pipeline.Close()
}

// watch takes in a folder until ctx ends.
func (s *server) watch(ctx context.Context, src *config.Source) error {
	log := s.log.With(serve.KeySource, src.Label())
	return s.takeFrom(ctx, src, func(context.Context) (feed.Source, func() error, error) {
		tails, err := s.pipeline.State().Tails(file.Absolute(src.Dir), dir.MaxTails)
		if err != nil {
			return nil, nil, err
		}
		w := dir.New(dir.Options{
			Dir: src.Dir, Tails: tails, Meta: metaOf(src),
			Problem: func(err error) {
				if err != nil {
					log.Warn("cannot read the whole folder", serve.KeyErr, err)
					return
				}
				log.Info("the folder is readable again")
			},
		})
		return w, func() error { w.Close(); return nil }, nil
	})
}
