package bucket

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// The fields of a record that the key of its object tells. The folder of the account is
// that of recipientAccountId; the caller's account (aws_account_id) is another where an
// account uses what another one owns.
var (
	accountFields = []string{"recipientAccountId"}
	regionFields  = []string{"awsRegion", "region", "vendor_region"}
)

// regional is since when the events of IAM, STS and CloudFront lie in the folder of
// their awsRegion, with some days to spare. Before, every region had them.
var regional = time.Date(2021, 12, 1, 0, 0, 0, 0, time.UTC)

// want is which keys a search needs. A key that is not CloudTrail's is always needed.
type want struct {
	p                *Place
	now              time.Time
	earliest, latest time.Time // latest with the time that delivery may take; zero = open
	accounts         filter.Expr
	regions          filter.Expr // nil = any
	trimmed          atomic.Bool

	mu    sync.Mutex
	known map[string]bool // accounts and regions that were asked about
}

// want returns what a search needs.
func (p *Place) want(where filter.Expr, earliest, latest int64) (*want, error) {
	w := &want{p: p, now: p.o.Now, known: map[string]bool{}}
	if earliest != math.MinInt64 {
		w.earliest = time.Unix(0, earliest).UTC()
	}
	if latest != math.MaxInt64 && p.o.Late >= 0 {
		w.latest = time.Unix(0, latest).UTC().Add(p.o.Late)
		if w.latest.Before(w.now) {
			w.trimmed.Store(true)
		}
	}
	w.accounts, w.regions = demands(where, accountFields), demands(where, regionFields)
	for _, e := range []filter.Expr{w.accounts, w.regions} {
		if e == nil {
			continue
		}
		if _, err := filter.NewMatcher(e, w.now); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// demands returns the conditions that an event must meet in some fields, nil = none.
func demands(where filter.Expr, fields []string) filter.Expr {
	var all []filter.Expr
	for _, field := range fields {
		values := filter.Demanded(where, field)
		if values == nil {
			continue
		}
		var any []filter.Expr
		for _, v := range values {
			any = append(any, &filter.Compare{Field: field, Op: "=", Value: v})
		}
		all = append(all, &filter.Or{Args: any})
	}
	if all == nil {
		return nil
	}
	return &filter.And{Args: all}
}

// passes reports whether a value of fields meets a condition.
func (w *want) passes(e filter.Expr, fields []string, value string) bool {
	if e == nil {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := fields[0] + "=" + value
	if ok, known := w.known[key]; known {
		return ok
	}
	m, err := filter.NewMatcher(e, w.now)
	if err != nil {
		return true
	}
	b := &vector.Batch{Len: 1}
	for _, f := range fields {
		b.Cols = append(b.Cols, vector.NewColumn(f, []vector.Value{vector.String(value)}))
	}
	ok := len(m.Select(b)) > 0
	w.known[key] = ok
	return ok
}

func (w *want) account(id string) bool { return w.passes(w.accounts, accountFields, id) }

// trail returns the days of a trail to list, inclusive; zero = open.
func (w *want) trail(t *trailkey.Trail) (from, to time.Time, ok bool) {
	if !w.account(t.Account) {
		return from, to, false
	}
	from, to = day(w.earliest), day(w.latest)
	if w.passes(w.regions, regionFields, t.Region) {
		return from, to, true
	}
	if to.IsZero() || to.After(regional) {
		to = regional
	}
	return from, to, !from.After(to)
}

func day(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// object reports whether an object may hold events of the search.
func (w *want) object(key string) bool {
	k, ok := trailkey.Parse(key)
	first, last := trailkey.Delivered(base(key)), time.Time{}
	switch {
	case !first.IsZero():
		last = first
	case ok:
		first, last = k.Day, k.Day.AddDate(0, 0, 1)
	default:
		return true
	}
	if !w.earliest.IsZero() && last.Before(w.earliest) || !w.latest.IsZero() && first.After(w.latest) {
		return false
	}
	if !ok {
		return true
	}
	return w.account(k.Account) && (k.Day.Before(regional) || w.passes(w.regions, regionFields, k.Region))
}

// Explain implements files.Remote.
func (p *Place) Explain(where filter.Expr, earliest, latest int64) []string {
	w, err := p.want(where, earliest, latest)
	if err != nil {
		return nil
	}
	var parts []string
	for _, e := range []filter.Expr{w.accounts, w.regions} {
		if e != nil {
			parts = append(parts, filter.Print(e))
		}
	}
	if !w.earliest.IsZero() {
		parts = append(parts, "delivered from "+w.earliest.Format(time.RFC3339))
	}
	if !w.latest.IsZero() {
		parts = append(parts, "delivered until "+w.latest.Format(time.RFC3339))
	}
	if parts == nil {
		parts = []string{"all"}
	}
	var lines []string
	for _, r := range p.roots {
		lines = append(lines, fmt.Sprintf("s3: keys under %s: %s", diag.Printable(r.address), strings.Join(parts, ", ")))
	}
	return lines
}
