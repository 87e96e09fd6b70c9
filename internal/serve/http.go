package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"bluetrail/internal/auth"

	"github.com/VictoriaMetrics/metrics"
)

// HTTP is the server's address: health checks, metrics, and what Mount adds.
type HTTP struct {
	Metrics *metrics.Set
	Log     *slog.Logger
	TLS     *tls.Config // nil = plain HTTP
	Hosts   auth.Hosts  // the names that it answers to

	ready  atomic.Bool
	known  atomic.Pointer[Identify]
	rest   atomic.Pointer[http.Handler]
	server *http.Server
	l      net.Listener
}

// Identify says who makes a request; nil for nobody.
type Identify func(r *http.Request) (*auth.Principal, error)

// Listen opens addr, which must be a loopback address unless TLS or plain is set: others
// on the way would read passwords.
func (h *HTTP) Listen(ctx context.Context, addr string, plain bool) error {
	local, err := CheckAddr(ctx, addr, plain || h.TLS != nil)
	if err != nil {
		return err
	}
	h.Hosts.Loopback = local
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %q: another program, perhaps another server, uses it; stop that, or choose another with --addr", addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	if h.l = l; h.TLS != nil {
		h.l = tls.NewListener(l, h.TLS)
	}
	h.server = &http.Server{
		Handler:           h.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(h.Log.Handler(), slog.LevelWarn),
	}
	return nil
}

// Addr is the address that Listen opened.
func (h *HTTP) Addr() string { return h.l.Addr().String() }

// URL is where a browser on this machine finds the server.
func (h *HTTP) URL() string {
	scheme := "http"
	if h.TLS != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(h.Addr())
	if ip := net.ParseIP(host); err == nil && (ip.IsUnspecified() || ip.IsLoopback() && ip.To4() != nil) {
		host = "localhost" // passkeys need a name
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// Serve answers until Stop.
func (h *HTTP) Serve() error {
	if err := h.server.Serve(h.l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop lets requests end, as long as ctx lasts.
func (h *HTTP) Stop(ctx context.Context) error {
	if err := h.server.Shutdown(ctx); err != nil {
		return errors.Join(err, h.server.Close())
	}
	return nil
}

// SetReady says whether the server does its work.
func (h *HTTP) SetReady(ready bool) { h.ready.Store(ready) }

// Know sets who may ask for metrics from other machines. Before, nobody may.
func (h *HTTP) Know(identify Identify) { h.known.Store(&identify) }

// Mount sets what answers all paths but those of health checks and metrics. It
// may be called again while requests are answered.
func (h *HTTP) Mount(rest http.Handler) { h.rest.Store(&rest) }

func (h *HTTP) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !h.ready.Load() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !h.Hosts.Proxies.Peer(r).Local() && !h.knows(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="bluetrail"`)
			http.Error(w, "metrics need a token from other machines: Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		h.Metrics.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if rest := h.rest.Load(); rest != nil {
			(*rest).ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.Hosts.Allowed(r) {
			http.Error(w, "this server does not answer to the name that was asked for; add it to serve.hosts", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (h *HTTP) knows(r *http.Request) bool {
	identify := h.known.Load()
	if identify == nil {
		return false
	}
	who, err := (*identify)(r)
	return err == nil && who != nil
}

// CheckAddr reports whether addr is a loopback address, and why a server must not listen
// there unless passwords are safe on the way.
func CheckAddr(ctx context.Context, addr string, safe bool) (local bool, err error) {
	return checkAddr(ctx, addr, safe, "passwords would be readable on the way; set serve.tls in the configuration, listen on 127.0.0.1, or use --allow-remote if a proxy in front of it speaks TLS")
}

// checkAddr is CheckAddr with what is said of an address that is not safe.
func checkAddr(ctx context.Context, addr string, safe bool, unsafe string) (local bool, err error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, fmt.Errorf("cannot parse the address %q: %w; use HOST:PORT", addr, err)
	}
	ips := []net.IPAddr{{IP: net.ParseIP(host)}}
	if ips[0].IP == nil && host != "" {
		if ips, err = net.DefaultResolver.LookupIPAddr(ctx, host); err != nil {
			if safe {
				return false, nil // Listen says more
			}
			return false, fmt.Errorf("cannot resolve the address %q: %w", addr, err)
		}
	}
	for _, ip := range ips {
		switch {
		case ip.IP.IsLoopback():
		case safe:
			return false, nil
		default:
			return false, fmt.Errorf("%q can be reached from other machines, and %s", addr, unsafe)
		}
	}
	return true, nil
}
