package judge

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/klauspost/compress/s2"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
)

// A match waits behind the horizon of several units, and thousands arrive with a commit.
// So those that arrive together are stored together, in parcels: they have most of their
// texts in common, and they are folded at about the same time, because the horizon
// follows arrival. A parcel is written again when some of its matches have been folded.

// Bounds of a parcel: one that is full is written again for each commit that folds a
// part of it.
const (
	parcelMatches = 64
	parcelBytes   = 1 << 20 // a last match may exceed it
)

// parcel is matches that are stored as one row.
type parcel struct {
	number  int64
	entries []*entry
	changed bool // since it was written
}

// WaitingRow is a parcel of matches behind the horizon, as a database keeps it.
type WaitingRow struct {
	Number int64
	Body   []byte // nil = delete the row
}

// The first byte of a row says what it holds.
const (
	ofParcel = 'p'
	ofMatch  = '1' // one match of one unit, as versions before wrote them
)

// savedParcel is the part of a parcel that its matches refer to.
type savedParcel struct {
	Units []savedPlace  `json:"units"`
	Who   []finding.Who `json:"who"`
	names
}

// savedPlace names a unit.
type savedPlace struct {
	Name  []byte `json:"name"`
	Print string `json:"print"`
}

// rewrite notes that the row of an entry is out of date.
func (r *Replayer) rewrite(en *entry) {
	if p := en.parcel; p != nil && !p.changed {
		p.changed = true
		r.changed = append(r.changed, p)
	}
}

// waitingRows tells which parcels have to be written.
func (r *Replayer) waitingRows() (rows []WaitingRow) {
	for _, n := range r.obsolete {
		rows = append(rows, WaitingRow{Number: n})
	}
	r.obsolete = r.obsolete[:0]
	w := newParcelWriter(r)
	for _, p := range r.changed {
		p.changed = false
		p.entries = slices.DeleteFunc(p.entries, (*entry).done)
		rows = append(rows, w.row(p))
	}
	clear(r.changed)
	r.changed = r.changed[:0]
	fresh := slices.DeleteFunc(r.fresh, (*entry).done)
	for len(fresh) > 0 {
		p := &parcel{number: r.next}
		r.next++
		for len(fresh) > 0 && len(p.entries) < parcelMatches && len(w.matches) < parcelBytes {
			fresh[0].parcel = p
			p.entries = append(p.entries, fresh[0])
			w.add(fresh[0])
			fresh = fresh[1:]
		}
		rows = append(rows, WaitingRow{p.number, w.take()})
	}
	clear(r.fresh)
	r.fresh = r.fresh[:0]
	return rows
}

// done reports whether an entry no longer waits.
func (en *entry) done() bool { return len(en.lives) == 0 }

// allWaiting returns the rows of all parcels.
func (r *Replayer) allWaiting() (rows []WaitingRow) {
	w, known := newParcelWriter(r), map[*parcel]bool{}
	for _, en := range r.entries {
		if p := en.parcel; p != nil && !known[p] {
			known[p] = true
			rows = append(rows, w.row(p))
		}
	}
	return rows
}

// parcelWriter encodes parcels, one after the other: the matches, which name units and
// callers by their places in a savedParcel, and that as JSON.
type parcelWriter struct {
	r       *Replayer
	head    savedParcel
	units   map[*life]int
	who     map[finding.Who]int
	matches []byte
	match   []byte
}

func newParcelWriter(r *Replayer) *parcelWriter {
	return &parcelWriter{r: r, units: map[*life]int{}, who: map[finding.Who]int{}}
}

// row encodes a parcel.
func (w *parcelWriter) row(p *parcel) WaitingRow {
	for _, en := range p.entries {
		w.add(en)
	}
	return WaitingRow{p.number, w.take()}
}

// add adds a match.
func (w *parcelWriter) add(en *entry) {
	w.match = w.head.names.append(w.match[:0], w.r, en.Match, func(rule int32) bool { return len(w.r.uses[rule]) > 0 })
	w.matches = binary.AppendUvarint(w.matches, uint64(len(w.match)))
	w.matches = append(w.matches, w.match...)
	who, known := w.who[en.who]
	if !known {
		who = len(w.head.Who)
		w.who[en.who] = who
		w.head.Who = append(w.head.Who, en.who)
	}
	w.matches = binary.AppendUvarint(w.matches, uint64(who))
	w.matches = binary.AppendUvarint(w.matches, uint64(len(en.lives)))
	for _, l := range en.lives {
		at, known := w.units[l]
		if !known {
			at = len(w.head.Units)
			w.units[l] = at
			w.head.Units = append(w.head.Units, savedPlace{w.r.name(l), w.r.print(l)})
		}
		w.matches = binary.AppendUvarint(w.matches, uint64(at))
	}
}

// take returns the body of a row, nil without matches, and begins the next one.
func (w *parcelWriter) take() (body []byte) {
	if len(w.matches) > 0 {
		text := binary.AppendUvarint(nil, uint64(len(w.matches)))
		text = append(append(text, w.matches...), marshal(&w.head)...)
		body = append([]byte{ofParcel}, s2.Encode(nil, text)...)
	}
	w.head, w.matches = savedParcel{}, w.matches[:0]
	clear(w.units)
	clear(w.who)
	return body
}

// waiting is a match of a row.
type waiting struct {
	match []byte
	who   int
	units []int
}

var errCut = errors.New("it is cut off")

