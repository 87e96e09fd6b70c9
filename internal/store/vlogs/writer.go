package vlogs

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"bluetrail/internal/event"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Limits of a row, well below the engine's own, which drops larger rows.
const (
	maxRaw     = 1 << 20   // of a record in a row; larger ones get their own file
	maxWords   = 256 << 10 // of the _words column
	maxColumn  = 16 << 10  // of any other column; stream values are far shorter
	maxColumns = 512 << 10 // of all those columns together
	maxLeaves  = 1000      // of a record that gets columns
	maxStream  = 256       // of a value that defines a stream
)

// flushBytes is how much a writer hands to the engine at a time. The engine
// turns it into a part as it is: the more rows of a stream it holds together,
// the less has to be recompressed when parts are merged.
const flushBytes = 12 << 20

// Record is one event to store.
type Record struct {
	Raw   []byte // a JSON object
	Meta  *event.Meta
	Time  int64    // unix nanoseconds
	Timed bool     // Time comes from the record, see event.TimeOf
	Batch int64    // unix milliseconds of its batch
	Seq   uint64   // position in the order of arrival, below 2^53
	ID    [16]byte // identifies the record
	Given bool     // ID is derived from its eventID
}

// Writer converts records to rows. It belongs to one goroutine. Its rows become
// searchable and durable with Flush and Store.Sync.
type Writer struct {
	s       *Store
	rows    *logstorage.LogRows
	split   *event.Splitter
	age     int        // of split, for which leaves and streams are valid
	leaves  []leafPlan // by leaf id
	streams map[string]*writerStream
	stream  *writerStream // the last one used
	key     []byte        // stream key of a row
	words   wordList
	fields  []logstorage.Field
	digits  []byte // backs the numbers of one row
	rest    []byte // backs restColumn of one row
	place   placer
	days    map[string]bool
	day     int64 // the last one added to days
	held    int   // bytes in rows

	promised Promise
}

// writerStream is a writer's state for a stream.
type writerStream struct {
	key   string
	names *streamNames
	taken []uint64 // bit set of leaf ids that have a column in the stream
}

// NewWriter returns a writer to the store.
func (s *Store) NewWriter() *Writer {
	return &Writer{
		s: s, rows: logstorage.GetLogRows(streamColumns, nil, nil, nil, ""), split: event.NewSplitter(stored),
		streams: map[string]*writerStream{}, days: map[string]bool{}, place: newPlacer(s),
	}
}

// Add converts a record to a row. It does not keep the record.
func (w *Writer) Add(r *Record) error {
	if err := w.split.Split(r.Raw, r.Meta); err != nil {
		return err
	}
	w.fields, w.digits, w.rest = w.fields[:0], w.digits[:0], w.rest[:0]
	whole := r.Timed
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
	w.add(wordsColumn, unsafe.String(unsafe.SliceData(words), len(words)))
	at, own := w.place.at(r.Time)
	if !own {
		w.add(trueTime, w.number(r.Time))
	}
	tenant, streamFields := ordinary, -1
	switch plain := len(w.fields); {
	case own && whole && w.columns(r.Meta.Sourcetype == event.CloudTrail):
		if len(w.rest) > 0 {
			tenant = partial
		}
		// The engine sorts the fields of a row by name, with the record first;
		// this is fastest when they are already sorted.
		slices.SortFunc(w.fields[1:], func(a, b logstorage.Field) int { return strings.Compare(a.Name, b.Name) })
	default:
		streamFields = w.plain(plain, r.Meta)
		if tenant = odd; !own {
			tenant = displaced
		}
	}
	w.promise(at, r)
	w.rows.MustAdd(tenant, at, w.fields, streamFields)
	if day := at / int64(24*time.Hour); day != w.day {
		w.day = day
		w.days[time.Unix(0, at).UTC().Format(dayLayout)] = true
	}
	if w.held >= flushBytes {
		return w.Flush()
	}
	return nil
}

func (w *Writer) add(name, value string) {
	w.held += len(value)
	w.fields = append(w.fields, logstorage.Field{Name: name, Value: value})
}

// plain builds a row from its first n fields and the fields of every row. It
// returns the number of leading fields that define its stream.
func (w *Writer) plain(n int, m *event.Meta) (streamFields int) {
	w.fields = append(w.fields[:0:0], w.fields[:n]...)
	front := make([]logstorage.Field, 0, n+4)
	if len(m.Index) <= maxStream && len(m.Sourcetype) <= maxStream && w.s.columns.Stream(m.Index+several+m.Sourcetype) != nil {
		streamFields = 2
	}
	front = append(front, logstorage.Field{Name: event.Index, Value: m.Index}, logstorage.Field{Name: event.Sourcetype, Value: m.Sourcetype},
		logstorage.Field{Name: event.Source, Value: m.Source}, logstorage.Field{Name: event.Host, Value: m.Host})
	w.fields = append(front, w.fields...)
	return streamFields
}

