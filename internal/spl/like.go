package spl

import "unicode/utf8"

// LikePattern returns the test for a LIKE pattern: % is any run of characters,
// _ one character, a backslash makes the next one literal. Case counts.
func LikePattern(pattern string) func(string) bool {
	const one, run = -1, -2
	var toks []rune
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch {
		case rs[i] == '\\' && i+1 < len(rs) && (rs[i+1] == '%' || rs[i+1] == '_' || rs[i+1] == '\\'):
			i++
			toks = append(toks, rs[i])
		case rs[i] == '%':
			toks = append(toks, run)
		case rs[i] == '_':
			toks = append(toks, one)
		default:
			toks = append(toks, rs[i])
		}
	}
	return func(s string) bool {
		// Only the last % can usefully take in more, so one place to go back to is enough.
		pos, i, backPos, backTok := 0, 0, 0, -1
		for pos < len(s) {
			r, n := utf8.DecodeRuneInString(s[pos:])
			switch {
			case i < len(toks) && toks[i] == run:
				backPos, backTok = pos, i
				i++
			case i < len(toks) && (toks[i] == one || toks[i] == r):
				pos += n
				i++
			case backTok >= 0:
				_, n := utf8.DecodeRuneInString(s[backPos:])
				backPos += n
				pos, i = backPos, backTok+1
			default:
				return false
			}
		}
		for i < len(toks) && toks[i] == run {
			i++
		}
		return i == len(toks)
	}
}
