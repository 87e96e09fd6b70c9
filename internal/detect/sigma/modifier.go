package sigma

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"bluetrail/internal/diag"
)

const (
	// maxValues bounds the values of a test that have to be tried one by one; plain
	// texts and numbers are looked up and may be more.
	maxValues  = 10_000
	maxLookups = 200_000
	maxValue   = 64 << 10 // bytes of a value
	// maxVariants bounds what windash makes of a value.
	maxVariants = 1000
	maxRegexp   = 8 << 10 // bytes of a regular expression
	// maxProgram bounds the instructions of a regular expression, maxPrograms those of
	// a collection's; one takes some 40 bytes.
	maxProgram  = 20_000
	maxPrograms = 2_000_000
)

// modifierNames are all that the specification has.
var modifierNames = []string{
	"contains", "startswith", "endswith", "all", "exists", "cased", "neq", "windash", "re", "i", "m", "s", "base64", "base64offset",
	"utf16le", "wide", "utf16be", "utf16", "lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year", "cidr", "expand", "fieldref",
}

// Lists gives the values of a placeholder such as %admins%. The error is ErrNoList when
// there is no list of the name, or says why the list cannot be used.
type Lists func(name string) ([]string, error)

// ErrNoList says that there is no list for a placeholder.
var ErrNoList = errors.New("there is no list")

// chain is what the modifiers of a test say. Those that change values work from
// left to right; one at most says how values are compared.
type chain struct {
	values  []string // windash, base64, wide … in order
	how     string   // contains, startswith, endswith, re, cidr, lt …, exists; "" = equal
	flags   string   // of re
	part    string   // minute, hour …
	all     bool
	cased   bool
	negated bool
	expand  bool
	ref     bool
}

// chainError is a fault of the modifier at a position.
type chainError struct {
	i    int
	msg  string
	hint string
}

// at returns the error at its modifier in the key of m.
func (e *chainError) at(m *member) *diag.Error {
	from := 0
	for range e.i + 1 {
		from += 1 + strings.IndexByte(m.key[from:], '|')
	}
	end := len(m.key)
	if i := strings.IndexByte(m.key[from:], '|'); i >= 0 {
		end = from + i
	}
	span := m.span
	if span.End-span.Start == len(m.key) { // written without quotes
		span = diag.Span{Start: span.Start + from, End: span.Start + end}
	}
	return diag.At(span, "%s: %s", m.key, e.msg).WithHint("%s", e.hint)
}

// parseChain reads the modifiers behind a field, from left to right.
func parseChain(mods []string) (c chain, fault *chainError) {
	for i, m := range mods {
		m = strings.ToLower(strings.TrimSpace(m))
		bad := func(format string, args ...any) (chain, *chainError) {
			return c, &chainError{i: i, msg: fmt.Sprintf(format, args...)}
		}
		switch m {
		case "all":
			c.all = true
		case "cased":
			c.cased = true
		case "neq":
			c.negated = true
		case "expand":
			c.expand = true
		case "fieldref":
			c.ref = true
		case "windash":
			c.values = append(c.values, m)
		case "base64", "base64offset", "utf16le", "wide", "utf16be", "utf16":
			if c.how != "" {
				return bad("%s must precede %s", m, c.how)
			}
			c.values = append(c.values, m)
		case "minute", "hour", "day", "week", "month", "year":
			if c.part != "" {
				return bad("%s and %s cannot be combined", c.part, m)
			}
			c.part = m
		case "i", "m", "s":
			if c.how != "re" {
				return bad("%s must follow re", m)
			}
			if !strings.Contains(c.flags, m) {
				c.flags += m
			}
		case "contains", "startswith", "endswith", "re", "cidr", "lt", "lte", "gt", "gte", "exists":
			if c.how != "" {
				return bad("%s and %s cannot be combined", c.how, m)
			}
			c.how = m
		default:
			return c, &chainError{i: i, msg: fmt.Sprintf("there is no modifier %q", m), hint: diag.DidYouMean(m, modifierNames)}
		}
		if why := c.check(); why != "" {
			return bad("%s", why)
		}
	}
	return c, nil
}

