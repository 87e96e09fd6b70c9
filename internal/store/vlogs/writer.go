package vlogs

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Limits of a row, well below those of the engine, which drops what is over
// them.
const (
	maxRaw     = 1 << 20   // of a record inside a row; larger ones lie in files of their own
	maxWords   = 256 << 10 // of the column of words
	maxColumn  = 16 << 10  // of any other column; values of streams are far shorter
	maxColumns = 512 << 10 // of those together
	maxLeaves  = 1000      // of a record; the engine drops rows with 2,000 columns
	maxStream  = 256       // of a value that makes a stream
)

// flushBytes is how much a writer hands to the engine at a time. The engine
// makes a part of it as it is: the more rows of a stream lie together in it, the
// less has to be packed again when parts are merged.
const flushBytes = 12 << 20

// The times at which rows may lie. Each day is a partition with files and
// goroutines of its own, so that wild times would be costly; CloudTrail's begin
// in 2013.
var firstTime = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

const ahead = 48 * time.Hour

// DisplacedDay is where the rows of events lie whose own time is too far off.
var DisplacedDay = tally.DayOf(firstTime)

// MayBeDisplaced reports whether a row of the given time may lie at
// DisplacedDay.
func MayBeDisplaced(at int64) bool { return at < firstTime || at > time.Now().UnixNano() }

// Record is one event to store.
type Record struct {
	Raw   []byte // a JSON object
	Meta  *event.Meta
	Time  int64    // unix nanoseconds
	Timed bool     // Time is the record's own, see event.TimeOf
	Batch int64    // unix milliseconds of the batch it comes in
	Seq   uint64   // its place in the order of arrival, below 2^53
	ID    [16]byte // what identifies it
	Given bool     // ID is that of its eventID
}

// Writer makes rows of records. It is for one goroutine; what it adds becomes
// searchable and durable by Flush and Store.Sync.
type Writer struct {
	s      *Store
	rows   *logstorage.LogRows
	split  *event.Splitter
	age    int        // of split, that leaves are of
	leaves []leafPlan // by the id of a leaf
	names  nameList
	words  wordList
	fields []logstorage.Field
	digits []byte // backs the numbers of one row
	days   map[string]bool
	day    int64 // the last in days
	latest int64 // time that a row may lie at
	held   int   // bytes in rows

	promised Promise
}

// NewWriter returns a writer to the store.
func (s *Store) NewWriter() *Writer {
	return &Writer{
		s: s, rows: logstorage.GetLogRows(streamColumns, nil, nil, nil, ""), split: event.NewSplitter(stored),
		days: map[string]bool{}, latest: time.Now().Add(ahead).UnixNano(),
	}
}

// Add makes a row of a record, which is not kept.
func (w *Writer) Add(r *Record) error {
	if err := w.split.Split(r.Raw, r.Meta); err != nil {
		return err
	}
	w.fields, w.digits = w.fields[:0], w.digits[:0]
	// The engine sorts the fields of a row by name, with the record first; it
	// takes least time when they are sorted already.
	whole := true
	raw, big := unsafe.String(unsafe.SliceData(r.Raw), len(r.Raw)), ""
	var words []byte
	if len(r.Raw) > maxRaw {
		var err error
		if big, err = w.s.keepBig(r.Raw, r.ID); err != nil {
			return err
		}
		whole, raw = false, "{}"
	} else if words = w.words.of(r.Raw); len(words) > maxWords {
		whole, words = false, nil
	}
	w.add(rawColumn, raw)
	if big != "" {
		w.add(bigColumn, big)
	}
	if !r.Given {
		w.add(idColumn, hex.EncodeToString(r.ID[:]))
	}
	w.add(batchColumn, w.number(r.Batch))
	w.add(seqColumn, w.number(int64(r.Seq)))
	at := r.Time
	if at < firstTime || at > w.latest {
		w.add(trueTime, w.number(r.Time))
		at = firstTime
	}
	w.add(wordsColumn, unsafe.String(unsafe.SliceData(words), len(words)))
	tenant := odd
	switch columns := w.columns(r.Meta.Sourcetype == event.CloudTrail); {
	case at != r.Time:
		tenant = displaced
	case whole && columns && r.Timed:
		tenant = ordinary
	}
	w.promise(at, r)
	w.rows.MustAdd(tenant, at, w.fields, -1)
	if day := at / int64(24*time.Hour); day != w.day {
		w.day = day
		w.days[time.Unix(0, at).UTC().Format(dayLayout)] = true
	}
	if w.held >= flushBytes {
		w.Flush()
	}
	return nil
}

