package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

var (
	detector = NewExtractor([]string{"eventVersion", "eventSource", "eventName", "insightDetails.state", "eventCategory", "_time", "digestStartTime", "digestS3Bucket"})
	keyed    = NewExtractor([]string{"eventID"})
)

// Detect returns the sourcetype of a record: CloudTrail when it has the keys of
// a CloudTrail record, else JSON. A record that carries _time has been through
// another system and is taken as plain JSON.
func Detect(raw []byte) string {
	if bytes.HasPrefix(raw, []byte(`{"eventVersion":`)) && !bytes.Contains(raw, []byte(`"_time"`)) {
		return CloudTrail // as nearly all are
	}
	row := detector.NewRow()
	if detector.leaves(raw, row) != nil {
		return JSON
	}
	// _time brings the other time fields along, so cells are found by name.
	has := func(name string) bool { return row.cells[detector.leaf(name)].Set }
	switch {
	case has("_time"):
		return JSON
	case has("eventVersion"), has("eventSource") && has("eventName"), has("insightDetails.state") && has("eventCategory"):
		return CloudTrail
	}
	return JSON
}

// isDigest reports whether a document is a CloudTrail digest file.
func isDigest(raw []byte) bool {
	row := detector.NewRow()
	if detector.leaves(raw, row) != nil {
		return false
	}
	return row.cells[detector.leaf("digestStartTime")].Set && row.cells[detector.leaf("digestS3Bucket")].Set
}

// ID returns the 16 bytes that tell a record from all others, made from its
// eventID: a UUID's own bytes, a hash of any other text. ok is false for
// records without one.
func ID(raw []byte) (id [16]byte, ok bool) {
	row := keyed.NewRow()
	if keyed.leaves(raw, row) != nil || !row.cells[0].Set || row.cells[0].Many != nil {
		return id, false
	}
	return IDOf(row.cells[0].Text)
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
