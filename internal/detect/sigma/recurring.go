package sigma

import (
	"strings"

	"bluetrail/internal/jsonscan"
)

// seenTexts remembers what slow tests say of the texts of a field that recur: who calls,
// from where and with what is the same for thousands of events.
type seenTexts struct {
	turn  uint64 // of record.reset in which last was looked up
	last  *seenText
	texts map[string]*seenText
}

// seenText is what is known of one text, a bit for each slot.
type seenText struct{ known, yes uint64 }

// Bounds of seenTexts, some 600 KB for each field.
const (
	maxSeen     = 2048
	maxSeenText = 256 // bytes
)

// remember makes r remember what slow tests say of a field.
func (r *record) remember(id int) {
	if r.texts == nil {
		r.texts = map[int]*seenTexts{}
	}
	if r.texts[id] == nil {
		r.texts[id] = &seenTexts{texts: map[string]*seenText{}}
	}
}

// verdicts returns what is known of the only value of a field, nil if nothing is remembered
// of it.
func (r *record) verdicts(id int, v *value) *seenText {
	s := r.texts[id]
	if s == nil || v.kind != jsonscan.String {
		return nil
	}
	if s.turn == r.turn {
		return s.last
	}
	text := v.plain()
	if len(text) > maxSeenText {
		return nil
	}
	s.turn, s.last = r.turn, s.texts[text]
	if s.last == nil {
		if len(s.texts) >= maxSeen {
			clear(s.texts)
		}
		s.last = &seenText{}
		s.texts[strings.Clone(text)] = s.last
	}
	return s.last
}

// holds returns the verdict of a test, which is made if it is not known.
func (s *seenText) holds(slot uint8, test func() bool) bool {
	bit := uint64(1) << slot
	if s.known&bit == 0 {
		s.known |= bit
		if test() {
			s.yes |= bit
		}
	}
	return s.yes&bit != 0
}
