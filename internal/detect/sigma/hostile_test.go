package sigma

import (
	"fmt"
	"strings"
	"testing"
)

// TestHostileFiles: what is too much is refused with a word on what, or bounded.
func TestHostileFiles(t *testing.T) {
	head := "title: t\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\n"
	selection := func(line string) string { return head + "detection:\n  s:\n    " + line + "\n  condition: s\n" }
	condition := func(text string) string { return head + "detection:\n  s: {a: 1}\n  condition: " + text + "\n" }
	bomb := head + "x:\n  - &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]\n"
	for i := range 10 {
		bomb += fmt.Sprintf("  - &a%d [*a%d, *a%d]\n", i+1, i, i)
	}
	wide := head + "x: &a [" + strings.Repeat("1, ", 30_000) + "1]\ny: [" + strings.Repeat("*a, ", 15) + "1]\ndetection: {s: {a: 1}, condition: s}\n"
	tests := []struct{ name, doc, want string }{
		{"10 MB", selection("a: x") + strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", 10<<10), "larger than 4 MiB"},
		{"alias bomb", bomb + "detection: {s: {a: *a9}, condition: s}\n", ""},
		{"many aliases", head + "x: &a 1\ny: [" + strings.Repeat("*a, ", 30) + "1]\ndetection: {s: {a: 1}, condition: s}\n", "more than 20 aliases"},
		{"wide aliases", wide, "more than 250000 values"},
		{"alias of itself", head + "x: &a [*a]\ndetection: {s: {a: 1}, condition: s}\n", "there is no anchor"},
		{"deep lists", selection("a: " + strings.Repeat("[", 5000)), "nested deeper"},
		{"deep maps", head + "detection:\n  s: " + strings.Repeat("{a: ", 300) + "1" + strings.Repeat("}", 300) + "\n  condition: s\n", "nested deeper"},
		{"nested value", selection("a: {b: {c: {d: e}}}"), "has a map as its value"},
		{"many parentheses", condition(strings.Repeat("(", 5000) + "s" + strings.Repeat(")", 5000)), "nests deeper than 200"},
		{"many nots", condition(strings.Repeat("not ", 5000) + "s"), "nests deeper than 200"},
		{"long condition", condition("s" + strings.Repeat(" and s", 20_000)), "longer than 64 KiB"},
		{"large expression", selection("a|re: '(" + strings.Repeat("[a-z0-9]", 100) + "){1000}'"), "too large"},
		{"long expression", selection("a|re: '" + strings.Repeat("a", 10_000) + "'"), "longer than 8 KiB"},
		{"nested counts", selection("a|re: '(((a{100}){100}){100}){100}'"), "invalid repeat count"},
		{"many dashes", selection("a|windash: '" + strings.Repeat(" -a", 20) + "'"), "more than 1000 variants"},
		{"long value", selection("a|contains: '" + strings.Repeat("*a", 50_000) + "'"), "longer than 64 KiB"},
		{"many patterns", selection("a|contains: [" + strings.Repeat("x, ", 20_000) + "x]"), "more than 10000 values"},
		{"deep blocks", "sigma-version: 3\n" + head + "detection: {s: " + strings.Repeat("{'a[any]': ", 8) + "{b: 1}" + strings.Repeat("}", 8) + ", condition: s}\n", "nest deeper than 5"},
		{"catastrophic expression", selection("a|re: '(a+)+$'"), ""},
	}
	for _, tt := range tests {
		c := NewCollection(nil)
		c.Add("r.yml", []byte(tt.doc))
		c.Link()
		switch {
		case tt.want == "" && tt.name == "alias bomb":
			if len(c.Faults) != 1 {
				t.Errorf("%s: no fault", tt.name)
			}
		case tt.want == "":
			if len(c.Faults) > 0 || len(c.Rules) != 1 {
				t.Errorf("%s: %v", tt.name, c.Faults)
			}
		case len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Reason(), tt.want):
			t.Errorf("%s: %.300v, want %q", tt.name, c.Faults, tt.want)
		}
	}
}

