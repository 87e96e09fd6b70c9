package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// Removed is what retention removed of an index.
type Removed struct {
	Index  string
	Events int64
	Before tally.Day // all events of earlier days are gone, and are not taken in again
}

// Retain removes the whole days that the configuration does not keep, the
// oldest first, and returns what it removed, by index. It commits the batch
// under way. Days at which displaced events lie are kept, since those tell no
// age; so is the newest day of an index, however large.
func (p *Pipeline) Retain(ctx context.Context) ([]Removed, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.gate.Lock()
	defer p.gate.Unlock()
	if err := p.commitNow(true, nil); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	removed, err := p.retain(ctx)
	p.removed = append(p.removed, removed...)
	p.removed = p.removed[max(0, len(p.removed)-maxRemoved):]
	return removed, err
}

// maxRemoved is how much a pipeline remembers of what retention removed.
const maxRemoved = 100

// retain is Retain while p.turn and p.mu are held and no batch is under way.
func (p *Pipeline) retain(ctx context.Context) (list []Removed, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot remove expired events: %w", err)
			p.broken = err // counts and rows may differ
		}
	}()
	if keep := p.cfg.Retention[config.FindingsIndex]; keep.Days > 0 {
		if _, err := p.state.ExpireFindings(p.retentionTime().Add(-time.Duration(keep.Days) * 24 * time.Hour)); err != nil {
			return nil, err
		}
	}
	if keep := p.cfg.Retention[config.AlertsIndex]; keep.Days > 0 {
		if _, err := p.state.ExpireAlerts(p.retentionTime().Add(-time.Duration(keep.Days) * 24 * time.Hour)); err != nil {
			return nil, err
		}
	}
	tallies, err := p.state.Tallies()
	if err != nil {
		return nil, err
	}
	if err := p.setFloors(tallies); err != nil {
		return nil, err
	}
	gone := map[string]*Removed{}
	counts := p.store.Counts()
	for day := range counts {
		if want := tallies.ByDay()[day]; p.expiring(day) && counts[day] != want.Events { // a removal was cut off
			left, err := p.store.Tally(ctx, day)
			if err != nil {
				return nil, err
			}
			for k := range left {
				tallies[k], p.moved[k.Index] = left[k], true
			}
		}
	}
	for _, day := range tallies.Days() {
		if !p.expiring(day) {
			continue
		}
		first, last := vlogs.DaysIn(day)
		var out []tally.Key
		kept := 0
		for k := range tallies {
			switch floor := p.floors[k.Index]; {
			case k.Day != day:
			case floor > last:
				out = append(out, k)
			case floor > first && p.moved[k.Index]: // a part of the days that share the partition
				out = append(out, k)
				kept++
			default:
				kept++
			}
		}
		if len(out) == 0 {
			continue
		}
		left, err := p.remove(ctx, day, out, kept == 0)
		if err != nil {
			return nil, err
		}
		for _, k := range out {
			if tallies[k].Events == left[k].Events {
				continue
			}
			if gone[k.Index] == nil {
				gone[k.Index] = &Removed{Index: k.Index, Before: p.floors[k.Index]}
			}
			gone[k.Index].Events += tallies[k].Events - left[k].Events
		}
	}
	for _, r := range gone {
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b Removed) int { return strings.Compare(a.Index, b.Index) })
	stored, err := p.state.Tallies()
	if err != nil {
		return nil, err
	}
	p.tallies = stored.ByDay()
	return list, nil
}

// expiring reports whether some index does not keep a day of a partition.
func (p *Pipeline) expiring(partition tally.Day) bool {
	if partition == vlogs.DisplacedDay {
		return false
	}
	first, _ := vlogs.DaysIn(partition)
	for _, floor := range p.floors {
		if floor > first {
			return true
		}
	}
	return false
}

// remove removes what is not kept of indexes from a partition and returns what is
// left. The counts go first: rows without a count are removed by the next Retain,
// a count without rows would be a loss.
func (p *Pipeline) remove(ctx context.Context, partition tally.Day, out []tally.Key, whole bool) (left tally.Tallies, err error) {
	for _, k := range out {
		if err := p.state.ForgetTally(k); err != nil {
			return nil, err
		}
	}
	if whole {
		if err := p.store.RemoveDay(partition); err != nil {
			return nil, err
		}
	} else {
		for _, k := range out {
			if err := p.store.RemoveIndex(ctx, partition, k.Index, p.floors[k.Index]); err != nil {
				return nil, err
			}
		}
		if left, err = p.store.Tally(ctx, partition); err != nil {
			return nil, err
		}
		if err := p.state.SetTallies(partition, left); err != nil {
			return nil, err
		}
	}
	return left, renewIDs(ctx, p.ids, p.store, p.state, partition)
}

