package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

var (
	detector = newReader("eventVersion", "eventSource", "eventName", "insightDetails.state", "eventCategory", "_time", "digestStartTime", "digestS3Bucket")
	keyed    = newReader("eventID")
)

// reader reads a few leaves with rows that are used again. Fields are found by
// cell: a _time among them would bring others along.
type reader struct {
	*Extractor
	rows sync.Pool
}

func newReader(leaves ...string) *reader {
	r := &reader{Extractor: NewExtractor(nil)}
	for _, l := range leaves {
		r.leaf(l)
	}
	r.rows.New = func() any { return r.NewRow() }
	return r
}

// read calls use with the cells of raw's leaves, in the order of newReader;
// with none when raw is no JSON object.
func (r *reader) read(raw []byte, use func(cells []Cell)) {
	row := r.rows.Get().(*Row)
	defer r.rows.Put(row)
	if r.leaves(raw, row) == nil {
		use(row.cells)
	}
	row.reset() // holds on to no record
}

// Detect returns the sourcetype of a record: CloudTrail when it has the keys of
// a CloudTrail record, else JSON. A record that carries _time has been through
// another system and is taken as plain JSON.
func Detect(raw []byte) string {
	if bytes.HasPrefix(raw, []byte(`{"eventVersion":`)) && !bytes.Contains(raw, []byte(`"_time"`)) {
		return CloudTrail // as nearly all are
	}
	sourcetype := JSON
	detector.read(raw, func(c []Cell) {
		version, source, name, insight, category, time := c[0].Set, c[1].Set, c[2].Set, c[3].Set, c[4].Set, c[5].Set
		if !time && (version || source && name || insight && category) {
			sourcetype = CloudTrail
		}
	})
	return sourcetype
}

// isDigest reports whether a document is a CloudTrail digest file.
func isDigest(raw []byte) (is bool) {
	detector.read(raw, func(c []Cell) { is = c[6].Set && c[7].Set })
	return is
}

// ID returns the 16 bytes that tell a record from all others, made from its
// eventID: a UUID's own bytes, a hash of any other text. ok is false for
// records without one.
func ID(raw []byte) (id [16]byte, ok bool) {
	keyed.read(raw, func(c []Cell) {
		if c[0].Set && c[0].Many == nil {
			id, ok = IDOf(c[0].Text)
		}
	})
	return id, ok
}

// IDOf is ID for an eventID at hand; ok is false for an empty one.
func IDOf(eventID string) (id [16]byte, ok bool) {
	if eventID == "" {
		return id, false
	}
	if len(eventID) == 36 && eventID[8] == '-' && eventID[13] == '-' && eventID[18] == '-' && eventID[23] == '-' {
		var digits [32]byte
		copy(digits[0:], eventID[0:8])
		copy(digits[8:], eventID[9:13])
		copy(digits[12:], eventID[14:18])
		copy(digits[16:], eventID[19:23])
		copy(digits[20:], eventID[24:36])
		if _, err := hex.Decode(id[:], digits[:]); err == nil {
			return id, true
		}
	}
	sum := sha256.Sum256([]byte(eventID))
	copy(id[:], sum[:])
	return id, true
}
