package plan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// twoPass hands out events newest first to a command that keeps few of them, and
// reads the others only as far as the choice needs. It begins with whole
// events; where there are many, it lets the command choose among events that
// have nothing but what it looks at, and then reads the seconds whole in which
// the chosen ones lie. The command chooses the same of those again.
type twoPass struct {
	env         *exec.Env
	st          store.Store
	q           store.Query
	first, last int64
	keys        filter.FieldSet // what the choice looks at
	choose      []syntax.Command
	out         exec.Operator // nil until it is known which way to go
	ranges      [][2]int64    // what is still to be read whole, newest first
}

const (
	twoPassAfter   = 4096 // events that are read whole before it is worth a second look
	twoPassSeconds = 1000 // more seconds than these are not looked up one by one
)

// newTwoPass returns nil where the commands after the scan, which need the given
// fields, do not choose among events, or need little of them.
func newTwoPass(env *exec.Env, st store.Store, q *store.Query, first, last int64, rest []syntax.Command) *twoPass {
	if len(rest) == 0 || !q.Fields.All() && !q.Fields.HasPatterns() && !q.Fields.Has(event.Raw) {
		return nil
	}
	c, ok := rest[0].(choosing)
	if !ok {
		return nil
	}
	if rows, ok := c.Chooses(); !ok || rows > twoPassSeconds {
		return nil
	}
	l := &twoPass{env: env, st: st, q: *q, first: first, last: last, choose: rest[:1]}
	if len(rest) > 1 {
		if h, ok := rest[1].(limited); ok && h.Rows() > 0 {
			l.choose = rest[:2]
		}
	}
	l.keys = filter.Fields(event.Time)
	for _, c := range slices.Backward(l.choose) {
		l.keys = c.Needs(l.keys)
	}
	return l
}

func (l *twoPass) all() *backward { return newBackward(l.env, l.st, &l.q, l.first, l.last, 0) }

func (l *twoPass) Next(ctx context.Context) (*vector.Batch, error) {
	if l.out == nil {
		if err := l.begin(ctx); err != nil {
			return nil, err
		}
	}
	for {
		b, err := l.out.Next(ctx)
		if err != io.EOF || len(l.ranges) == 0 {
			return b, err
		}
		l.out.Close()
		q := l.q
		q.Earliest, q.Latest = max(q.Earliest, l.ranges[0][0]), min(q.Latest, l.ranges[0][1])
		l.ranges = l.ranges[1:]
		sc, err := l.st.Prepare(&q)
		if err != nil {
			return nil, err
		}
		l.out = &parallel{env: l.env, scan: sc, now: q.Now, reducer: func() (exec.Reducer, error) { return newNewest(l.env, 0), nil }}
	}
}

func (l *twoPass) begin(ctx context.Context) error {
	whole := l.all()
	var held []*vector.Batch
	for rows := 0; rows <= twoPassAfter; {
		b, err := whole.Next(ctx)
		if err == io.EOF {
			whole.Close()
			l.out = exec.Rows(held...)
			return nil
		}
		if err != nil {
			whole.Close()
			return err
		}
		held = append(held, b)
		rows += b.Len
	}
	whole.Close()
	seconds, err := l.chosen(ctx)
	switch {
	case err != nil:
		return err
	case len(seconds) > twoPassSeconds:
		l.out = l.all()
		return nil
	}
	l.out = exec.Rows()
	for _, at := range seconds {
		from, to := at*1e9, (at+1)*1e9
		if n := len(l.ranges); n > 0 && l.ranges[n-1][0] == to {
			l.ranges[n-1][0] = from
		} else {
			l.ranges = append(l.ranges, [2]int64{from, to})
		}
	}
	return nil
}

// chosen returns the seconds in which the chosen events lie, latest first, more
// than twoPassSeconds when it gave up.
func (l *twoPass) chosen(ctx context.Context) ([]int64, error) {
	q := l.q
	q.Fields = l.keys
	var op exec.Operator = newBackward(l.env, l.st, &q, l.first, l.last, 0)
	for _, c := range l.choose {
		next, err := attach(ctx, l.env, op, c)
		if err != nil {
			op.Close()
			return nil, err
		}
		op = next
	}
	seen := map[int64]bool{}
	err := exec.Drain(ctx, op, func(b *vector.Batch) error {
		t := b.Col(event.Time)
		for i := range b.Len {
			at, ok := t.Num(i)
			if !ok || math.Abs(at) > 9e9 { // not to be found by its time
				return errGiveUp
			}
			seen[int64(math.Floor(at))] = true
		}
		if len(seen) > twoPassSeconds {
			return errGiveUp
		}
		return nil
	})
	if err == errGiveUp {
		return make([]int64, twoPassSeconds+1), nil
	}
	var seconds []int64
	for s := range seen {
		seconds = append(seconds, s)
	}
	slices.SortFunc(seconds, func(a, b int64) int { return int(b - a) })
	return seconds, err
}

var errGiveUp = errors.New("too many to look up")

func (l *twoPass) Close() {
	if l.out != nil {
		l.out.Close()
	}
}

// newestFirst returns commands that do the same to events that come newest
// first, without putting them in that order once more.
func newestFirst(rest []syntax.Command, env *exec.Env) []syntax.Command {
	if len(rest) == 0 {
		return rest
	}
	s, ok := rest[0].(ordering)
	if !ok {
		return rest
	}
	limit, ok := s.NewestFirst()
	switch {
	case !ok:
		return rest
	case limit == 0:
		return rest[1:]
	case limit > 0:
		return append([]syntax.Command{command(fmt.Sprintf("head %d", limit))}, rest[1:]...)
	case len(rest) > 1: // a sort without a count warns of what it leaves out
		if h, ok := rest[1].(limited); ok && h.Rows() > 0 && h.Rows() <= env.Limits.SortRows {
			return rest[1:]
		}
	}
	return rest
}