// check says what is wrong with combinations that make no sense.
func (c *chain) check() string {
	text := c.how == "" || c.how == "contains" || c.how == "startswith" || c.how == "endswith"
	ordered := c.how == "lt" || c.how == "lte" || c.how == "gt" || c.how == "gte"
	switch {
	case c.how == "exists" && (c.all || c.cased || c.expand || c.ref || c.part != "" || len(c.values) > 0):
		return "exists can be combined with neq only"
	case !text && len(c.values) > 0:
		return fmt.Sprintf("%s transforms text and cannot be combined with %s", c.values[0], c.how)
	case c.ref && (!text || len(c.values) > 0 || c.expand || c.part != ""):
		return "fieldref can be combined with startswith, endswith, contains, all, cased and neq only"
	case c.cased && !text:
		return "cased cannot be combined with " + c.how
	case c.part != "" && c.cased:
		return c.part + " is a number and cannot be combined with cased"
	case c.part != "" && c.how != "" && !ordered:
		return fmt.Sprintf("%s is a number and cannot be combined with %s", c.part, c.how)
	case c.part != "" && len(c.values) > 0:
		return fmt.Sprintf("%s is a number and cannot be combined with %s", c.part, c.values[0])
	}
	return ""
}

// compileValues gives a test its values.
func (c *chain) compileValues(t *test, items []node, to *compiler) *diag.Error {
	t.want(items)
	if c.expand {
		var err *diag.Error
		if items, err = expand(items, to.c.lists); err != nil {
			return err
		}
	}
	for i := range items {
		n := &items[i]
		if !n.scalar() {
			return diag.At(n.span, "a value must be a text, a number, a boolean or null")
		}
		if len(n.text) > maxValue {
			return diag.At(n.span, "the value is longer than %d KiB", maxValue>>10)
		}
		if err := c.compile(n, t, to); err != nil {
			return err
		}
		if len(t.vals) > maxValues {
			return diag.At(n.span, "more than %d values that have to be compared one by one", maxValues).WithHint("only plain texts and numbers can be more; split the rule")
		}
		if len(t.texts)+len(t.numbers) > maxLookups {
			return diag.At(n.span, "more than %d values", maxLookups).WithHint("split the rule")
		}
	}
	return nil
}

// expand replaces the placeholders of values by what their lists have.
func expand(items []node, lists Lists) (out []node, err *diag.Error) {
	for _, n := range items {
		m := placeholder.FindStringSubmatchIndex(n.text)
		if m == nil {
			out = append(out, n)
			continue
		}
		name := n.text[m[2]:m[3]]
		if placeholder.MatchString(n.text[m[1]:]) {
			return nil, diag.At(n.span, "a value may have one placeholder")
		}
		var values []string
		err := ErrNoList
		if lists != nil {
			values, err = lists(name)
		}
		if errors.Is(err, ErrNoList) {
			return nil, diag.At(n.span, "there is no list for the placeholder %%%s%%", name).
				WithHint("put %s.csv, whose first column has the values, or %s.txt with one in a line into lookups/ beside the rules, or into that of a folder that --knowledge names", name, name)
		}
		if err != nil {
			return nil, diag.At(n.span, "cannot use the list for the placeholder %%%s%%: %v", name, err)
		}
		for _, v := range values {
			one := n
			one.kind, one.text = str, n.text[:m[0]]+escapePattern(v)+n.text[m[1]:]
			out = append(out, one)
		}
	}
	return out, nil
}

