package match

import (
	"encoding/binary"
	"strings"
)

// texts are the texts that a log has already met, so that each is kept once: who calls,
// from where and with what is the same for thousands of matches.
type texts struct {
	at    map[string]uint32
	list  []string
	last  [packed]uint32 // where each text of the match before is, plus 1
	size  int64
	limit int64
}

const (
	packed   = 11 // texts of a match that are looked up
	textSize = 64 // bytes of a text beside its own
	maxText  = 4 << 10
)

func newTexts(limit int64) *texts { return &texts{at: map[string]uint32{}, limit: limit} }

// append appends a text, or where it is. kind says which text of a match it is; texts
// of kind packed are not remembered.
func (t *texts) append(dst []byte, kind int, s string) []byte {
	if kind < packed {
		if i := t.last[kind]; i > 0 && t.list[i-1] == s {
			return binary.AppendUvarint(dst, uint64(i))
		}
	}
	i, known := t.at[s]
	if !known {
		if size := int64(len(s)) + textSize; kind < packed && len(s) <= maxText && t.size+size <= t.limit {
			s = strings.Clone(s)
			i, known = uint32(len(t.list)), true
			t.at[s] = i
			t.list = append(t.list, s)
			t.size += size
		}
	}
	if !known {
		return appendText(append(dst, 0), s)
	}
	if kind < packed {
		t.last[kind] = i + 1
	}
	return binary.AppendUvarint(dst, uint64(i)+1)
}

// repeated are the texts of an event that are mostly those of others, too.
func (e *Event) repeated() [packed - 1]*string {
	return [...]*string{&e.Name, &e.Source, &e.Account, &e.Region, &e.SourceIP, &e.UserAgent, &e.User, &e.ErrorCode, &e.Outcome, &e.File}
}

// pack appends a match as the log keeps it.
func (l *Log) pack(dst []byte, m *Match) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Time))
	dst = append(dst, m.ID[:]...)
	dst = binary.AppendUvarint(dst, uint64(l.number))
	dst = binary.AppendVarint(dst, m.Arrival)
	dst = binary.AppendUvarint(dst, uint64(len(m.Rules)))
	for _, r := range m.Rules {
		dst = binary.AppendUvarint(dst, uint64(r))
	}
	for kind, t := range m.Event.repeated() {
		dst = l.texts.append(dst, kind, *t)
	}
	dst = l.texts.append(dst, packed-1, m.Caller)
	dst = appendText(dst, m.Event.ID)
	dst = l.texts.append(dst, packed, m.Event.Object)
	dst = binary.AppendUvarint(dst, uint64(len(m.Values)))
	for _, v := range m.Values {
		dst = binary.AppendUvarint(dst, uint64(v.Field))
		dst = binary.AppendUvarint(dst, uint64(len(v.Texts)))
		for _, t := range v.Texts {
			dst = l.texts.append(dst, packed, t)
		}
	}
	return dst
}

// sized returns n elements: those of room, if it is large enough.
func sized[T any](room []T, n int) []T {
	if n > len(room) {
		return make([]T, n)
	}
	return room[:n:n]
}

// unpack sets m to a match of one of the logs. Its texts are shared with other matches.
func (r *Reader) unpack(data string, m *Match) error {
	if len(data) < 24 {
		return ErrEncoding
	}
	m.Time = r.last.time
	copy(m.ID[:], data[8:])
	in := reader{text: data[24:]}
	known := &texts{}
	if n := in.uvarint(); n < uint64(len(r.texts)) && r.texts[n] != nil {
		known = r.texts[n]
	}
	text := func() string {
		switch i := in.uvarint(); {
		case i == 0:
			return in.string()
		case i <= uint64(len(known.list)):
			return known.list[i-1]
		}
		in.bad = true
		return ""
	}
	m.Arrival = in.varint()
	room := &struct {
		rules  [4]int32
		values [2]Value
		texts  [3]string
	}{}
	texts := room.texts[:]
	m.Rules = sized(room.rules[:], in.length())
	for i := range m.Rules {
		m.Rules[i] = int32(in.uvarint())
	}
	for _, t := range m.Event.repeated() {
		*t = text()
	}
	m.Caller = text()
	m.Event.ID, m.Event.Object = in.string(), text()
	m.Values = sized(room.values[:], in.length())
	for i := range m.Values {
		m.Values[i].Field = int32(in.uvarint())
		n := in.length()
		m.Values[i].Texts = sized(texts, n)
		texts = texts[min(n, len(texts)):]
		for j := range m.Values[i].Texts {
			m.Values[i].Texts[j] = text()
		}
	}
	if in.bad || in.text != "" {
		return ErrEncoding
	}
	return nil
}