func (w *Writer) add(name, value string) {
	w.held += len(value)
	w.fields = append(w.fields, logstorage.Field{Name: name, Value: value})
}

// number writes n into memory that lasts until the next row.
func (w *Writer) number(n int64) string {
	if cap(w.digits)-len(w.digits) < 20 {
		w.digits = make([]byte, 0, 128)
	}
	from := len(w.digits)
	w.digits = strconv.AppendInt(w.digits, n, 10)
	return unsafe.String(&w.digits[from], len(w.digits)-from)
}

// leafPlan is what becomes of a leaf.
type leafPlan struct {
	column string
	fate   leafFate
}

type leafFate uint8

const (
	unplanned   leafFate = iota
	kept                 // in its column
	keptOfTrail          // in its column on CloudTrail's events, where a stored field takes its place
	passed               // it needs none
	odds                 // it has none, and makes the row odd
)

func (w *Writer) plan(name string) leafPlan {
	switch col, ok := leafColumn(name); {
	case slices.Contains(streamColumns, name), event.IsDefault(name), bulky[name]:
		return leafPlan{fate: passed}
	case !ok || !w.names.take(col):
		return leafPlan{fate: odds}
	case isStored(name):
		return leafPlan{column: col, fate: keptOfTrail}
	default:
		return leafPlan{column: col, fate: kept}
	}
}

// columns adds the columns of the record in w.split; it returns false when they
// do not tell all that they should.
func (w *Writer) columns(trail bool) (whole bool) {
	whole = w.split.Len() <= maxLeaves
	from, size := len(w.fields), 0
	add := func(name string, c *event.Cell, limit int) {
		text, ok := encode(c)
		if size += len(text); !ok || len(text) > limit || size > maxColumns || c.Many != nil && !severalIn(name) {
			whole = false
			return
		}
		w.add(name, text)
	}
	for i, name := range stored {
		if c := w.split.Cell(i); !c.Set {
			continue
		} else if !isStream[i] {
			add(name, c, maxColumn)
		} else if c.Text == "" || c.Many != nil {
			whole = false
		} else {
			add(name, c, maxStream)
		}
	}
	if w.age != w.split.Age() {
		w.age, w.leaves = w.split.Age(), w.leaves[:0]
	}
	for i := 0; whole && i < w.split.Len(); i++ {
		id, name, c := w.split.Leaf(i)
		for id >= len(w.leaves) {
			w.leaves = append(w.leaves, leafPlan{})
		}
		p := &w.leaves[id]
		if p.fate == unplanned {
			*p = w.plan(name)
		}
		switch {
		case p.fate == kept, p.fate == keptOfTrail && trail:
			add(p.column, c, maxColumn)
		case p.fate == odds:
			whole = false
		}
	}
	slices.SortFunc(w.fields[from:], func(a, b logstorage.Field) int { return strings.Compare(a.Name, b.Name) })
	return whole
}

// nameList bounds how many columns a writer makes: the engine keeps the name of
// every column of a part in memory, and names such as those of tags are for
// anyone to choose.
type nameList struct {
	known map[string]bool
	since time.Time
}

// maxNames is how many columns a writer makes in a day.
const maxNames = 20_000

// take reports whether there may be a column of this name.
func (l *nameList) take(name string) bool {
	if l.known == nil || time.Since(l.since) > 24*time.Hour {
		l.known, l.since = map[string]bool{}, time.Now()
	}
	if len(l.known) >= maxNames && !l.known[name] {
		return false
	}
	l.known[name] = true
	return true
}

// Flush hands the rows to the store.
func (w *Writer) Flush() {
	if w.rows.RowsCount() > 0 {
		w.s.db.MustAddRows(w.rows)
		w.rows.ResetKeepSettings()
	}
	w.s.touch(w.days)
	clear(w.days)
	w.day, w.held = 0, 0
}

// Close frees the writer; rows that were not flushed are dropped.
func (w *Writer) Close() { logstorage.PutLogRows(w.rows) }
