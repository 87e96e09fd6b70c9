package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// exhausted is a listener in a process that has no file descriptors left for a
// while.
type exhausted struct {
	until  time.Time
	tried  int // meanwhile
	conns  chan net.Conn
	closed chan struct{}
}

func (l *exhausted) Accept() (net.Conn, error) {
	if time.Now().Before(l.until) {
		l.tried++
		return nil, &net.OpError{Op: "accept", Net: "unix", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "unix", Err: net.ErrClosed}
	}
}

func (l *exhausted) Close() error { close(l.closed); return nil }

func (l *exhausted) Addr() net.Addr { return &net.UnixAddr{} }

// TestAcceptFails: while connections cannot be accepted, the server neither ends
// nor keeps trying without a pause; then it answers as before.
func TestAcceptFails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const lasting = time.Minute
		l := &exhausted{until: time.Now().Add(lasting), conns: make(chan net.Conn), closed: make(chan struct{})}
		var log strings.Builder
		s := newServer(l, dir, "v1", func(_ context.Context, _ *Request, out, _ io.Writer) int {
			fmt.Fprint(out, "here")
			return 0
		}, slog.New(slog.NewTextHandler(&log, nil)))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		client, server := net.Pipe()
		l.conns <- server // once it accepts again
		if tried := strings.Count(log.String(), "too many open files"); tried != l.tried || tried < 10 || tried > 100 {
			t.Errorf("tried %d times in %s and logged %d of them, want about one a second", l.tried, lasting, tried)
		}
		var out strings.Builder
		code, err := (&Conn{client}).Do(t.Context(), Request{Version: "v1"}, &out, io.Discard)
		if code != 0 || out.String() != "here" || err != nil {
			t.Error(code, out.String(), err)
		}
		if err := errors.Join(s.Stop(context.Background()), <-ended); err != nil {
			t.Error(err)
		}
	})
}

// TestAcceptStops: a server that cannot accept connections stops without delay.
func TestAcceptStops(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := &exhausted{until: time.Now().Add(time.Hour), closed: make(chan struct{})}
		s := newServer(l, dir, "v1", nil, slog.New(slog.DiscardHandler))
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		synctest.Wait()
		start := time.Now()
		if err := errors.Join(s.Stop(context.Background()), <-ended); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("it stopped after %s", waited)
		}
	})
}
