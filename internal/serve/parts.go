// Package serve runs the parts of a long-lived process: it starts them in order,
// stops them in reverse, and ends when one of them fails for good.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Keys of log lines.
const (
	KeyPart   = "part"
	KeyErr    = "err"
	KeySource = "source"
	KeyTook   = "took"
)

// StopTime is how long all parts together may take to stop.
const StopTime = 10 * time.Second

// Part is something that a server runs.
type Part struct {
	Name string
	// Start returns once the part does its work; ctx bounds the start only.
	Start func(ctx context.Context) error
	// Run, when set, is the part's work after Start. It ends with ctx, which is
	// canceled before Stop. An error before that ends the server.
	Run func(ctx context.Context) error
	// Stop, when set, ends what Start began. ctx says how long it may take.
	Stop func(ctx context.Context) error
}

// Run starts the parts in their order and runs until ctx ends or a part fails;
// then it stops them in reverse. ready, when set, is called when all have
// started, stopping when the first is to stop.
func Run(ctx context.Context, log *slog.Logger, parts []Part, ready, stopping func()) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var running []*runner
	var err error
	for _, p := range parts {
		if ctx.Err() != nil {
			break
		}
		began := time.Now()
		if p.Start != nil {
			if err = p.Start(ctx); err != nil {
				err = fmt.Errorf("cannot start %s: %w", p.Name, err)
				break
			}
		}
		log.Info("started", KeyPart, p.Name, KeyTook, time.Since(began).Round(time.Millisecond).String())
		running = append(running, start(p, fail))
	}
	if err == nil && ctx.Err() == nil {
		if ready != nil {
			ready()
		}
		<-ctx.Done()
	}
	if cause := context.Cause(ctx); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if stopping != nil {
		stopping()
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopTime)
	defer cancel()
	var late []string
	for i := len(running) - 1; i >= 0; i-- {
		serr := running[i].stop(stop)
		switch {
		case serr == nil:
			log.Info("stopped", KeyPart, running[i].Name)
		case errors.Is(serr, errLate):
			late = append(late, running[i].Name)
		default:
			err = errors.Join(err, fmt.Errorf("cannot stop %s: %w", running[i].Name, serr))
		}
	}
	if late != nil {
		err = errors.Join(err, fmt.Errorf("cannot stop %s: %w", strings.Join(late, ", "), errLate))
	}
	return err
}

// errLate is the error of a part that is left running when the process ends.
var errLate = fmt.Errorf("not done within %s", StopTime)

// runner is a part that was started.
type runner struct {
	Part
	cancel context.CancelFunc
	gone   sync.WaitGroup
}

func start(p Part, fail context.CancelCauseFunc) *runner {
	r := &runner{Part: p, cancel: func() {}}
	if p.Run == nil {
		return r
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	r.gone.Go(func() {
		err := p.Run(ctx)
		if ctx.Err() == nil {
			if err == nil {
				err = errors.New("it ended")
			}
			fail(fmt.Errorf("%s failed: %w", p.Name, err))
		}
	})
	return r
}

// stop ends a part and waits for it, as long as ctx lasts.
func (r *runner) stop(ctx context.Context) error {
	r.cancel()
	var err error
	if r.Stop != nil {
		err = r.Stop(ctx)
	}
	done := make(chan struct{})
	go func() { r.gone.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, errLate)
	}
}
