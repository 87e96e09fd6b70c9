package auth

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// leastPassword is how long a password is at least, in characters. There are no rules
// of composition, as NIST SP 800-63B has it.
const leastPassword = 12

//go:embed common.txt
var commonText string

// common are the words that most of the commonest passwords are made of.
var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(commonText) {
		words[w] = true
	}
	return words
})

// plain undoes the usual replacements of letters.
var plain = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// weak says why a password is too easy to guess for the account of a name, "" if it is not.
func weak(password, name string) string {
	if !utf8.ValidString(password) {
		return "the password is not UTF-8"
	}
	n := utf8.RuneCountInString(password)
	switch {
	case n < leastPassword:
		return "the password is too short; use at least 12 characters, for instance four words"
	case len(password) > maxPassword:
		return "the password is longer than 1,024 bytes"
	}
	lower := strings.ToLower(password)
	local, _, _ := strings.Cut(name, "@")
	for _, part := range []string{strings.ToLower(name), strings.ToLower(local)} {
		if len(part) >= 3 && strings.Contains(lower, part) {
			return "the password contains the name of the account"
		}
	}
	kinds := map[rune]bool{}
	steps, near := 0, 0
	last := rune(-1)
	for _, r := range lower {
		kinds[r] = true
		if last >= 0 {
			steps++
			if d := r - last; d >= -1 && d <= 1 {
				near++
			}
		}
		last = r
	}
	if len(kinds) < 5 || near*4 >= steps*3 {
		return "the password is a run of few characters; use for instance four words"
	}
	for _, core := range []string{lower, plain.Replace(lower), edges(lower), edges(plain.Replace(lower)), plain.Replace(edges(lower))} {
		if guessed(core) {
			return "the password is among the first that attackers try; use for instance four words"
		}
	}
	return ""
}

// edges removes what is no letter from both ends.
func edges(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) })
}

// guessed reports whether a password consists of one common word, of two, or of one again and again.
func guessed(s string) bool {
	if s == "" || common()[s] {
		return true
	}
	for i := 1; i < len(s); i++ {
		if !common()[s[:i]] {
			continue
		}
		if common()[edges(s[i:])] || strings.ReplaceAll(s, s[:i], "") == "" {
			return true
		}
	}
	return false
}
