package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

func refusedBy(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Conn is a connection to a server.
type Conn struct{ c net.Conn }

// Dial connects to the server of a data directory. It returns nil when there is
// none.
func Dial(dir string) (*Conn, error) {
	c, err := dial(dir)
	if c == nil {
		return nil, err
	}
	return &Conn{c}, nil
}

// Close ends a connection over which nothing is asked.
func (c *Conn) Close() error { return c.c.Close() }

// Refusal is why a server does not run a request.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return "the server refuses: " + r.Reason }

// ErrGone says that the server ended in the middle of a request.
var ErrGone = errors.New("the server ended before the command did; check its log, then run the command again")

// Do runs a request to its end and copies what it writes; it returns the exit
// code. When ctx ends, the server is asked to end the command. Do closes the
// connection.
func (c *Conn) Do(ctx context.Context, r Request, out, errOut io.Writer) (code int, err error) {
	defer c.c.Close()
	text, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	if len(text) > maxRequest {
		return 0, fmt.Errorf("the command is %d MiB long; a server accepts at most %d MiB", len(text)>>20, maxRequest>>20)
	}
	to := &frames{w: c.c}
	if err := to.write(request, text); err != nil {
		return 0, gone(err)
	}
	var asked sync.WaitGroup
	asked.Add(1)
	stop := context.AfterFunc(ctx, func() {
		defer asked.Done()
		to.write(cancel, nil) // when the server is gone, reading says so
	})
	defer func() {
		if stop() {
			asked.Done()
		}
		asked.Wait()
	}()
	var buf []byte
	for {
		var k kind
		if k, buf, err = readFrame(c.c, buf, maxOutput); err != nil {
			return 0, gone(err)
		}
		switch k {
		case stdout:
			_, err = out.Write(buf)
		case stderr:
			_, err = errOut.Write(buf)
		case exit:
			if len(buf) != 1 {
				return 0, errProtocol
			}
			return int(buf[0]), nil
		case refused:
			return 0, &Refusal{string(buf)}
		default:
			return 0, errProtocol
		}
		if err != nil {
			return 0, fmt.Errorf("cannot write the result: %w", err)
		}
	}
}

// gone gives the errors of a connection that broke one text.
func gone(err error) error {
	if errors.Is(err, errProtocol) {
		return err
	}
	return ErrGone
}
