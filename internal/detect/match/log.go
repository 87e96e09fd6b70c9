package match

import (
	"cmp"
	"context"
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
	runs   spill.Runs[key]
	texts  *texts
	number int // of texts among those of the logs that are read together
	n      int
}

type place struct {
	key
	data []byte
}

const (
	blockSize = 1 << 20
	placeSize = 48 + 8 // what a match takes beside its encoding, with what places grows by
)

// NewLog returns a Log that holds up to memory bytes, and the rest in space. Logs that
// are read together have different numbers, from 0.
func NewLog(space *spill.Space, memory int64, number int) *Log {
	return &Log{memory: memory, runs: spill.Runs[key]{Order: order, Space: space}, texts: newTexts(memory / 8), number: number}
}

// key is the place of a match in the order.
type key struct {
	time   int64
	id, by uint64 // halves of the event's ID
}

func (k *key) compare(o *key) int {
	return cmp.Or(cmp.Compare(k.time, o.time), cmp.Compare(k.id, o.id), cmp.Compare(k.by, o.by))
}

// keyOf reads the key of an encoded match.
func keyOf[T []byte | string](data T) key {
	if len(data) < 24 {
		return key{} // unpack says so
	}
	number := func(at int) (n uint64) {
		for i := range 8 {
			n = n<<8 | uint64(data[at+i])
		}
		return n
	}
	return key{int64(number(0)), number(8), number(16)}
}

// matchColumn is the only column of a row, an encoded match.
const matchColumn = "match"

var order = spill.Order[key]{
	Keys: func(b *vector.Batch) []key {
		col := b.Col(matchColumn)
		keys := make([]key, b.Len)
		for i := range keys {
			keys[i] = keyOf(col.At(i).Text())
		}
		return keys
	},
	Compare: func(a, b *key) int { return a.compare(b) },
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
	l.blocks, l.places, l.held = l.blocks[:0], l.places[:0], l.texts.size
	return err
}

// hold keeps a match in memory.
func (l *Log) hold(m *Match) {
	known := l.texts.size
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
	l.blocks[last] = l.pack(l.blocks[last], m)
	data := l.blocks[last][from:]
	l.places = append(l.places, place{keyOf(data), data})
	l.held += int64(len(data)) + placeSize + l.texts.size - known
}

// sorted hands out the matches in memory, in order.
func (l *Log) sorted() func() (*vector.Batch, error) {
	slices.SortFunc(l.places, func(a, b place) int { return a.compare(&b.key) })
	at := 0
	return func() (*vector.Batch, error) {
		if at == len(l.places) {
			return nil, io.EOF
		}
		rows := vector.NewBuilder(matchColumn)
		for end := min(at+vector.DefaultRows, len(l.places)); at < end; at++ {
			rows.Add()
			rows.SetAt(0, vector.String(string(l.places[at].data)))
		}
		return rows.Batch(), nil
	}
}

// Close frees a log that is not merged.
func (l *Log) Close() { l.runs.Close() }

// Reader hands out the matches of logs in order. It is for one goroutine.
type Reader struct {
	merged  *spill.Merged[key]
	texts   []*texts // by the number of the log
	batch   *vector.Batch
	at      int
	last    key
	begun   bool
	doubles int
}

// Merge reads logs together. They belong to the reader from then on.
func Merge(ctx context.Context, space *spill.Space, logs ...*Log) (*Reader, error) {
	all := &spill.Runs[key]{Order: order, Space: space}
	var dictionaries []*texts
	for _, l := range logs {
		all.Take(&l.runs)
		dictionaries = append(dictionaries, make([]*texts, max(0, l.number+1-len(dictionaries)))...)
		dictionaries[l.number] = l.texts
		l.spare = nil
		if len(l.places) > 0 {
			all.Hold(l.sorted())
		}
	}
	merged, err := all.Merge(ctx)
	if err != nil {
		return nil, err
	}
	return &Reader{merged: merged, texts: dictionaries}, nil
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
		at := keyOf(data)
		if r.begun && r.last == at {
			r.doubles++
			continue
		}
		r.last, r.begun = at, true
		return r.unpack(data, m)
	}
}

// Doubles returns how many matches were left out because their event came before.
func (r *Reader) Doubles() int { return r.doubles }

// Close frees the reader.
func (r *Reader) Close() { r.merged.Close() }
