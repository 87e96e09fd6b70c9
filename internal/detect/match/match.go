// Package match holds what rules see of the trail: matches, not events. The
// stateless part of the rules turns an event into a Match; whatever has state works
// on matches in event-time order. So files can be read in parallel and in any order.
package match

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// Match is one event that at least one rule matches, reduced to what findings show
// and stateful rules ask for: some hundred bytes.
type Match struct {
	Time    int64    // event time, unix nanoseconds
	Arrival int64    // unix nanoseconds; 0 where events do not arrive, as in files
	ID      [16]byte // of the event; see event.Identity. A hash of the record if it has no eventID
	Rules   []int32  // positions of the rules in their ruleset, ascending
	Event   Event
	Caller  string  // who called, see identity.Caller; opaque here
	Values  []Value // fields that the rules want, ascending by Field
}

// Event is what a finding shows of an event. Everything in it was written by whoever
// made the call.
type Event struct {
	ID        string `json:"event_id"` // eventID, "" = none
	Name      string `json:"event_name"`
	Source    string `json:"event_source"`
	Account   string `json:"account"` // recipientAccountId
	Region    string `json:"region"`
	SourceIP  string `json:"source_ip"`
	UserAgent string `json:"user_agent"`
	User      string `json:"user"` // userIdentity.arn, or what the record has instead
	ErrorCode string `json:"error_code"`
	Outcome   string `json:"outcome"` // success, denied or error
	Object    string `json:"object"`  // what was acted on
	File      string `json:"file"`    // where the record lies; "" = in the store
}

func (e *Event) texts() [12]*string {
	return [...]*string{&e.ID, &e.Name, &e.Source, &e.Account, &e.Region, &e.SourceIP, &e.UserAgent, &e.User, &e.ErrorCode, &e.Outcome, &e.Object, &e.File}
}

// Value is a field's values in an event.
type Value struct {
	Field int32 // position in the list of wanted fields of the ruleset
	Texts []string
}

// Of returns the values of a wanted field, nil if the event has none.
func (m *Match) Of(field int32) []string {
	if i, ok := slices.BinarySearchFunc(m.Values, field, func(v Value, f int32) int { return cmp.Compare(v.Field, f) }); ok {
		return m.Values[i].Texts
	}
	return nil
}

// Compare orders matches by event time; the ID decides between events of one time.
func Compare(a, b *Match) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.ID[:], b.ID[:]))
}

// Append appends the encoded match to dst.
func (m *Match) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Time))
	dst = append(dst, m.ID[:]...)
	dst = binary.AppendVarint(dst, m.Arrival)
	dst = binary.AppendUvarint(dst, uint64(len(m.Rules)))
	for _, r := range m.Rules {
		dst = binary.AppendUvarint(dst, uint64(r))
	}
	for _, t := range m.Event.texts() {
		dst = appendText(dst, *t)
	}
	dst = appendText(dst, m.Caller)
	dst = binary.AppendUvarint(dst, uint64(len(m.Values)))
	for _, v := range m.Values {
		dst = binary.AppendUvarint(dst, uint64(v.Field))
		dst = binary.AppendUvarint(dst, uint64(len(v.Texts)))
		for _, t := range v.Texts {
			dst = appendText(dst, t)
		}
	}
	return dst
}

// size returns a bound on the length of the encoded match, by Append or in a Log.
func (m *Match) size() int {
	const number = binary.MaxVarintLen64
	n := 24 + number*(6+len(m.Rules)) + len(m.Caller)
	for _, t := range m.Event.texts() {
		n += 2*number + len(*t)
	}
	for _, v := range m.Values {
		n += 2 * number
		for _, t := range v.Texts {
			n += 2*number + len(t)
		}
	}
	return n
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// ErrEncoding reports bytes that Append did not write.
var ErrEncoding = errors.New("damaged match")

// Decode sets m to an encoded match. The texts of m do not share data.
func (m *Match) Decode(data []byte) error {
	if len(data) < 24 {
		return ErrEncoding
	}
	m.Time = int64(binary.BigEndian.Uint64(data))
	copy(m.ID[:], data[8:])
	r := reader{text: string(data[24:])}
	m.Arrival = r.varint()
	m.Rules = make([]int32, r.length())
	for i := range m.Rules {
		m.Rules[i] = int32(r.uvarint())
	}
	for _, t := range m.Event.texts() {
		*t = r.string()
	}
	m.Caller = r.string()
	m.Values = make([]Value, r.length())
	for i := range m.Values {
		m.Values[i].Field = int32(r.uvarint())
		m.Values[i].Texts = make([]string, r.length())
		for j := range m.Values[i].Texts {
			m.Values[i].Texts[j] = r.string()
		}
	}
	if r.bad || r.text != "" {
		return ErrEncoding
	}
	return nil
}

// reader takes an encoding apart. After a fault it returns zeros.
type reader struct {
	text string
	bad  bool
}

func (r *reader) uvarint() uint64 {
	n := uint64(0)
	for shift := 0; shift < 64; shift += 7 {
		if r.text == "" {
			break
		}
		b := r.text[0]
		r.text = r.text[1:]
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n
		}
	}
	r.bad, r.text = true, ""
	return 0
}

func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// length reads how many things follow, each of at least a byte.
func (r *reader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.text)) {
		r.bad, r.text = true, ""
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.length()
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}
