package sigma

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/event"
)

// generator makes random rules and records of few names and values, so that many
// match.
type generator struct{ *rand.Rand }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

var (
	litFields = []string{"eventName", "eventSource", "a", "a.b", "a.b.c", "d", "d.e", "t", "ip", "A"}
	litWords  = []string{"a", "A", "ab", "aB", "b", "", "ä", "Ä", "k", "K", "a*b", "a?b", `a\b`, `a"b`, "1", "22", "true", "null", "a\nb", " -v", " /v", "x/y", "a.b"}
	litTimes  = []string{"2026-03-02T01:04:05Z", "2025-12-29T23:59:00Z", "2026-03-02T01:04:05+05:00"}
	litIPs    = []string{"10.0.0.1", "10.255.0.1", "192.168.1.1", "2001:db8::1", "::ffff:10.0.0.1", "ec2.amazonaws.com"}
	litCodes  = []string{"YQ==", "eGFi", "YWJj", "AGEA", "YQBiAA==", "//5hAA=="}
)

func (g generator) json(depth int) string {
	switch n := g.IntN(20); {
	case n < 8:
		return string(litQuote(pick(g, litWords...)))
	case n < 10:
		return pick(g, "1", "22", "22.0", "-1", "2.2e1", "0.5")
	case n == 10:
		return pick(g, "true", "false")
	case n == 11:
		return "null"
	case n == 12:
		return string(litQuote(pick(g, litTimes...)))
	case n == 13:
		return string(litQuote(pick(g, litIPs...)))
	case n == 14:
		return string(litQuote(pick(g, litCodes...)))
	case depth == 0:
		return "{}"
	case n < 17:
		items := make([]string, g.IntN(4))
		for i := range items {
			items[i] = g.json(depth - 1)
		}
		return "[" + g.space() + strings.Join(items, ","+g.space()) + "]"
	}
	return g.object(depth-1, "a", "b", "c", "b.c", "e", "d")
}

func (g generator) space() string { return pick(g, "", "", " ", "\n\t") }

