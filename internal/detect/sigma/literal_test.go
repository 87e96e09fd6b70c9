package sigma

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// The literal evaluator: a slow second reading of the specification, over decoded
// JSON and regular expressions. It shares no code with the package.

type litRule struct {
	cond    litCond
	sels    map[string]litSelection
	filters []*litFilter
}

type litFilter struct {
	cond litCond
	sels map[string]litSelection
}

// litCond is a condition: a selection by name, and, or, not, or "1 of"/"all of" with a
// pattern.
type litCond struct {
	op   string // "", and, or, not, 1, all
	name string
	of   []litCond
}

// litSelection is a list of maps (one for a plain map), and keywords.
type litSelection struct {
	maps     [][]litTest
	keywords []litValue
}

type litTest struct {
	field  string // "" = keywords
	mods   []string
	values []litValue
	block  string // any, all, none
	inner  *litSelection
}

type litValue struct {
	kind string // text, number, bool, null
	text string
}

// litLists are the placeholders that tests use.
var litLists = map[string][]string{"some": {"a", "b*", "AB"}, "none": {}}

func (r *litRule) fires(raw []byte) bool {
	if !litHolds(r.cond, r.sels, raw) {
		return false
	}
	for _, f := range r.filters {
		if !litHolds(f.cond, f.sels, raw) {
			return false
		}
	}
	return true
}

func litHolds(c litCond, sels map[string]litSelection, raw []byte) bool {
	switch c.op {
	case "":
		return sels[c.name].holds(raw)
	case "not":
		return !litHolds(c.of[0], sels, raw)
	case "and":
		for _, x := range c.of {
			if !litHolds(x, sels, raw) {
				return false
			}
		}
		return true
	case "or":
		for _, x := range c.of {
			if litHolds(x, sels, raw) {
				return true
			}
		}
		return false
	}
	matching, all := 0, 0
	for name, s := range sels {
		if c.name == "them" && strings.HasPrefix(name, "_") || c.name != "them" && !strings.HasPrefix(name, strings.TrimSuffix(c.name, "*")) {
			continue
		}
		all++
		if s.holds(raw) {
			matching++
		}
	}
	if c.op == "all" {
		return matching == all
	}
	return matching > 0
}

func (s litSelection) holds(raw []byte) bool {
	for _, m := range s.maps {
		ok := true
		for _, t := range m {
			ok = ok && t.holds(raw)
		}
		if ok {
			return true
		}
	}
	return len(s.keywords) > 0 && litTest{values: s.keywords}.holds(raw)
}

func (t litTest) has(mod string) bool {
	for _, m := range t.mods {
		if m == mod {
			return true
		}
	}
	return false
}

func (t litTest) holds(raw []byte) bool { return t.positive(raw) != t.has("neq") }

func (t litTest) positive(raw []byte) bool {
	if t.field == "" {
		return t.count(func(v litValue) bool {
			for _, text := range litEverything(raw) {
				if t.one(v, json.RawMessage(litQuote(text)), raw) {
					return true
				}
			}
			return false
		})
	}
	present, values := litFind(raw, t.field)
	if t.block != "" {
		return t.blockHolds(values)
	}
	if t.has("exists") {
		return present == (t.values[0].text == "true")
	}
	return t.count(func(v litValue) bool {
		if v.kind == "null" {
			return len(values) == 0
		}
		for _, x := range values {
			if t.one(v, x, raw) {
				return true
			}
		}
		return false
	})
}

// count counts the values that hold, and compares with all or one.
func (t litTest) count(holds func(litValue) bool) bool {
	values := t.values
	if t.has("expand") {
		values = nil
		for _, v := range t.values {
			replaced := false
			for name, list := range litLists {
				if strings.Contains(v.text, "%"+name+"%") {
					replaced = true
					for _, item := range list {
						escaped := regexp.MustCompile(`[\\*?]`).ReplaceAllString(item, `\$0`)
						values = append(values, litValue{"text", strings.Replace(v.text, "%"+name+"%", escaped, 1)})
					}
				}
			}
			if !replaced {
				values = append(values, v)
			}
		}
	}
	n := 0
	for _, v := range values {
		if holds(v) {
			n++
		}
	}
	if t.has("all") {
		return n == len(values)
	}
	return n > 0
}

