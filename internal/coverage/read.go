package coverage

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// fullEvery is how often all is counted again: retention and repairs change what is
// stored. In between, only what arrived is.
const fullEvery = 24 * time.Hour

// Reader reads the coverage of a store, and keeps the hours that it counted. It is safe
// for concurrent use.
type Reader struct {
	// Search returns a search of the store; its text, times and arrival are set here.
	Search func() (search.Options, error)
	// Arrived returns the last batch that the store has.
	Arrived func() (int64, error)
	// Live reports whether sources bring records, so that silences are measured to now
	// rather than to the newest event.
	Live bool
	// Members returns the accounts of the organization; nil = none are known. An error
	// is told with the accounts that are known all the same.
	Members func(context.Context) ([]Member, error)
	Now     func() time.Time // nil = time.Now

	mu    sync.Mutex
	pairs map[Pair]*counted
	left  map[Pair]bool
	upto  int64     // the last batch that was counted
	full  time.Time // when all was counted

	latest atomic.Pointer[Report]
	read   time.Time // when latest was
}

// counted is what is known of a pair, by hours since 1970.
type counted struct {
	hours      map[int64]Categories
	last, came time.Time
	delays     map[int64]buckets // by hour of arrival
}

// Read returns the coverage as it is now, or was at most age ago. The report must not be
// changed.
func (r *Reader) Read(ctx context.Context, age time.Duration) (*Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.Now != nil {
		now = r.Now()
	}
	if latest := r.latest.Load(); latest != nil && now.Sub(r.read) <= age {
		return latest, nil
	}
	report, err := r.report(ctx, now)
	if err != nil {
		return nil, err
	}
	r.latest.Store(report)
	r.read = now
	return report, nil
}

func (r *Reader) report(ctx context.Context, now time.Time) (*Report, error) {
	upto, err := r.Arrived()
	if err != nil {
		return nil, err
	}
	if r.full.IsZero() || now.Sub(r.full) >= fullEvery || upto < r.upto {
		r.pairs, r.left, r.upto, r.full = map[Pair]*counted{}, map[Pair]bool{}, -1, now
	}
	asOf := now
	if !r.Live {
		if asOf, err = r.newest(ctx); err != nil {
			return nil, err
		}
		if asOf.IsZero() {
			asOf = now
		}
	}
	start := asOf.Add(-Window).Truncate(time.Hour)
	if upto > r.upto {
		err := r.count(ctx, start, upto)
		if err == nil {
			err = r.countDelays(ctx, now, upto)
		}
		if err != nil {
			r.full = time.Time{} // some of it may be counted
			return nil, err
		}
		r.upto = upto
	}
	report := &Report{AsOf: asOf.UTC(), Live: r.Live, Categories: Categories{}, Left: len(r.left)}
	var all buckets
	for pair, c := range r.pairs {
		row, delays, ok := c.row(pair, start, asOf, now)
		if !ok {
			delete(r.pairs, pair)
			continue
		}
		for category, k := range row.Categories {
			report.Categories[category] += k
		}
		all.join(delays)
		if pair.Account == none {
			continue
		}
		report.Rows = append(report.Rows, row)
	}
	report.Delay = all.delay()
	slices.SortFunc(report.Rows, func(x, y Row) int {
		return cmp.Or(cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region))
	})
	var members []Member
	if r.Members != nil {
		if members, err = r.Members(ctx); err != nil {
			report.Problem = err.Error()
		}
	}
	report.Accounts = accounts(report.Rows, members)
	return report, nil
}

// row sums a pair up, and forgets what is too old; ok is false if nothing is left.
func (c *counted) row(pair Pair, start, asOf, now time.Time) (row Row, delays buckets, ok bool) {
	row = Row{Pair: pair, Last: c.last, Arrived: c.came, Categories: Categories{}}
	first := start.Unix() / 3600
	hours := make([]int64, int(Window/time.Hour)+1)
	for h, counts := range c.hours {
		if h < first {
			delete(c.hours, h)
			continue
		}
		for category, k := range counts {
			row.Categories[category] += k
			row.Events += k
			if i := int(h - first); i < len(hours) {
				hours[i] += k
			}
		}
	}
	for h, b := range c.delays {
		if h < now.Add(-24*time.Hour).Unix()/3600 {
			delete(c.delays, h)
			continue
		}
		delays.join(b)
	}
	row.Delay = delays.delay()
	row.Rhythm = rhythmOf(hours, start, asOf)
	return row, delays, row.Events > 0
}

// each runs a search of what arrived up to a batch, and calls row for each of its rows.
func (r *Reader) each(ctx context.Context, text string, from time.Time, upto int64, row func(value func(name string) string)) error {
	o, err := r.Search()
	if err != nil {
		return err
	}
	o.Text, o.Unwatched = text, true
	if !from.IsZero() {
		o.Earliest = strconv.FormatInt(from.Unix(), 10)
	}
	if upto > 0 {
		o.Arrived = store.Arrival{After: r.upto, Upto: upto}
	}
	s, _, err := search.Open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Each(ctx, func(b *vector.Batch) error {
		for i := range b.Len {
			row(func(name string) string { return b.At(name, i).Text() })
		}
		return nil
	})
}

