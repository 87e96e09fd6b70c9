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

// twoPass delivers events newest first to a command that keeps few of them, and
// reads the others only as far as the choice requires. It starts with complete
// events. If there are many, it lets the command choose among events that have
// only the fields the choice reads, and then reads complete events for the
// seconds that contain the chosen ones. The command then makes the same choice
// among those.
type twoPass struct {
	env         *exec.Env
	st          store.Store
	q           store.Query
	first, last int64
	keys        filter.FieldSet // fields that the choice reads
	choose      []syntax.Command
	out         exec.Operator // nil until the way is decided
	ranges      [][2]int64    // still to be read completely, newest first
}

const (
	twoPassAfter   = 4096 // complete events read before a second pass pays off
	twoPassSeconds = 1000 // above this many seconds, they are not looked up one by one
)

// newTwoPass returns nil if the commands after the scan, which need the given
// fields, do not choose among events, or if they need only named fields anyway.
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

// chosen returns the seconds that contain the chosen events, latest first. It
// returns more than twoPassSeconds if it gave up.
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
			if !ok || math.Abs(at) > 9e9 { // cannot be found by its time
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

// newestFirst returns equivalent commands for events that already come newest
// first, without the sorting.
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
	case len(rest) > 1: // a sort without a count warns about the rows it drops
		if h, ok := rest[1].(limited); ok && h.Rows() > 0 && h.Rows() <= env.Limits.SortRows {
			return rest[1:]
		}
	}
	return rest
}
