package pcre

import (
	"io"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// Go's engine cannot be interrupted. In the worst case it takes one step per
// instruction of the expression and byte of text. Up to maxSteps, about 50 ms,
// it gets the text itself; beyond that, a reader that polls.
const (
	maxSteps     = 1 << 22
	leaningSteps = 1 << 16 // limit for many leaning matches, which cannot be found in portions
	pollSteps    = 1 << 19
	pollMatches  = 4096
)

// instructions returns the size of the program that Go's engine runs.
func instructions(pattern string) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return maxSteps
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return maxSteps
	}
	return len(prog.Inst)
}

// leaning reports whether matches of an expression depend on the preceding
// text.
func leaning(pattern string) bool {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return true
	}
	var in func(re *syntax.Regexp) bool
	in = func(re *syntax.Regexp) bool {
		switch re.Op {
		case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return true
		}
		return slices.ContainsFunc(re.Sub, in)
	}
	return in(re)
}

// behind returns an expression that finds the next match after the first
// character of a text. That character is included so that \b and (?m)^ see it.
// Group 1 is the match.
func behind(pattern string) (*regexp.Regexp, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?s:.)(?s:.*?)(` + re.String() + `)`)
}

// matchFast implements Match with Go's engine.
func (r *Regexp) matchFast(s string) bool {
	if r.poll == nil || len(s)*r.steps <= maxSteps {
		return r.fast.MatchString(s)
	}
	return len(r.findPolled(s, 1)) > 0
}

// findFast implements FindAll with Go's engine. It searches in portions where
// that finds the same matches. For long texts it finds one match at a time with
// a reader that polls.
func (r *Regexp) findFast(s string, max int) [][]int {
	steps := len(s) * r.steps
	switch {
	case r.poll == nil || max == 1 && steps <= maxSteps:
		return r.fast.FindAllStringSubmatchIndex(s, max)
	case steps > maxSteps, r.leaning && steps > leaningSteps:
		return r.findPolled(s, max)
	case r.leaning:
		return r.fast.FindAllStringSubmatchIndex(s, max)
	}
	return r.findPortions(s, max, min(pollMatches, maxSteps/(steps+1)+1))
}

// findPortions finds matches in portions of the given number and polls in
// between.
func (r *Regexp) findPortions(s string, max, portion int) [][]int {
	var all [][]int
	for from, ended := 0, false; !ended; {
		r.poll()
		found := r.fast.FindAllStringSubmatchIndex(s[from:], portion)
		ended = len(found) < portion
		for _, m := range found {
			shift(m, from)
		}
		next := from
		if len(found) > 0 {
			last := found[len(found)-1]
			if next = last[1]; last[0] == last[1] {
				_, width := utf8.DecodeRuneInString(s[next:])
				next += width
				ended = ended || width == 0
			}
			if first := found[0]; from > 0 && first[1] == from && len(all) > 0 && all[len(all)-1][1] == from {
				found = found[1:] // an empty match must not follow a match that ends there
			}
		}
		all, from = append(all, found...), next
		if max > 0 && len(all) >= max {
			return all[:max]
		}
	}
	return all
}

// shift adds by to the offsets of a match.
func shift(places []int, by int) {
	for i := range places {
		if places[i] >= 0 {
			places[i] += by
		}
	}
}

// findPolled finds one match after the other, like regexp.Regexp, with a reader
// that polls.
func (r *Regexp) findPolled(s string, max int) [][]int {
	prefix, _ := r.fast.LiteralPrefix()
	in := &polledReader{s: s, poll: r.poll, every: 1 + pollSteps/r.steps}
	var all [][]int
	for pos, ended := 0, -1; pos <= len(s) && (max < 0 || len(all) < max); {
		if in.step(16); prefix != "" {
			next := strings.Index(s[pos:], prefix)
			if next < 0 {
				break
			}
			pos += next
		}
		m := r.nextPolled(in, pos)
		if m == nil {
			break
		}
		follows := m[1] == pos && m[0] == ended // an empty match must not follow a match that ends there
		if ended = m[1]; m[1] > pos {
			pos = m[1]
		} else if _, width := utf8.DecodeRuneInString(s[pos:]); width > 0 {
			pos += width
		} else {
			pos = len(s) + 1
		}
		if !follows {
			all = append(all, m)
		}
	}
	return all
}

// nextPolled returns the first match at or after pos, or nil.
func (r *Regexp) nextPolled(in *polledReader, pos int) []int {
	if in.at = pos; pos == 0 {
		return r.fast.FindReaderSubmatchIndex(in)
	}
	next, err := r.behind()
	if err != nil { // impossible: the expression compiled before
		panic(err)
	}
	_, width := utf8.DecodeLastRuneInString(in.s[:pos])
	in.at -= width
	m := next.FindReaderSubmatchIndex(in)
	if m == nil {
		return nil
	}
	shift(m, pos-width)
	return m[2:]
}

// polledReader reads a text and polls each time it has read every characters.
type polledReader struct {
	s        string
	at, read int
	every    int
	poll     func()
}

func (p *polledReader) step(n int) {
	if p.read += n; p.read >= p.every {
		p.read = 0
		p.poll()
	}
}

// ReadRune implements io.RuneReader.
func (p *polledReader) ReadRune() (c rune, width int, err error) {
	if p.at >= len(p.s) {
		return 0, 0, io.EOF
	}
	p.step(1)
	if c = rune(p.s[p.at]); c < utf8.RuneSelf {
		p.at++
		return c, 1, nil
	}
	c, width = utf8.DecodeRuneInString(p.s[p.at:])
	p.at += width
	return c, width, nil
}
