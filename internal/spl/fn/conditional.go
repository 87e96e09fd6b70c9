package fn

import (
	"net/netip"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/spl/pcre"
	"bluetrail/internal/vector"
)

const conditional = "Comparison and conditional"

func init() {
	compiled(conditional, "if", "if(<test>, <then>, <else>)", "The second argument where the test is true, else the third. A null test is not true.", 3, 3, compileIf, `if(1=1, "yes", "no")`, `"yes"`)
	compiled(conditional, "case", "case(<test>, <value>, …)", "The value behind the first test that is true; null when none is.", 2, -1, compileCase(true), `case(1=2, "a", 1=1, "b")`, `"b"`)
	compiled(conditional, "validate", "validate(<test>, <message>, …)", "The message behind the first test that is false; null when all hold.", 2, -1, compileCase(false), `validate(1=1, "a", 1=2, "b")`, `"b"`)
	function(conditional, "coalesce", "coalesce(<value>, …)", "The first value that is not null. An empty text is not null.", 1, -1, coalesce, `coalesce(null(), "b")`, `"b"`, "ifnull")
	function(conditional, "nullif", "nullif(<a>, <b>)", "Null when the two are equal, else the first.", 2, 2, func(a []vector.Value) vector.Value {
		if spl.Matches(a[0], a[1]) {
			return null
		}
		return a[0]
	}, `nullif("a", "b")`, `"a"`)
	function(conditional, "null", "null()", "The missing value; setting a field to it takes the field away.", 0, 0, func([]vector.Value) vector.Value { return null }, `null()`, ``)
	function(conditional, "true", "true()", "The test that holds.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(true) }, `if(true(), 1, 2)`, `"1"`)
	function(conditional, "false", "false()", "The test that does not hold.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(false) }, `if(false(), 1, 2)`, `"2"`)
	function(conditional, "in", "in(<value>, <candidate>, …)", "Whether the value equals one of the others; case counts.", 2, -1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() {
			return null
		}
		for _, c := range a[1:] {
			if spl.Matches(a[0], c) {
				return vector.Truth(true)
			}
		}
		return vector.Truth(false)
	}, `if(in("b", "a", "b"), 1, 2)`, `"1"`)
	compiled(conditional, "like", "like(<text>, <pattern>)", "Whether the text fits the pattern: % is any run of characters, _ one. Case counts.", 2, 2, compileLike, `if(like("abc", "a%"), 1, 2)`, `"1"`)
	compiled(conditional, "match", "match(<text>, <regex>)", "Whether the regular expression fits anywhere in the text. Case counts unless it begins with (?i).", 2, 2, compileMatch, `if(match("abc", "b.$"), 1, 2)`, `"1"`)
	function(conditional, "cidrmatch", "cidrmatch(<block>, <address>)", "Whether the address lies in the block, IPv4 or IPv6.", 2, 2, cidrmatch, `if(cidrmatch("10.0.0.0/8", "10.1.2.3"), 1, 2)`, `"1"`)
	spl.RegisterFunction(&spl.FunctionDef{
		Name: "searchmatch", Group: conditional, Min: 1, Max: 1, Syntax: `searchmatch("<search expression>")`,
		Doc:      "Whether the row matches a search expression, by the rules of the search command.",
		Examples: example(`if(searchmatch("r=*"), 1, 2)`, `"2"`),
		Compile:  compileSearchmatch,
		Reads: func(call *spl.Call) []string {
			e, err := searchArgument(call)
			if err != nil {
				return nil
			}
			return spl.SearchFields(e)
		},
	})
}

func compileIf(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	test, then, otherwise := evs[0], evs[1], evs[2]
	return func(f *spl.Frame) vector.Value {
		if test(f).True() {
			return then(f)
		}
		return otherwise(f)
	}, nil
}

func compileCase(want bool) func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	return func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		if len(call.Args)%2 != 0 {
			return nil, diag.At(call.Span, "%s takes pairs: a test and a value", call.Def.Name).WithHint(`end with true(), "otherwise" for all that is left`)
		}
		evs, err := c.All(call.Args)
		if err != nil {
			return nil, err
		}
		return func(f *spl.Frame) vector.Value {
			for i := 0; i < len(evs); i += 2 {
				if v := evs[i](f); v.True() == want && (want || !v.IsNull()) {
					return evs[i+1](f)
				}
			}
			return null
		}, nil
	}
}

func coalesce(args []vector.Value) vector.Value {
	for _, a := range args {
		if !a.IsNull() {
			return a
		}
	}
	return null
}

func compileLike(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	if lit, ok := call.Args[1].(*spl.Literal); ok {
		fits := spl.LikePattern(lit.Value.Text())
		return func(f *spl.Frame) vector.Value { return spl.AnyOf(evs[0](f), fits) }, nil
	}
	return func(f *spl.Frame) vector.Value {
		p := evs[1](f)
		if p.IsNull() {
			return null
		}
		return spl.AnyOf(evs[0](f), spl.LikePattern(p.Text()))
	}, nil
}

// expression returns the regular expression of an argument: compiled once when
// it is written out, else for each row, null where it is none.
func expression(c *spl.Compiler, arg spl.Expr) (func(f *spl.Frame) *pcre.Regexp, error) {
	if lit, ok := arg.(*spl.Literal); ok {
		re, err := pcre.Compile(lit.Value.Text())
		if err != nil {
			return nil, diag.At(lit.Span, "%v", err)
		}
		return func(*spl.Frame) *pcre.Regexp { return re }, nil
	}
	ev, err := c.Compile(arg)
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) *pcre.Regexp {
		p := ev(f)
		if p.IsNull() {
			return nil
		}
		re, err := pcre.Compile(p.Text())
		if err != nil {
			c.Warn("a regular expression that was computed is wrong: %v", err)
			return nil
		}
		return re
	}, nil
}

func compileMatch(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		re := regex(f)
		if re == nil {
			return null
		}
		return spl.AnyOf(subject(f), func(s string) bool {
			ok, err := re.Match(s)
			if err != nil {
				c.Warn("match: %v", err)
			}
			return ok
		})
	}, nil
}

func cidrmatch(a []vector.Value) vector.Value {
	if a[0].IsNull() || a[1].IsNull() {
		return null
	}
	p, err := netip.ParsePrefix(a[0].Text())
	if err != nil {
		return vector.Truth(false)
	}
	p = p.Masked()
	return spl.AnyOf(a[1], func(s string) bool {
		ip, err := netip.ParseAddr(s)
		return err == nil && p.Contains(ip.Unmap())
	})
}

func searchArgument(call *spl.Call) (spl.Search, error) {
	lit, ok := call.Args[0].(*spl.Literal)
	if !ok {
		return nil, diag.At(call.Span, "searchmatch takes a search expression in double quotes")
	}
	e, err := spl.ParseSearchExpr(lit.Value.Text())
	if err != nil {
		return nil, diag.At(lit.Span, "%v", err)
	}
	return e, nil
}

func compileSearchmatch(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	e, err := searchArgument(call)
	if err != nil {
		return nil, err
	}
	names := spl.SearchFields(e)
	slots := make([]int, len(names))
	for i, n := range names {
		slots[i] = c.Slot(n)
	}
	m, err := spl.NewMatcher(e, c.Clock())
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		b := vector.NewBuilder()
		b.Add()
		for i, n := range names {
			b.Set(n, f.Get(slots[i]))
		}
		return vector.Truth(len(m.Select(b.Batch())) == 1)
	}, nil
}
