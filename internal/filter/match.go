package filter

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Matcher tests the rows of batches against a search expression whose
// subsearches are resolved. It belongs to one goroutine.
type Matcher struct {
	root node
}

// node marks in out the rows of in that match. in and out must be different
// slices of the batch's length.
type node interface {
	match(b *vector.Batch, in, out []bool)
}

// NewMatcher prepares a search expression. Relative time modifiers in it are
// relative to now.
func NewMatcher(e Expr, now time.Time) (*Matcher, error) {
	n, err := compile(e, now)
	if err != nil {
		return nil, err
	}
	return &Matcher{n}, nil
}

// Select returns the rows of b that match, in order.
func (m *Matcher) Select(b *vector.Batch) []int32 {
	in, out := make([]bool, b.Len), make([]bool, b.Len)
	for i := range in {
		in[i] = true
	}
	m.root.match(b, in, out)
	n := 0
	for _, ok := range out {
		if ok {
			n++
		}
	}
	rows := make([]int32, 0, n)
	for i, ok := range out {
		if ok {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// Filter returns a batch of the rows of b that match.
func (m *Matcher) Filter(b *vector.Batch) *vector.Batch {
	if rows := m.Select(b); len(rows) < b.Len {
		return b.Pick(rows)
	}
	return b
}

// FieldsOf returns the fields a search expression reads.
func FieldsOf(e Expr) []string {
	var list []string
	walk(e, func(e Expr) {
		switch e := e.(type) {
		case *Compare:
			list = append(list, e.Field)
		case *In:
			list = append(list, e.Field)
		case *Term:
			list = append(list, "_raw")
		case *TimeBound:
			list = append(list, timeFields(e.Name)...)
		}
	})
	return list
}

// timeTests returns the tests of a group of time modifiers that apply together.
func timeTests(bounds []*TimeBound, now time.Time) ([]node, error) {
	r, err := ResolveTimes(bounds, now)
	if err != nil {
		return nil, err
	}
	var tests []node
	for name, t := range r {
		tests = append(tests, timeTest{timeFields(name), splunktime.Epoch(t), strings.HasSuffix(name, "latest")})
	}
	return tests, nil
}

// timeFields are the fields that a modifier tests; the first one present in a
// row counts. Events read from files were never ingested.
func timeFields(modifier string) []string {
	if strings.HasPrefix(modifier, "_index") {
		return []string{"_indextime", "_time"}
	}
	return []string{"_time"}
}

func compile(e Expr, now time.Time) (node, error) {
	list := func(args []Expr) ([]node, error) {
		nodes := make([]node, len(args))
		for i, a := range args {
			var err error
			if nodes[i], err = compile(a, now); err != nil {
				return nil, err
			}
		}
		return nodes, nil
	}
	switch e := e.(type) {
	case *And:
		var bounds []*TimeBound
		args := slices.DeleteFunc(slices.Clone(e.Args), func(a Expr) bool {
			b, ok := a.(*TimeBound)
			if ok {
				bounds = append(bounds, b)
			}
			return ok
		})
		times, err := timeTests(bounds, now)
		if err != nil {
			return nil, err
		}
		nodes, err := list(args)
		return append(allOf(times), nodes...), err
	case *Or:
		nodes, err := list(e.Args)
		return anyOf(nodes), err
	case *Not:
		n, err := compile(e.Arg, now)
		return noneOf{n}, err
	case *Compare:
		if e.Sub != nil {
			return nil, diag.At(e.Span, "the subsearch has not been run")
		}
		return compare(e), nil
	case *In:
		n := make(anyOf, len(e.Values))
		for i, v := range e.Values {
			n[i] = compare(&Compare{Field: e.Field, Op: "=", Value: v})
		}
		return n, nil
	case *Term:
		return &valueTest{field: "_raw", test: CompileTerm(e)}, nil
	case *TimeBound:
		times, err := timeTests([]*TimeBound{e}, now)
		return allOf(times), err
	case *Sub:
		return nil, diag.At(e.Span, "the subsearch has not been run")
	}
	return everything{}, nil
}

type (
	allOf      []node
	anyOf      []node
	noneOf     struct{ arg node }
	everything struct{}
	timeTest   struct {
		fields []string
		bound  float64
		latest bool
	}
)

func (everything) match(_ *vector.Batch, in, out []bool) { copy(out, in) }

func (n allOf) match(b *vector.Batch, in, out []bool) {
	for _, a := range n {
		next := make([]bool, len(in))
		a.match(b, in, next)
		in = next
	}
	copy(out, in)
}

func (n anyOf) match(b *vector.Batch, in, out []bool) {
	left, got := append([]bool(nil), in...), make([]bool, len(in))
	for _, a := range n {
		clear(got)
		a.match(b, left, got)
		for i, ok := range got {
			if ok {
				out[i], left[i] = true, false
			}
		}
	}
}

func (n noneOf) match(b *vector.Batch, in, out []bool) {
	got := make([]bool, len(in))
	n.arg.match(b, in, got)
	for i, ok := range got {
		out[i] = in[i] && !ok
	}
}

func (n timeTest) match(b *vector.Batch, in, out []bool) {
	for i, want := range in {
		if !want {
			continue
		}
		for _, f := range n.fields {
			if v := b.At(f, i); !v.IsNull() {
				t, ok := v.Num()
				out[i] = ok && (n.latest && t < n.bound || !n.latest && t >= n.bound)
				break
			}
		}
	}
}

// valueTest matches rows in which any value of the field passes the test.
type valueTest struct {
	field string
	test  func(string) bool
	seen  []int8 // result by dictionary code
}

func (n *valueTest) match(b *vector.Batch, in, out []bool) {
	c := b.Col(n.field)
	if c == nil {
		return
	}
	if v, ok := c.Constant(); ok {
		if n.passes(v) {
			copy(out, in)
		}
		return
	}
	dict, codes := c.Codes()
	if codes == nil || len(dict) > len(codes) {
		for i, want := range in {
			if want {
				out[i] = n.passes(c.At(i))
			}
		}
		return
	}
	n.seen = append(n.seen[:0], make([]int8, len(dict))...)
	for i, want := range in {
		if !want {
			continue
		}
		code := codes[i]
		if n.seen[code] == 0 {
			n.seen[code] = -1
			if n.passes(dict[code]) {
				n.seen[code] = 1
			}
		}
		out[i] = n.seen[code] > 0
	}
}

func (n *valueTest) passes(v vector.Value) bool {
	switch v.Kind() {
	case vector.Null:
		return false
	case vector.Text, vector.Number:
		return n.test(v.Text())
	}
	for i := range v.Len() {
		if n.test(v.At(i)) {
			return true
		}
	}
	return false
}

// also maps a value to a second one that it also matches: events that Splunk
// would store in main go to the index aws, and CloudTrail records also have
// Security Lake's names.
var also = map[[2]string]string{
	{"index", "main"}:         "aws",
	{"sourcetype", "aws:asl"}: "aws:cloudtrail",
}

// Also returns the second value that a comparison with value matches; ok is
// false if there is none.
func Also(field, value string) (second string, ok bool) {
	if field != "index" && field != "sourcetype" {
		return "", false
	}
	second, ok = also[[2]string{field, strings.ToLower(value)}]
	return second, ok
}

func compare(c *Compare) node {
	if second, ok := Also(c.Field, c.Value); ok {
		a, b := CompareTest(c), CompareTest(&Compare{Field: c.Field, Op: c.Op, Value: second})
		if c.Op == "!=" {
			return &valueTest{field: c.Field, test: func(s string) bool { return a(s) && b(s) }}
		}
		return &valueTest{field: c.Field, test: func(s string) bool { return a(s) || b(s) }}
	}
	return &valueTest{field: c.Field, test: CompareTest(c)}
}

// CompareTest returns the test that a comparison applies to each value of its
// field. = and != compare as text, case-insensitively, and support * and CIDR
// blocks. <, <=, > and >= compare numerically if both are numbers, otherwise as
// text.
func CompareTest(c *Compare) func(string) bool {
	switch c.Op {
	case "=":
		return equalTest(c.Value, c.Case)
	case "!=":
		eq := equalTest(c.Value, c.Case)
		if c.Value == "*" {
			return func(string) bool { return false }
		}
		return func(s string) bool { return !eq(s) }
	}
	pass := vector.Relations[c.Op]
	bound := vector.String(c.Value)
	if c.Field == "_time" || c.Field == "_indextime" {
		if t, ok := splunktime.AbsoluteTime(c.Value, time.UTC); ok {
			bound = vector.Float(splunktime.Epoch(t))
		}
	}
	_, number := bound.Num()
	return func(s string) bool {
		v := vector.String(s)
		if !number {
			return pass.Has(strings.Compare(Lower(s), Lower(c.Value)))
		}
		return pass.Has(vector.CompareValues(v, bound))
	}
}

func equalTest(value string, exact bool) func(string) bool {
	text := Wildcard(value, exact)
	p, err := netip.ParsePrefix(value)
	if err != nil {
		return text
	}
	p = p.Masked()
	return func(s string) bool {
		if text(s) {
			return true
		}
		a, err := netip.ParseAddr(s)
		return err == nil && p.Contains(a.Unmap())
	}
}

// Wildcard returns a test for a whole value: * matches any run of characters;
// case is ignored unless exact.
func Wildcard(pattern string, exact bool) func(string) bool {
	if exact {
		return wildcard(pattern, false)
	}
	lower := Lower(pattern)
	if ascii(lower) {
		test := wildcard(lower, true)
		return func(s string) bool { return test(asciiLetters(s)) }
	}
	test := wildcard(lower, false)
	return func(s string) bool { return test(Lower(s)) }
}

// wildcard is Wildcard for texts that are compared bytewise. With fold, the
// pattern is lower-case ASCII and texts may be in either case.
func wildcard(pattern string, fold bool) func(string) bool {
	if pattern == "*" {
		return func(string) bool { return true }
	}
	same := func(s, part string) bool {
		return s == part || fold && len(s) == len(part) && equalFold(s, part)
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return func(s string) bool { return same(s, pattern) }
	}
	index := strings.Index
	if fold {
		index = indexFold
	}
	first, last, middle := parts[0], parts[len(parts)-1], parts[1:len(parts)-1]
	return func(s string) bool {
		if len(s) < len(first)+len(last) || !same(s[:len(first)], first) || !same(s[len(s)-len(last):], last) {
			return false
		}
		s = s[len(first) : len(s)-len(last)]
		for _, part := range middle {
			i := index(s, part)
			if i < 0 {
				return false
			}
			s = s[i+len(part):]
		}
		return true
	}
}
