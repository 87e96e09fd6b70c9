package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Listener is an address to which clients send events.
type Listener struct {
	Log     *slog.Logger
	TLS     *tls.Config // nil = plain HTTP
	Handler http.Handler

	server *http.Server
	l      net.Listener
}

const (
	// maxConnections bounds the connections of a Listener; further clients wait.
	maxConnections = 1024
	// sendTime is how long a client may take to send a request.
	sendTime = 2 * time.Minute
	// drainTime is how long requests may take to end when the server stops. What is
	// received is durable within three seconds.
	drainTime = 5 * time.Second
)

// Listen opens addr, which must be a loopback address unless TLS or plain is set: others
// on the way would read tokens.
func (s *Listener) Listen(ctx context.Context, addr string, plain bool) error {
	if _, err := checkAddr(ctx, addr, plain || s.TLS != nil, "tokens would be readable on the way; set tls or, if a proxy in front of it speaks TLS, allow_plain"); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %q: another program uses it; stop that, or choose another with listen", addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on %q: %w", addr, err)
	}
	s.l = &limited{Listener: l, room: make(chan struct{}, maxConnections), quit: make(chan struct{})}
	if s.TLS != nil {
		s.l = tls.NewListener(s.l, s.TLS)
	}
	s.server = &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       sendTime,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	return nil
}

// Addr is the address that Listen opened.
func (s *Listener) Addr() string { return s.l.Addr().String() }

// Serve answers until Stop.
func (s *Listener) Serve() error {
	if err := s.server.Serve(s.l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop lets requests end, then cuts off those that do not.
func (s *Listener) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.server.Close()
	}
	return err
}

// limited bounds the connections of a listener.
type limited struct {
	net.Listener
	room chan struct{}
	quit chan struct{}
	once sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.quit:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &limitedConn{Conn: c, leave: func() { <-l.room }}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.quit) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.leave)
	return err
}
