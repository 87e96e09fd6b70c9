package fn

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

const texts = "Text"

func init() {
	function(texts, "len", "len(<text>)", "How many characters the text has.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() || a[0].Kind() == vector.List {
			return null
		}
		return vector.Int(utf8.RuneCountInString(a[0].Text()))
	}, `len("naïve")`, `"5"`)
	function(texts, "lower", "lower(<text>)", "The text in small letters.", 1, 1, text(strings.ToLower), `lower("AbC")`, `"abc"`)
	function(texts, "upper", "upper(<text>)", "The text in capitals.", 1, 1, text(strings.ToUpper), `upper("AbC")`, `"ABC"`)
	trim := func(name, doc string, cut func(s, set string) string, expr, want string) {
		function(texts, name, name+"(<text> [, <characters>])", doc+" Blanks and tabs unless other characters are given.", 1, 2, func(a []vector.Value) vector.Value {
			set := " \t"
			if len(a) == 2 {
				if a[1].IsNull() {
					return null
				}
				set = a[1].Text()
			}
			return text(func(s string) string { return cut(s, set) })(a)
		}, expr, want)
	}
	trim("trim", "The text without the characters at both ends.", strings.Trim, `trim(" ZZabcZZ ", " Z")`, `"abc"`)
	trim("ltrim", "The text without the characters at its beginning.", strings.TrimLeft, `ltrim(" ZabcZ", " Z")`, `"abcZ"`)
	trim("rtrim", "The text without the characters at its end.", strings.TrimRight, `rtrim("abcZ ", " Z")`, `"abc"`)
	compiled(texts, "replace", "replace(<text>, <regex>, <replacement>)", `The text with every match of the regular expression replaced; \1 is its first group.`, 3, 3, compileReplace, `replace("1/14/2023", "^(\d+)/(\d+)/", "\2/\1/")`, `"14/1/2023"`)
	function(texts, "substr", "substr(<text>, <start> [, <length>])", "A part of the text. The first character is 1; a negative start counts from the end.", 2, 3, substr, `substr("string", -3)`, `"ing"`)
	function(texts, "urldecode", "urldecode(<text>)", "The text with its %xx sequences undone.", 1, 1, text(func(s string) string {
		out, err := url.PathUnescape(s)
		if err != nil {
			return s
		}
		return out
	}), `urldecode("a%20b%2Fc")`, `"a b/c"`)
	function(texts, "spath", "spath(<json>, <path>)", "The value at a path of a JSON text, as the command spath finds it.", 2, 2, spath, `spath("{\"a\":[{\"b\":1},{\"b\":2}]}", "a{}.b")`, `["1","2"]`)
}

func compileReplace(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	repl, err := c.Compile(call.Args[2])
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		re, with, v := regex(f), repl(f), subject(f)
		if re == nil || with.IsNull() {
			return null
		}
		repl, size := with.Text(), 0
		return c.Bounded(text(func(s string) string {
			if size > spl.MaxList { // what follows does not matter any more
				return s
			}
			out, err := re.Replace(s, repl, 0)
			if err != nil {
				c.Warn("replace: %v", err)
				return s
			}
			size += len(out)
			return out
		})([]vector.Value{v}))
	}, nil
}

func substr(a []vector.Value) vector.Value {
	start, ok := integer(a[1])
	if !ok || a[0].IsNull() {
		return null
	}
	n := 1 << 40
	if len(a) == 3 {
		if n, ok = integer(a[2]); !ok {
			return null
		}
	}
	return text(func(s string) string {
		rs := []rune(s)
		from := start
		switch {
		case from > 0:
			from--
		case from < 0:
			from = max(0, len(rs)+from)
		}
		from = min(from, len(rs))
		return string(rs[from:max(from, min(len(rs), from+n))])
	})(a)
}

func spath(a []vector.Value) vector.Value {
	p, err := jsonscan.ParsePath(a[1].Text())
	if err != nil || a[0].IsNull() || a[1].IsNull() {
		return null
	}
	var found []string
	// What is no JSON has nothing at any path.
	_ = p.Get([]byte(a[0].Text()), func(v []byte) bool {
		switch jsonscan.KindOf(v) {
		case jsonscan.Null:
		case jsonscan.Composite:
			found = append(found, string(jsonscan.Compact(v)))
		default:
			found = append(found, jsonscan.Scalar(v))
		}
		return true
	})
	return vector.Strings(found)
}
