// Package pcre implements the regular expressions of rex, regex, match and
// replace: the PCRE syntax that searches use. Expressions that mean the same in
// Go's linear-time engine run there. Others (look-around, back-references,
// atomic groups) run on a backtracking engine with a time limit per text.
package pcre

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2"
)

// MatchTime is the time limit for one text on the backtracking engine.
const MatchTime = 250 * time.Millisecond

// MaxPattern is the maximum length of an expression in bytes.
const MaxPattern = 64 << 10

// ErrTime means that a text took longer than MatchTime.
var ErrTime = errors.New("the regular expression took too long on one text")

// SyntaxError is a syntax error in an expression.
type SyntaxError struct {
	Pattern string
	Offset  int // of the error, in bytes; 0 if unknown
	Msg     string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid regular expression at character %d: %s", e.Offset+1, e.Msg)
}

// Regexp is a compiled expression. It is safe for concurrent use. It matches
// invalid UTF-8 as U+FFFD; offsets always refer to the bytes of the original
// text.
type Regexp struct {
	pattern string
	names   []string
	fast    *regexp.Regexp // nil = needs the backtracking engine
	dollar  bool           // $ also matches before a newline at the end, unlike in Go
	slow    func() (*regexp2.Regexp, error)
	leaning bool // matches depend on the preceding text: \b, (?m)^
	keeps   int  // number of \K
	steps   int  // instructions of fast
	behind  func() (*regexp.Regexp, error)
	poll    func() // nil = none
}

// Polling returns a copy of the expression that calls poll every few
// milliseconds while matching. poll may panic to stop the match.
func (r *Regexp) Polling(poll func()) *Regexp {
	with := *r
	with.poll = poll
	return &with
}

// maxCached bounds the expressions that Compile caches.
const maxCached = 256

var cache = struct {
	sync.Mutex
	known map[string]*Regexp
}{known: map[string]*Regexp{}}

// Compile parses an expression. Its errors are *SyntaxError. It caches recent
// expressions, so it may be called for every row.
func Compile(pattern string) (*Regexp, error) {
	cache.Lock()
	r := cache.known[pattern]
	cache.Unlock()
	if r != nil {
		return r, nil
	}
	r, err := compile(pattern)
	if err != nil {
		return nil, err
	}
	cache.Lock()
	defer cache.Unlock()
	if len(cache.known) >= maxCached {
		clear(cache.known)
	}
	cache.known[strings.Clone(pattern)] = r
	return r, nil
}

func compile(pattern string) (*Regexp, error) {
	if len(pattern) > MaxPattern {
		return nil, &SyntaxError{Pattern: pattern, Msg: fmt.Sprintf("it is longer than %d bytes", MaxPattern)}
	}
	t := translate(pattern)
	r := &Regexp{pattern: pattern, names: t.names, dollar: t.dollar, keeps: t.keeps}
	r.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		re, err := regexp2.Compile(t.text, regexp2.RE2)
		if err != nil {
			return nil, err
		}
		re.MatchTimeout = MatchTime
		return re, nil
	})
	linear, keeps := linearForm(pattern)
	fast, err := regexp.Compile(linear)
	if err == nil && len(t.names)+keeps == fast.NumSubexp()+1 {
		r.fast, r.leaning, r.steps = fast, leaning(linear), instructions(linear)
		r.behind = sync.OnceValues(func() (*regexp.Regexp, error) { return behind(linear) })
		return r, nil
	}
	if _, slowErr := r.slow(); slowErr != nil {
		return nil, syntaxError(pattern, err, slowErr)
	}
	return r, nil
}

func syntaxError(pattern string, fast, slow error) error {
	e := &SyntaxError{Pattern: pattern, Msg: strings.TrimPrefix(slow.Error(), "error parsing regexp: ")}
	if i := strings.LastIndex(e.Msg, " in `"); i > 0 { // cut off the translated pattern
		e.Msg = e.Msg[:i]
	}
	var place *syntax.Error
	if errors.As(fast, &place) && place.Code != syntax.ErrInvalidPerlOp {
		e.Msg = place.Code.String()
		if i := strings.Index(pattern, place.Expr); i >= 0 && place.Expr != pattern {
			e.Offset = i
		}
		if place.Expr != "" {
			e.Msg += ": " + place.Expr
		}
		if place.Code == syntax.ErrMissingParen || place.Code == syntax.ErrUnexpectedParen {
			e.Offset = unmatched(pattern)
		}
	}
	return e
}

// unmatched returns the offset of the unmatched parenthesis: the first one that
// closes nothing, otherwise the last one that is not closed.
func unmatched(pattern string) int {
	var open []int
	class := -1 // start of the current character class
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
		case class >= 0:
			if c == ']' && i > class+1 && !(i == class+2 && pattern[class+1] == '^') {
				class = -1
			}
		case c == '[':
			class = i
		case c == '(':
			open = append(open, i)
		case c == ')' && len(open) == 0:
			return i
		case c == ')':
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 {
		return 0
	}
	return open[len(open)-1]
}

