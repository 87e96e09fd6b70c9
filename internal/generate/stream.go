package generate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Stream yields every event once, in the order of event time, without files.
// The record is valid until yield returns. An error of yield ends the stream and
// is returned; so does the end of ctx.
func Stream(ctx context.Context, cfg Config, yield func(record []byte, eventTime time.Time) error) error {
	t, err := newTrail(ctx, cfg)
	if err != nil {
		return fmt.Errorf("cannot generate a trail: %w", err)
	}
	type place struct {
		from, to int
		at       int64
	}
	var buf []byte
	var places []place
	for s := range t.slots {
		buf, places = buf[:0], places[:0]
		add := func(b []byte, at int64) error {
			places = append(places, place{len(buf), len(b), at})
			buf = b
			if len(places)%256 == 0 {
				return ctx.Err()
			}
			return nil
		}
		for _, l := range t.org.lanes {
			c := cell{l.index, s}
			n := t.noise(c)
			for i := range int(n.count) {
				if err := add(n.append(buf, i)); err != nil {
					return fmt.Errorf("cannot generate a trail: %w", err)
				}
			}
			for _, sc := range t.staged[c] {
				if err := add(sc.record(buf), sc.call.time); err != nil {
					return fmt.Errorf("cannot generate a trail: %w", err)
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cannot generate a trail: %w", err)
		}
		slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.at, b.at) })
		for _, p := range places {
			if err := yield(buf[p.from:p.to:p.to], time.Unix(p.at, 0).UTC()); err != nil {
				return err
			}
		}
	}
	return nil
}

// record appends the scene's event.
func (s *scene) record(b []byte) []byte {
	if s.apart != nil {
		return s.apart.record(b, &s.call)
	}
	c := s.call
	return c.record(b, s.failure)
}
