package hunt

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// kept are the records that a search may use, put into packed files of a temporary
// folder by day of event time. It is safe for concurrent use.
type kept struct {
	dir  string
	room *room

	mu    sync.Mutex
	days  map[int64]*bytes.Buffer // not written yet
	files map[int64]bool          // days with a file
	hours map[int64]bool          // that hold some record
	held  int
	err   error // nothing is kept any more
}

// room is the disk space that all searches of a hunt share.
type room struct {
	mu   sync.Mutex
	left int64
}

var errRoom = errors.New("its records do not fit in the space for temporary files (search.disk_mib)")

// keptBuffer is how many bytes of records a search holds before they go to disk.
const keptBuffer = 1 << 20

const (
	hour = int64(time.Hour)
	day  = 24 * hour
)

func floor(ns, unit int64) int64 {
	n := ns / unit
	if ns%unit < 0 {
		n--
	}
	return n
}

func newKept(dir string, r *room) *kept {
	return &kept{dir: dir, room: r, days: map[int64]*bytes.Buffer{}, files: map[int64]bool{}, hours: map[int64]bool{}}
}

// add copies a record.
func (k *kept) add(raw []byte, at int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return
	}
	d := floor(at, day)
	buf := k.days[d]
	if buf == nil {
		buf = &bytes.Buffer{}
		k.days[d] = buf
	}
	buf.Write(raw)
	buf.WriteByte('\n')
	k.hours[floor(at, hour)] = true
	if k.held += len(raw); k.held >= keptBuffer {
		k.err = k.flush()
	}
}

// span widens the time range of the trail by hours outside of it that hold records,
// which are not the trail's. A range of zero times is empty.
func (k *kept) span(first, last time.Time) (time.Time, time.Time) {
	for h := range k.hours {
		from, to := time.Unix(0, h*hour).UTC(), time.Unix(0, (h+1)*hour-1).UTC()
		if first.IsZero() || to.Before(first) {
			first = from
		}
		if from.After(last) {
			last = to
		}
	}
	return first, last
}

// flush appends what is held to the files of its days, as a gzip member of its own.
func (k *kept) flush() error {
	for d, buf := range k.days {
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed) // the level is valid
		if _, err := z.Write(buf.Bytes()); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		k.room.mu.Lock()
		k.room.left -= int64(packed.Len())
		full := k.room.left < 0
		k.room.mu.Unlock()
		if full {
			return errRoom
		}
		f, err := os.OpenFile(k.path(d), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, &packed); err != nil {
			return errors.Join(err, f.Close())
		}
		if err := f.Close(); err != nil {
			return err
		}
		k.files[d] = true
	}
	clear(k.days)
	k.held = 0
	return nil
}

func (k *kept) path(d int64) string { return filepath.Join(k.dir, fmt.Sprintf("day%d.json.gz", d)) }

// finish writes what is still held. Nothing is added afterwards.
func (k *kept) finish() error {
	if k.err == nil {
		k.err = k.flush()
	}
	return k.err
}

// within returns the files with records from earliest to latest, nil if there is no
// record in the hours between. A zero time is open.
func (k *kept) within(earliest, latest time.Time) (paths []string) {
	in := func(n, unit int64) bool {
		return (earliest.IsZero() || n >= floor(earliest.UnixNano(), unit)) && (latest.IsZero() || n <= floor(latest.UnixNano()-1, unit))
	}
	some := false
	for h := range k.hours {
		if some = in(h, hour); some {
			break
		}
	}
	if !some {
		return nil
	}
	for d := range k.files {
		if in(d, day) {
			paths = append(paths, k.path(d))
		}
	}
	slices.Sort(paths)
	return paths
}
