package vlogs

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// scan is a prepared query. Ordinary rows are answered from columns if the
// wanted fields have them, otherwise from their records. The other rows, which
// are few, are always answered from their records.
type scan struct {
	s       *Store
	q       *store.Query
	filter  string      // in the engine's language, for ordinary rows
	mayHold string      // the same for rows without columns
	check   filter.Expr // what filter leaves unchecked on them; nil = nothing
	reading *reading    // reads ordinary rows from columns, nil = their records are read
	asked   []string    // leaves that filter, check and reading use
	alike   bool        // the engine counts alike ordinary rows
	workers int
	shown   int64 // the last visible batch, see Store.Show
}

// Prepare implements store.Store.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) {
	sc := &scan{s: s, q: q, workers: runtime.GOMAXPROCS(0)}
	p := push(q.Filter)
	sc.filter, sc.check, sc.mayHold = cmpOr(p.filter, "*"), p.rest, "*"
	if words := wordsIn(q.Filter); words != "" {
		sc.mayHold = "(" + words + " or !" + wordsColumn + ":*)"
	}
	if _, err := logstorage.ParseQuery(sc.filter); err != nil {
		return nil, fmt.Errorf("cannot ask the store: %w", err)
	}
	want := q.Fields
	if sc.check != nil {
		want = want.Add(filter.FieldsOf(sc.check)...)
	}
	if !want.All() && !want.HasPatterns() {
		if sc.reading = newReading(want.Names()); sc.reading != nil {
			if q.Ordered {
				sc.reading.order()
			}
			if sc.reading.columns == nil { // rows are only counted
				sc.reading.ask(event.Index)
			}
		}
	}
	sc.asked = filter.FieldsOf(q.Filter)
	if sc.reading != nil {
		sc.asked = append(sc.asked, want.Names()...)
	}
	sc.asked = append(sc.asked, event.NewExtractor(sc.asked).Leaves()...)
	slices.Sort(sc.asked)
	sc.asked = slices.Compact(sc.asked)
	sc.alike = sc.canCondense()
	return sc, nil
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Residual implements store.Scan. The scan itself checks what the engine does
// not.
func (sc *scan) Residual() filter.Expr { return nil }

// Workers implements store.Scan.
func (sc *scan) Workers() int { return sc.workers }

// Explain implements store.Scan.
func (sc *scan) Explain() []string {
	lines := []string{"vlogs: filter " + sc.filter}
	if a := sc.q.Arrived; !a.Any() {
		lines = append(lines, fmt.Sprintf("vlogs: only rows that arrived after %d and up to %d (0 = any)", a.After, a.Upto))
	}
	if sc.reading != nil {
		lines = append(lines, "vlogs: read columns "+strings.Join(sc.reading.columns, ", "))
	} else {
		lines = append(lines, "vlogs: read fields from the records")
	}
	if sc.alike {
		lines = append(lines, "vlogs: count alike rows with "+sc.condensePipe())
	}
	if sc.check != nil {
		lines = append(lines, "vlogs: check each "+filter.Print(sc.check))
	}
	return lines
}

// Run implements store.Scan.
func (sc *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	sc.s.scans.Add(1)
	defer func() {
		sc.s.searched.Store(time.Now().UnixNano())
		sc.s.scans.Add(-1)
	}()
	sc.shown = sc.s.shown.Load()
	// Displaced rows are stored in one place regardless of their time.
	err := sc.records(ctx, part{tenant: displaced, filter: sc.mayHold, earliest: firstTime, latest: firstTime + 1, check: sc.q.Filter}, emit)
	if err != nil {
		return err
	}
	p := part{earliest: sc.q.Earliest, latest: sc.q.Latest}
	if err := sc.placed(ctx, p, emit); err != nil || !sc.s.packing.any() {
		return err
	}
	p.packed = true
	return sc.placed(ctx, p, emit)
}

// placed delivers the rows of a time range: either the packed ones or the
// others.
func (sc *scan) placed(ctx context.Context, p part, emit func(int, *vector.Batch) error) error {
	p.tenant, p.filter, p.check = odd, sc.mayHold, sc.q.Filter
	if err := sc.records(ctx, p, emit); err != nil {
		return err
	}
	// A partial row that lacks a requested column is answered from its record;
	// other partial rows are treated like ordinary ones.
	p.tenant = partial
	lacking := ""
	if p.filter = lackingFilter(sc.asked); p.filter != "" {
		lacking = "!" + p.filter + " "
		if err := sc.records(ctx, p, emit); err != nil {
			return err
		}
	}
	p.check = sc.check
	for _, p.tenant = range []logstorage.TenantID{partial, ordinary} {
		p.filter = sc.filter
		if p.tenant == partial && lacking != "" {
			p.filter = lacking + "(" + sc.filter + ")"
		}
		if err := sc.columned(ctx, p, emit); err != nil {
			return err
		}
	}
	return nil
}

