package vlogs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Promise describes the rows that writers handed to the engine since the last
// commit. They are counted before the engine sees them, because it drops rows
// without an error.
type Promise struct {
	Tallies     tally.Tallies
	ids         []promised
	first, last int64 // time range of the rows
}

// within widens the time range to include the rows. The old range is ignored
// when n is 0, since nothing was promised yet.
func (p *Promise) within(first, last int64, n int) {
	if n == 0 {
		p.first, p.last = first, last
		return
	}
	p.first, p.last = min(p.first, first), max(p.last, last)
}

type promised struct {
	id  [16]byte
	day tally.Day
}

// promise records a row stored at the given time.
func (w *Writer) promise(at int64, r *Record) {
	day := tally.DayOf(at)
	if w.promised.Tallies == nil {
		w.promised.Tallies = tally.Tallies{}
	}
	w.promised.within(at, at, len(w.promised.ids))
	w.promised.Tallies.Add(tally.Key{Day: day, Index: r.Meta.Index}, r.ID)
	w.promised.ids = append(w.promised.ids, promised{r.ID, day})
}

// Promised returns what the writer promised since the last call.
func (w *Writer) Promised() Promise {
	p := w.promised
	w.promised = Promise{}
	return p
}

// Merge adds what another writer promised.
func (p *Promise) Merge(o Promise) {
	if p.Tallies == nil {
		p.Tallies = tally.Tallies{}
	}
	if len(o.ids) > 0 {
		p.within(o.first, o.last, len(p.ids))
	}
	p.Tallies.Merge(o.Tallies)
	p.ids = append(p.ids, o.ids...)
}

// DayLoss is a day that lacks events or has too many.
type DayLoss struct {
	Day            tally.Day
	Promised, Have int64
	Missing        []string // ids known to be missing, a few
}

// LossError reports that the store does not hold what was promised.
type LossError struct{ Days []DayLoss }

