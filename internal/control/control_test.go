package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, dir string, h Handler) *Server {
	t.Helper()
	s, err := Listen(dir, "v1", h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Stop(context.Background()), <-ended); err != nil {
			t.Error(err)
		}
	})
	return s
}

func do(t *testing.T, ctx context.Context, dir string, r Request) (code int, out, errOut string, err error) {
	t.Helper()
	c, err := Dial(dir)
	if err != nil || c == nil {
		t.Fatal(c, err)
	}
	var o, e strings.Builder
	code, err = c.Do(ctx, r, &o, &e)
	return code, o.String(), e.String(), err
}

func TestRequest(t *testing.T) {
	dir := t.TempDir()
	big := strings.Repeat("x", 3*maxOutput+7)
	serve(t, dir, func(_ context.Context, r *Request, out, errOut io.Writer) int {
		fmt.Fprint(out, big)
		fmt.Fprint(errOut, r.Verb, " in ", r.Dir)
		return 3
	})
	code, out, errOut, err := do(t, t.Context(), dir, Request{Version: "v1", Verb: "search", Dir: "/d"})
	if code != 3 || out != big || errOut != "search in /d" || err != nil {
		t.Errorf("%d, %d bytes, %q, %v", code, len(out), errOut, err)
	}
	var refusal *Refusal
	if _, _, _, err := do(t, t.Context(), dir, Request{Version: "v2"}); !errors.As(err, &refusal) {
		t.Error(err)
	}
}

// TestCancel: the handler's context ends with the client's, and when the client
// is gone.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	started, ended := make(chan struct{}), make(chan error, 1)
	serve(t, dir, func(ctx context.Context, _ *Request, _, _ io.Writer) int {
		started <- struct{}{}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return 1
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if code, _, _, err := do(t, ctx, dir, Request{Version: "v1"}); code != 1 || err != nil {
		t.Error(code, err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-started; c.c.Close() }()
	if _, err := c.Do(t.Context(), Request{Version: "v1"}, io.Discard, io.Discard); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
	<-ended
}

func TestPanic(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, func(_ context.Context, r *Request, out, _ io.Writer) int {
		if r.Verb == "bad" {
			panic("oh")
		}
		return 0
	})
	if code, _, errOut, err := do(t, t.Context(), dir, Request{Version: "v1", Verb: "bad"}); code != 1 || err != nil || !strings.Contains(errOut, "failed inside the server") {
		t.Error(code, errOut, err)
	}
	if code, _, _, err := do(t, t.Context(), dir, Request{Version: "v1"}); code != 0 || err != nil {
		t.Error(code, err)
	}
}

// TestStale: what a killed server left is no server, and the next one removes it.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	l, err := listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // leaves its name
	if err := os.Mkdir(filepath.Join(dir, ".sock-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if c, err := Dial(dir); c != nil || err != nil {
		t.Fatal(c, err)
	}
	serve(t, dir, func(context.Context, *Request, io.Writer, io.Writer) int { return 0 })
	if _, err := os.Stat(filepath.Join(dir, ".sock-1")); err == nil {
		t.Error("a leftover stays")
	}
	if _, _, _, err := do(t, t.Context(), dir, Request{Version: "v1"}); err != nil {
		t.Error(err)
	}
}

// TestRefuse: a server that is to end tells its commands at once and is none for
// those that come.
func TestRefuse(t *testing.T) {
	dir := t.TempDir()
	started := make(chan struct{})
	s := serve(t, dir, func(ctx context.Context, _ *Request, _, _ io.Writer) int {
		close(started)
		<-ctx.Done()
		if errors.Is(context.Cause(ctx), ErrStopping) {
			time.Sleep(writeWait + 100*time.Millisecond) // to finish what is under way
			return 9
		}
		return 1
	})
	go func() {
		<-started
		if err := s.Refuse(); err != nil {
			t.Error(err)
		}
	}()
	if code, _, _, err := do(t, t.Context(), dir, Request{Version: "v1"}); code != 9 || err != nil {
		t.Error(code, err)
	}
	if c, err := Dial(dir); c != nil || err != nil {
		t.Error(c, err)
	}
}

// TestLongPath: a data directory whose path no socket can have.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 20), strings.Repeat("way", 30))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	serve(t, dir, func(context.Context, *Request, io.Writer, io.Writer) int { return 7 })
	info, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if code, _, _, err := do(t, t.Context(), dir, Request{Version: "v1"}); code != 7 || err != nil {
		t.Error(code, err)
	}
}
