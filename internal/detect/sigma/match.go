package sigma

import (
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/jsonscan"
)

// selection is a named part of a detection: any of its alternatives, each of which is
// all of its tests.
type selection struct {
	name string
	any  [][]*test // as written
	fast [][]*test // cheap tests first
	sum  [32]byte  // the same for selections that say the same; zero = unknown
}

func newSelection(name string, any [][]*test) *selection {
	s := &selection{name: name, any: any}
	for _, tests := range any {
		sorted := slices.Clone(tests)
		slices.SortStableFunc(sorted, func(a, b *test) int { return conjunction.compare(a.weight(), b.weight()) })
		s.fast = append(s.fast, sorted)
	}
	slices.SortStableFunc(s.fast, func(a, b []*test) int { return disjunction.compare(weigh(a), weigh(b)) })
	return s
}

func (s *selection) matches(r *record) bool {
	for _, tests := range s.fast {
		ok := true
		for _, t := range tests {
			if !t.holds(r) {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// test is one line of a selection: a field, and the values that it may have.
type test struct {
	key    string   // as written, with modifiers; "" for plain keywords
	wanted []string // the values as written, the first maxWanted of them
	more   int      // how many wanted lacks
	field  string
	id     int // of the field
	// derived: the field is computed from the record.
	derived bool
	// keyword: the values are looked for anywhere in the event.
	keyword bool
	all     bool // every value must match, rather than one of them
	negated bool // neq
	exists  *bool
	// texts are folded texts and numbers the canonical forms of numbers; both are
	// alternatives to vals, and empty if all is set.
	texts   map[string]struct{}
	numbers map[string]struct{}
	vals    []matcher
	block   *block
	slot    uint8 // of the verdicts that are remembered by text, from 1; 0 = none
}

// maxWanted is how many values of a test Explain shows.
const maxWanted = 10

// lookup adds a folded text.
func (t *test) lookup(text string) {
	if t.texts == nil {
		t.texts = map[string]struct{}{}
	}
	t.texts[text] = struct{}{}
}

// matcher is one value of a test.
type matcher interface {
	match(r *record, v *value) bool
}

func (t *test) holds(r *record) bool { return t.outcome(r) != t.negated }

func (t *test) outcome(r *record) bool {
	switch {
	case t.keyword:
		return t.anywhere(r)
	case t.block != nil:
		return t.block.holds(r, t.id)
	}
	c := r.cell(t.id)
	if t.exists != nil {
		if !c.present && !c.absent && !t.derived { // null is there, too
			r.find()
			c = r.cell(t.id)
		}
		return c.present == *t.exists
	}
	if t.slot > 0 && len(c.values) == 1 {
		if k := r.verdicts(t.id, &c.values[0]); k != nil {
			return k.holds(t.slot-1, func() bool { return t.compare(r, c) })
		}
	}
	return t.compare(r, c)
}

// compare looks at the values of the test's field.
func (t *test) compare(r *record, c *cell) bool {
	for i := range c.values {
		if v := &c.values[i]; t.finds(r, v) {
			return true
		}
	}
	for _, m := range t.vals {
		if matchesAny(r, c, m) != t.all {
			return !t.all
		}
	}
	return t.all
}

// finds looks a value up.
func (t *test) finds(r *record, v *value) bool {
	if t.texts != nil {
		if _, ok := t.texts[v.lower(r)]; ok {
			return true
		}
	}
	if t.numbers != nil && v.kind == jsonscan.Number {
		if key, ok := canonical(v.plain()); ok {
			_, ok = t.numbers[key]
			return ok
		}
	}
	return false
}

func matchesAny(r *record, c *cell, m matcher) bool {
	if _, null := m.(nothing); null {
		return len(c.values) == 0
	}
	for i := range c.values {
		if m.match(r, &c.values[i]) {
			return true
		}
	}
	return false
}

// anywhere evaluates keywords.
func (t *test) anywhere(r *record) bool {
	for _, m := range t.vals {
		_, leaves := m.(expression)
		found := false
		words := r.everything(leaves)
		for i := range words {
			if found = m.match(r, &words[i]); found {
				break
			}
		}
		if found != t.all {
			return !t.all
		}
	}
	return t.all
}

// nothing is null: the field is missing, or null.
type nothing struct{}

func (nothing) match(*record, *value) bool { return false }

// like matches a text with wildcards.
type like struct {
	p     pattern // folded unless cased
	cased bool
}

func (m like) match(r *record, v *value) bool {
	if m.cased {
		return m.p.matchText(v.plain())
	}
	return m.p.matchText(v.lower(r))
}

// anyOf matches if any of the forms of one value does.
type anyOf []like

func (m anyOf) match(r *record, v *value) bool {
	for _, form := range m {
		if form.match(r, v) {
			return true
		}
	}
	return false
}

// equals matches a number by its text, or another number by its amount.
type equals struct {
	text   string // folded
	number string // canonical; "" = the text is no number of JSON's
}

func (m equals) match(r *record, v *value) bool {
	if v.lower(r) == m.text {
		return true
	}
	if v.kind != jsonscan.Number || m.number == "" {
		return false
	}
	key, ok := canonical(v.plain())
	return ok && key == m.number
}

// canonical returns a text that numbers of the same amount share.
func canonical(s string) (key string, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0]-'0' > 9 {
		return "", false
	}
	for i := range len(digits) {
		if digits[i]-'0' > 9 {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return "", false
			}
			if f == math.Trunc(f) && math.Abs(f) < 1e15 {
				return strconv.FormatInt(int64(f), 10), true
			}
			return strconv.FormatFloat(f, 'g', -1, 64), true
		}
	}
	if digits[0] == '0' {
		digits = strings.TrimLeft(digits, "0")
		if digits == "" {
			return "0", true
		}
		if s[0] == '-' {
			return "-" + digits, true
		}
		return digits, true
	}
	return s, true
}

// amount reads a decimal number.
func amount(s string) (float64, bool) {
	if s == "" || s[0] != '-' && s[0]-'0' > 9 || strings.ContainsAny(s, "xX_") {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
}

// compares is lt, lte, gt, gte, or eq for a part of a time.
type compares struct {
	op string
	n  float64
}

func (m compares) match(_ *record, v *value) bool {
	n, ok := amount(v.plain())
	return ok && m.holds(n)
}

func (m compares) holds(n float64) bool { return Bound{m.op, m.n}.Holds(n) }

// expression is re.
type expression struct{ re *regexp.Regexp }

func (m expression) match(_ *record, v *value) bool { return m.re.MatchString(v.plain()) }

// network is cidr.
type network struct{ prefix netip.Prefix }

func (m network) match(_ *record, v *value) bool {
	s := v.plain()
	if s == "" || strings.IndexByte("0123456789abcdefABCDEF:", s[0]) < 0 {
		return false
	}
	a, err := netip.ParseAddr(s)
	return err == nil && m.prefix.Contains(a.Unmap().WithZone(""))
}

// part compares a part of a time.
type part struct {
	name string
	of   compares
}

func (m part) match(_ *record, v *value) bool {
	t, ok := moment(v.plain())
	if !ok {
		return false
	}
	var n int
	switch m.name {
	case "minute":
		n = t.Minute()
	case "hour":
		n = t.Hour()
	case "day":
		n = t.Day()
	case "week":
		_, n = t.ISOWeek()
	case "month":
		n = int(t.Month())
	case "year":
		n = t.Year()
	}
	return m.of.holds(float64(n))
}

// moment reads a time in UTC: RFC 3339, or seconds or milliseconds since 1970.
func moment(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), true
	}
	n, ok := amount(s)
	if !ok || n < 0 || n > 1e15 {
		return time.Time{}, false
	}
	if n > 1e11 {
		n /= 1000
	}
	return time.Unix(int64(n), 0).UTC(), true
}

// sameAs is fieldref: the value of another field, or a part of one.
type sameAs struct {
	id    int
	name  string // of the field
	how   string // "", startswith, endswith, contains
	cased bool
}

func (m sameAs) match(r *record, v *value) bool {
	other := r.cell(m.id)
	for i := range other.values {
		a, b := v.plain(), other.values[i].plain()
		if !m.cased {
			a, b = v.lower(r), other.values[i].lower(r)
		}
		switch m.how {
		case "startswith":
			if strings.HasPrefix(a, b) {
				return true
			}
		case "endswith":
			if strings.HasSuffix(a, b) {
				return true
			}
		case "contains":
			if strings.Contains(a, b) {
				return true
			}
		default:
			if a == b {
				return true
			}
		}
	}
	return false
}

// block looks at the elements of an array one by one (sigma-version 3).
type block struct {
	how    string // any, all or none
	of     *selection
	fields *fieldTable
	tree   *path
}

func (b *block) holds(r *record, id int) bool {
	elements, matching := 0, 0
	sub := newRecord(len(b.fields.names), b.tree)
	r.elements(id, func(json []byte) {
		elements++
		sub.reset(json)
		if b.of.matches(sub) {
			matching++
		}
	})
	switch b.how {
	case "all":
		return elements > 0 && matching == elements
	case "none":
		return matching == 0
	}
	return matching > 0
}
