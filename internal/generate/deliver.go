package generate

import (
	"fmt"
	"time"
)

// mostRecords is how many records a log file holds before another is begun for
// the same five minutes. It also bounds the time between two looks at the context.
const mostRecords = 10_000

// folders are where the files lie that CloudTrail delivers, by what they hold.
var folders = []string{"CloudTrail", "CloudTrail-Insight", "CloudTrail-Aggregated"}

func (s *scene) folder() string {
	if s.apart != nil {
		return s.apart.folder()
	}
	return folders[0]
}

// deliver writes what the lane delivers for one slot: the slot's events but for
// those held back, those held back before, and what is repeated. There is no file
// if there is nothing. Each of folders has files of its own.
func (w *writer) deliver(out *output, l *lane, c cell, folder string) ([]logFile, error) {
	f := &delivery{writer: w, out: out, lane: l, cell: c, folder: folder}
	if folder == folders[0] {
		n := w.trail.noise(c)
		held, _ := w.trail.held(c)
		if err := f.noise(n, 0, int(n.count)-held); err != nil {
			return nil, err
		}
		for _, delay := range delays {
			if err := f.belated(cell{c.lane, c.slot - delay}, delay); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range w.trail.delivered[c] {
		if s.folder() != folder {
			continue
		}
		if int((s.call.time-w.trail.first)/slot) != c.slot {
			out.late++
		}
		if err := f.add(s.record(out.begin()), s.call.time, false); err != nil {
			return nil, err
		}
	}
	return f.files, f.close()
}

// delivery is the log files of one slot in the making.
type delivery struct {
	writer         *writer
	out            *output
	lane           *lane
	cell           cell
	folder         string
	records        int // in the file at hand
	oldest, newest int64
	files          []logFile
}

func (f *delivery) noise(n *noise, from, to int) error {
	for i := from; i < to; i++ {
		b, at := n.append(f.out.begin(), i)
		if err := f.add(b, at, false); err != nil {
			return err
		}
	}
	return nil
}

// belated adds what an earlier slot left to be delivered, or delivers twice, in this one.
func (f *delivery) belated(earlier cell, delay int) error {
	if earlier.slot < 0 {
		return nil
	}
	t := f.writer.trail
	if held, late := t.held(earlier); held > 0 && late == delay {
		n := t.noise(earlier)
		if err := f.noise(n, int(n.count)-held, int(n.count)); err != nil {
			return err
		}
		f.out.late += held
	}
	if again, late := t.repeated(earlier); again > 0 && late == delay {
		n := t.noise(earlier)
		for i := range again {
			b, at := n.append(f.out.begin(), i)
			if err := f.add(b, at, true); err != nil {
				return err
			}
		}
		f.out.duplicates += again
	}
	return nil
}

// add takes the output's buffer back with one record more.
func (f *delivery) add(b []byte, at int64, repeated bool) error {
	f.out.body = append(b, ',')
	if f.records == 0 {
		f.oldest, f.newest = at, at
	}
	f.oldest, f.newest = min(f.oldest, at), max(f.newest, at)
	f.records++
	f.out.pending++
	if repeated {
		f.out.pending--
	}
	if f.records == mostRecords {
		return f.close()
	}
	return nil
}

// close writes the file at hand, unless it is empty.
func (f *delivery) close() error {
	if err := f.writer.ctx.Err(); err != nil || f.records == 0 {
		return err
	}
	t, l := f.writer.trail, f.lane
	folder := f.folder
	// Delivered about five minutes after the slot's end; names count whole minutes.
	when := time.Unix(t.first+int64(f.cell.slot+2)*slot, 0).UTC()
	suffix := mix(t.seed, hashText(folder), uint64(l.index), uint64(f.cell.slot), uint64(len(f.files)))
	object := fmt.Sprintf("AWSLogs/%s/%s/%s/%s/%s/%s_%s_%s_%s_%s.json.gz", t.org.id, l.account.id, folder, l.region, when.Format("2006/01/02"),
		l.account.id, folder, l.region, when.Format("20060102T1504Z"), appendLetters(nil, suffix, 16))
	body := f.out.body
	body[len(body)-1] = ']'
	hash, err := f.out.log(object, append(body, '}'))
	if err != nil {
		return err
	}
	f.out.seen(f.records, f.oldest, f.newest)
	f.files = append(f.files, logFile{Bucket: t.org.bucket, Object: object, Hash: hash, Algorithm: "SHA-256",
		NewestEvent: time.Unix(f.newest, 0).UTC().Format(timeFormat), OldestEvent: time.Unix(f.oldest, 0).UTC().Format(timeFormat)})
	f.records = 0
	return nil
}

// appendLetters appends n letters and digits, as end the names of log files.
func appendLetters(b []byte, h uint64, n int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	r := random{h}
	for range n {
		b = append(b, letters[r.below(uint64(len(letters)))])
	}
	return b
}
