package vlogs

import (
	"context"
	"math"
	"sync"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// A partition of the engine is a day. Each costs files, goroutines and time in
// every search, so a day gets one only if it has many events, or there are few
// partitions. The events of all other days are packed: those of a year share one
// partition, in which a microsecond takes two nanoseconds. Packing keeps the order
// of times, so that a range of time stays one, and loses nothing of times that
// are whole microseconds; others are not packed.

// The times at which rows may lie. CloudTrail begins in 2013; packed rows lie
// before that, and so do wild times, which would each need a partition.
var firstTime = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// lastTime is behind every time that can be packed.
var lastTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// ahead is how far in the future a row may lie.
const ahead = 48 * time.Hour

// DisplacedDay is where the rows of events lie whose own time is too far off.
var DisplacedDay = tally.DayOf(firstTime)

// MayBeDisplaced reports whether a row of the given time may lie at
// DisplacedDay.
func MayBeDisplaced(at int64) bool { return at < firstTime || at > time.Now().UnixNano() }

// packedYear returns the day that the rows of a year are packed into.
func packedYear(year int) int64 {
	return time.Date(2001, 1, 1+year-2000, 0, 0, 0, 0, time.UTC).UnixNano()
}

// pack returns where the engine keeps a packed row of the given time, from
// firstTime up to lastTime; it rounds down to microseconds.
func pack(ns int64) int64 {
	year := time.Unix(0, ns).UTC().Year()
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	return packedYear(year) + (ns-start)/1000*2
}

// ownTime returns the time of a row that the engine keeps at the given one.
func ownTime(at int64) int64 {
	if at >= firstTime {
		return at
	}
	day := at / int64(24*time.Hour) * int64(24*time.Hour)
	year := 2000 + int((day-packedYear(2000))/int64(24*time.Hour))
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + (at-day)/2*1000
}

// ownTimes puts the times of rows in place of those that the engine keeps them at.
func ownTimes(times []int64) {
	for i, at := range times {
		if at < firstTime {
			times[i] = ownTime(at)
		}
	}
}

// DaysIn returns the days whose events may lie in a partition, displaced ones
// aside.
func DaysIn(partition tally.Day) (first, last tally.Day) {
	if at := partition.Start(); at < firstTime {
		return tally.DayOf(ownTime(at)), tally.DayOf(ownTime(at+int64(24*time.Hour)-1) - 1)
	}
	return partition, partition
}

// DayName names the days whose events lie in a partition, for people.
func DayName(partition tally.Day) string {
	first, last := DaysIn(partition)
	switch {
	case partition == DisplacedDay:
		return "events of unlikely times"
	case first != last:
		return "days of " + first.Time().Format("2006")
	}
	return first.String()
}

// Keep has events of a day go to a partition of its own, since they did before.
func (s *Store) Keep(day tally.Day) {
	s.packing.mu.Lock()
	defer s.packing.mu.Unlock()
	s.packing.keep(day)
}

// freeDays is how many days get partitions however few events they have.
const freeDays = 32

// eventsForDay is how many packed events make a day get a partition, when there
// are n. The events of a year that lie packed grow with it as partitions do.
func eventsForDay(n int) int { return max(2000, n*n/2) }

// packing decides which days have partitions.
type packing struct {
	mu     sync.Mutex
	days   map[int64]bool // with partitions, by their number since 1970
	counts map[int64]int  // events of others that this process packed
	packed bool           // some are packed
	newest int64          // where the engine keeps the newest packed row, 0 = not known
}

// init begins with the partitions that there are.
func (p *packing) init(partitions []string) {
	p.days, p.counts = map[int64]bool{}, map[int64]int{}
	for _, name := range partitions {
		day, err := time.Parse(dayLayout, name)
		switch at := day.UnixNano(); {
		case err != nil:
		case at < firstTime:
			p.packed = true
		default:
			p.days[at/int64(24*time.Hour)] = true
		}
	}
}

// keep gives a day a partition, if it lies at its time.
func (p *packing) keep(day tally.Day) {
	if day.Start() >= firstTime {
		p.days[int64(day)] = true
	}
}

// place reports whether the next event of a day is packed.
func (p *packing) place(day int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.days[day] {
		return false
	}
	if len(p.days) >= freeDays {
		if p.counts[day]++; p.counts[day] < eventsForDay(len(p.days)) {
			p.packed = true
			return true
		}
		delete(p.counts, day)
	}
	p.days[day] = true
	return false
}

// any reports whether there may be packed rows.
func (p *packing) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packed
}

// packedAt notes that a row was packed.
func (p *packing) packedAt(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest != 0 {
		p.newest = max(p.newest, at)
	}
}

// placer says where the rows of a writer lie.
type placer struct {
	packing *packing
	day     int64 // the last one that has a partition
	latest  int64
}

func newPlacer(s *Store) placer {
	return placer{packing: &s.packing, latest: time.Now().Add(ahead).UnixNano()}
}

// at returns where the engine keeps an event of the given time; own is false when
// that does not tell its time.
func (p *placer) at(ns int64) (at int64, own bool) {
	if ns < firstTime || ns > p.latest {
		if p.latest = time.Now().Add(ahead).UnixNano(); ns < firstTime || ns > p.latest {
			return firstTime, false
		}
	}
	day := ns / int64(24*time.Hour)
	if day == p.day {
		return ns, true
	}
	if ns%1000 != 0 || ns >= lastTime || !p.packing.place(day) {
		p.day = day
		return ns, true
	}
	at = pack(ns)
	p.packing.packedAt(at)
	return at, true
}

// newestPacked returns the time of the newest packed row.
func (s *Store) newestPacked() (int64, error) {
	s.packing.mu.Lock()
	defer s.packing.mu.Unlock()
	if s.packing.newest != 0 {
		return ownTime(s.packing.newest), nil
	}
	var last int64
	for _, name := range s.db.PartitionList() {
		if day, err := time.Parse(dayLayout, name); err == nil && day.UnixNano() < firstTime {
			last = max(last, day.UnixNano())
		}
	}
	q, err := logstorage.ParseQuery("* | fields _time")
	if err != nil {
		return 0, err
	}
	q.AddTimeFilter(last, last+int64(24*time.Hour)-1)
	newest := int64(math.MinInt64)
	var mu sync.Mutex
	err = s.blocks(context.Background(), tenants, q, func(_ int, db *logstorage.DataBlock) error {
		mu.Lock()
		defer mu.Unlock()
		times, _ := db.GetTimestamps(nil)
		for _, at := range times {
			newest = max(newest, at)
		}
		return nil
	})
	if err != nil || newest < 0 {
		return 0, err
	}
	s.packing.newest = newest
	return ownTime(newest), nil
}