var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.-]+)%`)

func escapePattern(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

// compile adds one value to a test.
func (c *chain) compile(n *node, t *test, to *compiler) *diag.Error {
	add := func(ms ...matcher) *diag.Error {
		t.vals = append(t.vals, ms...)
		return nil
	}
	if c.ref {
		if n.kind == null || n.text == "" {
			return diag.At(n.span, "fieldref needs the name of a field")
		}
		if _, err := to.checkDerived(n.span, n.text); err != nil {
			return err
		}
		return add(sameAs{id: to.table.id(n.text), name: n.text, how: c.how, cased: c.cased})
	}
	switch c.how {
	case "lt", "lte", "gt", "gte":
		f, ok := amount(n.text)
		if !ok {
			return diag.At(n.span, "%s compares with a number", c.how)
		}
		return add(c.timed(compares{op: c.how, n: f}))
	case "re":
		re, err := to.c.expression(n, c.flags)
		if err != nil {
			return err
		}
		return add(expression{re})
	case "cidr":
		p, err := netip.ParsePrefix(n.text)
		if a, notPrefix := netip.ParseAddr(n.text); notPrefix == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return diag.At(n.span, "%q is not a network such as 10.0.0.0/8 or 2001:db8::/32", n.text)
		}
		return add(network{p.Masked()})
	}
	plain := c.how == "" && len(c.values) == 0
	switch {
	case n.kind == null:
		if !plain || c.part != "" {
			return diag.At(n.span, "null cannot be combined with modifiers")
		}
		return add(nothing{})
	case c.part != "":
		f, ok := amount(n.text)
		if !ok {
			return diag.At(n.span, "%s is a number", c.part)
		}
		return add(c.timed(compares{op: "eq", n: f}))
	case n.kind == number && plain:
		key, ok := canonical(n.text)
		if c.all || !ok {
			return add(equals{text: fold(n.text), number: key})
		}
		t.lookup(fold(n.text))
		if t.numbers == nil {
			t.numbers = map[string]struct{}{}
		}
		t.numbers[key] = struct{}{}
		return nil
	}
	patterns := []pattern{parsePattern(n.text)}
	for _, m := range c.values {
		var why string
		if patterns, why = change(m, patterns); why != "" {
			return diag.At(n.span, "%s", why)
		}
	}
	cased := c.cased || slices.ContainsFunc(c.values, func(m string) bool { return strings.HasPrefix(m, "base64") })
	var variants anyOf
	for _, p := range patterns {
		switch c.how {
		case "contains":
			p = p.contains()
		case "startswith":
			p = p.startsWith()
		case "endswith":
			p = p.endsWith()
		}
		if !cased {
			p = p.mapped(fold)
		}
		if text, plain := p.text(); plain && !cased && !c.all && !t.keyword {
			t.lookup(text)
			continue
		}
		variants = append(variants, like{p, cased})
	}
	if c.all && len(variants) > 1 {
		return add(variants) // any form of the value will do
	}
	for _, m := range variants {
		t.vals = append(t.vals, m)
	}
	return nil
}

// expression compiles a regular expression within bounds.
func (c *Collection) expression(n *node, flags string) (*regexp.Regexp, *diag.Error) {
	if len(n.text) > maxRegexp {
		return nil, diag.At(n.span, "the regular expression is longer than %d KiB", maxRegexp>>10)
	}
	text := n.text
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, diag.At(n.span, "cannot read the regular expression: %s", msg).WithHint("look-around, back references and possessive quantifiers are not supported")
	}
	size := programSize(tree)
	if c.size += size; size > maxProgram {
		return nil, diag.At(n.span, "the regular expression is too large").WithHint("use smaller counts in braces")
	}
	if c.size > maxPrograms {
		return nil, diag.At(n.span, "the regular expressions of all rules together are too large")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, diag.At(n.span, "cannot read the regular expression: %v", err)
	}
	return re, nil
}

// programSize estimates how many instructions a regular expression compiles to,
// repeats written out. It is above maxProgram for all that are larger.
func programSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		size = min(size+programSize(sub), maxProgram+1)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return min(size, maxProgram+1)
}

// timed compares a part of a time where the test asks for one.
func (c *chain) timed(m compares) matcher {
	if c.part != "" {
		return part{c.part, m}
	}
	return m
}
