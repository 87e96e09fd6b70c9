package sigma

import (
	"fmt"
	"strings"
	"testing"
)

// load returns a collection of documents, which must have no faults.
func load(t testing.TB, lists Lists, docs ...string) *Collection {
	t.Helper()
	c := NewCollection(lists)
	for i, doc := range docs {
		c.Add(fmt.Sprintf("%d.yml", i), []byte(doc))
	}
	c.Link()
	for _, f := range c.Faults {
		t.Fatalf("%s:%d: %s", f.File, f.Line, f.Reason())
	}
	return c
}

// ruleOf returns a rule with a detection, given without indentation.
func ruleOf(detection string) string {
	return "title: test\nlevel: low\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  " + strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n"
}

// fires evaluates a set on a record whose eventName and eventSource are not given
// away.
func fires(s *Set, raw string) []int {
	var out []int
	s.NewEvaluator().Evaluate([]byte(raw), "", "", func(i int) { out = append(out, i) })
	return out
}

func TestModifiers(t *testing.T) {
	const (
		yes = true
		no  = false
	)
	lists := func(name string) ([]string, error) {
		if name == "admins" {
			return []string{"alice", "b*b"}, nil
		}
		return nil, ErrNoList
	}
	tests := []struct {
		line, record string
		want         bool
	}{
		{`a: Value`, `{"a":"vALUE"}`, yes},
		{`a: Value`, `{"a":"value2"}`, no},
		{`a: val*`, `{"a":"VALUE2"}`, yes},
		{`a: v?lue`, `{"a":"välue"}`, yes},
		{`a: v?lue`, `{"a":"vlue"}`, no},
		{`a: 'v\*'`, `{"a":"v*"}`, yes},
		{`a: 'v\*'`, `{"a":"vx"}`, no},
		{`a: 'v\\*'`, `{"a":"v\\x"}`, yes},
		{`a: 'C:\Windows'`, `{"a":"c:\\windows"}`, yes},
		{`a: [x, y]`, `{"a":"Y"}`, yes},
		{`a: STRASSE`, `{"a":"straße"}`, no},
		{`a: ÄRGER`, `{"a":"ärger"}`, yes},
		{`a: 22`, `{"a":22}`, yes},
		{`a: 22`, `{"a":"22"}`, yes},
		{`a: 22`, `{"a":22.0}`, yes},
		{`a: 22`, `{"a":"22.0"}`, no},
		{`a: 123`, `{"a":"0123"}`, no},
		{`a: '22'`, `{"a":22}`, yes},
		{`a: 9007199254740993`, `{"a":9007199254740992}`, no},
		{`a: true`, `{"a":true}`, yes},
		{`a: true`, `{"a":"TRUE"}`, yes},
		{`a: 'true'`, `{"a":true}`, yes},
		{`a: false`, `{"a":true}`, no},
		{`a: null`, `{"b":1}`, yes},
		{`a: null`, `{"a":null}`, yes},
		{`a: null`, `{"a":""}`, no},
		{`a: null`, `{"a":[]}`, no},
		{`a: [null, Success]`, `{"a":"success"}`, yes},
		{`a: [null, Success]`, `{}`, yes},
		{`a: ''`, `{"a":""}`, yes},
		{`a: ''`, `{}`, no},
		{`a|exists: true`, `{"a":null}`, yes},
		{`a|exists: false`, `{"a":null}`, no},
		{`a|exists: false`, `{}`, yes},
		{`a|exists: no`, `{}`, yes},
		{`a|exists|neq: true`, `{}`, yes},
		{`a|contains: '*'`, `{"a":{}}`, yes},
		{`a|contains: '*'`, `{"a":""}`, yes},
		{`a|contains: '*'`, `{"a":null}`, no},
		{`a|contains: '*'`, `{}`, no},
		{`a|contains: LU`, `{"a":"value"}`, yes},
		{`a|contains: l*e`, `{"a":"xvaluex"}`, yes},
		{`a|contains|all: [va, ue]`, `{"a":"value"}`, yes},
		{`a|contains|all: [va, ux]`, `{"a":"value"}`, no},
		{`a|all: [x, y]`, `{"a":["Y","x"]}`, yes},
		{`a|all: [x, y]`, `{"a":["x"]}`, no},
		{`a|startswith: va`, `{"a":"VALUE"}`, yes},
		{`a|startswith: al`, `{"a":"value"}`, no},
		{`a|endswith: UE`, `{"a":"value"}`, yes},
		{`a|endswith: va`, `{"a":"value"}`, no},
		{`a|cased: Value`, `{"a":"Value"}`, yes},
		{`a|cased: Value`, `{"a":"value"}`, no},
		{`a|contains|cased: AL`, `{"a":"value"}`, no},
		{`a|neq: x`, `{"a":"y"}`, yes},
		{`a|neq: x`, `{}`, yes},
		{`a|neq: [x, y]`, `{"a":"Y"}`, no},
		{`a|windash|contains: ' -v '`, `{"a":"go /v x"}`, yes},
		{`a|contains|windash: ' -v '`, `{"a":"go –v x"}`, yes},
		{`a|contains|windash: ' -v '`, `{"a":"go v x"}`, no},
		{`a|contains|windash: 'a-b'`, `{"a":"a/b"}`, no},
		{`a|re: 'v.l'`, `{"a":"xvalue"}`, yes},
		{`a|re: '^al'`, `{"a":"value"}`, no},
		{`a|re: 'VAL'`, `{"a":"value"}`, no},
		{`a|re|i: 'VAL'`, `{"a":"value"}`, yes},
		{`a|re: '^b'`, `{"a":"a\nb"}`, no},
		{`a|re|m: '^b'`, `{"a":"a\nb"}`, yes},
		{`a|re: 'a.b'`, `{"a":"a\nb"}`, no},
		{`a|re|s: 'a.b'`, `{"a":"a\nb"}`, yes},
		{`a|re|i|s: 'A.B'`, `{"a":"a\nb"}`, yes},
		{`a|base64: foobar`, `{"a":"Zm9vYmFy"}`, yes},
		{`a|base64: foobar`, `{"a":"zm9vymfy"}`, no},
		{`a|base64offset|contains: 'http://'`, `{"a":"eGh0dHA6Ly94"}`, yes},
		{`a|base64offset|contains: 'http://'`, `{"a":"aHR0cDovL3g="}`, yes},
		{`a|base64offset|contains: 'http://'`, `{"a":"eHhodHRwOi8v"}`, yes},
		{`a|base64offset|contains: 'http://'`, `{"a":"aHR0cHM6Ly8="}`, no},
		{`a|wide|base64offset|contains: ping`, `{"a":"cABpAG4AZwAgAA=="}`, yes},
		{`a|utf16le|base64: hi`, `{"a":"aABpAA=="}`, yes},
		{`a|utf16be|base64: hi`, `{"a":"AGgAaQ=="}`, yes},
		{`a|utf16|base64: hi`, `{"a":"//5oAGkA"}`, yes},
		{`a|lt: 5`, `{"a":4}`, yes},
		{`a|lt: 5`, `{"a":5}`, no},
		{`a|lt: 5`, `{"a":"many"}`, no},
		{`a|lte: 5`, `{"a":"5"}`, yes},
		{`a|gt: 5`, `{"a":5.5}`, yes},
		{`a|gt: 5`, `{}`, no},
		{`a|gte: 5`, `{"a":[1,5]}`, yes},
		{`a|gte: -1e2`, `{"a":-100}`, yes},
		{`a|minute: 4`, `{"a":"2026-03-02T01:04:05Z"}`, yes},
		{`a|hour: 1`, `{"a":"2026-03-02T01:04:05Z"}`, yes},
		{`a|hour: 1`, `{"a":"2026-03-02T03:04:05+02:00"}`, yes},
		{`a|hour|gte: 22`, `{"a":"2026-03-02T01:04:05Z"}`, no},
		{`a|day: 2`, `{"a":"2026-03-02T01:04:05Z"}`, yes},
		{`a|week: 10`, `{"a":"2026-03-02T01:04:05Z"}`, yes},
		{`a|month: 3`, `{"a":"2026-03-02T01:04:05Z"}`, yes},
		{`a|year|lt: 2026`, `{"a":"2026-03-02T01:04:05Z"}`, no},
		{`a|year: 2026`, `{"a":"soon"}`, no},
		{`a|cidr: 10.0.0.0/8`, `{"a":"10.1.2.3"}`, yes},
		{`a|cidr: 10.0.0.0/8`, `{"a":"11.1.2.3"}`, no},
		{`a|cidr: 10.0.0.0/8`, `{"a":"::ffff:10.1.2.3"}`, yes},
		{`a|cidr: 10.0.0.7`, `{"a":"10.0.0.7"}`, yes},
		{`a|cidr: 10.0.0.0/8`, `{"a":"ec2.amazonaws.com"}`, no},
		{`a|cidr: [192.168.0.0/16, '2001:db8::/32']`, `{"a":"2001:DB8::1"}`, yes},
		{`a|cidr|neq: 10.0.0.0/8`, `{"a":"10.0.0.1"}`, no},
		{`a|expand: '%admins%'`, `{"a":"Alice"}`, yes},
		{`a|expand: '%admins%'`, `{"a":"bob"}`, no},
		{`a|expand: '%admins%'`, `{"a":"b*b"}`, yes},
		{`a|expand|endswith: ':user/%admins%'`, `{"a":"arn:aws:iam::1:user/alice"}`, yes},
		{`a|fieldref: b`, `{"a":"X","b":"x"}`, yes},
		{`a|fieldref|cased: b`, `{"a":"X","b":"x"}`, no},
		{`a|fieldref: b`, `{"a":"x"}`, no},
		{`a|fieldref|neq: b`, `{"a":"x","b":"y"}`, yes},
		{`a|fieldref|startswith: b.c`, `{"a":"xyz","b":{"c":"XY"}}`, yes},
		{`a|fieldref|endswith: b`, `{"a":"xyz","b":"yz"}`, yes},
		{`a|fieldref|contains: b`, `{"a":"xyz","b":["q","y"]}`, yes},
		// Arrays, objects and keys with dots.
		{`a: y`, `{"a":["x","y"]}`, yes},
		{`a.b: y`, `{"a":[{"b":"x"},{"b":"y"}]}`, yes},
		{`a.b.c: y`, `{"a":[{"b":[{"c":["y"]}]}]}`, yes},
		{`a|contains: '"b":1'`, `{"a": {"b": 1}}`, yes},
		{`a: '{"b":1}'`, `{"a": {"b": 1}}`, yes},
		{`a: '["x"]'`, `{"a": [ "x" ]}`, yes},
		{`a.b: y`, `{"a.b":"y"}`, yes},
		{`a.b.c: y`, `{"a":{"b.c":"y"}}`, yes},
		{`a.b.c: y`, `{"a.b":{"c":"y"}}`, yes},
		{`a.b: y`, `{"A":{"b":"y"}}`, no},
		{`a: y`, `{"\u0061":"y"}`, yes},
		{`a: null`, `{"a":[null]}`, no},
		{`a.b: null`, `{"a":[{"b":1},{}]}`, no},
		// Keywords.
		{`'|all': [foo, bar]`, `{"x":"a bar","y":["FOO"]}`, yes},
		{`'|all': [foo, bar]`, `{"x":"a bar"}`, no},
		{`'': foo`, `{"foo":1}`, yes},
		{`'': 'a"b'`, `{"x":"a\"b"}`, yes},
		{`'|re': '^x.$'`, `{"k":"xy"}`, yes},
		{`'|re': '^X.$'`, `{"k":"xy"}`, no},
		{`'|cased': FOO`, `{"k":"foo"}`, no},
	}
	for _, tt := range tests {
		c := load(t, lists, ruleOf("s:\n  "+tt.line+"\ncondition: s"))
		if got := len(fires(NewSet(c.Rules), tt.record)) == 1; got != tt.want {
			t.Errorf("%s on %s: %v, want %v", tt.line, tt.record, got, tt.want)
		}
	}
}

