package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"

	"bluetrail/internal/api"
	"bluetrail/internal/auth"
	"bluetrail/internal/config"
	"bluetrail/internal/serve"
	"bluetrail/internal/state"
)

// greeting is what a server says on the terminal when it is ready. It is not logged,
// because it may hold a one-time password.
type greeting func(ctx context.Context, s *server, url string) (string, error)

// secure returns the TLS configuration of an address, nil for none. A certificate that
// bluetrail makes itself is kept in dir.
func (s *server) secure(t *config.TLS, addr, dir string) (*tls.Config, error) {
	switch {
	case t.SelfSigned:
		hosts := append([]string(nil), s.cfg.Serve.Hosts...)
		if host, _, err := net.SplitHostPort(addr); err == nil && host != "" && !net.ParseIP(host).IsUnspecified() {
			hosts = append(hosts, host)
		}
		if name, err := os.Hostname(); err == nil && name != "" {
			hosts = append(hosts, name)
		}
		c, err := serve.SelfSigned(dir, hosts, s.log)
		if err != nil {
			return nil, err
		}
		return c.Config()
	case t.Cert != "":
		return (&serve.Certificate{Cert: t.Cert, Key: t.Key, Log: s.log}).Config()
	}
	return nil, nil
}

// newPeople returns those who may use the server of a state.
func newPeople(cfg *config.Config, db *state.DB, s *server) (*auth.People, error) {
	proxies, err := auth.ParseProxies(cfg.Serve.TrustedProxies)
	if err != nil {
		return nil, err
	}
	opt := auth.Options{Auth: cfg.Auth, Proxies: proxies}
	if s != nil {
		opt.Log = s.log
	}
	return auth.New(db, opt)
}

// peoplePart is the part of a server that knows who may use it. The first start makes
// the first account.
func (s *server) peoplePart(h *serve.HTTP) serve.Part {
	return serve.Part{
		Name: "people",
		Start: func(ctx context.Context) (err error) {
			if s.people, err = newPeople(&s.cfg, s.pipeline.State(), s); err != nil {
				return err
			}
			if s.once, err = s.people.First(ctx); err != nil {
				return fmt.Errorf("cannot make the first account: %w", err)
			}
			h.Know(s.people.Identify)
			return nil
		},
		Run: func(ctx context.Context) error {
			return s.people.Run(ctx, s.cfg.Retention[config.AuditIndex].Days)
		},
	}
}

// greet tells how to sign in for the first time.
func greet(_ context.Context, s *server, url string) (string, error) {
	if s.once == "" {
		return "", nil
	}
	return fmt.Sprintf("first start: sign in at %s as %s\none-time password: %s\nIt is shown only now and must be changed at the first sign-in. To get another: bluetrail user passwd %s --data %s\n",
		url, auth.FirstAdmin, s.once, auth.FirstAdmin, shellWord(s.data)), nil
}

// recordAct records in the audit log what somebody did through the API.
func (s *server) recordAct(act api.Act) error {
	text := act.Detail
	if act.Via == auth.ViaToken && act.Action != "searched" { // which is shown as a history of searches
		text = "by token: " + text
	}
	return s.people.Record(state.Action{Who: act.Who, Action: act.Action, Kind: act.Kind, Object: act.Object, Text: text})
}
