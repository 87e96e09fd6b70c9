package actor

import "encoding/binary"

// Row is a part of a book as a database keeps it. A nil Value says that it is gone.
type Row struct{ Key, Value []byte }

// Changed returns the rows that changed since the last call; the first call returns all.
// Each Value replaces the row's earlier one.
func (b *Book) Changed() (list []Row) {
	if b.changed == nil {
		b.changed = map[who]bool{}
		for w := range b.rows {
			b.changed[w] = true
		}
	}
	for w := range b.changed {
		r := Row{Key: w.append(nil)}
		if s := b.rows[w]; s != nil {
			r.Value, _ = s.caller.AppendBinary(nil) // never fails
			r.Value = s.Evidence.append(r.Value)
		}
		list = append(list, r)
	}
	clear(b.changed)
	return list
}

// Restore adds a row that Changed returned with a Value.
func (b *Book) Restore(r Row) error {
	d := decoder{b: r.Key}
	var w who
	for _, t := range w.texts() {
		*t = d.text()
	}
	s := &row{who: w, minute: -1}
	rest, err := s.caller.Decode(string(r.Value))
	if err != nil || d.bad {
		return errDamaged
	}
	v := decoder{b: []byte(rest)}
	if v.evidence(&s.Evidence); v.bad {
		return errDamaged
	}
	b.put(s)
	return nil
}

func (w who) append(b []byte) []byte {
	for _, t := range w.texts() {
		b = binary.AppendUvarint(b, uint64(len(*t)))
		b = append(b, *t...)
	}
	return b
}