// String returns the expression as written.
func (r *Regexp) String() string { return r.pattern }

// Names returns the names of the groups by number, "" for unnamed groups.
// Element 0 is the whole match.
func (r *Regexp) Names() []string { return r.names }

// Match reports whether the expression matches anywhere in s.
func (r *Regexp) Match(s string) (bool, error) {
	if r.poll != nil && (r.fast == nil || len(s) > 1<<14) {
		r.poll()
	}
	if r.usesFast(s) {
		return r.matchFast(s), nil
	}
	re, err := r.slow()
	if err != nil {
		return false, err
	}
	ok, err := re.MatchString(s)
	return ok, timed(err)
}

// Linear reports whether matching takes linear time, so that caching results is
// not worthwhile.
func (r *Regexp) Linear() bool { return r.fast != nil }

func (r *Regexp) usesFast(s string) bool {
	return r.fast != nil && !(r.dollar && strings.HasSuffix(s, "\n"))
}

func timed(err error) error {
	if err != nil {
		return ErrTime
	}
	return nil
}

// FindAll returns the first max matches, or all if max < 0. Each match holds
// the start and end of the whole match and of every group, -1 for groups that
// did not participate.
func (r *Regexp) FindAll(s string, max int) ([][]int, error) {
	if max == 0 {
		return nil, nil
	}
	if r.poll != nil {
		r.poll()
	}
	if r.usesFast(s) {
		found := r.findFast(s, max)
		if r.keeps > 0 {
			r.dropKeeps(found)
		}
		return found, nil
	}
	re, err := r.slow()
	if err != nil {
		return nil, err
	}
	offsets := runeOffsets(s)
	var found [][]int
	m, err := re.FindStringMatch(s)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		if r.poll != nil {
			r.poll()
		}
		place := make([]int, 2*len(r.names))
		for i := range r.names {
			place[2*i], place[2*i+1] = -1, -1
			if g := m.GroupByNumber(i); g != nil && len(g.Captures) > 0 {
				place[2*i], place[2*i+1] = offsets[g.Index], offsets[g.Index+g.Length]
			}
		}
		for i := range r.keeps {
			if g := m.GroupByName(keepName(i)); g != nil && len(g.Captures) > 0 {
				if at := offsets[g.Index]; at > place[0] {
					place[0] = at
				}
			}
		}
		if found = append(found, place); len(found) == max {
			return found, nil
		}
	}
	return found, timed(err)
}

// runeOffsets returns the byte offset of each character of s and of its end.
func runeOffsets(s string) []int {
	list := make([]int, 0, len(s)+1)
	for i := range s {
		list = append(list, i)
	}
	return append(list, len(s))
}

// MaxReplaced bounds the result of Replace, in bytes.
const MaxReplaced = 16 << 20

// ErrLong means that a replacement exceeds MaxReplaced.
var ErrLong = fmt.Errorf("the result of replace is longer than %d MiB", MaxReplaced>>20)

// Replace replaces every match in s with repl, or only the n-th match if n > 0.
// In repl, \1 to \99 are groups, \0 is the whole match and \\ is a backslash.
func (r *Regexp) Replace(s, repl string, n int) (string, error) {
	places, err := r.FindAll(s, max(n, 0)-boolInt(n <= 0))
	if err != nil || n > len(places) {
		return s, err
	}
	if n > 0 {
		places = places[n-1 : n]
	}
	if len(places) == 0 {
		return s, nil
	}
	var b strings.Builder
	from := 0
	for i, p := range places {
		if r.poll != nil && i%pollMatches == 0 {
			r.poll()
		}
		b.WriteString(s[from:p[0]])
		expand(&b, repl, s, p)
		from = p[1]
		if b.Len() > MaxReplaced {
			return s, ErrLong
		}
	}
	b.WriteString(s[from:])
	return b.String(), nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// expand appends repl with its references replaced. Like Replace, it stops soon
// after MaxReplaced bytes.
func expand(b *strings.Builder, repl, s string, place []int) {
	for i := 0; i < len(repl) && b.Len() <= MaxReplaced; i++ {
		if repl[i] != '\\' || i+1 == len(repl) {
			b.WriteByte(repl[i])
			continue
		}
		i++
		if repl[i]-'0' > 9 {
			if repl[i] != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(repl[i])
			continue
		}
		g := int(repl[i] - '0')
		if i+1 < len(repl) && repl[i+1]-'0' <= 9 && g > 0 {
			if two := 10*g + int(repl[i+1]-'0'); 2*two+1 < len(place) {
				g, i = two, i+1
			}
		}
		if 2*g+1 < len(place) && place[2*g] >= 0 {
			b.WriteString(s[place[2*g]:place[2*g+1]])
		}
	}
}
