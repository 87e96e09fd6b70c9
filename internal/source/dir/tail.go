package dir

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
)

// tail is how far a file was handed out that may grow.
type tail struct {
	state.Tail              // Size is up to the end of a line
	records    atomic.Int64 // in it, or one of the below
}

const (
	pending = -1 // its records are not acknowledged yet
	unknown = -2 // they could not be read
)

const (
	// endBytes is how much of the beginning and of the end of what was read has to be
	// as it was for a file to count as grown.
	endBytes = 4 << 10
	// MaxTails bounds the files that are followed; others are read from their
	// beginning when they grow.
	MaxTails = 10_000
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

// resume notes how far files were read before.
func (w *Watch) resume(tails []state.Tail) {
	for i := range tails {
		t := &tail{Tail: tails[i]}
		t.records.Store(t.Records)
		w.follow(t)
	}
}

// follow notes how far a file is handed out.
func (w *Watch) follow(t *tail) {
	w.tails[t.Path] = t
	if id := (file.ID{Device: t.Device, Inode: t.Inode}); id != (file.ID{}) {
		w.byID[id] = t
	}
}

// leave forgets the files that are not there any more, except for as many as there
// is room for: some come back under another name.
func (w *Watch) leave(present map[string]bool, files []file.File) {
	full := len(w.tails) >= MaxTails
	for path := range w.tails {
		if full && !present[path] {
			delete(w.tails, path)
		}
	}
	var displaced map[file.ID]bool // their name is another file's
	for id, t := range w.byID {
		if w.tails[t.Path] != t {
			if displaced == nil {
				displaced = map[file.ID]bool{}
			}
			displaced[id] = true
		}
	}
	if displaced == nil {
		return
	}
	for i := range files { // not read yet under their new name
		delete(displaced, files[i].ID)
	}
	for id := range displaced {
		delete(w.byID, id)
	}
}

// tailOf returns the tail that a file has under whatever name.
func (w *Watch) tailOf(f *file.File) *tail {
	if t := w.byID[f.ID]; t != nil {
		return t
	}
	return w.tails[file.Absolute(f.Path)]
}

// batch returns what is to be read of a file: all of it, or the lines behind
// those that were handed out. A file that is being written ends with its last
// whole line. files are all that are there.
func (w *Watch) batch(f *file.File, grows bool, files []file.File) *source.Batch {
	b := file.Batch(*f, f.Path, w.o.Meta, w.o.Limits)
	old := w.tailOf(f)
	if old == nil && (!plain(f.Path) || len(w.tails) >= MaxTails) {
		return b
	}
	in, err := os.Open(f.Path)
	if err != nil {
		return b // read as it is, and told of there
	}
	defer in.Close()
	lines, size, err := measure(in, f, grows)
	if err != nil || !lines {
		if f.Size > 0 { // else it was cut off, and other lines will follow
			delete(w.tails, b.Key)
		}
		return b
	}
	t := &tail{Tail: state.Tail{Path: b.Key, Device: f.ID.Device, Inode: f.ID.Inode, Print: b.Print}}
	from := int64(0)
	switch continues := w.continued(in, f, files); {
	case continues != nil:
		t.Stream = continues.Stream
		if continues.Path != b.Key {
			t.Was = continues.Path
			delete(w.tails, continues.Path)
		}
		if size = max(size, continues.Size); size == continues.Size && b.Print != continues.Print {
			break // it did not grow and is not what it was
		}
		if n := continues.records.Load(); n >= 0 {
			from, b.From = continues.Size, n
		}
	case w.tails[b.Key] != nil: // another file has taken its place
		t.Stream = another(b.Key, &w.tails[b.Key].Tail)
	}
	t.Size = size
	if t.Head, t.End, err = ends(in, size); err != nil {
		return b
	}
	if t.Stream == "" {
		t.Stream = b.Key
	}
	t.records.Store(pending)
	w.follow(t)
	b.Size, b.Stream, b.Tail = size, t.Stream, &t.Tail
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

// continued returns the tail of which a file is the continuation, nil = none: that
// of the file itself, whatever its name was, or of one of its name that is not
// there any more. Both begin and end as what was read.
func (w *Watch) continued(in io.ReaderAt, f *file.File, files []file.File) *tail {
	fits := func(t *tail) bool {
		if t == nil || t.Size > f.Size {
			return false
		}
		head, end, err := ends(in, t.Size)
		return err == nil && head == t.Head && end == t.End
	}
	if t := w.byID[f.ID]; fits(t) {
		return t
	}
	t := w.tails[file.Absolute(f.Path)]
	if t == nil {
		return nil
	}
	if id := (file.ID{Device: t.Device, Inode: t.Inode}); id != f.ID {
		for i := range files {
			if files[i].ID == id {
				return nil // it was renamed
			}
		}
	}
	if fits(t) {
		return t
	}
	return nil
}

// another names the records of a file that took the place of one that was read, so
// that equal ones at the same places are told apart. The name is the same after a
// crash.
func another(path string, was *state.Tail) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d %d %d %d", was.Stream, was.Inode, was.Size, was.Head, was.End))
	return fmt.Sprintf("%s\n%x", path, h[:8])
}

// measure reports whether a file is lines of text, and where its last whole line
// ends. The last line of a file that does not grow is whole.
func measure(in io.ReaderAt, f *file.File, grows bool) (lines bool, size int64, err error) {
	head := make([]byte, 512)
	n, err := in.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return false, 0, err
	}
	head = bytes.TrimLeft(head[:n], " \t\r\n")
	if len(head) == 0 || head[0] != '{' || bytes.HasPrefix(head, []byte(`{"Records"`)) {
		return false, 0, nil // one document, or packed: never in part
	}
	if !grows {
		return true, f.Size, nil
	}
	size, err = lastLine(in, f.Size)
	return size > 0, size, err
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

// ends returns hashes of the first and the last of size bytes of a file, which stay
// the same across runs. Whoever writes the file must not find two that are equal.
func ends(in io.ReaderAt, size int64) (head, end uint64, err error) {
	if size == 0 {
		return 0, 0, nil
	}
	buf := make([]byte, min(size, endBytes))
	var sums [2]uint64
	for i, at := range []int64{0, size - int64(len(buf))} {
		if n, err := in.ReadAt(buf, at); n < len(buf) {
			return 0, 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
		sum := sha256.Sum256(buf)
		sums[i] = binary.LittleEndian.Uint64(sum[:])
	}
	return sums[0], sums[1], nil
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
	return &lines{event.NewDecoder(file.Counted(in, read), lim.Limits), f}, nil
}
