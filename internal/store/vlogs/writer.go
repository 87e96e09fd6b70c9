package vlogs

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"bluetrail/internal/event"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Limits of a row, kept well below those of the library, which drops what is
// over them.
const (
	maxRaw    = 1 << 20 // of a record inside a row; larger ones lie in files of their own
	maxColumn = 32 << 10
	maxRow    = 1800 << 10
)

// The times that the store can hold; others lie at the first of them and say
// their true time in a column.
var (
	firstTime  = time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	futureSpan = 365 * 24 * time.Hour
)

var writeExtractor = sync.OnceValue(func() *event.Extractor { return event.NewExtractor(stored) })

// Writer makes rows of records. It is for one goroutine; what it adds becomes
// searchable after Flush and durable after Store.Sync.
type Writer struct {
	s      *Store
	rows   *logstorage.LogRows
	row    *event.Row
	words  extraWords
	fields []logstorage.Field
	days   map[string]bool
}

// NewWriter returns a writer to the store.
func (s *Store) NewWriter() *Writer {
	return &Writer{s: s, rows: logstorage.GetLogRows(nil, nil, nil, nil, ""), row: writeExtractor().NewRow(), days: map[string]bool{}}
}

// Identity is what a record is told apart by when it has no eventID.
type Identity struct {
	ID    [16]byte
	Given bool // it is the eventID's
}

// Add makes a row of a record. ns is its time, batch the unix milliseconds of
// the batch it belongs to, seq its place in the order of arrival.
func (w *Writer) Add(raw []byte, m *event.Meta, ns, batch int64, seq uint64, id Identity) error {
	if err := writeExtractor().Extract(raw, m, w.row); err != nil {
		return err
	}
	f := w.fields[:0]
	odd := false
	size := 0
	for i, name := range stored {
		c := w.row.Cell(i)
		switch {
		case i < len(streamColumns):
			if c.Many != nil || c.Set && (c.Text == "" || len(c.Text) > 256) {
				odd = true
				f = append(f, logstorage.Field{Name: name})
				continue
			}
		case !c.Set:
			continue
		case c.Many != nil || c.Text == "" || len(c.Text) > maxColumn || size > maxRow-maxRaw-2*maxColumn:
			odd = true
			continue
		}
		size += len(name) + len(c.Text)
		f = append(f, logstorage.Field{Name: name, Value: c.Text})
	}
	add := func(name, value string) { f = append(f, logstorage.Field{Name: name, Value: value}) }
	if len(raw) > maxRaw {
		name, err := w.s.keepBig(raw, id.ID)
		if err != nil {
			return err
		}
		odd = true
		add(bigColumn, name)
		add(rawColumn, "{}")
	} else {
		add(rawColumn, string(raw))
		if words := w.words.of(raw); len(words) > 0 && len(words) < maxRow-maxRaw-maxColumn {
			add(wordsColumn, string(words))
		} else if len(words) > 0 {
			odd = true
		}
	}
	at := ns
	if ns < firstTime || ns > time.Now().Add(futureSpan-48*time.Hour).UnixNano() {
		odd = true
		at = firstTime
		add(trueTime, strconv.FormatInt(ns, 10))
	}
	if odd {
		add(oddColumn, "1")
	}
	if !id.Given {
		add(idColumn, hex.EncodeToString(id.ID[:]))
	}
	add(batchColumn, strconv.FormatInt(batch, 10))
	add(seqColumn, strconv.FormatUint(seq, 10))
	w.fields = f
	w.rows.MustAdd(logstorage.TenantID{}, at, f, len(streamColumns))
	w.days[time.Unix(0, at).UTC().Format("20060102")] = true
	if w.rows.NeedFlush() {
		w.Flush()
	}
	return nil
}

// Flush hands the rows to the store.
func (w *Writer) Flush() {
	if w.rows.RowsCount() > 0 {
		w.s.db.MustAddRows(w.rows)
		w.rows.ResetKeepSettings()
	}
	w.s.touch(w.days)
	clear(w.days)
}

// Close frees the writer; rows that were not flushed are dropped.
func (w *Writer) Close() { logstorage.PutLogRows(w.rows) }

// keepBig writes a record that is too large for a row to a file of its own.
func (s *Store) keepBig(raw []byte, id [16]byte) (string, error) {
	dir := filepath.Join(s.dir, "big")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := hex.EncodeToString(id[:]) + ".json"
	tmp, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return "", fmt.Errorf("cannot keep a record of %d bytes: %w", len(raw), err)
	}
	return name, syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