func (t litTest) blockHolds(values []json.RawMessage) bool {
	elements, matching := 0, 0
	for _, v := range values {
		if v[0] == '[' {
			continue // its elements are among the values
		}
		elements++
		if t.inner.holds(v) {
			matching++
		}
	}
	switch t.block {
	case "all":
		return elements > 0 && matching == elements
	case "none":
		return matching == 0
	}
	return matching > 0
}

// litFind returns the values of a field that are not null: scalars, elements of arrays,
// and arrays and objects as they are.
func litFind(v json.RawMessage, path string) (present bool, values []json.RawMessage) {
	v = bytes.TrimSpace(v)
	switch v[0] {
	case '[':
		var list []json.RawMessage
		must(json.Unmarshal(v, &list))
		for _, x := range list {
			p, vs := litFind(x, path)
			present, values = present || p, append(values, vs...)
		}
	case '{':
		var m map[string]json.RawMessage
		must(json.Unmarshal(v, &m))
		for key, x := range m {
			if key == path {
				present, values = true, append(values, litTake(x)...)
			} else if rest, ok := strings.CutPrefix(path, key+"."); ok {
				p, vs := litFind(x, rest)
				present, values = present || p, append(values, vs...)
			}
		}
	}
	return present, values
}

func litTake(v json.RawMessage) (values []json.RawMessage) {
	v = bytes.TrimSpace(v)
	if string(v) == "null" {
		return nil
	}
	if v[0] == '[' {
		var list []json.RawMessage
		must(json.Unmarshal(v, &list))
		for _, x := range list {
			values = append(values, litTake(x)...)
		}
	}
	return append(values, v)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func litText(v json.RawMessage) string {
	switch v[0] {
	case '"':
		var s string
		must(json.Unmarshal(v, &s))
		return s
	case '{', '[':
		var b bytes.Buffer
		must(json.Compact(&b, v))
		return b.String()
	}
	return string(v)
}

func litQuote(s string) []byte {
	data, err := json.Marshal(s)
	must(err)
	return data
}

// litEverything returns the record's text and that of each leaf.
func litEverything(raw []byte) []string {
	texts := []string{string(raw)}
	var walk func(v json.RawMessage)
	walk = func(v json.RawMessage) {
		v = bytes.TrimSpace(v)
		switch v[0] {
		case '{':
			var m map[string]json.RawMessage
			must(json.Unmarshal(v, &m))
			for _, x := range m {
				walk(x)
			}
		case '[':
			var list []json.RawMessage
			must(json.Unmarshal(v, &list))
			for _, x := range list {
				walk(x)
			}
		default:
			if string(v) != "null" {
				texts = append(texts, litText(v))
			}
		}
	}
	walk(raw)
	return texts
}

// one compares one value of the rule with one value of the event.
func (t litTest) one(v litValue, x json.RawMessage, raw []byte) bool {
	text := litText(x)
	for _, part := range []string{"minute", "hour", "day", "week", "month", "year"} {
		if t.has(part) {
			at, err := time.Parse(time.RFC3339, text)
			if seconds, ok := new(big.Rat).SetString(text); ok && litNumber.MatchString(text) && seconds.Sign() >= 0 {
				f, _ := seconds.Float64()
				at, err = time.Unix(int64(f), 0), nil
			}
			if err != nil {
				return false
			}
			at = at.UTC()
			_, week := at.ISOWeek()
			n := map[string]int{"minute": at.Minute(), "hour": at.Hour(), "day": at.Day(), "week": week, "month": int(at.Month()), "year": at.Year()}[part]
			return t.compare(strconv.Itoa(n), v.text)
		}
	}
	switch {
	case t.has("re"):
		flags := ""
		for _, f := range []string{"i", "m", "s"} {
			if t.has(f) {
				flags += "(?" + f + ")"
			}
		}
		return regexp.MustCompile(flags + v.text).MatchString(text)
	case t.has("cidr"):
		_, network, err := net.ParseCIDR(v.text)
		must(err)
		ip := net.ParseIP(text)
		return ip != nil && network.Contains(ip)
	case t.has("lt"), t.has("lte"), t.has("gt"), t.has("gte"):
		return t.compare(text, v.text)
	case t.has("fieldref"):
		_, others := litFind(raw, v.text)
		for _, o := range others {
			if t.like(regexp.QuoteMeta(litText(o)), text, false) {
				return true
			}
		}
		return false
	}
	if v.kind == "number" && x[0] != '"' && x[0] != '{' && x[0] != '[' && len(t.changes()) == 0 && !t.has("contains") && !t.has("startswith") && !t.has("endswith") {
		a, ok := new(big.Rat).SetString(v.text)
		b, ok2 := new(big.Rat).SetString(text)
		if ok && ok2 && a.Cmp(b) == 0 {
			return true
		}
	}
	texts := []string{v.text}
	coded := false
	for _, m := range t.changes() {
		var out []string
		for _, s := range texts {
			out = append(out, litChange(m, s)...)
		}
		texts = out
		coded = coded || strings.HasPrefix(m, "base64")
	}
	for _, s := range texts {
		pattern := litPattern(s)
		if len(t.changes()) > 0 && !(len(t.changes()) == 1 && t.changes()[0] == "windash") {
			pattern = regexp.QuoteMeta(s)
		}
		if t.like(pattern, text, coded) {
			return true
		}
	}
	return false
}

// changes returns the modifiers that change values, in order.
func (t litTest) changes() (out []string) {
	for _, m := range t.mods {
		switch m {
		case "windash", "base64", "base64offset", "wide", "utf16le", "utf16be", "utf16":
			out = append(out, m)
		}
	}
	return out
}

var litNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)