// TestLongLists: a list of 100,000 plain values is looked up, not gone through.
func TestLongLists(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "      - Value%d\n", i)
	}
	c := load(t, nil, "title: t\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  s:\n    a:\n"+b.String()+"  condition: s\n")
	if x := c.Rules[0].sels[0].any[0][0]; len(x.texts) != 100_000 || len(x.vals) != 0 {
		t.Errorf("%d values are looked up, %d compared", len(x.texts), len(x.vals))
	}
	set := NewSet(c.Rules)
	if len(fires(set, `{"a":"value99999"}`)) != 1 || len(fires(set, `{"a":"value100000"}`)) != 0 {
		t.Error("a long list is not searched right")
	}
}

// TestManyFaults: a file of faults lists the first of them.
func TestManyFaults(t *testing.T) {
	c := NewCollection(nil)
	c.Add("r.yml", []byte(strings.Repeat("---\nlogsource: {product: aws}\n", 5000)))
	if n := len(c.Faults); n != maxFaults+1 || !strings.Contains(c.Faults[n-1].Reason(), "more faults") {
		t.Errorf("%d faults", n)
	}
}

// TestHostileRecords: records that are not what the decoder hands out cannot do harm.
func TestHostileRecords(t *testing.T) {
	c := load(t, nil, ruleOf("s:\n  a.b: x\nk: [word]\ncondition: s or k"))
	set := NewSet(c.Rules, "a.b")
	e := set.NewEvaluator()
	for _, raw := range []string{
		"", "{", `{"a"`, `{"a":{"b":"x"`, `{"a":{"b":`, "[]", "null", `"a"`, `{"a":{"b":"x"},`, "{\"a\":\"\xff\"}", `{"a":1,"a":{"b":"x"}}`,
		strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600), `{"a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}",
	} {
		e.Evaluate([]byte(raw), "", "", func(int) {})
		e.Evaluate([]byte(raw), "s", "n", func(int) {})
		e.Values("a.b")
		_ = Explain(c.Rules[0], []byte(raw)).String()
	}
	found := 0
	e.Evaluate([]byte(`{"a":[{"b":"x"},{"b":["y",{"c":1}]}]}`), "", "", func(int) { found++ })
	if got := e.Values("a.b"); found != 1 || strings.Join(got, " ") != `x y {"c":1}` {
		t.Errorf("%d rules fire, values %q", found, got)
	}
}

// FuzzLoad: no file makes the loader panic, and what it loads can be evaluated.
func FuzzLoad(f *testing.F) {
	f.Add(threeRules)
	f.Add(correlationOf("type: temporal\nrules: [a, c]\ntimespan: 1h\ncondition: a and not c"))
	f.Add(ruleOf("s:\n  a|re|i: 'x+'\n  '|all': [k, l]\nt: [{b|windash|contains: -x}, {c: null}]\ncondition: 1 of s* and not t"))
	f.Add("sigma-version: 3\n" + ruleOf("s: {'a[any]': {b|cidr: 10.0.0.0/8}}\ncondition: s"))
	f.Add("title: t\nlogsource: {product: aws}\nfilter: {rules: any, s: &x {a|base64offset|contains: b}, u: *x, condition: not s}\n")
	raw := []byte(`{"eventName":"A","eventSource":"s","a":[{"b":"10.0.0.1"}],"c":null}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 1<<16 {
			return
		}
		c := NewCollection(func(string) ([]string, error) { return []string{"x"}, nil })
		c.Add("f.yml", []byte(doc))
		c.Link()
		for _, f := range c.Faults {
			if f.Reason() == "" {
				t.Error("a fault without a reason")
			}
		}
		var given, all []int
		e := NewSet(c.Rules).NewEvaluator()
		e.Evaluate(raw, "s", "A", func(i int) { given = append(given, i) })
		e.Evaluate(raw, "", "", func(i int) { all = append(all, i) })
		if fmt.Sprint(given) != fmt.Sprint(all) {
			t.Errorf("the index finds %v, all rules give %v", given, all)
		}
		for i, r := range c.Rules {
			if x := Explain(r, raw); x.Fires != strings.Contains(fmt.Sprint(all, " "), fmt.Sprint(i)) && len(c.Rules) < 10 {
				t.Errorf("rule %d: explained as %v", i, x.Fires)
			}
		}
		for _, r := range c.Correlations {
			for _, to := range r.Rules {
				if to.Rule < 0 == (to.Correlation < 0) || to.Rule >= len(c.Rules) || to.Correlation >= len(c.Correlations) {
					t.Errorf("reference %+v", to)
				}
			}
		}
	})
}
