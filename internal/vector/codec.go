package vector

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"
)

// AppendTo appends an encoding of the batch for Decode. It preserves everything
// a Value holds.
func (b *Batch) AppendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.Len))
	dst = binary.AppendUvarint(dst, uint64(len(b.Cols)))
	for _, c := range b.Cols {
		dst = AppendText(dst, c.Name)
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
				dst = AppendValue(dst, c.at(i))
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
			dst = AppendValue(dst, &vals[i])
		}
	}
	return dst
}

// Encodings of a column.
const (
	plainForm = iota
	fixedForm
	codedForm
)

// AppendText appends an encoding of s for Decoder.Text.
func AppendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// AppendFloat appends the 8 bytes of f for Decoder.Float.
func AppendFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendValue appends an encoding of v for Decoder.Value. It preserves
// everything v holds.
func AppendValue(dst []byte, v *Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Text:
		dst = AppendText(dst, v.text())
	case Number:
		dst = AppendFloat(append(dst, v.sig), v.num)
		dst = AppendText(dst, v.text())
	case Bool:
		dst = append(dst, byte(v.num))
	case List:
		l := v.list()
		dst = binary.AppendUvarint(AppendText(dst, l.delim), uint64(len(l.values)))
		for _, s := range l.values {
			dst = AppendText(dst, s)
		}
	}
	return dst
}

// errBatch reports bytes that AppendTo did not write.
var errBatch = errors.New("a batch of rows is damaged")

// Decode decodes a batch written by AppendTo, and returns the remaining data.
// The strings of the batch share data.
func Decode(data []byte) (b *Batch, rest []byte, err error) {
	d := Decoder{data}
	rows, cols := d.Count(math.MaxInt32), d.Count(len(d.data))
	b = &Batch{Len: rows}
	for range cols {
		c := &Column{Name: d.Text()}
		n := rows
		switch d.Byte() {
		case fixedForm:
			c.fixed, n = true, 1
		case codedForm:
			n = d.Count(len(d.data))
			if rows > len(d.data) || n == 0 && rows > 0 {
				return nil, nil, errBatch
			}
			c.rows = make([]int32, rows)
			for i := range c.rows {
				c.rows[i] = int32(d.Count(n - 1))
			}
		}
		if n > len(d.data) {
			return nil, nil, errBatch
		}
		c.vals = make([]Value, n)
		for i := range c.vals {
			c.vals[i] = d.Value()
		}
		b.Cols = append(b.Cols, c)
	}
	if d.data == nil {
		return nil, nil, errBatch
	}
	return b, d.data, nil
}

// Decoder decodes what AppendText, AppendFloat, AppendValue and
// binary.AppendUvarint appended. It never reads past its data and never
// allocates more than the data can hold. After an error all reads return empty
// values and Rest returns false.
type Decoder struct{ data []byte } // nil after an error

// NewDecoder returns a decoder of data. The texts that it returns share data.
func NewDecoder(data []byte) *Decoder {
	if data == nil {
		data = []byte{}
	}
	return &Decoder{data}
}

// Rest returns the unread data; ok is false after an error.
func (d *Decoder) Rest() (rest []byte, ok bool) { return d.data, d.data != nil }

// Len returns the number of unread bytes.
func (d *Decoder) Len() int { return len(d.data) }

// Fail puts the decoder in its error state.
func (d *Decoder) Fail() { d.data = nil }

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if len(d.data) == 0 {
		d.data = nil
		return 0
	}
	c := d.data[0]
	d.data = d.data[1:]
	return c
}

// Count reads a number that must be at most limit.
func (d *Decoder) Count(limit int) int {
	n, size := binary.Uvarint(d.data)
	if size <= 0 || n > uint64(max(limit, 0)) {
		d.data = nil
		return 0
	}
	d.data = d.data[size:]
	return int(n)
}

// Items reads the number of items that follow; each takes at least size bytes.
func (d *Decoder) Items(size int) int {
	n := d.Count(len(d.data) / size)
	if n > len(d.data)/size {
		d.data = nil
		return 0
	}
	return n
}

// Float reads a number of 8 bytes.
func (d *Decoder) Float() float64 {
	if len(d.data) < 8 {
		d.data = nil
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(d.data))
	d.data = d.data[8:]
	return f
}

// Text reads a text.
func (d *Decoder) Text() string {
	n := d.Items(1)
	if n == 0 {
		return ""
	}
	s := unsafe.String(&d.data[0], n)
	d.data = d.data[n:]
	return s
}

// Value reads a value.
func (d *Decoder) Value() Value {
	switch kind := Kind(d.Byte()); kind {
	case Null:
	case Text:
		return String(d.Text())
	case Number:
		v := Value{kind: Number, sig: d.Byte()}
		v.num = d.Float()
		return v.WithText(d.Text())
	case Bool:
		return Truth(d.Byte() != 0)
	case List:
		delim := d.Text()
		n := d.Items(1)
		if n < 2 {
			d.data = nil
			return Value{}
		}
		values := make([]string, n)
		for i := range values {
			values[i] = d.Text()
		}
		return ofList(values, delim)
	default:
		d.data = nil
	}
	return Value{}
}
