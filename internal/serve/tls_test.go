package serve

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// TestSelfSigned: a certificate is made once, for its owner only, and made anew for
// another name; a server uses the new one without a restart.
func TestSelfSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c, err := SelfSigned(dir, []string{"trail.example.com"}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.Cert, c.Key} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	config, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	first := c.current.Leaf
	if again, err := SelfSigned(dir, []string{"trail.example.com"}, quiet); err != nil {
		t.Fatal(err)
	} else if _, err := again.Config(); err != nil || Fingerprint(again.current.Leaf) != Fingerprint(first) {
		t.Error("the certificate was made twice", err)
	}

	h := &HTTP{Metrics: metrics.NewSet(), Log: quiet, TLS: config}
	if err := h.Listen(t.Context(), "127.0.0.1:0", false); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.Serve() }()
	seen := func() *x509.Certificate {
		t.Helper()
		var leaf *x509.Certificate
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true,
			VerifyConnection:   func(s tls.ConnectionState) error { leaf = s.PeerCertificates[0]; return nil },
		}}}
		resp, err := client.Get("https://" + h.Addr() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "ok\n" {
			t.Errorf("%q", body)
		}
		return leaf
	}
	if got := seen(); Fingerprint(got) != Fingerprint(first) || got.VerifyHostname("trail.example.com") != nil || got.VerifyHostname("127.0.0.1") != nil {
		t.Error("another certificate is used", got.DNSNames)
	}
	if _, err := SelfSigned(dir, []string{"other.example.com"}, quiet); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.checked = time.Time{}
	c.mu.Unlock()
	if got := seen(); got.VerifyHostname("other.example.com") != nil {
		t.Error("the new certificate is not used")
	}
	if err := os.WriteFile(c.Cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.checked = time.Time{}
	c.mu.Unlock()
	if got := seen(); got.VerifyHostname("other.example.com") != nil {
		t.Error("a broken file is used")
	}
	if _, err := SelfSigned(dir, nil, quiet); err == nil {
		t.Error("a broken certificate passes")
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
