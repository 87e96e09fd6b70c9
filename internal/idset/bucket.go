package idset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bluetrail/internal/tally"
)

// bucket holds the ids of one day, or all loose ids: a log that commits append
// to, and sorted runs of earlier log entries.
type bucket struct {
	dir   string
	name  string
	shape shape
	most  int // maximum number of entries in the log

	table   table // entries that are not in runs
	pending []entry
	cutting []entry // entries that a Cut makes durable
	runs    []*run  // oldest first
	seqs    []int   // file numbers of runs
	logged  int     // entries in the log
	size    int64   // bytes of the log
	used    int64
	held    int // bytes that the set accounts for it
}

const (
	logMagic  = "btids\x00l2"
	frameHead = 8
	// runIDs is how many ids the log may hold before they become a run.
	runIDs = 256 << 10
)

func (b *bucket) logPath() string { return filepath.Join(b.dir, b.name+".log") }

func (b *bucket) runPath(seq int) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s.%d.run", b.name, seq))
}

// load opens the files on disk. The runs have the given numbers in their names.
func (b *bucket) load(seqs []int) (err error) {
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, seq := range seqs {
		r, err := openRun(b.runPath(seq), b.shape)
		if err != nil {
			return err
		}
		b.runs, b.seqs = append(b.runs, r), append(b.seqs, seq)
	}
	entries, size, err := readLog(b.logPath(), b.shape)
	if err != nil {
		return err
	}
	b.logged, b.size = len(entries), size
	b.table.grow(len(entries) * 2)
	for _, e := range entries {
		b.table.add(slot{e.hi, e.lo})
	}
	return nil
}

// readLog returns the entries of a log up to a frame torn by a crash, and the
// size of that intact part.
func readLog(path string, s shape) (entries []entry, size int64, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) < len(logMagic) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read known ids: %w", err)
	}
	if bytes.Count(data[:len(logMagic)], []byte{0}) == len(logMagic) { // a crash left allocated space that was never written
		return nil, 0, nil
	}
	if string(data[:len(logMagic)]) != logMagic {
		return nil, 0, damaged(path, "its first bytes are wrong")
	}
	at := len(logMagic)
	for at+frameHead <= len(data) {
		n := int(binary.LittleEndian.Uint32(data[at:]))
		end := at + frameHead + n*int(s)
		if n == 0 || end > len(data) || crc32.Checksum(data[at+frameHead:end], castagnoli) != binary.LittleEndian.Uint32(data[at+4:]) {
			break
		}
		for i := at + frameHead; i < end; i += int(s) {
			entries = append(entries, s.read(data[i:]))
		}
		at = end
	}
	return entries, int64(at), nil
}

