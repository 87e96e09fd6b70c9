package vlogs

import (
	"context"
	"math"
	"sync"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// A partition of the engine is a day. Each partition costs files, goroutines
// and time in every search, so a day gets one only if it has many events or
// there are few partitions. The events of all other days are packed: those of a
// year share one partition, in which a microsecond takes two nanoseconds.
// Packing keeps the order of times, so a time range stays a single range. It is
// lossless for times in whole microseconds; other events are not packed.

// The times at which rows may be stored. CloudTrail starts in 2013. Packed rows
// are stored before that, and so are outlying times, which would each need a
// partition.
var firstTime = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// lastTime is after every time that can be packed.
var lastTime = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// ahead is how far in the future a row may be stored.
const ahead = 48 * time.Hour

// DisplacedDay holds the rows of events whose own time is out of range.
var DisplacedDay = tally.DayOf(firstTime)

// MayBeDisplaced reports whether a row of the given time may be stored at
// DisplacedDay.
func MayBeDisplaced(at int64) bool { return at < firstTime || at > time.Now().UnixNano() }

// packedYear returns the day that the rows of a year are packed into.
func packedYear(year int) int64 {
	return time.Date(2001, 1, 1+year-2000, 0, 0, 0, 0, time.UTC).UnixNano()
}

// pack returns where the engine stores a packed row of the given time, which is
// in [firstTime, lastTime). It rounds down to microseconds.
func pack(ns int64) int64 {
	year := time.Unix(0, ns).UTC().Year()
	start := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	return packedYear(year) + (ns-start)/1000*2
}

// ownTime returns the event time of a row that the engine stores at the given
// time.
func ownTime(at int64) int64 {
	if at >= firstTime {
		return at
	}
	day := at / int64(24*time.Hour) * int64(24*time.Hour)
	year := 2000 + int((day-packedYear(2000))/int64(24*time.Hour))
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano() + (at-day)/2*1000
}

// ownTimes replaces the engine's row times with event times.
func ownTimes(times []int64) {
	for i, at := range times {
		if at < firstTime {
			times[i] = ownTime(at)
		}
	}
}

// DaysIn returns the days whose events may be stored in a partition, except
// displaced ones.
func DaysIn(partition tally.Day) (first, last tally.Day) {
	if at := partition.Start(); at < firstTime {
		return tally.DayOf(ownTime(at)), tally.DayOf(ownTime(at+int64(24*time.Hour)-1) - 1)
	}
	return partition, partition
}

// DayName names the days whose events are stored in a partition, for people.
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

// Keep gives the events of a day their own partition, as before.
func (s *Store) Keep(day tally.Day) {
	s.packing.mu.Lock()
	defer s.packing.mu.Unlock()
	s.packing.keep(day)
}

// freeDays is how many days get a partition regardless of their event count.
const freeDays = 32

// eventsForDay is the number of packed events, when there are n, at which a day
// gets its own partition. The number of events that stay packed in a year thus
// grows with the number of partitions.
func eventsForDay(n int) int { return max(2000, n*n/2) }

// packing decides which days have partitions.
type packing struct {
	mu     sync.Mutex
	days   map[int64]bool // days with partitions, as days since 1970
	counts map[int64]int  // events of other days that this process packed
	packed bool           // there are packed events
	newest int64          // the engine's time of the newest packed row, 0 = unknown
}

// init loads the existing partitions.
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

// keep gives a day a partition, if the day is in the range of row times.
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

// packedAt records that a row was packed.
func (p *packing) packedAt(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest != 0 {
		p.newest = max(p.newest, at)
	}
}

// placer decides where a writer's rows are stored.
type placer struct {
	packing *packing
	day     int64 // the last one that has a partition
	latest  int64
}

func newPlacer(s *Store) placer {
	return placer{packing: &s.packing, latest: time.Now().Add(ahead).UnixNano()}
}

// at returns where the engine stores an event of the given time. own is false
// if the event's time cannot be recovered from that.
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
