package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// compression is the gzip level of every file. Measured on such records, 6 packs a
// fifth tighter at half the speed; what lies between gains less than it costs.
const compression = gzip.BestSpeed

// sink is where files go, by their object key. It is safe for concurrent use
// and does not keep data.
type sink interface {
	put(object string, data []byte) error
}

// output makes the files of one worker and counts them.
type output struct {
	sink
	body   []byte // the log file in the making
	gz     *gzip.Writer
	packed bytes.Buffer

	events, records, pending, files, digests, duplicates, late int
	bytes, compressedBytes                                     int64
	first, last                                                int64
}

func newOutput(to sink) *output {
	gz, err := gzip.NewWriterLevel(nil, compression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &output{sink: to, gz: gz}
}

// begin returns the buffer that the next record of a log file is appended to.
func (o *output) begin() []byte {
	if len(o.body) == 0 {
		o.body = append(o.body, `{"Records":[`...)
	}
	return o.body
}

// log writes a log file, counts it and returns the SHA-256 of the body. The buffer is free again.
func (o *output) log(object string, body []byte) (string, error) {
	o.body = body[:0]
	sum := sha256.Sum256(body)
	size, err := o.compressed(object, body)
	if err != nil {
		return "", err
	}
	o.files++
	o.bytes += int64(len(body))
	o.compressedBytes += int64(size)
	return hex.EncodeToString(sum[:]), nil
}

// seen counts the records of a file that has been written.
func (o *output) seen(records int, oldest, newest int64) {
	if o.records == 0 {
		o.first, o.last = oldest, newest
	}
	o.first, o.last = min(o.first, oldest), max(o.last, newest)
	o.records += records
	o.events += o.pending
	o.pending = 0
}

// compressed writes the body gzipped and returns its compressed size.
func (o *output) compressed(object string, body []byte) (int, error) {
	o.packed.Reset()
	o.gz.Reset(&o.packed)
	if _, err := o.gz.Write(body); err != nil {
		return 0, err
	}
	if err := o.gz.Close(); err != nil {
		return 0, err
	}
	return o.packed.Len(), o.put(object, o.packed.Bytes())
}

// directory is a sink on disk.
type directory struct {
	root  string
	known sync.Map // folders that exist
}

// put writes the file under another name first, so that what bears the name is whole.
func (d *directory) put(object string, data []byte) error {
	name := filepath.Join(d.root, filepath.FromSlash(object))
	folder := filepath.Dir(name)
	if _, ok := d.known.Load(folder); !ok {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		d.known.Store(folder, true)
	}
	part := name + ".part"
	err := os.WriteFile(part, data, 0o600)
	if err == nil {
		err = os.Rename(part, name)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

func (o *output) addTo(s *Summary) {
	if o.records > 0 {
		first, last := time.Unix(o.first, 0).UTC(), time.Unix(o.last, 0).UTC()
		if s.First.IsZero() || first.Before(s.First) {
			s.First = first
		}
		if last.After(s.Last) {
			s.Last = last
		}
	}
	s.Events += o.events
	s.Files += o.files
	s.Digests += o.digests
	s.Duplicates += o.duplicates
	s.Late += o.late
	s.Bytes += o.bytes
	s.Compressed += o.compressedBytes
}
