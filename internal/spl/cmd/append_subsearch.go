package cmd

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// subOptions are the options of commands that run their own subsearch. Zero
// means the limits of the search.
type subOptions struct {
	maxOut  int
	maxTime int // seconds
}

var subOptionNames = []string{"maxout", "maxtime", "timeout", "extendtimerange"}

var subOptionArgs = []syntax.Arg{
	{Name: "maxout", Default: "50000", Doc: "Maximum number of subsearch rows to use; more rows give a warning."},
	{Name: "maxtime", Default: "60", Doc: "Time limit of the subsearch in seconds; what it found by then is used, with a warning."},
	{Name: "timeout, extendtimerange", Doc: "Accepted for compatibility; ignored."},
}

func (s *subOptions) set(o syntax.Option) (err error) {
	switch o.Name {
	case "maxout":
		s.maxOut, err = o.Int(0)
	case "maxtime":
		s.maxTime, err = o.Int(0)
	}
	return err
}

func (s *subOptions) print() string {
	out := ""
	if s.maxOut > 0 {
		out += "maxout=" + strconv.Itoa(s.maxOut) + " "
	}
	if s.maxTime > 0 {
		out += "maxtime=" + strconv.Itoa(s.maxTime) + " "
	}
	return out
}

// open returns the rows of subsearch q, which starts when the first row is
// requested.
func (s *subOptions) open(env *exec.Env, q *syntax.Query, command string) *subsearch {
	out := &subsearch{env: env, query: q, command: command, left: env.Limits.JoinRows, time: env.Limits.SubsearchTime}
	if s.maxOut > 0 {
		out.left = s.maxOut
	}
	if s.maxTime > 0 {
		out.time = time.Duration(s.maxTime) * time.Second
	}
	out.max = out.left
	return out
}

// subsearch is a subsearch that stops with a warning at its row and time
// limits.
type subsearch struct {
	env       *exec.Env
	query     *syntax.Query
	command   string
	max, left int
	time      time.Duration
	ends      time.Time
	op        exec.Operator
	done      bool
}

func (s *subsearch) Next(ctx context.Context) (*vector.Batch, error) {
	if s.done {
		return nil, io.EOF
	}
	if s.op == nil {
		s.ends = time.Now().Add(s.time)
	}
	limited, cancel := context.WithDeadline(ctx, s.ends)
	defer cancel()
	b, err := s.next(ctx, limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		s.env.Warn("the subsearch of %s ran longer than %s; its result so far is used (%s)", s.command, s.time, s.raise("maxtime", "search.subsearch_time"))
		err = io.EOF
	}
	s.done = err != nil
	return b, err
}

// next is Next within the time limit. The operator itself outlives the limited
// context.
func (s *subsearch) next(ctx, limited context.Context) (*vector.Batch, error) {
	if s.op == nil {
		op, err := s.env.Run(ctx, s.query)
		if err != nil {
			return nil, err
		}
		s.op = op
	}
	b, err := s.op.Next(limited)
	if err != nil {
		return nil, err
	}
	if b.Len > s.left {
		s.env.Warn("the subsearch of %s returned more than %d rows; the rest is left out (%s)", s.command, s.max, s.raise("maxout", "search.join_rows"))
		b, s.done = b.Slice(0, s.left), true
	}
	s.left -= b.Len
	return b, nil
}

// raise names what raises the limit: an option, which join lacks, or a key of
// the configuration.
func (s *subsearch) raise(option, key string) string {
	if s.command == "join" {
		return "raise " + key + " in the configuration"
	}
	return "raise " + option + "= or " + key + " in the configuration"
}

func (s *subsearch) Close() {
	s.done = true
	if s.op != nil {
		s.op.Close()
	}
}

// run opens a search that implements a command.
func run(ctx context.Context, env *exec.Env, text string) (exec.Operator, error) {
	q, err := syntax.Parse(text)
	if err != nil {
		return nil, err
	}
	return env.Run(ctx, q)
}
