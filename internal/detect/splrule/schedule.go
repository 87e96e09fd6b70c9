package splrule

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/splunktime"

	cron "github.com/netresearch/go-cron"
)

// Schedule says when a rule's search runs and over which time. The zero Schedule is
// every hour over the hour before.
type Schedule struct {
	Cron  string        // five fields, or @hourly, @daily …; "" = Every
	Every time.Duration // at multiples since 1970 UTC; 0 = DefaultEvery
	// Earliest (inclusive) and Latest (exclusive) bound the events by their own
	// time, relative to the planned time. When both are "", the events since the
	// planned time before are searched.
	Earliest, Latest string
	Zone             string        // of Cron and of @d in the bounds; "" = the scheduler's
	Lateness         time.Duration // how much later an event may arrive; 0 = DefaultLateness

	planned cron.Schedule // of Cron
	zone    *time.Location
	bounds  []*filter.TimeBound // that the search itself sets
}

// Defaults and bounds of schedules.
const (
	DefaultEvery    = time.Hour
	DefaultLateness = 24 * time.Hour
	leastEvery      = time.Minute
	mostEvery       = 366 * 24 * time.Hour
	mostLateness    = 31 * 24 * time.Hour
)

// Alert says which results of a search are worth telling.
type Alert struct {
	Type      string // number of events, number of hosts, number of sources, custom; "" = always
	Relation  string // greater than, less than, equal to, not equal to, rises by, drops by
	Quantity  float64
	Percent   bool   // the quantity is a share of the result before, for rises by and drops by
	Condition string // of custom: a search over the results that must give some

	Suppress Suppress
}

// Suppress keeps results from being told again for a while.
type Suppress struct {
	Period time.Duration // 0 = every result is told
	Fields []string      // rows with the same values are alike; nil = all rows of the rule
}

// check prepares a schedule and says what is wrong with it.
func (s *Schedule) check() error {
	if s.Cron != "" && s.Every != 0 {
		return errors.New("schedule has both cron and every; keep one")
	}
	if s.Every != 0 && (s.Every < leastEvery || s.Every > mostEvery || s.Every%time.Second != 0) {
		return fmt.Errorf("schedule.every must be whole seconds from %s to 366 days, not %s", leastEvery, s.Every)
	}
	if s.Lateness < 0 || s.Lateness > mostLateness {
		return fmt.Errorf("schedule.lateness must be from 0s to 31 days, not %s", s.Lateness)
	}
	if s.Zone != "" {
		var err error
		if s.zone, err = time.LoadLocation(s.Zone); err != nil {
			return fmt.Errorf("schedule.timezone %q is not a time zone; write it as Europe/Berlin or UTC", s.Zone)
		}
	}
	if s.Cron != "" {
		var err error
		if s.planned, err = parseCron(s.Cron); err != nil {
			return err
		}
	}
	now := time.Unix(1_700_000_000, 0).UTC()
	var at [2]time.Time
	for i, text := range []string{s.Earliest, s.Latest} {
		if text == "" {
			continue
		}
		var err error
		if at[i], err = splunktime.ParseTime(text, now); err != nil {
			return err
		}
	}
	if s.Earliest != "" && s.Earliest != "0" && s.Latest != "" && !at[0].Before(at[1]) {
		return fmt.Errorf("the window from %s to %s is empty", s.Earliest, s.Latest)
	}
	return nil
}

func parseCron(text string) (cron.Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) != 5 && !(len(fields) == 1 && strings.HasPrefix(text, "@") && !strings.EqualFold(text, "@reboot")) {
		return nil, fmt.Errorf("cron %q must have five fields: minute, hour, day of month, month, day of week", text)
	}
	s, err := cron.ParseStandard(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("cannot read cron %q: %w", text, err)
	}
	if s.Next(time.Unix(1_700_000_000, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("cron %q never comes", text)
	}
	return s, nil
}

// in returns the zone of a schedule.
func (s *Schedule) in(zone *time.Location) *time.Location {
	if s.zone != nil {
		return s.zone
	}
	if zone != nil {
		return zone
	}
	return time.UTC
}

// Late is how much later than its window an event may arrive.
func (s *Schedule) Late() time.Duration {
	if s.Lateness == 0 {
		return DefaultLateness
	}
	return s.Lateness
}