func (b *bucket) has(s slot) (bool, error) {
	if b.table.has(s) {
		return true, nil
	}
	for i := len(b.runs) - 1; i >= 0; i-- {
		if found, err := b.runs[i].has(s); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// clean reports whether all entries are durable.
func (b *bucket) clean() bool { return len(b.pending) == 0 && b.cutting == nil }

// append writes the cut entries after the intact part of the log. The caller
// syncs and closes the returned file.
func (b *bucket) append() (f *os.File, made bool, err error) {
	f, err = os.OpenFile(b.logPath(), os.O_WRONLY, 0)
	if made = errors.Is(err, fs.ErrNotExist); made {
		f, err = os.OpenFile(b.logPath(), os.O_WRONLY|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, made, err
	}
	buf := make([]byte, 0, len(logMagic)+frameHead+len(b.cutting)*int(b.shape))
	if b.size == 0 {
		buf = append(buf, logMagic...)
	}
	head := len(buf)
	buf = append(buf, make([]byte, frameHead)...)
	for _, e := range b.cutting {
		buf = b.shape.append(buf, e)
	}
	binary.LittleEndian.PutUint32(buf[head:], uint32(len(b.cutting)))
	binary.LittleEndian.PutUint32(buf[head+4:], crc32.Checksum(buf[head+frameHead:], castagnoli))
	// Leftovers of an earlier attempt must not follow the new frame.
	if err = f.Truncate(b.size); err == nil {
		_, err = f.WriteAt(buf, b.size)
	}
	if err != nil {
		f.Close()
		return nil, made, err
	}
	return f, made, nil
}

// written records that what append wrote is durable.
func (b *bucket) written() {
	if b.size == 0 {
		b.size = int64(len(logMagic))
	}
	b.size += int64(frameHead + len(b.cutting)*int(b.shape))
	b.logged += len(b.cutting)
}

// settled holds the new files of a bucket while others read the old ones.
type settled struct {
	runs    []*run
	seqs    []int
	dead    []*run // to be closed
	emptied bool   // the log's entries are in runs
}

// settle turns a long log into a run, and merges runs. A crash in between
// leaves entries in two places, which is harmless.
func (b *bucket) settle(to *settled) error {
	if b.logged < b.most {
		return nil
	}
	entries, _, err := readLog(b.logPath(), b.shape)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, entry.compare)
	r, seq, err := b.writeRun(to.seqs, []*cursor{{list: entries}}, len(entries), nil)
	if err != nil {
		return err
	}
	to.runs, to.seqs = append(to.runs, r), append(to.seqs, seq)
	if err := os.Truncate(b.logPath(), 0); err != nil {
		return err
	}
	b.logged, b.size, to.emptied = 0, 0, true
	for n := mergeable(to.runs); n > 0; n = mergeable(to.runs) {
		if err := b.mergeLast(to, n); err != nil {
			return err
		}
	}
	return nil
}

// mergeLast merges the last n runs into one.
func (b *bucket) mergeLast(to *settled, n int) error {
	from := len(to.runs) - n
	most := 0
	var cursors []*cursor
	for _, r := range to.runs[from:] {
		most += r.count
		cursors = append(cursors, r.cursor())
	}
	r, seq, err := b.writeRun(to.seqs, cursors, most, nil)
	if err != nil {
		return err
	}
	to.dead = append(to.dead, to.runs[from:]...)
	seqs := slices.Clone(to.seqs[from:])
	to.runs, to.seqs = append(to.runs[:from], r), append(to.seqs[:from], seq)
	for _, seq := range seqs {
		err = errors.Join(err, os.Remove(b.runPath(seq)))
	}
	return err
}

// install replaces the bucket's files with the settled ones.
func (b *bucket) install(from *settled) error {
	b.runs, b.seqs = from.runs, from.seqs
	if from.emptied {
		b.table = table{}
		for _, e := range b.pending {
			b.table.add(slot{e.hi, e.lo})
		}
	}
	return closeRuns(from.dead)
}

// writeRun durably writes a run with the number after seqs.
func (b *bucket) writeRun(seqs []int, cursors []*cursor, most int, keep func(entry) bool) (r *run, seq int, err error) {
	seq = 1
	if len(seqs) > 0 {
		seq = slices.Max(seqs) + 1
	}
	tmp := b.runPath(seq) + tmpSuffix
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(tmp)
		}
	}()
	if r, err = mergeRuns(f, b.shape, cursors, most, keep); err != nil {
		return nil, 0, err
	}
	if err = f.Sync(); err != nil {
		return nil, 0, err
	}
	if err = os.Rename(tmp, b.runPath(seq)); err != nil {
		return nil, 0, err
	}
	return r, seq, syncDir(b.dir)
}

// forget drops the committed entries that drop selects and counts the others.
func (b *bucket) forget(drop func(entry) bool) (left tally.Tally, err error) {
	entries, _, err := readLog(b.logPath(), b.shape)
	if err != nil {
		return left, err
	}
	slices.SortFunc(entries, entry.compare)
	cursors := []*cursor{{list: entries}}
	most := len(entries)
	for _, r := range b.runs {
		cursors = append(cursors, r.cursor())
		most += r.count
	}
	r, seq, err := b.writeRun(b.seqs, cursors, most, func(e entry) bool {
		if drop(e) {
			return false
		}
		left.Add(e.id())
		return true
	})
	if err != nil {
		return left, err
	}
	err = closeRuns(b.runs)
	for _, old := range b.seqs {
		err = errors.Join(err, os.Remove(b.runPath(old)))
	}
	b.runs, b.seqs = []*run{r}, []int{seq}
	if terr := os.Truncate(b.logPath(), 0); !errors.Is(terr, fs.ErrNotExist) {
		err = errors.Join(err, terr)
	}
	b.table, b.logged, b.size = table{}, 0, 0
	return left, errors.Join(err, syncDir(b.dir))
}

// each calls yield once for each committed entry.
func (b *bucket) each(yield func(entry) error) error {
	entries, _, err := readLog(b.logPath(), b.shape)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, entry.compare)
	cursors := []*cursor{{list: entries}}
	for _, r := range b.runs {
		cursors = append(cursors, r.cursor())
	}
	return merge(cursors, yield)
}

// count returns the number of committed entries; after a crash some may be
// counted twice.
func (b *bucket) count() int64 {
	n := b.logged
	for _, r := range b.runs {
		n += r.count
	}
	return int64(n)
}

func (b *bucket) bytes() int {
	n := b.table.bytes()
	for _, r := range b.runs {
		n += r.bytes()
	}
	return n
}

func (b *bucket) close() error {
	err := closeRuns(b.runs)
	b.runs = nil
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
