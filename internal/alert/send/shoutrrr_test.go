package send

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bluetrail/internal/config"
)

// TestShoutrrr sends to a service of shoutrrr, whose markup bluetrail does not know.
func TestShoutrrr(t *testing.T) {
	status, got := 200, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		w.WriteHeader(status)
		io.WriteString(w, "{}")
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	o := opened(t, config.Output{Type: "shoutrrr", URL: secret(t, "ntfy://"+host+"/alerts?scheme=http")})
	for name, b := range batches() {
		reply, err := o.Send(t.Context(), b)
		if err != nil || reply != "accepted by ntfy" {
			t.Fatal(name, reply, err)
		}
		harmless(t, []string{got})
		if len(got) > maxShout || strings.Contains(got, "](") || strings.Contains(got, "<") || strings.Contains(got, "@everyone") {
			t.Errorf("%s: %d bytes, %q", name, len(got), got)
		}
	}
	status = 500
	if _, err := o.Send(t.Context(), batches()["one"]); err == nil {
		t.Error("a refusal is not noticed")
	}
	for _, u := range []string{"slack://a:b@c/d", "teams://x", "generic+https://169.254.169.254/", "smtp://x", "logger://"} {
		if _, err := opened(t, config.Output{Type: "shoutrrr", URL: secret(t, u)}).Send(t.Context(), batches()["one"]); err == nil || !strings.Contains(err.Error(), "use an output of type") {
			t.Errorf("%s: %v", u, err)
		}
	}
}
