package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// HTTP is the server's address: health checks, metrics, and what Mount adds.
type HTTP struct {
	Metrics *metrics.Set
	Log     *slog.Logger

	ready  atomic.Bool
	rest   atomic.Pointer[http.Handler]
	server *http.Server
	l      net.Listener
}

// Listen opens addr. Whoever reaches it may ask without authentication, so that
// it must be a loopback address unless remote is set.
func (h *HTTP) Listen(ctx context.Context, addr string, remote bool) error {
	if err := CheckAddr(ctx, addr, remote); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %q: another program, perhaps another server, uses it; stop that, or choose another with --addr", addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	h.l = l
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
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
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
	return mux
}

// CheckAddr reports why a server without authentication must not listen on addr.
func CheckAddr(ctx context.Context, addr string, remote bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("cannot parse the address %q: %w; use HOST:PORT", addr, err)
	}
	if remote {
		return nil
	}
	ips := []net.IPAddr{{IP: net.ParseIP(host)}}
	if ips[0].IP == nil && host != "" {
		if ips, err = net.DefaultResolver.LookupIPAddr(ctx, host); err != nil {
			return fmt.Errorf("cannot resolve the address %q: %w", addr, err)
		}
	}
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return fmt.Errorf("%q can be reached from other machines, and there is no authentication yet; listen on 127.0.0.1, or use --allow-remote if a proxy in front of it authenticates users", addr)
		}
	}
	return nil
}
