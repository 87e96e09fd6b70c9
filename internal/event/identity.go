package event

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
)

// Identity is what has to be known about every ingested record.
type Identity struct {
	// ID distinguishes an event from all others. Records with equal IDs are
	// copies of one event, however they are written.
	ID [16]byte
	// Given: the ID follows from the record alone. For a record without eventID
	// it is false and ID is zero: only its position identifies such a record.
	Given      bool
	Time       int64  // unix nanoseconds, see TimeOf
	Timed      bool   // the record has its own time
	Sourcetype string // see Detect
	Kind       uint64 // a hash of eventSource and eventName
}

// aboutLeaves are the leaves that an identity is computed from: the time fields
// first, then those that distinguish CloudTrail records, then those of the ID.
var aboutLeaves = append(slices.Clone(timeFields),
	"eventVersion", "eventSource", "eventName", "insightDetails.state", "eventCategory", "eventType", "userIdentity.type", "userIdentity.accountId", "metadata.product.name", "class_uid",
	"eventID", "recipientAccountId", "eventId", "accountId", "addendum.reason", "addendum.updatedFields")

// The places of some leaves in aboutLeaves.
var (
	timeAbout       = aboutLeaf("eventTime")
	ownTimeAbout    = aboutLeaf(Time)
	versionAbout    = aboutLeaf("eventVersion")
	sourceAbout     = aboutLeaf("eventSource")
	nameAbout       = aboutLeaf("eventName")
	insightAbout    = aboutLeaf("insightDetails.state")
	categoryAbout   = aboutLeaf("eventCategory")
	typeAbout       = aboutLeaf("eventType")
	userTypeAbout   = aboutLeaf("userIdentity.type")
	callerAbout     = aboutLeaf("userIdentity.accountId")
	productAbout    = aboutLeaf("metadata.product.name")
	classAbout      = aboutLeaf("class_uid")
	idAbout         = aboutLeaf("eventID")
	recipientAbout  = aboutLeaf("recipientAccountId")
	sumIDAbout      = aboutLeaf("eventId")
	sumAccountAbout = aboutLeaf("accountId")
	reasonAbout     = aboutLeaf("addendum.reason")
	updatedAbout    = aboutLeaf("addendum.updatedFields")
)

func aboutLeaf(name string) int {
	i := slices.Index(aboutLeaves, name)
	if i < 0 {
		panic("no such leaf: " + name)
	}
	return i
}

var (
	identifier = NewIdentifier(nil)
	aboutRows  = sync.Pool{New: func() any { return identifier.NewRow() }}
)

// Identify determines a record's identity in one pass.
func Identify(raw []byte) (i Identity) {
	i.Sourcetype = JSON
	row := aboutRows.Get().(*Row)
	defer aboutRows.Put(row)
	if identifier.Read(raw, row) == nil {
		i = identifier.Identity(raw, row)
	}
	row.reset() // releases the record
	return i
}

// ID is Identify for callers that need only the ID.
func ID(raw []byte) (id [16]byte, ok bool) {
	i := Identify(raw)
	return i.ID, i.Given
}

// NewIdentifier returns an Extractor of fields like NewExtractor, which also
// determines the identity of records.
func NewIdentifier(fields []string) *Extractor {
	x := newExtractor()
	for _, f := range aboutLeaves {
		x.leaf(f)
	}
	return x.with(fields)
}

// Identity is Identify for the record whose leaves are in row, for an extractor
// made by NewIdentifier. Call it after Extract, or after a Decoder read the
// leaves.
func (x *Extractor) Identity(raw []byte, row *Row) Identity {
	return identify(raw, row.cells[:len(aboutLeaves)])
}

// OfTrail reports whether a record is CloudTrail's, as AWS delivered it or as another
// system passed it on. It is for an extractor made by NewIdentifier, as Identity is.
func (x *Extractor) OfTrail(row *Row) bool {
	c := row.cells[:len(aboutLeaves)]
	return c[nameAbout].Set || c[sourceAbout].Set || c[versionAbout].Set || sourcetypeOf(c) != JSON
}

// identify reads the cells of aboutLeaves.
func identify(raw []byte, c []Cell) (i Identity) {
	i.Time, i.Timed = timeIn(c)
	i.Sourcetype = sourcetypeOf(c)
	source, name := c[sourceAbout].first(), c[nameAbout].first()
	i.Kind = xxhash.Sum64String(source)*31 + xxhash.Sum64String(name)
	eventID, account := &c[idAbout], &c[recipientAbout]
	if !eventID.Set && c[typeAbout].first() == aggregatedType {
		eventID, account = &c[sumIDAbout], &c[sumAccountAbout]
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
		who = c[callerAbout].first()
	}
	var room [256]byte
	b := binary.LittleEndian.AppendUint64(room[:0], uint64(i.Time))
	for _, part := range [...]string{source, name, who} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	if c[reasonAbout].first() == updatedData {
		// An event delivered again because it changed is not a copy.
		b = append(append(b, 1), strings.Join(c[updatedAbout].values(), ",")...)
	}
	h := xxhash.Sum64(b)
	id := &i.ID
	binary.LittleEndian.PutUint64(id[:8], binary.LittleEndian.Uint64(uuid[:8])^h)
	binary.LittleEndian.PutUint64(id[8:], binary.LittleEndian.Uint64(uuid[8:])^h*0x9e3779b97f4a7c15)
	return i
}

// aggregatedType is the eventType of aggregated data events, which name their
// id eventId and their account accountId.
const aggregatedType = "AwsAggregatedEvent"

// updatedData is the addendum.reason of an event that replaces an earlier one.
const updatedData = "UPDATED_DATA"

// parseUUID parses a UUID. One whose digits are all equal is a redacted id and
// is rejected.
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
