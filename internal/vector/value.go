// Package vector holds search results as batches of columns, the form in which
// operators pass rows to each other.
package vector

import (
	"math"
	"strconv"
	"strings"
	"unsafe"
)

// Kind is the type of a Value.
type Kind uint8

// The kinds of a Value. Null is the zero Value: the field is missing.
const (
	Null   Kind = iota
	Text        // a string; an empty one is present, not missing
	Number      // a float64, with its display text if that differs from the default
	Bool        // the result of a comparison; never stored in a row
	List        // two or more strings, in order
)

// Value is one cell. Values are immutable and can be copied freely. The strings
// in a Value from a store may share the store's buffers, so an operator that
// keeps one past the next batch must keep a Clone.
//
// A Value is packed, because results consist mostly of Values and many
// operators spend their time moving them.
type Value struct {
	_    [0]func()      // not comparable: see Equal
	data unsafe.Pointer // the bytes of a text, or a number's display text; a *list
	num  float64
	size uint32 // of data, in bytes; 0 for a list
	kind Kind
	sig  uint8 // significant digits of a literal, 0 = not tracked
}

// list is the target of a Value with several strings.
type list struct {
	values []string
	delim  string // joins them, "" = a newline
}

// text returns the bytes of a value that is not a list.
func (v *Value) text() string { return unsafe.String((*byte)(v.data), v.size) }

func (v *Value) list() *list { return (*list)(v.data) }

func (v *Value) setText(s string) {
	v.data, v.size = unsafe.Pointer(unsafe.StringData(s)), uint32(min(len(s), math.MaxUint32))
}

// String returns a present text value. It truncates s at 4 GiB.
func String(s string) Value {
	return Value{kind: Text, data: unsafe.Pointer(unsafe.StringData(s)), size: uint32(min(len(s), math.MaxUint32))}
}

// Float returns a number. NaN and infinities are values too.
func Float(f float64) Value { return Value{kind: Number, num: f} }

// Int returns a number; beyond 2^53 it is rounded as float64 rounds.
func Int(n int) Value { return Value{kind: Number, num: float64(n)} }

// Formatted returns a number with its display text, such as round()'s "0.8050".
func Formatted(f float64, text string) Value { return Value{kind: Number, num: f}.WithText(text) }

// Literal returns a number with its count of significant digits.
func Literal(f float64, sig int) Value { return Value{kind: Number, num: f, sig: uint8(min(sig, 255))} }

// Truth returns the result of a test.
func Truth(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.num = 1
	}
	return v
}

// Strings returns the values of a field: null for none, plain text for one, and
// a list for more. It takes ownership of the slice.
func Strings(values []string) Value {
	switch len(values) {
	case 0:
		return Value{}
	case 1:
		return String(values[0])
	}
	return ofList(values, "")
}

func ofList(values []string, delim string) Value {
	return Value{kind: List, data: unsafe.Pointer(&list{values, delim})}
}

// WithDelim returns a list that Joined joins with sep; other values are
// returned unchanged.
func (v Value) WithDelim(sep string) Value {
	if v.kind == List {
		return ofList(v.list().values, sep)
	}
	return v
}

// Joined returns the values as one text, joined with the delimiter set by
// WithDelim, or a newline by default.
func (v Value) Joined() string {
	if v.kind == List && v.list().delim != "" {
		return strings.Join(v.list().values, v.list().delim)
	}
	return v.Text()
}

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether the field is missing.
func (v Value) IsNull() bool { return v.kind == Null }

// Sig returns the significant digits of a literal, 0 when not tracked.
func (v Value) Sig() int { return int(v.sig) }

// Untracked returns v without its count of significant digits; its display text
// is unchanged.
func (v Value) Untracked() Value {
	v.sig = 0
	return v
}

// True reports whether v is a test that held.
func (v Value) True() bool { return v.kind == Bool && v.num != 0 }

// Len returns how many values the field has: 0 for null.
func (v Value) Len() int {
	switch v.kind {
	case Null:
		return 0
	case List:
		return len(v.list().values)
	}
	return 1
}

