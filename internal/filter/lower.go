package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Search compares texts case-insensitively: two are equal if Lower returns the
// same for both. Lower maps each letter separately, as the function lower()
// does, so ß does not equal SS, and ς and ſ differ from σ and s. Two non-ASCII
// letters have an ASCII lower case: İ and the Kelvin sign.

// Lower returns s in lower case. Bytes that are not UTF-8 are unchanged.
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
	dottedI    = "\u0130" // İ, lower case: i
	kelvinSign = "\u212a" // K, lower case: k
)

var toASCII = strings.NewReplacer(dottedI, "i", kelvinSign, "k")

// asciiLetters returns s with every letter that has an ASCII lower case
// replaced by it, so that s can be searched for ASCII text byte by byte.
func asciiLetters(s string) string {
	if strings.Contains(s, dottedI) || strings.Contains(s, kelvinSign) {
		return toASCII.Replace(s)
	}
	return s
}
