package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

// Handler runs a request, writing what the command would write, and returns its
// exit code. ctx ends when the user or the server wants it to end.
type Handler func(ctx context.Context, r *Request, out, errOut io.Writer) (code int)

// Server answers the commands of one data directory.
type Server struct {
	version string
	handle  Handler
	log     *slog.Logger
	l       net.Listener
	dir     string

	ctx     context.Context // of all requests
	cancel  context.CancelCauseFunc
	active  sync.WaitGroup
	refuse  sync.Once
	refused error // of Refuse
	slots   chan struct{}
}

const (
	// maxRequests is how many commands run at a time; more are refused.
	maxRequests = 64
	// requestWait is how long a client may take to say what it wants.
	requestWait = 10 * time.Second
	// writeWait is how long a client that takes nothing holds a server up that
	// wants to end.
	writeWait = 2 * time.Second
)

// ErrStopping is the cause of the end of requests when the server ends.
var ErrStopping = errors.New("the server is stopping")

// Listen opens the socket of a data directory, which this process has locked.
// Serve accepts commands.
func Listen(dir, version string, handle Handler, log *slog.Logger) (*Server, error) {
	if err := removeLeft(dir); err != nil {
		return nil, fmt.Errorf("cannot remove an old socket: %w", err)
	}
	l, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket in %q: %w", dir, err)
	}
	return newServer(l, dir, version, handle, log), nil
}

func newServer(l net.Listener, dir, version string, handle Handler, log *slog.Logger) *Server {
	s := &Server{version: version, handle: handle, log: log, l: l, dir: dir, slots: make(chan struct{}, maxRequests)}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// Serve accepts commands until Stop.
func (s *Server) Serve() error {
	for pause := time.Duration(0); ; {
		conn, err := s.l.Accept()
		if err == nil {
			pause = 0
			s.active.Go(func() { s.serve(conn) })
			continue
		}
		if s.ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("cannot accept commands: %w", err)
		}
		// Too many open files, for instance: it passes.
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Warn("cannot accept a command", "err", err)
		select {
		case <-time.After(pause):
		case <-s.ctx.Done():
			return nil
		}
	}
}

// Refuse accepts no more commands and asks those that run to end.
func (s *Server) Refuse() error {
	s.cancel(ErrStopping)
	s.refuse.Do(func() { s.refused = errors.Join(removeLeft(s.dir), s.l.Close()) })
	return s.refused
}

// Stop is Refuse, and waits for the commands that run, as long as ctx lasts.
func (s *Server) Stop(ctx context.Context) error {
	err := s.Refuse()
	done := make(chan struct{})
	go func() { s.active.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, errors.New("some commands did not end in time"))
	}
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	to := &frames{w: conn}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		conn.SetWriteDeadline(time.Now().Add(writeWait))
		to.write(refused, fmt.Appendf(nil, "it already runs %d commands; try again when some have ended", maxRequests))
		return
	}
	conn.SetReadDeadline(time.Now().Add(requestWait))
	k, text, err := readFrame(conn, nil, maxRequest)
	if err != nil || k != request {
		return // whoever it is, it is no command
	}
	conn.SetReadDeadline(time.Time{})
	var r Request
	if err := json.Unmarshal(text, &r); err != nil {
		to.write(refused, fmt.Appendf(nil, "cannot read the request: %v", err))
		return
	}
	if r.Version != s.version {
		to.write(refused, fmt.Appendf(nil, "it is bluetrail %s and the command is bluetrail %s; use the same version, or restart the server with the new one", s.version, r.Version))
		return
	}
	ctx, cancelRequest := context.WithCancelCause(s.ctx)
	defer cancelRequest(nil)
	// A client that takes nothing must not hold up a server that ends. A command that
	// needs longer to end still says how it ended.
	hurry := func() { conn.SetWriteDeadline(time.Now().Add(writeWait)) }
	to.before = func() {
		if s.ctx.Err() != nil {
			hurry()
		}
	}
	defer context.AfterFunc(s.ctx, hurry)()
	var listening sync.WaitGroup
	listening.Go(func() { // until the client ends, or the connection is closed below
		var buf []byte
		for {
			k, b, err := readFrame(conn, buf, maxOutput)
			if buf = b; err != nil || k == cancel {
				cancelRequest(context.Canceled)
			}
			if err != nil {
				return
			}
		}
	})
	code := s.run(ctx, &r, &stream{to, stdout, cancelRequest}, &stream{to, stderr, cancelRequest})
	to.write(exit, []byte{byte(code)})
	conn.Close()
	listening.Wait()
}

// run runs a request; a panic ends that alone.
func (s *Server) run(ctx context.Context, r *Request, out, errOut io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a command panicked", "verb", r.Verb, "err", p, "stack", string(debug.Stack()))
			fmt.Fprintln(errOut, "error: the command failed inside the server; see its log, and please report it")
			code = 1
		}
	}()
	return s.handle(ctx, r, out, errOut)
}
