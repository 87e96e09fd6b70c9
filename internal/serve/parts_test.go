package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// diary notes what parts do, in order.
type diary []string

func (d *diary) note(what string) { *d = append(*d, what) }

func (d *diary) part(name string, run func(ctx context.Context) error) Part {
	return Part{
		Name:  name,
		Start: func(context.Context) error { d.note("start " + name); return nil },
		Run:   run,
		Stop:  func(context.Context) error { d.note("stop " + name); return nil },
	}
}

func untilDone(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// TestOrder: parts start in order and stop in reverse, when they are told to.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		err := Run(ctx, quiet, []Part{d.part("a", untilDone), d.part("b", nil), d.part("c", untilDone)},
			func() { d.note("ready"); time.AfterFunc(time.Hour, cancel) }, func() { d.note("stopping") })
		want := []string{"start a", "start b", "start c", "ready", "stopping", "stop c", "stop b", "stop a"}
		if err != nil || !slices.Equal(d, want) {
			t.Errorf("%v %q", err, d)
		}
	})
}

// TestFailingPart: what fails ends the rest, whether it fails at its start or at
// its work, and the error names it.
func TestFailingPart(t *testing.T) {
	broken := errors.New("broken")
	start := Part{Name: "b", Start: func(context.Context) error { return broken }}
	for name, c := range map[string]struct {
		part  Part
		ready bool
		says  string
	}{
		"start": {start, false, "cannot start b: broken"},
		"work":  {Part{Name: "b", Run: func(context.Context) error { time.Sleep(time.Minute); return broken }}, true, "b failed: broken"},
		"end":   {Part{Name: "b", Run: func(context.Context) error { time.Sleep(time.Minute); return nil }}, true, "b failed: it ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				ready := false
				err := Run(t.Context(), quiet, []Part{d.part("a", untilDone), c.part}, func() { ready = true }, nil)
				if err == nil || err.Error() != c.says || ready != c.ready || !slices.Equal(d, []string{"start a", "stop a"}) {
					t.Errorf("%v, ready %v, %q", err, ready, d)
				}
			})
		})
	}
}

// TestStopIsBounded: a part that does not end holds up neither the others nor
// the end.
func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		deaf := d.part("deaf", func(context.Context) error { <-release; return nil })
		var began time.Time
		err := Run(ctx, quiet, []Part{d.part("a", untilDone), deaf}, cancel, func() { began = time.Now() })
		if err == nil || !strings.Contains(err.Error(), "cannot stop deaf, a: not done within 10s") {
			t.Error(err)
		}
		if took := time.Since(began); took != StopTime {
			t.Error("it took", took)
		}
		if !slices.Equal(d, []string{"start a", "start deaf", "stop deaf", "stop a"}) {
			t.Errorf("%q", d)
		}
		close(release)
	})
}