// columned delivers rows whose columns hold everything the scan needs.
func (sc *scan) columned(ctx context.Context, p part, emit func(int, *vector.Batch) error) error {
	if sc.reading == nil {
		return sc.records(ctx, p, emit)
	}
	if sc.alike && !(p.packed && slices.Contains(sc.reading.columns, timeName)) {
		if done, err := sc.condensed(ctx, p, emit); done {
			return err
		}
	}
	return sc.fromColumns(ctx, p, emit)
}

// lackingFilter matches the partial rows that lack a column for one of the
// leaves; it is "" when no row can.
func lackingFilter(leaves []string) string {
	var names []string
	for _, leaf := range leaves {
		if col, ok := leafColumn(leaf); !ok || !fixed[col] {
			names = append(names, regexp.QuoteMeta(leaf))
		}
	}
	if names == nil {
		return ""
	}
	return restColumn + ":~" + strconv.Quote(several+"("+strings.Join(names, "|")+")"+several)
}

// Span implements store.Spanning.
func (s *Store) Span() (first, last int64) {
	var st logstorage.StorageStats
	if s.shown.Load() == math.MaxInt64 { // otherwise everything visible has been synced
		s.db.DebugFlush()
	}
	s.db.UpdateStats(&st)
	first, last = ownTime(max(st.MinTimestamp, packedYear(2000))), st.MaxTimestamp
	if s.packing.any() {
		// The oldest packed row is not in the oldest partition if earlier days
		// have their own partitions.
		for _, name := range s.db.PartitionList() {
			if day, err := time.Parse(dayLayout, name); err == nil && day.UnixNano() > firstTime {
				first = min(first, day.UnixNano())
			}
		}
		newest, err := s.newestPacked()
		if err != nil { // an upper bound: the time a writer uses
			newest = time.Now().Add(ahead).UnixNano()
		}
		last = max(last, newest)
	}
	if last < math.MaxInt64 {
		last++
	}
	return first, last
}

// part is one query to the engine.
type part struct {
	tenant           logstorage.TenantID
	filter           string
	packed           bool        // packed rows only; otherwise the others
	earliest, latest int64       // as in store.Query
	check            filter.Expr // checked on each row, nil = nothing
}

type blockFunc func(worker int, db *logstorage.DataBlock) error

// fieldsPipe is the pipe that keeps columns.
func fieldsPipe(cols []string) string {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = strconv.Quote(c)
	}
	return "fields " + strings.Join(names, ", ")
}

// ask runs a part followed by a pipe and passes its blocks on.
func (sc *scan) ask(ctx context.Context, p part, pipe string, block blockFunc) error {
	filter := p.filter
	if sc.shown < math.MaxInt64 {
		// This comes last, so that only rows that pass the rest are checked. A
		// row that lost its batch to damage still passes.
		filter = fmt.Sprintf("(%s) !%s:>%d", filter, batchColumn, sc.shown)
	}
	if a := sc.q.Arrived; !a.Any() { // first: few rows are new
		if filter = fmt.Sprintf("%s:>%d (%s)", batchColumn, a.After, filter); a.Upto > 0 {
			filter = fmt.Sprintf("%s:<=%d %s", batchColumn, a.Upto, filter)
		}
	}
	q, err := logstorage.ParseQuery(fmt.Sprintf("options(concurrency=%d) %s | %s", sc.workers, filter, pipe))
	if err != nil {
		return fmt.Errorf("cannot ask the store: %w", err)
	}
	earliest, latest := max(p.earliest, firstTime), p.latest
	if latest != store.End {
		latest-- // the engine's range includes its end
	}
	if p.packed {
		latest = min(latest, lastTime-1)
	}
	if earliest > latest {
		return nil
	}
	if p.packed {
		if earliest = pack(earliest + 999); latest < firstTime {
			return nil
		}
		latest = pack(latest)
	}
	q.AddTimeFilter(earliest, latest)
	return sc.s.blocks(ctx, []logstorage.TenantID{p.tenant}, q, block)
}