// At returns the i-th value as text, 0 <= i < Len.
func (v Value) At(i int) string {
	if v.kind == List {
		return v.list().values[i]
	}
	return v.Text()
}

// All returns every value as text; the slice must not be changed.
func (v Value) All() []string {
	switch v.kind {
	case Null:
		return nil
	case List:
		return v.list().values
	}
	return []string{v.Text()}
}

// Text returns v as Splunk shows it; the values of a list are joined by a
// newline, null is the empty string.
func (v Value) Text() string {
	switch v.kind {
	case Text:
		return v.text()
	case Number:
		if v.size != 0 {
			return v.text()
		}
		return FormatNumber(v.num)
	case Bool:
		if v.num != 0 {
			return "True"
		}
		return "False"
	case List:
		return strings.Join(v.list().values, "\n")
	}
	return ""
}

// AppendText appends Text to dst without the intermediate string.
func (v Value) AppendText(dst []byte) []byte {
	if v.kind == Number && v.size == 0 {
		return AppendNumber(dst, v.num)
	}
	return append(dst, v.Text()...)
}

// Num returns v as a number: a Number itself, or text that parses as one.
// Lists, booleans and null are not numbers.
func (v Value) Num() (float64, bool) {
	switch v.kind {
	case Number:
		return v.num, true
	case Text:
		return ParseNumber(v.text())
	}
	return 0, false
}

// Clone returns v with its own copies of strings.
func (v Value) Clone() Value {
	if v.kind == List {
		values := make([]string, len(v.list().values))
		for i, s := range v.list().values {
			values[i] = strings.Clone(s)
		}
		return ofList(values, strings.Clone(v.list().delim))
	}
	if v.size != 0 {
		v.setText(strings.Clone(v.text()))
	}
	return v
}

// Size returns roughly how many bytes v holds, for budgets.
func (v Value) Size() int {
	if v.kind == List {
		n := 80 + len(v.list().delim)
		for _, s := range v.list().values {
			n += 16 + len(s)
		}
		return n
	}
	return 24 + int(v.size)
}

// Equal reports whether a and b display the same, value by value, or are both
// missing. It is case-sensitive.
func Equal(a, b Value) bool {
	if a.Len() != b.Len() || a.IsNull() != b.IsNull() {
		return false
	}
	for i := range a.Len() {
		if a.At(i) != b.At(i) {
			return false
		}
	}
	return true
}

// ParseNumber reads s as a decimal number: digits, one point, a sign, an
// exponent. No blanks, no hexadecimal, no underscores, no words.
func ParseNumber(s string) (float64, bool) {
	if len(s) == 0 || len(s) > 400 {
		return 0, false
	}
	i, n, digits := 0, 0.0, 0
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		i++
	}
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		n = n*10 + float64(s[i]-'0')
		digits++
	}
	if i == len(s) && digits > 0 && digits <= 15 {
		if neg {
			n = -n
		}
		return n, true
	}
	for j := 0; j < len(s); j++ {
		if c := s[j]; c-'0' > 9 && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// FormatNumber formats f as Splunk does: integers without a point, others with
// the fewest digits that parse back to the same number.
func FormatNumber(f float64) string {
	var buf [32]byte
	return string(AppendNumber(buf[:0], f))
}

// AppendNumber appends FormatNumber(f) to dst.
func AppendNumber(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case f == math.Trunc(f) && math.Abs(f) < 1e18:
		return strconv.AppendInt(dst, int64(f), 10)
	case math.Abs(f) >= 1e18 || math.Abs(f) < 1e-5:
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// Exact returns a number that keeps all its digits when multiplied by a literal
// with a decimal point.
func Exact(f float64) Value { return Value{kind: Number, num: f, sig: exactSig} }

const exactSig = 255

// WithText returns a number with the given display text, "" = the default.
func (v Value) WithText(text string) Value {
	v.setText(text)
	return v
}

// SparklineMark is the first value of a sparkline. It tells tables to draw the
// other values.
const SparklineMark = "##__SPARKLINE__##"
