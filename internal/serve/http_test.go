package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"bluetrail/internal/auth"

	"github.com/VictoriaMetrics/metrics"
)

// TestReady: a server is alive before it is ready, and still when it no longer is.
func TestReady(t *testing.T) {
	h := &HTTP{Metrics: metrics.NewSet(), Log: quiet}
	get := func(path string) int {
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	for _, ready := range []bool{false, true, false} {
		h.SetReady(ready)
		want := http.StatusServiceUnavailable
		if ready {
			want = http.StatusOK
		}
		if got := get("/readyz"); got != want {
			t.Errorf("ready %v: /readyz is %d", ready, got)
		}
		if got := get("/healthz"); got != http.StatusOK {
			t.Errorf("ready %v: /healthz is %d", ready, got)
		}
	}
}

// TestMetricsAndHosts: metrics are open on this machine only, and a server answers to
// its own names.
func TestMetricsAndHosts(t *testing.T) {
	h := &HTTP{Metrics: metrics.NewSet(), Log: quiet}
	proxies, err := auth.ParseProxies([]string{"10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		from, host, path string
		forwarded        string
		known, loopback  bool
		names            []string
		want             int
	}{
		{"127.0.0.1:5", "localhost", "/metrics", "", false, true, nil, 200},
		{"[::1]:5", "[::1]:8686", "/metrics", "", false, true, nil, 200},
		{"127.0.0.1:5", "localhost", "/metrics", "192.0.2.9", false, true, nil, 401}, // through a proxy on this machine
		{"192.0.2.1:5", "192.0.2.2:8686", "/metrics", "", false, false, nil, 401},
		{"192.0.2.1:5", "192.0.2.2:8686", "/metrics", "127.0.0.1", false, false, nil, 401}, // says so itself
		{"192.0.2.1:5", "192.0.2.2:8686", "/metrics", "", true, false, nil, 200},
		{"10.1.1.1:5", "trail.example.com", "/metrics", "127.0.0.1", false, false, nil, 200}, // a proxy that is believed
		{"192.0.2.1:5", "192.0.2.2:8686", "/healthz", "", false, false, nil, 200},
		{"127.0.0.1:5", "evil.example.com", "/healthz", "", false, true, nil, 421},
		{"127.0.0.1:5", "evil.example.com:8686", "/", "", false, true, []string{"trail.example.com"}, 421},
		{"127.0.0.1:5", "169.254.169.254", "/healthz", "", false, true, nil, 421},
		{"127.0.0.1:5", "Trail.Example.com.", "/healthz", "", false, true, []string{"trail.example.com"}, 200},
		{"192.0.2.1:5", "evil.example.com", "/healthz", "", false, false, []string{"trail.example.com"}, 421},
		{"192.0.2.1:5", "any.example.com", "/healthz", "", false, false, nil, 200},
	} {
		h.Hosts = auth.Hosts{Names: c.names, Loopback: c.loopback, Proxies: proxies}
		h.Know(func(*http.Request) (*auth.Principal, error) {
			if c.known {
				return &auth.Principal{Name: "prometheus", Role: auth.Viewer}, nil
			}
			return nil, nil
		})
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.RemoteAddr, r.Host = c.from, c.host
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		w := httptest.NewRecorder()
		h.handler().ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%d: %s of %s by %s is %d, want %d", i, c.path, c.host, c.from, w.Code, c.want)
		}
	}
}

// TestCheckAddr: addresses that other machines reach need a word.
func TestCheckAddr(t *testing.T) {
	for addr, ok := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "0.0.0.0:1": false, ":1": false, "192.0.2.1:1": false} {
		if local, err := CheckAddr(t.Context(), addr, false); (err == nil) != ok || local != ok {
			t.Errorf("%s: %v", addr, err)
		}
		if local, err := CheckAddr(t.Context(), addr, true); err != nil || local != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := CheckAddr(t.Context(), "nonsense", true); err == nil {
		t.Error("an address without a port is taken")
	}
}