func (g generator) object(depth int, keys ...string) string {
	var members []string
	for _, k := range keys {
		if g.IntN(3) > 0 {
			members = append(members, g.space()+string(litQuote(k))+g.space()+":"+g.space()+g.json(depth))
		}
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + g.space() + "}"
}

func (g generator) record() string {
	rec := g.object(3, "a", "a.b", "d", "d.e", "t", "ip", "A")
	var own []string
	for _, k := range []string{"eventName", "eventSource"} {
		switch g.IntN(8) {
		case 0:
		case 1:
			own = append(own, fmt.Sprintf("%q:%s", k, g.json(1)))
		default:
			own = append(own, fmt.Sprintf("%q:%s", k, litQuote(pick(g, litWords...))))
		}
	}
	if rest := strings.TrimSpace(rec[1:]); len(own) > 0 && rest != "}" {
		return "{" + strings.Join(own, ",") + "," + rest
	}
	if len(own) > 0 {
		return "{" + strings.Join(own, ",") + "}"
	}
	return rec
}

func (g generator) value() litValue {
	switch g.IntN(10) {
	case 0:
		return litValue{"null", "null"}
	case 1:
		return litValue{"number", pick(g, "1", "22", "22.0", "-1", "0.5")}
	case 2:
		return litValue{"bool", pick(g, "true", "false")}
	}
	return litValue{"text", g.pattern()}
}

func (g generator) pattern() string {
	return pick(g, pick(g, litWords...), pick(g, "a*", "*b", "*", "?", "a?", `a\*b`, `\?`, `a\\b`, "*a*b*", `{"b":*}`, `["*"]`, "??*", "", `*\*`))
}

// test makes a test of any modifiers.
func (g generator) test(depth int) litTest {
	t := litTest{field: pick(g, litFields...)}
	if g.IntN(4) == 0 {
		t.field = pick(g, "eventName", "eventSource")
	}
	fill := func(value func() litValue) litTest {
		for range 1 + g.IntN(3) {
			t.values = append(t.values, value())
		}
		if g.IntN(6) == 0 {
			t.mods = append(t.mods, "neq")
		}
		if g.IntN(4) == 0 {
			t.mods = append(t.mods, "all")
		}
		return t
	}
	texts := func(values ...string) func() litValue {
		return func() litValue { return litValue{"text", pick(g, values...)} }
	}
	position := func() []string {
		return pick(g, nil, []string{"contains"}, []string{"startswith"}, []string{"endswith"})
	}
	switch n := g.IntN(22); {
	case n < 6:
		return fill(g.value)
	case n < 9:
		t.mods = append(t.mods, position()...)
		if g.IntN(3) == 0 {
			t.mods = append(t.mods, "cased")
		}
		return fill(func() litValue { return litValue{"text", g.pattern()} })
	case n == 9:
		t.mods, t.values = []string{"exists"}, []litValue{{"bool", pick(g, "true", "false")}}
		if g.IntN(4) == 0 {
			t.mods = append(t.mods, "neq")
		}
		return t
	case n == 10:
		t.mods = []string{"re"}
		for _, f := range []string{"i", "m", "s"} {
			if g.IntN(3) == 0 {
				t.mods = append(t.mods, f)
			}
		}
		return fill(texts("a", "^a", "b$", "a.b", "^$", "[a-b]+", `\d`, "^B"))
	case n == 11:
		t.mods = append(pick(g, []string{"base64"}, []string{"base64offset"}, []string{"wide", "base64"}, []string{"utf16le", "base64offset"}, []string{"utf16be", "base64"}, []string{"utf16", "base64"}), position()...)
		return fill(texts("a", "ab", "abc", "ä"))
	case n == 12:
		t.mods = pick(g, []string{"windash"}, []string{"windash", "contains"}, []string{"contains", "windash"}, []string{"windash", "endswith"})
		return fill(texts("-v", " -v", "*-v", "x/y", "/v", "-a -b"))
	case n < 15:
		t.mods = []string{pick(g, "lt", "lte", "gt", "gte")}
		return fill(func() litValue { return litValue{"number", pick(g, "1", "22", "22.0", "-1", "0.5")} })
	case n == 15:
		t.field = pick(g, "t", "t", t.field)
		t.mods = []string{pick(g, "minute", "hour", "day", "week", "month", "year")}
		if g.IntN(2) == 0 {
			t.mods = append(t.mods, pick(g, "lt", "lte", "gt", "gte"))
		}
		return fill(func() litValue { return litValue{"number", pick(g, "1", "2", "4", "10", "12", "20", "2026")} })
	case n == 16:
		t.field, t.mods = pick(g, "ip", "ip", t.field), []string{"cidr"}
		return fill(texts("10.0.0.0/8", "10.0.0.0/24", "192.168.1.1/32", "2001:db8::/32", "0.0.0.0/0"))
	case n == 17:
		t.mods = append([]string{"expand"}, position()...)
		return fill(texts("%some%", "a%some%", "b", "%some%*", "%none%"))
	case n == 18:
		t.mods = append([]string{"fieldref"}, position()...)
		if g.IntN(3) == 0 {
			t.mods = append(t.mods, "cased")
		}
		return fill(texts(litFields...))
	case n == 19:
		t.field, t.mods = "", pick(g, []string{"all"}, []string{"contains"}, []string{"cased"}, []string{"re"}, []string{"neq"})
		t.values = []litValue{{"text", pick(g, "a", "B", "^a", `a"b`, "22")}, {"text", pick(g, "ab", "ä", "b$")}}
		return t
	case n == 20 && depth > 0:
		t.field, t.block = pick(g, "a", "a.b", "d"), pick(g, "any", "all", "none")
		inner := litSelection{maps: [][]litTest{{g.test(depth - 1)}}}
		if g.IntN(2) == 0 {
			inner.maps[0] = append(inner.maps[0], g.test(depth-1))
		}
		for i := range inner.maps[0] {
			if x := &inner.maps[0][i]; x.field != "" && x.block == "" {
				x.field = pick(g, "a", "b", "c", "e")
			}
		}
		inner.maps[0] = unique(inner.maps[0])
		t.inner = &inner
		return t
	}
	return fill(g.value)
}

// unique drops tests whose keys were there before.
func unique(tests []litTest) (out []litTest) {
	seen := map[string]bool{}
	for _, t := range tests {
		if k := t.key(); !seen[k] {
			seen[k] = true
			out = append(out, t)
		}
	}
	return out
}

func (g generator) selection() litSelection {
	var s litSelection
	if g.IntN(10) == 0 {
		for range 1 + g.IntN(2) {
			s.keywords = append(s.keywords, litValue{"text", pick(g, "a", "aB", "a*b", "ä", `a"b`, "22", "zzz")})
		}
		return s
	}
	for range 1 + g.IntN(2) {
		var tests []litTest
		for range 1 + g.IntN(3) {
			tests = append(tests, g.test(2))
		}
		s.maps = append(s.maps, unique(tests))
	}
	return s
}

func (g generator) detection() (sels map[string]litSelection, cond litCond) {
	sels = map[string]litSelection{}
	names := []string{"x_1", "x_2", "y", "_z"}[:1+g.IntN(4)]
	for _, n := range names {
		sels[n] = g.selection()
	}
	return sels, g.condition(names, 3)
}

func (g generator) condition(names []string, depth int) litCond {
	switch n := g.IntN(8); {
	case n < 3 || depth == 0:
		return litCond{name: pick(g, names...)}
	case n == 3:
		return litCond{op: "not", of: []litCond{g.condition(names, depth-1)}}
	case n < 6:
		c := litCond{op: pick(g, "and", "or")}
		for range 2 + g.IntN(2) {
			c.of = append(c.of, g.condition(names, depth-1))
		}
		return c
	}
	return litCond{op: pick(g, "1", "all"), name: pick(g, "x_*", "them", "x_1")}
}

// text writes a condition with parentheses only where precedence asks for them.
func (c litCond) text(level int) string {
	out, own := "", 4
	switch c.op {
	case "":
		return c.name
	case "1", "all":
		return c.op + " of " + c.name
	case "not":
		return "not " + c.of[0].text(3)
	case "and":
		own = 2
	case "or":
		own = 1
	}
	for i, x := range c.of {
		if i > 0 {
			out += " " + c.op + " "
		}
		out += x.text(own + 1)
	}
	if own < level {
		return "(" + out + ")"
	}
	return out
}

func (t litTest) key() string {
	k := t.field
	if t.block != "" {
		return k + "[" + t.block + "]"
	}
	for _, m := range t.mods {
		k += "|" + m
	}
	return k
}

func (v litValue) yaml() string {
	if v.kind != "text" {
		return v.text
	}
	if strings.ContainsAny(v.text, "\n") {
		return string(litQuote(v.text))
	}
	return "'" + strings.ReplaceAll(v.text, "'", "''") + "'"
}

func litYAMLValues(values []litValue) string {
	if len(values) == 1 {
		return values[0].yaml()
	}
	var out []string
	for _, v := range values {
		out = append(out, v.yaml())
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func (s litSelection) yaml() string {
	if len(s.keywords) > 0 {
		return "[" + strings.TrimSuffix(strings.TrimPrefix(litYAMLValues(s.keywords), "["), "]") + "]"
	}
	var maps []string
	for _, tests := range s.maps {
		var lines []string
		for _, t := range tests {
			value := litYAMLValues(t.values)
			if t.inner != nil {
				value = t.inner.yaml()
			}
			lines = append(lines, "'"+t.key()+"': "+value)
		}
		maps = append(maps, "{"+strings.Join(lines, ", ")+"}")
	}
	if len(maps) == 1 {
		return maps[0]
	}
	return "[" + strings.Join(maps, ", ") + "]"
}

func litDetection(sels map[string]litSelection, cond litCond) string {
	var b strings.Builder
	for name, s := range sels {
		fmt.Fprintf(&b, "  %s: %s\n", name, s.yaml())
	}
	fmt.Fprintf(&b, "  condition: %s\n", cond.text(0))
	return b.String()
}

// TestAgainstLiteral compares the package with the literal evaluator on random rules
// and records.
func TestAgainstLiteral(t *testing.T) {
	rounds := 600
	if testing.Short() {
		rounds = 200
	}
	const logsource = "level: low\nsigma-version: 3\nlogsource: {product: aws, service: cloudtrail}\n"
	hits, tries := 0, 0
	for seed := range uint64(rounds) {
		g := generator{rand.New(rand.NewPCG(seed, 12))}
		var rules []*litRule
		var doc strings.Builder
		for i := range 6 {
			r := &litRule{}
			r.sels, r.cond = g.detection()
			rules = append(rules, r)
			fmt.Fprintf(&doc, "---\ntitle: r%d\nname: r%d\n%sdetection:\n%s", i, i, logsource, litDetection(r.sels, r.cond))
		}
		for range g.IntN(3) {
			f := &litFilter{}
			f.sels, f.cond = g.detection()
			target := "any"
			if n := g.IntN(len(rules) + 1); n < len(rules) {
				target = fmt.Sprintf("[r%d]", n)
				rules[n].filters = append(rules[n].filters, f)
			} else {
				for _, r := range rules {
					r.filters = append(r.filters, f)
				}
			}
			fmt.Fprintf(&doc, "---\ntitle: f\n%sfilter:\n  rules: %s\n%s", logsource, target, litDetection(f.sels, f.cond))
		}
		c := NewCollection(func(name string) ([]string, error) {
			if l, ok := litLists[name]; ok {
				return l, nil
			}
			return nil, ErrNoList
		})
		c.Add("r.yml", []byte(doc.String()))
		c.Link()
		if len(c.Faults) > 0 {
			// Patterns of selections that name none are refused, which is tested elsewhere.
			if !strings.Contains(c.Faults[0].Reason(), "no selection matches") {
				t.Fatalf("seed %d: %v\n%s", seed, c.Faults[0].Err, doc.String())
			}
			continue
		}
		set := NewSet(c.Rules)
		e := set.NewEvaluator()
		lender := newLender(e, set, seed%3)
		for range 12 {
			raw := []byte(g.record())
			lender.read(raw)
			if !json.Valid(raw) {
				t.Fatalf("seed %d: the record is not JSON: %s", seed, raw)
			}
			var want []int
			for i, r := range rules {
				if r.fires(raw) {
					want = append(want, i)
				}
			}
			hits, tries = hits+len(want), tries+len(rules)
			var got []int
			e.Evaluate(raw, litString(raw, "eventSource"), litString(raw, "eventName"), func(i int) { got = append(got, i) })
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v fire, want %v, on %s\n%s", seed, got, want, raw, doc.String())
			}
			for i, r := range c.Rules {
				if x := Explain(r, raw); x.Fires != slices.Contains(want, i) {
					t.Fatalf("seed %d: rule %d on %s: explained as %v\n%s\n%s", seed, i, raw, x.Fires, x, doc.String())
				}
			}
		}
	}
	if hits < tries/10 || hits > tries*9/10 {
		t.Errorf("%d of %d rules fire: the test tells little", hits, tries)
	}
}

// lender lends an Evaluator the leaves of records.
type lender struct {
	x     *event.Extractor
	row   *event.Row
	wrong bool // no leaf is known
}

// newLender lends no field, every other field or all fields.
func newLender(e *Evaluator, s *Set, part uint64) *lender {
	l := &lender{}
	var fields []string
	for i, f := range s.Fields() {
		if part == 2 || part == 1 && i%2 == 0 {
			fields = append(fields, f)
		}
	}
	l.x = event.NewExtractor(fields)
	l.row = l.x.NewRow()
	e.Borrow(l.x.Leaves(), func(i int) (string, Lent) {
		switch c := l.row.Leaf(i); {
		case l.wrong || l.row.Odd() || c.Many != nil:
			return "", NotLent
		case c.Set:
			return c.Text, Given
		case l.row.Blank():
			return "", Blank
		}
		return "", Missing
	})
	return l
}

func (l *lender) read(raw []byte) { l.wrong = l.x.Read(raw, l.row) != nil }

// litString returns a field that is a string, as a decoder would give it away.
func litString(raw []byte, key string) string {
	var m map[string]any
	must(json.Unmarshal(raw, &m))
	s, _ := m[key].(string)
	return s
}