// number formats n into memory that is valid until the next row.
func (w *Writer) number(n int64) string {
	if cap(w.digits)-len(w.digits) < 20 {
		w.digits = make([]byte, 0, 128)
	}
	from := len(w.digits)
	w.digits = strconv.AppendInt(w.digits, n, 10)
	return unsafe.String(&w.digits[from], len(w.digits)-from)
}

// leafPlan says how a leaf is stored.
type leafPlan struct {
	column string
	fate   leafFate
}

type leafFate uint8

const (
	unplanned   leafFate = iota
	kept                 // in a fixed column
	keptOfTrail          // in a fixed column on CloudTrail events, where a stored field replaces it
	asked                // in its own column, if the stream may have it
	passed               // needs no column
	columnless           // cannot have a column
	unnamable            // cannot have a column, and its name cannot be in restColumn either
)

func planLeaf(name string) leafPlan {
	switch col, ok := leafColumn(name); {
	case slices.Contains(streamColumns, name), event.IsDefault(name), bulky[name]:
		return leafPlan{fate: passed}
	case strings.Contains(name, several):
		return leafPlan{fate: unnamable}
	case !ok:
		return leafPlan{fate: columnless}
	case isStored(name):
		return leafPlan{column: col, fate: keptOfTrail}
	case fixed[col]:
		return leafPlan{column: col, fate: kept}
	default:
		return leafPlan{column: col, fate: asked}
	}
}

// columns adds the columns of the record in w.split. It returns false when the
// row cannot have any.
func (w *Writer) columns(trail bool) bool {
	if w.split.Len() > maxLeaves {
		return false
	}
	size := 0
	fits := func(name string, c *event.Cell, limit int) bool {
		text, ok := encode(c)
		if !ok || len(text) > limit || size+len(text) > maxColumns || c.Many != nil && !severalIn(name) {
			return false
		}
		size += len(text)
		w.add(name, text)
		return true
	}
	w.key = w.key[:0]
	for i, name := range stored {
		c := w.split.Cell(i)
		limit := maxColumn
		if isStream[i] {
			if c.Set && (c.Text == "" || c.Many != nil) {
				return false
			}
			limit = maxStream
			w.key = append(append(w.key, c.Text...), several...)
		}
		if c.Set && !fits(name, c, limit) {
			return false
		}
	}
	st := w.streamOf(w.key)
	if st == nil {
		return false
	}
	for i := range w.split.Len() {
		id, name, c := w.split.Leaf(i)
		for id >= len(w.leaves) {
			w.leaves = append(w.leaves, leafPlan{})
		}
		p := &w.leaves[id]
		if p.fate == unplanned {
			*p = planLeaf(name)
		}
		switch {
		case p.fate == passed, p.fate == keptOfTrail && !trail:
		case p.fate == kept, p.fate == keptOfTrail:
			if !fits(p.column, c, maxColumn) {
				return false
			}
		case p.fate == asked && w.take(st, id, p.column) && fits(p.column, c, maxColumn):
		case p.fate == unnamable:
			return false
		default:
			w.leaveOut(name)
		}
	}
	if len(w.rest) > maxColumn {
		return false
	}
	if len(w.rest) > 0 {
		w.add(restColumn, unsafe.String(unsafe.SliceData(w.rest), len(w.rest)))
	}
	return true
}

// leaveOut records a leaf that has no column.
func (w *Writer) leaveOut(name string) {
	if len(w.rest) == 0 {
		w.rest = append(w.rest, several...)
	}
	w.rest = append(append(w.rest, name...), several...)
}

// streamOf returns the stream of a row, or nil if it may have none.
func (w *Writer) streamOf(key []byte) *writerStream {
	if w.age != w.split.Age() {
		w.age, w.leaves, w.stream = w.split.Age(), w.leaves[:0], nil
		clear(w.streams)
	}
	if w.stream != nil && w.stream.key == string(key) {
		return w.stream
	}
	st := w.streams[string(key)]
	if st == nil {
		names := w.s.columns.Stream(string(key))
		if names == nil {
			return nil
		}
		st = &writerStream{key: names.key, names: names}
		w.streams[st.key] = st
	}
	w.stream = st
	return st
}

// take reports whether a leaf may have its own column in a stream.
func (w *Writer) take(st *writerStream, id int, column string) bool {
	word, bit := id/64, uint64(1)<<(id%64)
	if word < len(st.taken) && st.taken[word]&bit != 0 {
		return true
	}
	if !w.s.columns.Take(st.names, column) {
		return false
	}
	for word >= len(st.taken) {
		st.taken = append(st.taken, 0)
	}
	st.taken[word] |= bit
	return true
}

// Flush hands the rows to the store after making the names of their columns
// durable.
func (w *Writer) Flush() error {
	if err := w.s.columns.Persist(); err != nil {
		return err
	}
	if w.rows.RowsCount() > 0 {
		w.s.db.MustAddRows(w.rows)
		w.rows.ResetKeepSettings()
	}
	w.s.touch(w.days)
	clear(w.days)
	w.day, w.held = 0, 0
	return nil
}

// Close frees the writer and drops rows that were not flushed.
func (w *Writer) Close() { logstorage.PutLogRows(w.rows) }
