package vector

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"
)

// AppendTo appends a form of the batch that Decode reads. Everything a Value
// knows is kept.
func (b *Batch) AppendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.Len))
	dst = binary.AppendUvarint(dst, uint64(len(b.Cols)))
	for _, c := range b.Cols {
		dst = appendText(dst, c.Name)
		vals, rows := c.vals, c.rows
		form := byte(plainForm)
		switch {
		case c.fixed:
			form, vals = fixedForm, vals[:1]
		case rows == nil:
			vals = vals[:b.Len]
		case len(vals) <= b.Len:
			form = codedForm
		default: // few rows of a large dictionary
			dst = append(dst, form)
			for i := range b.Len {
				dst = appendValue(dst, c.at(i))
			}
			continue
		}
		dst = append(dst, form)
		if form == codedForm {
			dst = binary.AppendUvarint(dst, uint64(len(vals)))
			for _, r := range rows[:b.Len] {
				dst = binary.AppendUvarint(dst, uint64(r))
			}
		}
		for i := range vals {
			dst = appendValue(dst, &vals[i])
		}
	}
	return dst
}

// The forms of a column.
const (
	plainForm = iota
	fixedForm
	codedForm
)

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, v *Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Text:
		dst = appendText(dst, v.text())
	case Number:
		dst = binary.LittleEndian.AppendUint64(append(dst, v.sig), math.Float64bits(v.num))
		dst = appendText(dst, v.text())
	case Bool:
		dst = append(dst, byte(v.num))
	case List:
		l := v.list()
		dst = binary.AppendUvarint(appendText(dst, l.delim), uint64(len(l.values)))
		for _, s := range l.values {
			dst = appendText(dst, s)
		}
	}
	return dst
}

// errBatch says that bytes are none that AppendTo wrote.
var errBatch = errors.New("a batch of rows is damaged")

// Decode reads a batch that AppendTo wrote, and returns what lies behind it. The
// strings of the batch share data.
func Decode(data []byte) (b *Batch, rest []byte, err error) {
	d := decoder{data}
	rows, cols := d.count(math.MaxInt32), d.count(len(d.data))
	b = &Batch{Len: rows}
	for range cols {
		c := &Column{Name: d.text()}
		n := rows
		switch d.byte() {
		case fixedForm:
			c.fixed, n = true, 1
		case codedForm:
			n = d.count(len(d.data))
			if rows > len(d.data) || n == 0 && rows > 0 {
				return nil, nil, errBatch
			}
			c.rows = make([]int32, rows)
			for i := range c.rows {
				c.rows[i] = int32(d.count(n - 1))
			}
		}
		if n > len(d.data) {
			return nil, nil, errBatch
		}
		c.vals = make([]Value, n)
		for i := range c.vals {
			c.vals[i] = d.value()
		}
		b.Cols = append(b.Cols, c)
	}
	if d.data == nil {
		return nil, nil, errBatch
	}
	return b, d.data, nil
}

// decoder reads what was appended; data is nil once something was wrong.
type decoder struct{ data []byte }

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.data = nil
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

// count reads a number of at most limit.
func (d *decoder) count(limit int) int {
	n, size := binary.Uvarint(d.data)
	if size <= 0 || n > uint64(max(limit, 0)) {
		d.data = nil
		return 0
	}
	d.data = d.data[size:]
	return int(n)
}

func (d *decoder) text() string {
	n := d.count(len(d.data))
	if n == 0 || n > len(d.data) {
		if n > 0 {
			d.data = nil
		}
		return ""
	}
	s := unsafe.String(&d.data[0], n)
	d.data = d.data[n:]
	return s
}

func (d *decoder) value() Value {
	switch kind := Kind(d.byte()); kind {
	case Text:
		return String(d.text())
	case Number:
		v := Value{kind: Number, sig: d.byte()}
		if len(d.data) < 8 {
			d.data = nil
			return Value{}
		}
		v.num = math.Float64frombits(binary.LittleEndian.Uint64(d.data))
		d.data = d.data[8:]
		return v.WithText(d.text())
	case Bool:
		return Truth(d.byte() != 0)
	case List:
		delim := d.text()
		n := d.count(len(d.data))
		if n > len(d.data) {
			d.data = nil
			return Value{}
		}
		values := make([]string, n)
		for i := range values {
			values[i] = d.text()
		}
		return ofList(values, delim)
	}
	return Value{}
}