func (s *Schedule) every() time.Duration {
	if s.Every == 0 {
		return DefaultEvery
	}
	return s.Every
}

// Next returns the first planned time after t. zone is that of schedules that name
// none. A time of a cron line that daylight saving skips comes an hour later;
// one that occurs twice counts once.
func (s *Schedule) Next(t time.Time, zone *time.Location) time.Time {
	if s.planned == nil {
		n := int64(s.every())
		ns := t.UnixNano()
		rest := ns % n
		if rest < 0 {
			rest += n
		}
		return time.Unix(0, ns-rest+n).In(s.in(zone))
	}
	t = t.In(s.in(zone))
	next := s.planned.Next(t)
	for !next.IsZero() && s.repeated(next) {
		next = s.planned.Next(next)
	}
	return next
}

// repeated reports whether a clock that was set back shows the time for the second
// time, and the line names an hour.
func (s *Schedule) repeated(t time.Time) bool {
	if fields := strings.Fields(s.Cron); len(fields) != 5 || strings.HasPrefix(fields[1], "*") {
		return false
	}
	before := t.Add(-time.Hour)
	return before.Hour() == t.Hour() && before.Minute() == t.Minute()
}

// Last returns the last planned time at or before t; zero when there is none in the
// five years before.
func (s *Schedule) Last(t time.Time, zone *time.Location) time.Time {
	if s.planned == nil {
		return s.Next(t, zone).Add(-s.every())
	}
	for back := time.Hour; back < 5*366*24*time.Hour; back *= 4 {
		next := s.Next(t.Add(-back), zone)
		if next.IsZero() || next.After(t) {
			continue
		}
		for {
			after := s.Next(next, zone)
			if after.IsZero() || after.After(t) {
				return next
			}
			next = after
		}
	}
	return time.Time{}
}

// Window is one planned time of a rule with the events that its search is about.
type Window struct {
	Planned  time.Time // the clock of the search
	Earliest time.Time // inclusive; zero = open
	Latest   time.Time // exclusive
}

// Window returns the window of a planned time.
func (s *Schedule) Window(planned time.Time, zone *time.Location) (w Window) {
	w = Window{Planned: planned.In(s.in(zone)), Latest: planned}
	written, _ := filter.ResolveTimes(s.bounds, w.Planned) // Compile has resolved it
	defer func() {
		if t, ok := written["earliest"]; ok {
			w.Earliest = t
		}
		if t, ok := written["latest"]; ok {
			w.Latest = t
		}
	}()
	if s.Earliest == "" && s.Latest == "" {
		if w.Earliest = s.Last(planned.Add(-time.Nanosecond), zone); w.Earliest.IsZero() {
			w.Earliest = planned.Add(-s.every())
		}
		return w
	}
	if s.Earliest != "" && s.Earliest != "0" {
		w.Earliest, _ = splunktime.ParseTime(s.Earliest, w.Planned) // check has parsed it
	}
	if s.Latest != "" {
		w.Latest, _ = splunktime.ParseTime(s.Latest, w.Planned)
	}
	return w
}

// Bounded reports whether the search itself sets the time of its events.
func (s *Schedule) Bounded() bool { return len(s.bounds) > 0 }

// Overlaps reports whether windows that follow one another share events, and how
// long one is.
func (s *Schedule) Overlaps(zone *time.Location) (length time.Duration, yes bool) {
	at := s.Last(time.Unix(1_700_000_000, 0), zone)
	next := s.Next(at, zone)
	a, b := s.Window(at, zone), s.Window(next, zone)
	if a.Earliest.IsZero() {
		return mostLateness, true
	}
	return a.Latest.Sub(a.Earliest), b.Earliest.Before(a.Latest)
}

// Windows returns, in their order, the windows that a run over events from first to
// last, both inclusive, has to evaluate: all whose time holds some of it, up to the
// first that ends after last. Later ones that reach back hold no more events.
func (s *Schedule) Windows(first, last time.Time, zone *time.Location) iter.Seq[Window] {
	return func(yield func(Window) bool) {
		for at := s.Next(first.Add(-time.Nanosecond), zone); !at.IsZero(); at = s.Next(at, zone) {
			w := s.Window(at, zone)
			if !w.Latest.After(first) {
				continue
			}
			if !w.Earliest.IsZero() && w.Earliest.After(last) || !yield(w) || w.Latest.After(last) {
				return
			}
		}
	}
}
