package expr

import (
	"strings"
	"unicode/utf8"
)

// LikePattern returns the test for a LIKE pattern: % matches any run of
// characters, _ one character. A backslash can escape %, _ and \, or be literal
// as in C:\Users\%; a text matches if either reading does. Case-sensitive.
func LikePattern(pattern string) func(string) bool {
	if !strings.ContainsAny(pattern, `_\`) {
		return likeRuns(strings.Split(pattern, "%"))
	}
	plain := likeSteps(pattern, false)
	if !strings.Contains(pattern, `\%`) && !strings.Contains(pattern, `\_`) && !strings.Contains(pattern, `\\`) {
		return plain
	}
	escaped := likeSteps(pattern, true)
	return func(s string) bool { return plain(s) || escaped(s) }
}

// likeRuns tests for parts with any run of characters between them.
func likeRuns(parts []string) func(string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return func(s string) bool { return s == first }
	}
	middle := parts[1 : len(parts)-1]
	return func(s string) bool {
		if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
			return false
		}
		s = s[len(first) : len(s)-len(last)]
		for _, m := range middle {
			i := strings.Index(s, m)
			if i < 0 {
				return false
			}
			s = s[i+len(m):]
		}
		return true
	}
}

// likeSteps tests patterns with _ or a backslash, one character at a time.
func likeSteps(pattern string, escapes bool) func(string) bool {
	const one, run = -1, -2
	var toks []rune
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch {
		case escapes && rs[i] == '\\' && i+1 < len(rs) && (rs[i+1] == '%' || rs[i+1] == '_' || rs[i+1] == '\\'):
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
		// Backtracking to the last % is sufficient, so one position is enough.
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