func (e *LossError) Error() string {
	var b strings.Builder
	b.WriteString("the store does not hold what it was given: ")
	for i, d := range e.Days {
		if i == maxNamed {
			fmt.Fprintf(&b, "; and %d more days", len(e.Days)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %d events instead of %d", DayName(d.Day), d.Have, d.Promised)
		if len(d.Missing) > 0 {
			fmt.Fprintf(&b, " (missing: %s)", strings.Join(d.Missing, ", "))
		}
	}
	return b.String()
}

// maxNamed is how many days or ids an error lists.
const maxNamed = 10

// Verify compares the rows that the store holds of the days that a batch
// touched, according to the headers of the engine's parts, with what was
// promised; before holds the events that those days already had. Then the
// engine counts the batch's rows and their distinct sequence numbers, which
// reveals one lost row and one duplicate that cancel out. Checksums of ids
// would require reading the records again; only a deep check does that. If
// something differs, Verify names the batch's missing events and returns a
// *LossError. Otherwise it records the parts that hold the batch, for later
// checks. The batch must have been synced.
func (s *Store) Verify(ctx context.Context, batch int64, p *Promise, before map[tally.Day]tally.Tally) error {
	want := p.Tallies.ByDay()
	if len(want) == 0 {
		return nil
	}
	var loss LossError
	for _, day := range tally.Sorted(want) {
		rows, err := s.Rows(day)
		if err != nil {
			return err
		}
		if all := want[day].Events + before[day].Events; rows != all {
			loss.Days = append(loss.Days, DayLoss{Day: day, Promised: all, Have: rows})
		}
	}
	have, err := s.countBatch(ctx, batch, p)
	if err == nil && len(loss.Days) == 0 {
		for _, day := range tally.Sorted(want) {
			if n, promised := have[day], want[day].Events; n.rows != promised || n.different != promised {
				loss.Days = append(loss.Days, DayLoss{Day: day, Promised: promised, Have: min(n.rows, n.different)})
			}
		}
	}
	if err == nil && len(loss.Days) == 0 {
		names := make([]string, 0, len(want))
		for day := range want {
			names = append(names, day.Time().Format(dayLayout))
		}
		return s.updateManifest(names)
	}
	if err != nil {
		err = fmt.Errorf("cannot count what was stored: %w", err)
		if len(loss.Days) > 0 {
			err = errors.Join(&loss, err)
		}
		return err
	}
	for i, d := range loss.Days { // of this batch, not earlier ones
		if promised := want[d.Day].Events; have[d.Day].rows != promised {
			loss.Days[i].Promised, loss.Days[i].Have = promised, have[d.Day].rows
		}
	}
	if err := s.nameMissing(ctx, batch, p, loss.Days); err != nil {
		return errors.Join(&loss, err)
	}
	return &loss
}

// tenants are all the tenants that rows are stored under.
var tenants = []logstorage.TenantID{ordinary, partial, odd, displaced}

// batchCount is what a day holds of a batch: the rows, and their distinct
// sequence numbers.
type batchCount struct{ rows, different int64 }

// countBatch counts the rows of a batch in each day of the promised time range.
func (s *Store) countBatch(ctx context.Context, batch int64, p *Promise) (map[tally.Day]batchCount, error) {
	q, err := logstorage.ParseQuery(fmt.Sprintf("%s:=%d | stats by (_time:1d) count() n, count_uniq(%s) different", batchColumn, batch, seqColumn))
	if err != nil {
		return nil, err
	}
	q.AddTimeFilter(p.first, p.last)
	have := map[tally.Day]batchCount{}
	var mu sync.Mutex
	err = s.blocks(ctx, tenants, q, func(_ int, db *logstorage.DataBlock) error {
		mu.Lock()
		defer mu.Unlock()
		times, rows, different := db.GetColumnByName(timeName), db.GetColumnByName("n"), db.GetColumnByName("different")
		if times == nil || rows == nil || different == nil {
			return errors.New("the engine returned no counts")
		}
		for i := range db.RowsCount() {
			at, err := time.Parse(time.RFC3339Nano, times.Values[i])
			n, err2 := strconv.ParseInt(rows.Values[i], 10, 64)
			d, err3 := strconv.ParseInt(different.Values[i], 10, 64)
			if err := errors.Join(err, err2, err3); err != nil {
				return err
			}
			have[tally.DayOf(at.UnixNano())] = batchCount{n, d}
		}
		return nil
	})
	return have, err
}

// nameMissing finds ids that are missing from the batch.
func (s *Store) nameMissing(ctx context.Context, batch int64, p *Promise, days []DayLoss) error {
	stored := map[[16]byte]bool{}
	err := s.Since(ctx, batch-1, func(e Stored) {
		if e.Batch == batch {
			stored[e.ID] = true
		}
	})
	if err != nil {
		return err
	}
	for _, pr := range p.ids {
		if stored[pr.id] {
			continue
		}
		i := slices.IndexFunc(days, func(d DayLoss) bool { return d.Day == pr.day })
		if i >= 0 && len(days[i].Missing) < maxNamed {
			days[i].Missing = append(days[i].Missing, hex.EncodeToString(pr.id[:]))
		}
	}
	return nil
}

// partition returns the directory of a day.
func (s *Store) partition(day tally.Day) string {
	return filepath.Join(s.dir, engineDir, "partitions", day.Time().Format(dayLayout))
}

// Rows returns how many rows a day has on disk, according to the headers of its
// parts. It reads no rows.
func (s *Store) Rows(day tally.Day) (int64, error) {
	for tries := 0; ; tries++ {
		n, err := partitionRows(s.partition(day))
		if errors.Is(err, fs.ErrNotExist) && tries < 100 {
			if _, gone := os.Stat(s.partition(day)); errors.Is(gone, fs.ErrNotExist) {
				return 0, nil
			}
			time.Sleep(time.Millisecond) // a merge removed a part meanwhile
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("cannot count the events of %s: %w", day, err)
		}
		return n, nil
	}
}

// partitionRows adds up the rows of the parts that a partition lists.
func partitionRows(dir string) (rows int64, err error) {
	parts, err := listedParts(filepath.Join(dir, "datadb"))
	if err != nil {
		return 0, err
	}
	for _, name := range parts {
		n, err := partRows(filepath.Join(dir, "datadb", name))
		if err != nil {
			return 0, err
		}
		rows += n
	}
	return rows, nil
}

// listedParts returns the parts in the engine's list for a folder.
func listedParts(dir string) (names []string, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "parts.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &names); err != nil {
		return nil, fmt.Errorf("the list of parts is damaged: %w", err)
	}
	for _, name := range names {
		if name == "" || name == "." || name == ".." || name != filepath.Base(name) {
			return nil, fmt.Errorf("the list of parts is damaged: it names %q", name)
		}
	}
	return names, nil
}

// partRows returns how many rows a part has by its header.
func partRows(dir string) (int64, error) {
	data, err := os.ReadFile(filepath.Join(dir, "metadata.json"))
	if err != nil {
		return 0, err
	}
	var header struct{ RowsCount uint64 }
	if err := json.Unmarshal(data, &header); err != nil {
		return 0, fmt.Errorf("the header of part %s is damaged: %w", filepath.Base(dir), err)
	}
	if header.RowsCount > math.MaxInt64/2 {
		return 0, fmt.Errorf("the header of part %s is damaged: it has %d rows", filepath.Base(dir), header.RowsCount)
	}
	return int64(header.RowsCount), nil
}
