package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen opens a Listener on a free port until the test ends.
func listen(t *testing.T, l *Listener) {
	t.Helper()
	l.Log = quiet
	if err := l.Listen(t.Context(), "127.0.0.1:0", false); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Serve() }()
	t.Cleanup(func() {
		if err := l.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestListenerAddress: an address that other machines reach needs TLS, or a word; one
// that is used is named.
func TestListenerAddress(t *testing.T) {
	for _, tc := range []struct {
		addr       string
		tls, plain bool
		ok         bool
	}{{"127.0.0.1:0", false, false, true}, {"0.0.0.0:0", false, false, false}, {"0.0.0.0:0", true, false, true}, {"0.0.0.0:0", false, true, true}} {
		l := &Listener{Log: quiet}
		if tc.tls {
			l.TLS = &tls.Config{}
		}
		err := l.Listen(t.Context(), tc.addr, tc.plain)
		if (err == nil) != tc.ok || err != nil && !strings.Contains(err.Error(), "tokens would be readable on the way") {
			t.Errorf("%+v: %v", tc, err)
		}
		if err == nil {
			if err := (&Listener{Log: quiet}).Listen(t.Context(), l.Addr(), true); err == nil || !strings.Contains(err.Error(), "another program uses it") {
				t.Errorf("%s is used: %v", l.Addr(), err)
			}
			l.l.Close()
		}
	}
}

// TestListenerTLS answers by TLS only, refuses a large header, and lets the request that
// is under way end when it stops.
func TestListenerTLS(t *testing.T) {
	c, err := SelfSigned(filepath.Join(t.TempDir(), "tls"), nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.Config()
	if err != nil {
		t.Fatal(err)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	l := &Listener{TLS: config, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(entered)
			<-leave
		}
		io.WriteString(w, "took it")
	})}
	listen(t, l)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	get := func(url string, header string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Error(err)
		}
		r.Header.Set("X-Fill", header)
		resp, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	if code, body := get("https://"+l.Addr(), ""); code != http.StatusOK || body != "took it" {
		t.Error(code, body)
	}
	if code, body := get("http://"+l.Addr(), ""); code != http.StatusBadRequest {
		t.Errorf("without TLS: %d %s", code, body)
	}
	if code, body := get("https://"+l.Addr(), strings.Repeat("x", 40<<10)); code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 40 KiB: %d %s", code, body)
	}
	answer, stopped := make(chan string, 1), make(chan error, 1)
	go func() { _, body := get("https://"+l.Addr()+"/slow", ""); answer <- body }()
	<-entered
	go func() { stopped <- l.Stop(context.Background()) }()
	for code := 1; code != 0; { // until it refuses
		code, _ = get("https://"+l.Addr(), "")
	}
	close(leave)
	if body := <-answer; body != "took it" {
		t.Errorf("the request under way gets %q", body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestListenerSlow: a client that does not send its header is cut off after five seconds.
func TestListenerSlow(t *testing.T) {
	t.Parallel()
	l := &Listener{Handler: http.NotFoundHandler()}
	listen(t, l)
	c, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /services/collector HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
}

// TestLimited: clients above the bound wait until another one leaves, and no longer than
// until the listener is closed.
func TestLimited(t *testing.T) {
	opened := &Listener{Log: quiet}
	if err := opened.Listen(t.Context(), "127.0.0.1:0", false); err != nil {
		t.Fatal(err)
	}
	l := opened.l.(*limited)
	if cap(l.room) != maxConnections {
		t.Errorf("room for %d connections", cap(l.room))
	}
	l.room = make(chan struct{}, 2)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 4 {
		c, err := net.Dial("tcp", opened.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Error("a third client is let in")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // gives back one place
	third := <-accepted
	select {
	case <-accepted:
		t.Error("a fourth client is let in")
	case <-time.After(50 * time.Millisecond):
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := <-accepted; ok {
		t.Error("a client is let in by a closed listener")
	}
	second.Close()
	third.Close()
}
