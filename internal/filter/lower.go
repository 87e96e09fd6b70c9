package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Search compares texts without case: two are equal when Lower says the same of
// them. Lower works letter by letter, as the function lower() does, so ß is not
// SS, and ς and ſ stay apart from σ and s. Two letters outside ASCII have a small
// letter inside it: İ and the Kelvin sign.

// Lower returns s in small letters. Bytes that are not UTF-8 stay as they are.
func Lower(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		i += n
	}
	return b.String()
}

const (
	dottedI    = "\u0130" // İ, small: i
	kelvinSign = "\u212a" // K, small: k
)

var toASCII = strings.NewReplacer(dottedI, "i", kelvinSign, "k")

// asciiLetters returns s with the letters whose small form is ASCII as that, so
// that it can be searched for ASCII text byte by byte.
func asciiLetters(s string) string {
	if strings.Contains(s, dottedI) || strings.Contains(s, kelvinSign) {
		return toASCII.Replace(s)
	}
	return s
}
