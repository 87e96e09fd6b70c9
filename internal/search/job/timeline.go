package job

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

// ErrNoEvents is the error of a question about the events of a search that reads
// none.
var ErrNoEvents = errors.New("this search reads no events, so there is nothing to count")

// Timeline counts events over time.
type Timeline struct {
	Span   time.Duration
	Starts []time.Time // of the buckets
	Series []Series
	Total  int
}

// Series are the counts of a value, one for each bucket.
type Series struct {
	Name   string
	Counts []int
}

// The names of series that stand for no value.
const (
	Other = "OTHER" // rarer values
	Null  = "NULL"  // events without the field
)

// spans are how long buckets are.
var spans = []struct {
	text string
	d    time.Duration
}{
	{"1s", time.Second}, {"2s", 2 * time.Second}, {"5s", 5 * time.Second}, {"10s", 10 * time.Second}, {"30s", 30 * time.Second},
	{"1m", time.Minute}, {"2m", 2 * time.Minute}, {"5m", 5 * time.Minute}, {"10m", 10 * time.Minute}, {"30m", 30 * time.Minute},
	{"1h", time.Hour}, {"2h", 2 * time.Hour}, {"3h", 3 * time.Hour}, {"6h", 6 * time.Hour}, {"12h", 12 * time.Hour},
	{"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"365d", 365 * 24 * time.Hour},
}

// Timeline counts the events of the front part in about so many buckets, by the
// values of a field if by is not "".
func (j *Job) Timeline(ctx context.Context, buckets int, by string, limit int) (*Timeline, error) {
	if j.Parts.Front == "" {
		return nil, ErrNoEvents
	}
	key := fmt.Sprintf("timeline %d %d %s", buckets, limit, by)
	return answered(j, key, func() (*Timeline, error) { return j.timeline(ctx, buckets, by, limit) })
}

func (j *Job) timeline(ctx context.Context, buckets int, by string, limit int) (*Timeline, error) {
	first, last, err := j.extent(ctx)
	if err != nil {
		return nil, err
	}
	if last <= first {
		return &Timeline{Span: time.Minute}, nil
	}
	t := &Timeline{}
	width := time.Duration(last-first) / time.Duration(buckets)
	span := spans[len(spans)-1]
	for _, s := range spans {
		if s.d >= width {
			span = s
			break
		}
	}
	t.Span = span.d
	text := j.Parts.Front + " | timechart span=" + span.text + " limit=" + strconv.Itoa(limit) + " count"
	if by != "" {
		text += " by " + quote(by)
	}
	in := j.Info()
	earliest, latest := "", ""
	if open(in.First) {
		earliest = epoch(first)
	}
	if open(in.Last) {
		latest = epoch(last)
	}
	at := map[string]int{}
	err = j.Beside(ctx, text, earliest, latest, func(s *search.Search) error {
		return s.Each(ctx, func(b *vector.Batch) error {
			when := b.Col("_time")
			if when == nil {
				return nil
			}
			rows := len(t.Starts)
			for i := range b.Len {
				sec, _ := when.At(i).Num()
				t.Starts = append(t.Starts, time.Unix(0, int64(sec*1e9)).UTC())
			}
			for _, c := range b.Cols {
				if c.Name == "_time" || c.Name == "_span" {
					continue
				}
				n, known := at[c.Name]
				if !known {
					n = len(t.Series)
					at[c.Name] = n
					name := c.Name
					if by == "" {
						name = ""
					}
					t.Series = append(t.Series, Series{Name: name, Counts: make([]int, rows)})
				}
				for i := range b.Len {
					f, _ := c.At(i).Num()
					t.Series[n].Counts = append(t.Series[n].Counts, int(f))
					t.Total += int(f)
				}
			}
			return nil
		})
	})
	t.trim(time.Unix(0, last))
	return t, err
}

// trim drops buckets that begin at the end of the range, which is exclusive.
func (t *Timeline) trim(end time.Time) {
	n := len(t.Starts)
	for n > 0 && !t.Starts[n-1].Before(end) {
		n--
	}
	t.Starts = t.Starts[:n]
	for i := range t.Series {
		t.Series[i].Counts = t.Series[i].Counts[:min(n, len(t.Series[i].Counts))]
	}
}

// extent returns the time range of the events: what was asked for, and where that
// is open, what there is.
func (j *Job) extent(ctx context.Context) (first, last int64, err error) {
	for { // the range is known once the search is planned
		in := j.Info()
		if j.tap.asked.Load() || in.State.Ended() {
			break
		}
		select {
		case <-in.Changed:
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	first, last = j.tap.span()
	if open(first) || open(last) {
		if j.tap.Store == nil {
			return 0, 0, ErrNoEvents
		}
		lo, hi := j.tap.Span()
		if open(first) {
			first = lo - lo%int64(time.Second)
		}
		if open(last) {
			last = max((hi+int64(time.Second)-1)/int64(time.Second)*int64(time.Second), first)
		}
	}
	return first, last, nil
}

// epoch writes unix nanoseconds, a whole second, as a time of a search.
func epoch(ns int64) string { return strconv.FormatInt(ns/int64(time.Second), 10) }

// mostAnswers bounds how many answers a job remembers.
const mostAnswers = 50

// answered returns what make returned before for a key, once the job has ended;
// before that, there may be more events.
func answered[T any](j *Job, key string, make func() (T, error)) (T, error) {
	j.mu.Lock()
	if v, ok := j.answers[key].(T); ok {
		j.mu.Unlock()
		return v, nil
	}
	final := j.state.Ended()
	j.mu.Unlock()
	v, err := make()
	if err == nil && final {
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.answers == nil {
			j.answers = map[string]any{}
		}
		if len(j.answers) < mostAnswers {
			j.answers[key] = v
		}
	}
	return v, err
}
