package serve

import (
	"net/http"
	"net/http/httptest"
	"testing"

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
	if got := get("/metrics"); got != http.StatusOK {
		t.Error("/metrics is", got)
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
