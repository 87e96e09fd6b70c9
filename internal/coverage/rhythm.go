package coverage

import (
	"math"
	"slices"
	"time"
)

// State says how the records of an account and region come.
type State string

// States.
const (
	Fine     State = "fine"     // as usual
	Silent   State = "silent"   // the usual rhythm is broken
	Learning State = "learning" // too little history to know a rhythm
)

// Rhythm is how the records of an account and region usually come, by whole hours.
type Rhythm struct {
	State  State
	Active float64       // share of hours with records, from the first to the last of them
	Usual  time.Duration // the longest silence but one between records
	// Limit is when the silence after the last record breaks the rhythm; zero while
	// there is none, or if no silence of Window would.
	Limit time.Time
}

// What a rhythm takes.
const (
	leastHistory = 7 * 24 // hours from the first record to the last: weekends may differ
	leastActive  = 24     // hours with records
	// An hour with records is at most this likely, however regular they came.
	mostLikely = 0.99
	// An hour of the day that was seen few times is partly judged by all hours.
	weight = 0.5
	// surprise is -ln of the probability of a silence that breaks a rhythm: one in 10,000.
	surprise = 9.2
	// A silence must also be this much less likely than any but one of the earlier ones:
	// what happened twice is part of the rhythm, what happened once may be a fault.
	surpriseOverUsual = 1.5
)

// slot tells the hour of the day of working days from that of weekends.
func slot(t time.Time) int {
	t = t.UTC()
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		return 24 + t.Hour()
	}
	return t.Hour()
}

// rhythmOf learns the rhythm of hours[i], the number of records in the hour i after
// start, and compares it with the silence until now. Hours that are not over do not
// count as silent.
//
// An hour of the day has records with the probability that it had them before, apart
// for weekends. The probability of a silence is the product over its hours. So a region
// that works at night is silent by day, and a busy one is missed after two hours.
func rhythmOf(hours []int64, start, now time.Time) Rhythm {
	first, last, active := -1, -1, 0
	var had, all [48]float64
	for i, n := range hours {
		if n > 0 {
			if first < 0 {
				first = i
			}
			last = i
			active++
		}
	}
	if first < 0 || last-first < leastHistory || active < leastActive {
		return Rhythm{State: Learning}
	}
	at := func(i int) time.Time { return start.Add(time.Duration(i) * time.Hour) }
	r := Rhythm{State: Fine, Active: float64(active) / float64(last-first+1)}
	for i := first; i <= last; i++ {
		s := slot(at(i))
		all[s]++
		if hours[i] > 0 {
			had[s]++
		}
	}
	cost := func(i int) float64 {
		s := slot(at(i))
		p := (had[s] + weight*r.Active) / (all[s] + weight)
		return -math.Log(1 - min(p, mostLikely))
	}
	var silences []float64
	var lengths []int
	for i := first; i <= last; i++ {
		if hours[i] > 0 {
			continue
		}
		sum, n := 0.0, 0
		for ; hours[i] == 0; i++ {
			sum += cost(i)
			n++
		}
		silences, lengths = append(silences, sum), append(lengths, n)
	}
	slices.Sort(silences)
	slices.Sort(lengths)
	limit := surprise
	if n := len(silences); n >= 2 {
		limit = max(limit, surpriseOverUsual*silences[n-2])
		r.Usual = time.Duration(lengths[n-2]) * time.Hour
	}
	sum := 0.0
	for i := last + 1; i <= last+int(Window/time.Hour); i++ {
		if sum += cost(i); sum >= limit {
			r.Limit = at(i + 1).Add(late)
			break
		}
	}
	if !r.Limit.IsZero() && !now.Before(r.Limit) {
		r.State = Silent
	}
	return r
}
