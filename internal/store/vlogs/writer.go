package vlogs

import (
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"bluetrail/internal/event"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Limits of a row, well below those of the engine, which drops what is over
// them.
const (
	maxRaw     = 1 << 20   // of a record inside a row; larger ones lie in files of their own
	maxWords   = 256 << 10 // of the column of words
	maxColumn  = 16 << 10  // of any other column; values of streams are far shorter
	maxColumns = 512 << 10 // of those together
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

var writeExtractor = sync.OnceValue(func() *event.Extractor { return event.NewExtractor(slices.Concat(stored, aliasNames)) })

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
	row    *event.Row
	words  wordList
	fields []logstorage.Field
	digits []byte // backs the numbers of one row
	days   map[string]bool
	day    int64 // the last in days
	latest int64 // time that a row may lie at
	held   int   // bytes in rows
}

// NewWriter returns a writer to the store.
func (s *Store) NewWriter() *Writer {
	return &Writer{
		s: s, rows: logstorage.GetLogRows(streamColumns, nil, nil, nil, ""), row: writeExtractor().NewRow(),
		days: map[string]bool{}, latest: time.Now().Add(ahead).UnixNano(),
	}
}

// Add makes a row of a record, which is not kept.
func (w *Writer) Add(r *Record) error {
	if err := writeExtractor().Extract(r.Raw, r.Meta, w.row); err != nil {
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
	switch columns := w.columns(); {
	case at != r.Time:
		tenant = displaced
	case whole && columns && w.aliased(r.Meta.Sourcetype) && r.Timed:
		tenant = ordinary
	}
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

// columns adds the columns of the record in w.row; it returns false when they do
// not tell all that they should.
func (w *Writer) columns() (whole bool) {
	whole = true
	size := 0
	for i, name := range stored {
		c := w.row.Cell(i)
		if !c.Set {
			continue
		}
		limit := maxColumn
		if isStream[i] {
			limit = maxStream
		}
		if c.Many != nil || c.Text == "" || len(c.Text) > limit || size+len(c.Text) > maxColumns {
			whole = false
			continue
		}
		size += len(c.Text)
		w.add(name, c.Text)
	}
	return whole
}

// aliased reports whether the aliases in w.row are what the columns they stand
// for say.
func (w *Writer) aliased(sourcetype string) bool {
	for i, name := range aliasNames {
		c := w.row.Cell(len(stored) + i)
		if !c.Set {
			continue
		}
		of := w.row.Cell(storedAt[aliases[name]])
		if sourcetype != event.CloudTrail || !of.Set || of.Many == nil && of.Text != c.Text {
			return false
		}
	}
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