// newest returns the time of the newest record, zero if there is none.
func (r *Reader) newest(ctx context.Context) (newest time.Time, err error) {
	err = r.each(ctx, "index=* sourcetype=aws:cloudtrail | stats max(_time) as last", time.Time{}, 0, func(value func(string) string) {
		newest = epoch(value("last"))
	})
	return newest, err
}

// count counts the records that arrived, by hour.
func (r *Reader) count(ctx context.Context, from time.Time, upto int64) error {
	// Not bin: it wants the events in order, eval runs where they are read.
	const text = `index=* sourcetype=aws:cloudtrail | eval hour=floor(_time/3600), category=coalesce(eventCategory,"Management"), account=coalesce(recipientAccountId,"-"), zone=coalesce(awsRegion,"-") ` +
		`| stats count max(_time) as last max(_indextime) as came by hour account zone category`
	return r.each(ctx, text, from, upto, func(value func(string) string) {
		c := r.pair(value)
		if c == nil {
			return
		}
		hour, _ := strconv.ParseInt(value("hour"), 10, 64)
		n, _ := strconv.ParseInt(value("count"), 10, 64)
		if c.hours[hour] == nil {
			c.hours[hour] = Categories{}
		}
		c.hours[hour][categoryOf(value("category"))] += n
		if last := epoch(value("last")); last.After(c.last) {
			c.last = last
		}
		if came := epoch(value("came")); came.After(c.came) {
			c.came = came
		}
	})
}

// pair returns what is known of the pair in a row, nil if there are too many.
func (r *Reader) pair(value func(string) string) *counted {
	pair := Pair{clip(value("account")), clip(value("zone"))}
	c := r.pairs[pair]
	switch {
	case c != nil:
	case len(r.pairs) < MaxPairs:
		c = &counted{hours: map[int64]Categories{}, delays: map[int64]buckets{}}
		r.pairs[Pair{strings.Clone(pair.Account), strings.Clone(pair.Region)}] = c
	case len(r.left) < MaxPairs:
		r.left[Pair{strings.Clone(pair.Account), strings.Clone(pair.Region)}] = true
	}
	return c
}

// none stands for the account or region that a record lacks. Without an account it
// counts for categories only.
const none = "-"

// maxName bounds the names of accounts and regions, in bytes: records may say anything.
const maxName = 64

func clip(name string) string { return strings.ToValidUTF8(name[:min(len(name), maxName)], "") }

// Other stands for categories that are not Known: they are what records say, so there
// may be any number.
const Other = "Other"

func categoryOf(text string) string {
	if i := slices.Index(Known, text); i >= 0 {
		return Known[i]
	}
	return Other
}

// base is how much wider each bucket of delays is than the one before.
const base = 1.05

// buckets counts delays by the logarithm of their seconds.
type buckets map[int]int64

func (b *buckets) join(other buckets) {
	if *b == nil {
		*b = buckets{}
	}
	for k, n := range other {
		(*b)[k] += n
	}
}

func (b buckets) delay() (d Delay) {
	keys := make([]int, 0, len(b))
	for k, n := range b {
		keys = append(keys, k)
		d.Events += n
	}
	slices.Sort(keys)
	at := func(share float64) time.Duration {
		want, sum := int64(math.Ceil(share*float64(d.Events))), int64(0)
		for _, k := range keys {
			if sum += b[k]; sum >= want {
				return time.Duration(math.Pow(base, float64(k)) * float64(time.Second)).Round(time.Second)
			}
		}
		return 0
	}
	d.P50, d.P99 = at(0.5), at(0.99)
	return d
}

// delayed is how old records may be that count for delays: older ones are history that
// somebody ingests.
const delayed = 7 * 24 * time.Hour

// countDelays counts how long the records took that came over the last day.
func (r *Reader) countDelays(ctx context.Context, now time.Time, upto int64) error {
	text := fmt.Sprintf(`index=* sourcetype=aws:cloudtrail | where _indextime>=%d | eval bucket=ceil(ln(max(_indextime-_time,1))/ln(%g)), hour=floor(_indextime/3600), account=coalesce(recipientAccountId,"-"), zone=coalesce(awsRegion,"-") `+
		`| stats count by bucket hour account zone`, now.Add(-24*time.Hour).Unix(), base)
	return r.each(ctx, text, now.Add(-delayed), upto, func(value func(string) string) {
		c := r.pair(value)
		if c == nil {
			return
		}
		k, _ := strconv.Atoi(value("bucket"))
		n, _ := strconv.ParseInt(value("count"), 10, 64)
		hour, _ := strconv.ParseInt(value("hour"), 10, 64)
		b := c.delays[hour]
		b.join(buckets{k: n})
		c.delays[hour] = b
	})
}

// epoch reads a time in seconds, zero if it is none.
func epoch(text string) time.Time {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(f * 1e6)).UTC()
}

// Latest returns the last report, nil if there is none. One without rows is made again,
// which costs little then: it was made before the first records came.
func (r *Reader) Latest(ctx context.Context) *Report {
	latest := r.latest.Load()
	if latest == nil || len(latest.Rows) > 0 {
		return latest
	}
	if now, err := r.Read(ctx, 0); err == nil {
		latest = now
	}
	return latest
}