func TestModifiersRefused(t *testing.T) {
	tests := []struct{ line, want string }{
		{`a|contain: x`, `contains`},
		{`a|contains|startswith: x`, `contains and startswith cannot be combined`},
		{`a|contains|base64: x`, `base64 must precede contains`},
		{`a|i: x`, `i must follow re`},
		{`a|re|cased: x`, `cased cannot be combined with re`},
		{`a|base64|re: x`, `base64 transforms text`},
		{`a|base64: x*`, `base64 cannot be combined with wildcards`},
		{`a|re: '(?=x)'`, `look-around`},
		{`a|re: '(x)\1'`, `look-around`},
		{`a|re: '('`, `missing closing )`},
		{`a|re: '((x{900}){900})'`, `cannot read the regular expression`},
		{`a|re: '(abcdefghijklmnopqrstuvwxyz){900}'`, `too large`},
		{`a|gt: many`, `gt compares with a number`},
		{`a|hour: noon`, `hour is a number`},
		{`a|hour|contains: 1`, `cannot be combined with contains`},
		{`a|cidr: 10.0.0/8`, `is not a network`},
		{`a|expand: '%nobody%'`, `no list for the placeholder %nobody%`},
		{`a|exists: maybe`, `exists needs true or false`},
		{`a|exists|contains: true`, `cannot be combined`},
		{`a|exists|all: true`, `exists can be combined with neq only`},
		{`a|fieldref|re: b`, `fieldref can be combined with`},
		{`a|contains: null`, `null cannot be combined`},
		{`a: {b: c}`, `write the full path: a.b`},
		{`a: []`, `empty list of values`},
		{`a[any]: {b: c}`, `sigma-version: 3`},
		{`'|startswith': x`, `keywords support only`},
		{`'': ''`, `an empty keyword`},
	}
	for _, tt := range tests {
		c := NewCollection(nil)
		c.Add("r.yml", []byte(ruleOf("s:\n  "+tt.line+"\ncondition: s")))
		if len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Reason(), tt.want) || c.Faults[0].Line != 6 {
			t.Errorf("%s: faults %+v, want %q in line 6", tt.line, c.Faults, tt.want)
		}
	}
}
