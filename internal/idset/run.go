package idset

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
)

// A run is a file of sorted entries without duplicates: a header, the entries,
// a filter, and the first id and the checksum of each page.
type run struct {
	file   *os.File
	shape  shape
	count  int
	sum    uint32   // CRC of the entries
	filter filter   // nil = any id may be in the run
	first  []slot   // of each page
	sums   []uint32 // CRC of each page
	page   []byte
}

const (
	runMagic   = "btids\x00r3"
	headerSize = 48
	pageIDs    = 256
	pageSize   = slotSize + 4 // bytes held in memory per page
	// maxFiltered is the number of ids above which a run has no filter, so that
	// filters stay small however many ids there are. Each lookup then reads a
	// page.
	maxFiltered = 32 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (r *run) bytes() int { return len(r.filter) + pageSize*len(r.first) + pageIDs*int(r.shape) }

// has looks an id up; it reads at most one page.
func (r *run) has(s slot) (bool, error) {
	if r.filter != nil && !r.filter.has(s.hi, s.lo) {
		return false, nil
	}
	e := entry{hi: s.hi, lo: s.lo}
	at, exact := slices.BinarySearchFunc(r.first, e, func(f slot, e entry) int { return entry{hi: f.hi, lo: f.lo}.compare(e) })
	if exact {
		return true, nil
	}
	if at == 0 {
		return false, nil
	}
	from := (at - 1) * pageIDs
	n := min(pageIDs, r.count-from)
	size := int(r.shape)
	if r.page == nil {
		r.page = make([]byte, pageIDs*size)
	}
	page := r.page[:n*size]
	if _, err := r.file.ReadAt(page, headerSize+int64(from*size)); err != nil {
		return false, fmt.Errorf("cannot read known ids: %w", err)
	}
	if crc32.Checksum(page, castagnoli) != r.sums[at-1] {
		return false, damaged(r.file.Name(), "a checksum does not match")
	}
	lo, hi := 0, n
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := plain.read(page[mid*size:]).compare(e); {
		case c == 0:
			return true, nil
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false, nil
}

func (r *run) close() error { return r.file.Close() }

// openRun loads the part of a run that is held in memory.
func openRun(path string, s shape) (r *run, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read known ids: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	var h [headerSize]byte
	if _, err := io.ReadFull(f, h[:]); err != nil {
		return nil, damaged(path, "it is too short")
	}
	if string(h[:8]) != runMagic || crc32.Checksum(h[:headerSize-4], castagnoli) != binary.LittleEndian.Uint32(h[headerSize-4:]) {
		return nil, damaged(path, "its header is broken")
	}
	r = &run{file: f, shape: s, count: int(binary.LittleEndian.Uint64(h[8:])), sum: binary.LittleEndian.Uint32(h[16:])}
	filterLen, shapeOf := int(binary.LittleEndian.Uint64(h[24:])), shape(binary.LittleEndian.Uint32(h[32:]))
	pages := (r.count + pageIDs - 1) / pageIDs
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read known ids: %w", err)
	}
	body := int64(r.count) * int64(s)
	if shapeOf != s || r.count < 0 || filterLen < 0 || info.Size() != headerSize+body+int64(filterLen)+int64(pages)*pageSize {
		return nil, damaged(path, "its size is wrong")
	}
	rest := make([]byte, filterLen+pages*pageSize)
	if _, err := f.ReadAt(rest, headerSize+body); err != nil {
		return nil, fmt.Errorf("cannot read known ids: %w", err)
	}
	if crc32.Checksum(rest, castagnoli) != binary.LittleEndian.Uint32(h[20:]) {
		return nil, damaged(path, "a checksum does not match")
	}
	if filterLen > 0 {
		r.filter = filter(rest[:filterLen:filterLen])
	}
	r.first, r.sums = make([]slot, pages), make([]uint32, pages)
	for i := range r.first {
		of := rest[filterLen+i*pageSize:]
		e := plain.read(of)
		r.first[i], r.sums[i] = slot{e.hi, e.lo}, binary.LittleEndian.Uint32(of[slotSize:])
	}
	return r, nil
}

// runWriter writes a run. Entries are added in order; one with the same id as
// the last is dropped.
type runWriter struct {
	r    *run
	out  *bufio.Writer
	crc  uint32
	buf  []byte
	last entry
}

// newRunWriter writes to an empty file that must also be readable; most is the
// maximum number of entries.
func newRunWriter(f *os.File, s shape, most int) (*runWriter, error) {
	w := &runWriter{r: &run{file: f, shape: s}, out: bufio.NewWriterSize(f, 256<<10)}
	if most <= maxFiltered {
		w.r.filter = newFilter(most)
	}
	_, err := w.out.Write(make([]byte, headerSize))
	return w, err
}

func (w *runWriter) add(e entry) error {
	r := w.r
	if r.count > 0 && w.last.compare(e) == 0 {
		return nil
	}
	w.last = e
	if r.count%pageIDs == 0 {
		r.first, r.sums = append(r.first, slot{e.hi, e.lo}), append(r.sums, 0)
	}
	if r.filter != nil {
		r.filter.add(e.hi, e.lo)
	}
	r.count++
	w.buf = r.shape.append(w.buf[:0], e)
	w.crc = crc32.Update(w.crc, castagnoli, w.buf)
	page := &r.sums[len(r.sums)-1]
	*page = crc32.Update(*page, castagnoli, w.buf)
	_, err := w.out.Write(w.buf)
	return err
}

// finish completes the file and returns its run.
func (w *runWriter) finish() (*run, error) {
	r := w.r
	r.sum = w.crc
	rest := crc32.Checksum(r.filter, castagnoli)
	if _, err := w.out.Write(r.filter); err != nil {
		return nil, err
	}
	for i, s := range r.first {
		w.buf = plain.append(w.buf[:0], entry{hi: s.hi, lo: s.lo})
		w.buf = binary.LittleEndian.AppendUint32(w.buf, r.sums[i])
		rest = crc32.Update(rest, castagnoli, w.buf)
		if _, err := w.out.Write(w.buf); err != nil {
			return nil, err
		}
	}
	if err := w.out.Flush(); err != nil {
		return nil, err
	}
	h := []byte(runMagic)
	h = binary.LittleEndian.AppendUint64(h, uint64(r.count))
	h = binary.LittleEndian.AppendUint32(h, r.sum)
	h = binary.LittleEndian.AppendUint32(h, rest)
	h = binary.LittleEndian.AppendUint64(h, uint64(len(r.filter)))
	h = binary.LittleEndian.AppendUint32(h, uint32(r.shape))
	h = append(h, make([]byte, headerSize-4-len(h))...)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
	_, err := r.file.WriteAt(h, 0)
	return r, err
}

// cursor iterates over the entries of a run or of a sorted list.
type cursor struct {
	run  *run
	in   *bufio.Reader
	list []entry
	left int
	crc  uint32
	buf  [dated]byte
	at   entry
}

func (r *run) cursor() *cursor {
	return &cursor{run: r, left: r.count, in: bufio.NewReaderSize(io.NewSectionReader(r.file, headerSize, int64(r.count)*int64(r.shape)), 128<<10)}
}

// next moves to the next entry; false at the end.
func (c *cursor) next() (bool, error) {
	if c.run == nil {
		if len(c.list) == 0 {
			return false, nil
		}
		c.at, c.list = c.list[0], c.list[1:]
		return true, nil
	}
	if c.left == 0 {
		if c.crc != c.run.sum {
			return false, damaged(c.run.file.Name(), "a checksum does not match")
		}
		return false, nil
	}
	c.left--
	b := c.buf[:c.run.shape]
	if _, err := io.ReadFull(c.in, b); err != nil {
		return false, fmt.Errorf("cannot read known ids: %w", err)
	}
	c.crc = crc32.Update(c.crc, castagnoli, b)
	c.at = c.run.shape.read(b)
	return true, nil
}

// merge calls yield for the entries of all cursors in order, once per id.
func merge(cursors []*cursor, yield func(entry) error) error {
	var live []*cursor
	for _, c := range cursors {
		more, err := c.next()
		if err != nil {
			return err
		}
		if more {
			live = append(live, c)
		}
	}
	var last entry
	for some := false; len(live) > 0; {
		least := 0
		for i := 1; i < len(live); i++ {
			if live[i].at.compare(live[least].at) < 0 {
				least = i
			}
		}
		c := live[least]
		if !some || c.at.compare(last) != 0 {
			if err := yield(c.at); err != nil {
				return err
			}
		}
		some, last = true, c.at
		more, err := c.next()
		if err != nil {
			return err
		}
		if !more {
			live = slices.Delete(live, least, least+1)
		}
	}
	return nil
}

// mergeRuns merges the entries of runs into one run. keep, if set, filters
// them.
func mergeRuns(f *os.File, s shape, cursors []*cursor, most int, keep func(entry) bool) (*run, error) {
	w, err := newRunWriter(f, s, most)
	if err != nil {
		return nil, err
	}
	err = merge(cursors, func(e entry) error {
		if keep != nil && !keep(e) {
			return nil
		}
		return w.add(e)
	})
	if err != nil {
		return nil, err
	}
	return w.finish()
}

// fanIn is how many runs of similar size are merged into one.
const fanIn = 4

// mergeable returns how many runs at the end of the list to merge: the last
// fanIn if none of them is much larger than the newest.
func mergeable(runs []*run) int {
	if len(runs) < fanIn {
		return 0
	}
	tail := runs[len(runs)-fanIn:]
	if tail[0].count > 2*tail[fanIn-1].count {
		return 0
	}
	return fanIn
}

func closeRuns(runs []*run) (err error) {
	for _, r := range runs {
		err = errors.Join(err, r.close())
	}
	return err
}
