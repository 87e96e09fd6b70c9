package generate

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
)

// trail is everything that a configuration leads to, short of the records
// themselves: who exists, what is staged, and how many events each lane has in
// each slot of five minutes.
type trail struct {
	cfg       Config
	org       *organisation
	first     int64 // first second of the period
	slots     int
	seed      uint64
	sums      [crewCount]uint64 // of each crew's presence, over all slots and lanes
	counts    []uint32          // events of the noise, by slot and lane
	staged    map[cell][]*scene // by when they happened
	delivered map[cell][]*scene // by when they are delivered
	plot      *plot
	expected  int // records, repeated ones included
}

// cell is one lane in one slot.
type cell struct{ lane, slot int }

// newTrail plans a trail, which takes a moment for each million slots.
func newTrail(ctx context.Context, cfg Config) (*trail, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	end := cfg.End.UTC().Unix()
	end -= end % hour
	t := &trail{cfg: cfg, org: newOrganisation(cfg), first: end - int64(cfg.Days)*day, slots: cfg.Days * perDay,
		seed: mix(cfg.Seed, hashText("trail")), staged: map[cell][]*scene{}, delivered: map[cell][]*scene{}}
	t.plot = newPlot(t.org, cfg, t.first, end)
	for i := range t.plot.scenes {
		s := &t.plot.scenes[i]
		c := cell{s.call.lane.index, int((s.call.time - t.first) / slot)}
		t.staged[c] = append(t.staged[c], s)
		if c.slot+s.delay < t.slots {
			c.slot += s.delay
		}
		t.delivered[c] = append(t.delivered[c], s)
	}
	for _, staged := range []map[cell][]*scene{t.staged, t.delivered} {
		for _, scenes := range staged {
			slices.SortStableFunc(scenes, func(a, b *scene) int { return cmp.Compare(a.call.time, b.call.time) })
		}
	}
	if err := t.distribute(ctx, cfg.Events-len(t.plot.scenes)); err != nil {
		return nil, err
	}
	t.expected = cfg.Events
	return t, t.each(ctx, func(slot int, l *lane, _ int64) {
		again, _ := t.repeated(cell{l.index, slot})
		t.expected += again
	})
}

// weights returns what each crew of the lane contributes to a slot. Each crew's
// curve is divided by its sum over the period, so that the shares of crews hold
// over the whole trail though people sleep and services do not.
func (t *trail) weights(l *lane, at int64, sums *[crewCount]uint64) (w [crewCount]uint64) {
	for crew := range w {
		w[crew] = t.presence(l, crew, at) << 24 / (sums[crew]>>8 + 1) * crewShares[crew]
	}
	return w
}

// presence is how busy a crew is in the lane at the time, on a scale of its own.
func (t *trail) presence(l *lane, crew int, at int64) uint64 {
	people := peopleActivity(at)
	switch crew {
	case crewPeople:
		return l.account.people * l.share * (people + 40)
	case crewPipelines:
		// A pipeline runs for a while after someone has pushed.
		burst := mix(t.seed, hashText("run"), uint64(l.index), uint64(at/(3*slot))) % 8
		return l.account.people * l.share * (people + 400) * burst * burst / 16
	case crewServices:
		return l.account.machines * l.share * 5000
	case crewScanners:
		if at%day%(12*hour) < scanLasts && at%day/hour%12 == scanHour%12 {
			return 1000
		}
		return 0
	default:
		return l.account.machines * l.share * (people + 9000) / 2
	}
}

// distribute shares n events out over slots and lanes, exactly.
func (t *trail) distribute(ctx context.Context, n int) error {
	var sums [crewCount]uint64
	err := t.each(ctx, func(_ int, l *lane, at int64) {
		for crew := range sums {
			sums[crew] += t.presence(l, crew, at)
		}
	})
	if err != nil {
		return err
	}
	weights := make([]uint64, 0, t.slots*len(t.org.lanes))
	var total uint64
	err = t.each(ctx, func(_ int, l *lane, at int64) {
		var w uint64
		for _, v := range t.weights(l, at, &sums) {
			w += v
		}
		total += w
		weights = append(weights, w)
	})
	if err != nil {
		return err
	}
	t.counts = make([]uint32, len(weights))
	var sum, given uint64
	for i, w := range weights {
		sum += w
		hi, lo := bits.Mul64(sum, uint64(n))
		upTo, _ := bits.Div64(hi, lo, total)
		t.counts[i] = uint32(upTo - given)
		given = upTo
	}
	t.sums = sums
	return nil
}

// each visits every lane of every slot, in the order of counts, until ctx ends.
func (t *trail) each(ctx context.Context, visit func(slot int, l *lane, at int64)) error {
	for s := range t.slots {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, l := range t.org.lanes {
			visit(s, l, t.first+int64(s)*slot)
		}
	}
	return nil
}

// Deliveries that go wrong, drawn for each lane and slot.
const (
	latePerMille      = 60 // slots of which a part comes late
	duplicatePerMille = 25 // slots whose first records come again
	mostRepeated      = 24
)

// delays are how many slots late a delivery may be: from ten minutes to six hours.
var delays = []int{2, 3, 4, 6, 9, 12, 24, 36, 72}

// held says how many of the slot's events are delivered late, and how many slots later.
func (t *trail) held(c cell) (n, delay int) {
	h := mix(t.seed, hashText("late"), uint64(c.lane), uint64(c.slot))
	delay = delays[within(scramble(h), uint64(len(delays)))]
	if within(h, 1000) >= latePerMille || c.slot+delay >= t.slots {
		return 0, 0
	}
	return (int(t.count(c)) + 3) / 4, delay
}

// repeated says how many of the slot's punctual events are delivered once more, and how many slots later.
func (t *trail) repeated(c cell) (n, delay int) {
	h := mix(t.seed, hashText("again"), uint64(c.lane), uint64(c.slot))
	delay = delays[within(scramble(h), uint64(len(delays)))]
	if within(h, 1000) >= duplicatePerMille || c.slot+delay >= t.slots {
		return 0, 0
	}
	late, _ := t.held(c)
	return min(int(t.count(c))-late, mostRepeated), delay
}

func (t *trail) count(c cell) uint32 { return t.counts[c.slot*len(t.org.lanes)+c.lane] }