// unpack reads a row.
func (s *savedParcel) unpack(body []byte) (list []waiting, err error) {
	if len(body) == 0 {
		return nil, errCut
	}
	if body[0] == ofMatch {
		return s.unpackMatch(body[1:])
	}
	matches, err := unpackParts(body, ofParcel, s)
	if err != nil {
		return nil, err
	}
	bad := false
	number := func(limit int) int {
		n, at := binary.Uvarint(matches)
		if at <= 0 || n >= uint64(limit) {
			bad, matches = true, nil
			return 0
		}
		matches = matches[at:]
		return int(n)
	}
	for len(matches) > 0 {
		n := number(len(matches))
		x := waiting{match: matches[:n:n]}
		matches = matches[n:]
		x.who = number(len(s.Who))
		for range number(len(matches)) {
			x.units = append(x.units, number(len(s.Units)))
		}
		list = append(list, x)
	}
	if bad {
		return nil, errCut
	}
	return list, nil
}

// unpackMatch reads what a version before wrote: the length of a unit's name in eight
// digits, the name, and the match.
func (s *savedParcel) unpackMatch(body []byte) ([]waiting, error) {
	n, err := strconv.Atoi(string(body[:min(8, len(body))]))
	if err != nil || n < 0 || n > len(body)-8 {
		return nil, errCut
	}
	unit, body := body[8:8+n], body[8+n:]
	var one savedTail
	if err := one.unpack(body); err != nil {
		return nil, err
	}
	*s = savedParcel{Units: []savedPlace{{unit, one.Print}}, Who: []finding.Who{one.Who}, names: one.names}
	return []waiting{{match: one.Match, units: []int{0}}}, nil
}

// savedTail is one match of one unit.
type savedTail struct {
	Print string `json:"print"`
	savedEvent
	names
}

// packed is the first byte of a packed savedTail. Before, they were JSON.
const packed = 's'

// unpack reads a match.
func (s *savedTail) unpack(body []byte) (err error) {
	if len(body) == 0 || body[0] != packed {
		return json.Unmarshal(body, s)
	}
	s.Match, err = unpackParts(body, packed, s)
	return err
}

// maxPacked bounds an unpacked row.
const maxPacked = 64 << 20

// unpackParts reads a packed row: the length of its first part, that part, and JSON.
func unpackParts(body []byte, kind byte, rest any) (first []byte, err error) {
	if body[0] != kind {
		return nil, errors.New("its kind is unknown")
	}
	if n, err := s2.DecodedLen(body[1:]); err != nil || n > maxPacked {
		return nil, errors.New("it cannot be unpacked")
	}
	text, err := s2.Decode(nil, body[1:])
	if err != nil {
		return nil, err
	}
	n, at := binary.Uvarint(text)
	if at <= 0 || n > uint64(len(text)-at) {
		return nil, errCut
	}
	return text[at:][:n:n], json.Unmarshal(text[at+int(n):], rest)
}

// EachWaiting calls each with the name of a unit for each of its matches in a row.
func EachWaiting(body []byte, each func(unit []byte)) error {
	var s savedParcel
	list, err := s.unpack(body)
	for _, x := range list {
		for _, at := range x.units {
			each(s.Units[at].Name)
		}
	}
	return err
}

// RestoreWaiting takes the matches of a row, after all units. The error is ErrForeign if
// all of them belong to rules that are gone or have changed, or says what is damaged.
func (r *Replayer) RestoreWaiting(row *WaitingRow) error {
	r.next = max(r.next, row.Number+1)
	var s savedParcel
	list, err := s.unpack(row.Body)
	if err != nil {
		return fmt.Errorf("damaged matches: %w", err)
	}
	matches := make([]*match.Match, len(list))
	for i, x := range list {
		if matches[i], err = s.names.read(r, x.match); err != nil {
			return fmt.Errorf("damaged match: %w", err)
		}
	}
	lives, err := r.livesOf(s.Units)
	if err != nil {
		return err
	}
	p := &parcel{number: row.Number}
	r.restored = true
	foreign, elsewhere := false, false
	for i, x := range list {
		var en *entry
		for _, at := range x.units {
			l := lives[at]
			if l == nil {
				foreign = true
				continue
			}
			if en == nil {
				en = r.restoreEntry(matches[i], s.Who[x.who], p)
				elsewhere = elsewhere || en.parcel != p
			}
			l.insert(en, r)
			l.head = nil
			if !slices.Contains(en.lives, l) {
				en.lives = append(en.lives, l)
			}
			r.touch(l)
		}
	}
	switch {
	case len(p.entries) > 0:
		if foreign || elsewhere {
			r.rewrite(p.entries[0])
		}
	case elsewhere:
		r.obsolete = append(r.obsolete, p.number)
	default:
		return ErrForeign
	}
	return nil
}

// livesOf returns the lives of units, nil for those of rules that are gone or have
// changed.
func (r *Replayer) livesOf(units []savedPlace) ([]*life, error) {
	lives := make([]*life, len(units))
	for i, u := range units {
		l, err := r.lifeOf(u.Name)
		switch {
		case err == ErrForeign:
		case err != nil:
			return nil, err
		case u.Print != r.print(l):
			if len(l.tail) == 0 && !l.folded && len(l.base.open) == 0 {
				r.discard(l)
			}
		default:
			lives[i] = l
		}
	}
	return lives, nil
}

// restoreEntry returns the entry of a match of a parcel. Versions before wrote a match
// once for each of its units; its parts come together, and are written as one.
func (r *Replayer) restoreEntry(m *match.Match, who finding.Who, p *parcel) *entry {
	at := markOf(m)
	en := r.entries[at]
	if en == nil {
		en = &entry{event: &event{m, who}, parcel: p}
		r.entries[at] = en
		r.arrived = append(r.arrived, en)
		p.entries = append(p.entries, en)
		return en
	}
	for _, rule := range m.Rules {
		if i, known := slices.BinarySearch(en.Rules, rule); !known {
			en.Rules = slices.Insert(en.Rules, i, rule)
		}
	}
	r.rewrite(en)
	return en
}
