// Package vector holds search results as batches of columns: the shape in
// which operators hand rows to each other.
package vector

import (
	"math"
	"strconv"
	"strings"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of a Value. Null is the zero Value: the field is missing.
const (
	Null   Kind = iota
	Text        // a string; an empty one is present, not missing
	Number      // a float64, with the text it is shown as when that is not the usual one
	Bool        // the outcome of a comparison; never stored in a row
	List        // two or more strings, in order
)

// Value is one cell. Values are immutable and are copied freely; the strings
// in a Value that a store handed out may share that store's buffers, so an
// operator that keeps one past the next batch keeps a Clone.
type Value struct {
	kind Kind
	sig  uint8 // significant digits of a literal, 0 = not tracked
	num  float64
	text string // of a list: what joins its values
	list *[]string
}

// String returns a present text value.
func String(s string) Value { return Value{kind: Text, text: s} }

// Float returns a number. NaN and infinities are values too.
func Float(f float64) Value { return Value{kind: Number, num: f} }

// Int returns a number; beyond 2^53 it is rounded as float64 rounds.
func Int(n int) Value { return Value{kind: Number, num: float64(n)} }

// Formatted returns a number that is shown as text, such as round()'s "0.8050".
func Formatted(f float64, text string) Value { return Value{kind: Number, num: f, text: text} }

// Literal returns a number with its count of significant digits.
func Literal(f float64, sig int) Value { return Value{kind: Number, num: f, sig: uint8(min(sig, 255))} }

// Truth returns the outcome of a test.
func Truth(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.num = 1
	}
	return v
}

// Strings returns the values of a field: none is null, one is plain text, more
// are a list. The slice belongs to the Value afterwards.
func Strings(list []string) Value {
	switch len(list) {
	case 0:
		return Value{}
	case 1:
		return String(list[0])
	}
	return Value{kind: List, list: &list}
}

// WithDelim returns a list that Joined joins by sep; other values stay as they
// are.
func (v Value) WithDelim(sep string) Value {
	if v.kind == List {
		v.text = sep
	}
	return v
}

// Joined returns the values as one text, joined by what WithDelim said last, a
// newline when nothing was said.
func (v Value) Joined() string {
	if v.kind == List && v.text != "" {
		return strings.Join(*v.list, v.text)
	}
	return v.Text()
}

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether the field is missing.
func (v Value) IsNull() bool { return v.kind == Null }

// Sig returns the significant digits of a literal, 0 when not tracked.
func (v Value) Sig() int { return int(v.sig) }

// True reports whether v is a test that held.
func (v Value) True() bool { return v.kind == Bool && v.num != 0 }

// Len returns how many values the field has: 0 for null.
func (v Value) Len() int {
	switch v.kind {
	case Null:
		return 0
	case List:
		return len(*v.list)
	}
	return 1
}

// At returns the i-th value as text, 0 <= i < Len.
func (v Value) At(i int) string {
	if v.kind == List {
		return (*v.list)[i]
	}
	return v.Text()
}

// All returns every value as text; the slice must not be changed.
func (v Value) All() []string {
	switch v.kind {
	case Null:
		return nil
	case List:
		return *v.list
	}
	return []string{v.Text()}
}

// Text returns v as Splunk shows it; the values of a list are joined by a
// newline, null is the empty string.
func (v Value) Text() string {
	switch v.kind {
	case Text:
		return v.text
	case Number:
		if v.text != "" {
			return v.text
		}
		return FormatNumber(v.num)
	case Bool:
		if v.num != 0 {
			return "True"
		}
		return "False"
	case List:
		return strings.Join(*v.list, "\n")
	}
	return ""
}

// AppendText appends Text to dst without the intermediate string.
func (v Value) AppendText(dst []byte) []byte {
	if v.kind == Number && v.text == "" {
		return AppendNumber(dst, v.num)
	}
	return append(dst, v.Text()...)
}

// Num returns v as a number: a Number itself, or text that reads as one.
// Lists, booleans and null are none.
func (v Value) Num() (float64, bool) {
	switch v.kind {
	case Number:
		return v.num, true
	case Text:
		return ParseNumber(v.text)
	}
	return 0, false
}

// Clone returns v with strings of its own.
func (v Value) Clone() Value {
	v.text = strings.Clone(v.text)
	if v.list != nil {
		list := make([]string, len(*v.list))
		for i, s := range *v.list {
			list[i] = strings.Clone(s)
		}
		v.list = &list
	}
	return v
}

// Size returns roughly how many bytes v holds, for budgets.
func (v Value) Size() int {
	n := 48 + len(v.text)
	if v.list != nil {
		for _, s := range *v.list {
			n += 16 + len(s)
		}
	}
	return n
}

// Equal reports whether a and b show the same, value by value, and are missing
// alike. Case counts.
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

// FormatNumber shows f as Splunk does: integers without a point, others with
// the fewest digits that read back as the same number.
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

// Exact returns a number that keeps all digits when it is multiplied by a
// literal with a decimal point.
func Exact(f float64) Value { return Value{kind: Number, num: f, sig: exactSig} }

const exactSig = 255

// Shown returns a number that is shown as text, "" = as usual.
func (v Value) Shown(text string) Value {
	v.text = text
	return v
}
