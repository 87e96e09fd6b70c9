package event

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// Identity is what has to be known of every record that is taken in.
type Identity struct {
	// ID tells an event from all others. Records with equal IDs are copies of one
	// event, however they are written.
	ID [16]byte
	// Given: the ID follows from the record alone. It is not set, and ID is zero,
	// for a record without eventID: that is known only by where it stands.
	Given      bool
	Time       int64  // unix nanoseconds, see TimeOf
	Timed      bool   // the record tells its time
	Sourcetype string // see Detect
	Kind       uint64 // a hash of eventSource and eventName
}

// identityLeaves are what an identity is made of, behind the fields of times and
// of marking.
var identityLeaves = []string{"eventID", "recipientAccountId", "eventId", "accountId", "eventType", "addendum.reason", "addendum.updatedFields"}

var (
	identifier = NewExtractor(nil).Identifying()
	aboutRows  = sync.Pool{New: func() any { return identifier.NewRow() }}
)

// Identify finds out what a record is, in one reading of it.
func Identify(raw []byte) (i Identity) {
	i.Sourcetype = JSON
	row := aboutRows.Get().(*Row)
	defer aboutRows.Put(row)
	if identifier.leaves(raw, row) == nil {
		i = identifier.Identity(raw, row)
	}
	row.reset() // holds on to no record
	clear(row.about)
	return i
}

// ID is Identify for who needs no more than the ID.
func ID(raw []byte) (id [16]byte, ok bool) {
	i := Identify(raw)
	return i.ID, i.Given
}

// Identifying makes the extractor find out the identity of records, too.
func (x *Extractor) Identifying() *Extractor {
	for _, f := range slices.Concat(timeFields, marking, identityLeaves) {
		x.identity = append(x.identity, x.leaf(f))
	}
	return x
}

// Identity is Identify for the record that row was extracted from last, by an
// extractor that is Identifying.
func (x *Extractor) Identity(raw []byte, row *Row) Identity {
	row.about = row.about[:0]
	for _, cell := range x.identity {
		row.about = append(row.about, row.cells[cell])
	}
	return identify(raw, row.about)
}

// identify reads the cells of the time fields, of marking and of identityLeaves.
func identify(raw []byte, c []Cell) (i Identity) {
	times, marks, c := c[:len(timeFields)], c[len(timeFields):len(timeFields)+len(marking)], c[len(timeFields)+len(marking):]
	i.Time, i.Timed = timeIn(times)
	i.Sourcetype = sourcetypeOf(marks, times[ownTime].Set)
	source, name := &marks[sourceMark], &marks[nameMark]
	i.Kind = xxhash.Sum64String(source.first())*31 + xxhash.Sum64String(name.first())
	eventID, account := &c[0], &c[1]
	if !eventID.Set && c[4].first() == aggregatedType {
		eventID, account = &c[2], &c[3]
	}
	if !eventID.Set || eventID.first() == "" {
		return i
	}
	i.Given = true
	uuid, ok := parseUUID(eventID.Text)
	if !ok || eventID.Many != nil {
		i.ID = contentID(raw)
		return i
	}
	who := account.first()
	if who == "" {
		who = marks[callerMark].first()
	}
	var room [256]byte
	b := binary.LittleEndian.AppendUint64(room[:0], uint64(i.Time))
	for _, part := range [...]string{source.first(), name.first(), who} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	if c[5].first() == updatedData {
		// An event that is delivered again because it has changed is no copy.
		b = append(append(b, 1), strings.Join(c[6].values(), ",")...)
	}
	h := xxhash.Sum64(b)
	id := &i.ID
	binary.LittleEndian.PutUint64(id[:8], binary.LittleEndian.Uint64(uuid[:8])^h)
	binary.LittleEndian.PutUint64(id[8:], binary.LittleEndian.Uint64(uuid[8:])^h*0x9e3779b97f4a7c15)
	return i
}

// aggregatedType is the eventType of sums of data events, which call their id
// eventId and their account accountId.
const aggregatedType = "AwsAggregatedEvent"

// updatedData is the addendum.reason of an event that replaces an earlier one.
const updatedData = "UPDATED_DATA"

var (
	ownTime    = slices.Index(timeFields, Time)
	sourceMark = slices.Index(marking, "eventSource")
	nameMark   = slices.Index(marking, "eventName")
	callerMark = slices.Index(marking, "userIdentity.accountId")
)

// parseUUID reads a UUID; one whose digits are all alike stands for an id that
// was taken out, and is none.
func parseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	var digits [32]byte
	copy(digits[0:], s[0:8])
	copy(digits[8:], s[9:13])
	copy(digits[12:], s[14:18])
	copy(digits[16:], s[19:23])
	copy(digits[20:], s[24:36])
	if _, err := hex.Decode(id[:], digits[:]); err != nil {
		return id, false
	}
	for _, d := range digits {
		if d != digits[0] {
			return id, true
		}
	}
	return id, false
}