func (t litTest) compare(a, b string) bool {
	if !litNumber.MatchString(a) {
		return false
	}
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	if !ok || !ok2 {
		return false
	}
	switch c := x.Cmp(y); {
	case t.has("lt"):
		return c < 0
	case t.has("lte"):
		return c <= 0
	case t.has("gt"):
		return c > 0
	case t.has("gte"):
		return c >= 0
	default:
		return c == 0
	}
}

// like matches a pattern as a whole, or as contains, startswith and endswith have it.
func (t litTest) like(pattern, text string, coded bool) bool {
	re := pattern
	if !t.has("contains") && !t.has("endswith") && t.field != "" {
		re = `\A` + re
	}
	if !t.has("contains") && !t.has("startswith") && t.field != "" {
		re += `\z`
	}
	if !t.has("cased") && !coded {
		re = `(?i)` + re
	}
	return regexp.MustCompile(`(?s)` + re).MatchString(text)
}

// litPattern turns wildcards into a regular expression.
func litPattern(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '\\' && i+1 < len(runes) && strings.ContainsRune(`\*?`, runes[i+1]):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		case r == '*':
			b.WriteString(".*")
		case r == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// litChange applies a modifier to a text without wildcards, but for windash.
func litChange(mod, s string) []string {
	codes := utf16.Encode([]rune(s))
	wide := func(order binary.ByteOrder) string {
		out := make([]byte, 2*len(codes))
		for i, c := range codes {
			order.PutUint16(out[2*i:], c)
		}
		return string(out)
	}
	switch mod {
	case "wide", "utf16le":
		return []string{wide(binary.LittleEndian)}
	case "utf16be":
		return []string{wide(binary.BigEndian)}
	case "utf16":
		return []string{"\xff\xfe" + wide(binary.LittleEndian)}
	case "base64":
		return []string{base64.StdEncoding.EncodeToString([]byte(s))}
	case "base64offset":
		// The characters that do not depend on what surrounds the text.
		var out []string
		for n := range 3 {
			var codes []string
			for _, around := range []string{"\x00", "\xff"} {
				tail := (3 - (n+len(s))%3) % 3
				codes = append(codes, base64.StdEncoding.EncodeToString([]byte(strings.Repeat(around, n)+s+strings.Repeat(around, tail))))
			}
			common := ""
			for i := range codes[0] {
				if codes[0][i] == codes[1][i] {
					common += codes[0][i : i+1]
				}
			}
			out = append(out, common)
		}
		return out
	case "windash":
		dash := regexp.MustCompile(`(^|\W)[-/](\w)`)
		out := []string{""}
		for s != "" {
			at := dash.FindStringSubmatchIndex(s)
			if at == nil {
				for i := range out {
					out[i] += s
				}
				break
			}
			sign := at[3]
			var next []string
			for _, o := range out {
				for _, d := range []string{"-", "/", "–", "—", "―"} {
					next = append(next, o+s[:sign]+d)
				}
			}
			out, s = next, s[sign+1:]
		}
		return out
	}
	panic(mod)
}
