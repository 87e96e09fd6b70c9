package cmd

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"bluetrail/internal/spl/pcre"
)

// sedScript is the s and y commands of rex mode=sed, in order.
type sedScript struct{ steps []sedStep }

type sedStep struct {
	re    *pcre.Regexp // nil for y
	repl  string
	nth   int // which match is replaced, 0 = all
	chars map[rune]rune
}

// parseSed reads s/re/text/flags and y/from/to/, one or more parted by blanks
// or semicolons. Any character may stand for the slash.
func parseSed(text string) (*sedScript, error) {
	s := &sedScript{}
	for rest := strings.TrimLeft(text, " ;"); rest != ""; rest = strings.TrimLeft(rest, " ;") {
		kind := rest[0]
		if kind != 's' && kind != 'y' || len(rest) < 2 {
			return nil, fmt.Errorf("a sed expression is s/…/…/ or y/…/…/, not %q", rest)
		}
		delim, n := utf8.DecodeRuneInString(rest[1:])
		from, after, ok := sedPart(rest[1+n:], delim)
		if !ok {
			return nil, fmt.Errorf("the sed expression %q lacks its second %q", rest, delim)
		}
		to, after, ok := sedPart(after, delim)
		if !ok {
			return nil, fmt.Errorf("the sed expression %q lacks its last %q", rest, delim)
		}
		end := strings.IndexAny(after, " ;")
		if end < 0 {
			end = len(after)
		}
		flags := after[:end]
		rest = after[end:]
		step, err := sedStepOf(kind, from, to, flags)
		if err != nil {
			return nil, err
		}
		s.steps = append(s.steps, step)
	}
	if len(s.steps) == 0 {
		return nil, errors.New("the sed expression is empty")
	}
	return s, nil
}

// sedPart reads to the next delimiter that has no backslash before it.
func sedPart(s string, delim rune) (part, rest string, ok bool) {
	var b strings.Builder
	escaped := false
	for i, r := range s {
		switch {
		case escaped:
			if r != delim {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == delim:
			return b.String(), s[i+utf8.RuneLen(r):], true
		default:
			b.WriteRune(r)
		}
	}
	return "", "", false
}

func sedStepOf(kind byte, from, to, flags string) (sedStep, error) {
	if kind == 'y' {
		a, b := []rune(from), []rune(to)
		if len(a) != len(b) || flags != "" {
			return sedStep{}, fmt.Errorf("y/%s/%s/ needs as many characters on both sides, and no flags", from, to)
		}
		step := sedStep{chars: map[rune]rune{}}
		for i := range a {
			step.chars[a[i]] = b[i]
		}
		return step, nil
	}
	step := sedStep{repl: to, nth: 1}
	for _, f := range flags {
		switch {
		case f == 'g':
			step.nth = 0
		case f == 'i' || f == 'I':
			from = "(?i)" + from
		case f >= '1' && f <= '9':
			n, err := strconv.Atoi(strings.Trim(flags, "gIi"))
			if err != nil {
				return step, fmt.Errorf("cannot read the flags %q of the sed expression", flags)
			}
			step.nth = n
		case f != '0':
			return step, fmt.Errorf("cannot read the flags %q of the sed expression; known are g, i and a number", flags)
		}
	}
	var err error
	step.re, err = pcre.Compile(from)
	return step, err
}

func (s *sedScript) apply(text string) (string, error) {
	for _, step := range s.steps {
		if step.re == nil {
			text = strings.Map(func(r rune) rune {
				if to, ok := step.chars[r]; ok {
					return to
				}
				return r
			}, text)
			continue
		}
		var err error
		if text, err = step.re.Replace(text, step.repl, step.nth); err != nil {
			return text, err
		}
	}
	return text, nil
}