// keep returns how much is kept of an index.
func (p *Pipeline) keep(index string) config.Retention {
	if r, ok := p.cfg.Retention[index]; ok {
		return r
	}
	return p.cfg.Retention[config.AnyIndex]
}

// setFloors decides which days of each index are kept, and remembers it. What
// was removed for its size stays out; an age that is raised lets files of the
// days that are kept again be read again.
func (p *Pipeline) setFloors(tallies tally.Tallies) error {
	was, err := p.state.Retained()
	if err != nil {
		return err
	}
	p.floors, p.moved = map[string]tally.Day{}, map[string]bool{}
	for k := range tallies {
		p.floors[k.Index] = 0
	}
	for index := range was {
		p.floors[index] = 0
	}
	for index := range p.floors {
		keep := p.keep(index)
		floor := p.oldest(keep)
		if keep.MiB > 0 {
			floor = max(floor, was[index], p.fits(tallies, index, floor, int64(keep.MiB)<<20))
		}
		p.floors[index] = floor
		if floor == was[index] {
			continue
		}
		p.moved[index] = true
		if err := p.state.Retain(index, floor); err != nil {
			return err
		}
		if floor < was[index] {
			if err := p.state.RereadBefore(was[index]); err != nil {
				return err
			}
		}
	}
	return nil
}

// oldest is the first day that is kept by age, 0 = any.
func (p *Pipeline) oldest(keep config.Retention) tally.Day {
	if keep.Days == 0 {
		return 0
	}
	return tally.DayOf(p.retentionTime().Add(-time.Duration(keep.Days) * 24 * time.Hour).UnixNano())
}

// retentionTime is the time that ages are measured at: the wall clock, unless it has
// jumped ahead. A removal cannot be undone, so it waits until the monotonic clock agrees.
func (p *Pipeline) retentionTime() time.Time {
	wall, steady := p.cfg.Clock(), p.steadyTime()
	if steady.Before(wall.Round(0)) {
		return steady
	}
	return wall
}

// steadyTime is the wall clock when the pipeline was opened, and what has passed since by
// the monotonic clock.
func (p *Pipeline) steadyTime() time.Time {
	return p.opened.Add(time.Since(p.opened)).Round(0)
}

// maxClockAhead is how far corrections of the clock may add up without being reported.
const maxClockAhead = time.Hour

// ClockAhead returns by how much the wall clock has jumped ahead since the pipeline was
// opened, 0 = by at most an hour.
func (p *Pipeline) ClockAhead() time.Duration {
	if d := p.cfg.Clock().Round(0).Sub(p.steadyTime()); d > maxClockAhead {
		return d
	}
	return 0
}

// fits returns the first day from which on an index takes at most limit bytes. A
// day's bytes are shared by its indexes as its events are.
func (p *Pipeline) fits(tallies tally.Tallies, index string, floor tally.Day, limit int64) tally.Day {
	sizes, days := p.store.Bytes(), tallies.ByDay()
	var total int64
	newest := true
	sorted := tallies.Days()
	slices.SortStableFunc(sorted, func(a, b tally.Day) int {
		_, x := vlogs.DaysIn(a)
		_, y := vlogs.DaysIn(b)
		return cmp.Compare(x, y)
	})
	for _, day := range slices.Backward(sorted) {
		events := tallies[tally.Key{Day: day, Index: index}].Events
		if events == 0 || day == vlogs.DisplacedDay {
			continue
		}
		total += int64(float64(sizes[day]) * float64(events) / float64(days[day].Events))
		if total > limit && !newest {
			_, last := vlogs.DaysIn(day)
			return max(floor, last+1)
		}
		newest = false
	}
	return floor
}

// floor returns the first day of which events of an index are taken in.
func (p *Pipeline) floor(index string) tally.Day {
	return max(p.floors[index], p.oldest(p.keep(index)))
}

// expired reports whether retention keeps an event out.
func expired(at int64, floor tally.Day) bool {
	return floor > 0 && tally.DayOf(at) < floor && !vlogs.MayBeDisplaced(at)
}
