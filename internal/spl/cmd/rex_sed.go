package cmd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
)

// sedScript is the s and y commands of rex mode=sed, in order.
type sedScript struct{ steps []sedStep }

type sedStep struct {
	re    *pcre.Regexp // nil for y
	repl  string
	nth   int // the match to replace, 0 = all
	chars map[rune]rune
}

// sedError is an error at an offset of a sed expression.
type sedError struct {
	at  int // in bytes
	err error
}

func (e *sedError) Error() string { return e.err.Error() }

// parseSedReadings parses the possible meanings of a sed expression, as for
// pattern.
func parseSedReadings(text string) ([]*sedScript, error) {
	var list []*sedScript
	for _, t := range readings(text) {
		s, err := parseSed(t)
		switch {
		case err == nil:
			list = append(list, s)
		case t == text && list == nil:
			return nil, err
		}
	}
	return list, nil
}

// parseSed reads s/re/text/flags and y/from/to/ commands, separated by blanks
// or semicolons. Any character may replace the slash. Its errors are *sedError.
func parseSed(text string) (*sedScript, error) {
	s := &sedScript{}
	fail := func(rest, format string, args ...any) (*sedScript, error) {
		return nil, &sedError{len(text) - len(rest), fmt.Errorf(format, args...)}
	}
	for rest := strings.TrimLeft(text, " ;"); rest != ""; rest = strings.TrimLeft(rest, " ;") {
		kind := rest[0]
		if kind != 's' && kind != 'y' || len(rest) < 2 {
			return fail(rest, "a sed expression is s/…/…/ or y/…/…/, not %q", rest)
		}
		delim, n := utf8.DecodeRuneInString(rest[1:])
		first := rest[1+n:]
		from, second, ok := sedPart(first, delim)
		if !ok {
			return fail(rest, "the sed expression %q lacks its second %q", rest, delim)
		}
		to, after, ok := sedPart(second, delim)
		if !ok {
			return fail(rest, "the sed expression %q lacks its last %q", rest, delim)
		}
		end := strings.IndexAny(after, " ;")
		if end < 0 {
			end = len(after)
		}
		flags := after[:end]
		rest = after[end:]
		step, err := sedStepOf(kind, from, to, flags)
		var bad *pcre.SyntaxError
		switch {
		case errors.As(err, &bad):
			return fail(first[min(bad.Offset, len(first)):], "%w", err)
		case errors.Is(err, errFlags):
			return fail(after, "%w", err)
		case err != nil:
			return fail(first, "%w", err)
		}
		s.steps = append(s.steps, step)
	}
	if len(s.steps) == 0 {
		return fail("", "the sed expression is empty")
	}
	return s, nil
}

// sedPart reads up to the next unescaped delimiter.
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

var errFlags = errors.New("cannot read the flags")

// sedText unescapes \n, \r and \t in a replacement. It leaves group references
// for later.
func sedText(s string) string {
	return strings.NewReplacer(`\\`, `\\`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(s)
}

func sedStepOf(kind byte, from, to, flags string) (sedStep, error) {
	if kind == 'y' {
		a, b := []rune(from), []rune(to)
		if flags != "" {
			return sedStep{}, fmt.Errorf("%w %q of y, which has none", errFlags, flags)
		}
		if len(a) != len(b) {
			return sedStep{}, fmt.Errorf("y/%s/%s/ needs the same number of characters on both sides", from, to)
		}
		step := sedStep{chars: map[rune]rune{}}
		for i := range a {
			step.chars[a[i]] = b[i]
		}
		return step, nil
	}
	step := sedStep{repl: sedText(to), nth: 1}
	for _, f := range flags {
		switch {
		case f == 'g':
			step.nth = 0
		case f == 'i' || f == 'I':
			from = "(?i)" + from
		case f >= '1' && f <= '9':
			n, err := strconv.Atoi(strings.Trim(flags, "gIi"))
			if err != nil {
				return step, fmt.Errorf("%w %q of the sed expression", errFlags, flags)
			}
			step.nth = n
		case f != '0':
			return step, fmt.Errorf("%w %q of the sed expression; known are g, i and a number", errFlags, flags)
		}
	}
	var err error
	step.re, err = pcre.Compile(from)
	return step, err
}

// polling returns the script with env.Poll called during matching, so that it
// can be canceled.
func (s *sedScript) polling(env *exec.Env) *sedScript {
	if s == nil {
		return nil
	}
	with := *s
	with.steps = slices.Clone(s.steps)
	for i := range with.steps {
		if re := with.steps[i].re; re != nil {
			with.steps[i].re = re.Polling(env.Poll)
		}
	}
	return &with
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
