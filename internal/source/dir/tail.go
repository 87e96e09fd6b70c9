package dir

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
)

// tail is how far a plain file was handed out that may grow.
type tail struct {
	size    int64        // bytes handed out, up to the end of a line
	records atomic.Int64 // in them, or one of the below
	end     uint64       // hash of the last bytes before size
}

const (
	pending = -1 // its records are not acknowledged yet
	unknown = -2 // they could not be read
)

const (
	// endBytes is how much before the end of what was read has to be as it was for
	// a file to count as grown.
	endBytes = 4 << 10
	// maxTails bounds the files that are followed; others are read from their
	// beginning when they grow.
	maxTails = 10_000
	// lineSearch is how far from the end of a file the end of its last whole line
	// is looked for.
	lineSearch = 16 << 20
)

// plain reports whether a file may be lines of text that grow.
func plain(path string) bool {
	for _, s := range []string{".json", ".ndjson", ".jsonl", ".log"} {
		if strings.HasSuffix(strings.ToLower(path), s) {
			return true
		}
	}
	return false
}

// batch returns what is to be read of a file: all of it, or the lines behind
// those that were handed out. A file that is being written ends with its last
// whole line.
func (w *Watch) batch(f *file.File, grows bool) *source.Batch {
	b := file.Batch(*f, f.Path, w.o.Meta, w.o.Limits)
	if !plain(f.Path) {
		return b
	}
	lines, size, end, err := w.measure(f, grows)
	if err != nil || !lines {
		delete(w.tails, f.Path)
		return b // read as it is, and told of there
	}
	from, records := int64(0), int64(0)
	if t := w.tails[f.Path]; t != nil && t.size <= size && t.records.Load() >= 0 {
		if now, err := w.hashBefore(f.Path, t.size); err == nil && now == t.end {
			from, records = t.size, t.records.Load()
		}
	}
	if w.tails[f.Path] == nil && len(w.tails) >= maxTails {
		return b
	}
	t := &tail{size: size, end: end}
	t.records.Store(pending)
	w.tails[f.Path] = t
	b.From, b.Size = records, size
	b.Ack = func(r source.Result) {
		if !r.Done {
			r.Records = unknown
		}
		t.records.Store(r.Records)
	}
	path, lim := f.Path, w.o.Limits
	b.Open = func(read *atomic.Int64) (source.Records, error) { return openLines(path, from, size, lim, read) }
	return b
}

// measure reports whether a file is lines of text, where its last whole line
// ends, and the hash of what is before that. The last line of a file that does
// not grow is whole.
func (w *Watch) measure(f *file.File, grows bool) (lines bool, size int64, end uint64, err error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return false, 0, 0, err
	}
	defer in.Close()
	head := make([]byte, 512)
	n, err := in.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false, 0, 0, err
	}
	head = bytes.TrimLeft(head[:n], " \t\r\n")
	if len(head) == 0 || head[0] != '{' || bytes.HasPrefix(head, []byte(`{"Records"`)) {
		return false, 0, 0, nil // one document, or packed: never in part
	}
	size = f.Size
	if grows {
		if size, err = lastLine(in, f.Size); err != nil {
			return false, 0, 0, err
		}
		if size == 0 {
			return false, 0, 0, nil
		}
	}
	end, err = w.hash(in, size)
	return true, size, end, err
}

// lastLine returns where the last whole line of the first size bytes ends, 0
// when there is none.
func lastLine(in io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for to := size; to > 0 && size-to < lineSearch; {
		from := max(0, to-int64(len(buf)))
		part := buf[:to-from]
		if _, err := in.ReadAt(part, from); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		to = from
	}
	return 0, nil
}

func (w *Watch) hashBefore(path string, size int64) (uint64, error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return w.hash(in, size)
}

func (w *Watch) hash(in io.ReaderAt, size int64) (uint64, error) {
	buf := make([]byte, min(size, endBytes))
	if n, err := in.ReadAt(buf, size-int64(len(buf))); n < len(buf) {
		return 0, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return maphash.Bytes(w.seed, buf), nil
}

// lines are the records of a part of a file.
type lines struct {
	*event.Decoder
	file *os.File
}

// Close implements source.Records.
func (l *lines) Close() error { return l.file.Close() }

func openLines(path string, from, to int64, lim file.Limits, read *atomic.Int64) (source.Records, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := io.NewSectionReader(f, from, to-from)
	return &lines{event.NewDecoder(&counter{in, read}, lim.Limits), f}, nil
}

// counter counts what is read.
type counter struct {
	in    io.Reader
	total *atomic.Int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.total.Add(int64(n))
	return n, err
}
