package match

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"slices"

	"bluetrail/internal/spill"
	"bluetrail/internal/vector"
)

// Log collects matches in any order, to be read in event-time order. What exceeds
// its memory goes to temporary files, packed. It is for one goroutine; several logs
// are read together with Merge.
type Log struct {
	memory int64
	held   int64
	blocks [][]byte // encoded matches; none of them grows once it is made
	spare  [][]byte // empty blocks
	places []place  // of the matches in blocks
	runs   spill.Runs[string]
	n      int
}

type place struct {
	time int64
	data []byte
}

const (
	blockSize = 1 << 20
	placeSize = 32 + 8 // what a match takes beside its encoding, with what places grows by
)

// NewLog returns a Log that holds up to memory bytes, and the rest in space.
func NewLog(space *spill.Space, memory int64) *Log {
	return &Log{memory: memory, runs: spill.Runs[string]{Order: order, Space: space}}
}

// The columns of a row: the place of a match in the order, and its encoding.
const (
	orderColumn = "order"
	matchColumn = "match"
)

var order = spill.Order[string]{
	Keys: func(b *vector.Batch) []string {
		col := b.Col(orderColumn)
		keys := make([]string, b.Len)
		for i := range keys {
			keys[i] = col.At(i).Text()
		}
		return keys
	},
	Compare: func(a, b *string) int { return cmp.Compare(*a, *b) },
}

// Len returns how many matches were added.
func (l *Log) Len() int { return l.n }

// Add copies a match into the log. The error is that of the temporary files.
func (l *Log) Add(ctx context.Context, m *Match) error {
	l.hold(m)
	l.n++
	if l.held < l.memory {
		return nil
	}
	err := l.runs.Add(ctx, func(f *spill.File) error {
		next := l.sorted()
		for {
			b, err := next()
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = f.Write(b)
			}
			if err != nil {
				return err
			}
		}
	})
	for _, b := range l.blocks {
		if cap(b) == blockSize {
			l.spare = append(l.spare, b[:0])
		}
	}
	clear(l.places)
	l.blocks, l.places, l.held = l.blocks[:0], l.places[:0], 0
	return err
}

// hold keeps a match in memory.
func (l *Log) hold(m *Match) {
	last := len(l.blocks) - 1
	if last < 0 || cap(l.blocks[last])-len(l.blocks[last]) < m.size() {
		last++
		if len(l.spare) > 0 && m.size() <= blockSize {
			l.blocks = append(l.blocks, l.spare[len(l.spare)-1])
			l.spare = l.spare[:len(l.spare)-1]
		} else {
			l.blocks = append(l.blocks, make([]byte, 0, max(blockSize, m.size())))
		}
	}
	from := len(l.blocks[last])
	l.blocks[last] = m.Append(l.blocks[last])
	l.places = append(l.places, place{m.Time, l.blocks[last][from:]})
	l.held += int64(len(l.blocks[last])-from) + placeSize
}

// orderKey makes a text of a match's time and ID that sorts as Compare does.
func orderKey(encoded []byte) string {
	var key [24]byte
	binary.BigEndian.PutUint64(key[:], binary.BigEndian.Uint64(encoded)^1<<63)
	copy(key[8:], encoded[8:24])
	return string(key[:])
}

// sorted hands out the matches in memory, in order.
func (l *Log) sorted() func() (*vector.Batch, error) {
	slices.SortFunc(l.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.time, b.time), bytes.Compare(a.data[8:24], b.data[8:24]))
	})
	at := 0
	return func() (*vector.Batch, error) {
		if at == len(l.places) {
			return nil, io.EOF
		}
		rows := vector.NewBuilder(orderColumn, matchColumn)
		for end := min(at+vector.DefaultRows, len(l.places)); at < end; at++ {
			data := l.places[at].data
			rows.Add()
			rows.SetAt(0, vector.String(orderKey(data)))
			rows.SetAt(1, vector.String(string(data)))
		}
		return rows.Batch(), nil
	}
}

// Close frees a log that is not merged.
func (l *Log) Close() { l.runs.Close() }

// Reader hands out the matches of logs in order. It is for one goroutine.
type Reader struct {
	merged  *spill.Merged[string]
	batch   *vector.Batch
	at      int
	last    string // encoded
	doubles int
}

// Merge reads logs together. They belong to the reader from then on.
func Merge(ctx context.Context, space *spill.Space, logs ...*Log) (*Reader, error) {
	all := &spill.Runs[string]{Order: order, Space: space}
	for _, l := range logs {
		all.Take(&l.runs)
		l.spare = nil
		if len(l.places) > 0 {
			all.Hold(l.sorted())
		}
	}
	merged, err := all.Merge(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{merged: merged}, nil
}

// Next sets m to the next match, io.EOF behind the last. Of matches of one event,
// which was delivered twice, the first is handed out and the others are counted.
func (r *Reader) Next(ctx context.Context, m *Match) error {
	for {
		if r.batch == nil || r.at == r.batch.Len {
			b, err := r.merged.Next(ctx)
			if err != nil {
				return err
			}
			r.batch, r.at = b, 0
			continue
		}
		data := r.batch.Col(matchColumn).At(r.at).Text()
		r.at++
		if len(r.last) >= 24 && len(data) >= 24 && r.last[:24] == data[:24] {
			r.doubles++
			continue
		}
		r.last = data
		return m.Decode([]byte(data))
	}
}

// Doubles returns how many matches were left out because their event came before.
func (r *Reader) Doubles() int { return r.doubles }

// Close frees the reader.
func (r *Reader) Close() { r.merged.Close() }
