package fn

import (
	"math"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	is("isnull", "Whether the value is missing. An empty string is not missing.", "isnull(nosuch)", vector.Value.IsNull)
	is("isnotnull", "Whether the value exists.", `isnotnull("")`, func(v vector.Value) bool { return !v.IsNull() })
	is("isnum", "Whether the value reads as a number.", `isnum("12")`, func(v vector.Value) bool { _, ok := v.Num(); return ok })
	is("isint", "Whether the value is a whole number.", "isint(5)", func(v vector.Value) bool { f, ok := v.Num(); return ok && f == math.Trunc(f) })
	is("isdouble", "Whether the value is a number with decimals.", "isdouble(5.5)", func(v vector.Value) bool { f, ok := v.Num(); return ok && f != math.Trunc(f) })
	is("isstr", "Whether the value is text that is not a number, or several values.", `isstr("a")`, func(v vector.Value) bool {
		_, num := v.Num()
		return v.Kind() == vector.List || v.Kind() == vector.Text && !num
	})
	is("isbool", "Whether the value is a Boolean.", "isbool(1=1)", func(v vector.Value) bool { return v.Kind() == vector.Bool })
	is("ismv", "Whether there are several values.", `ismv(split("a,b", ","))`, func(v vector.Value) bool { return v.Kind() == vector.List })
	is("isarray", "Whether the value is a JSON array.", `isarray("[1]")`, func(v vector.Value) bool { return kindOf(v) == '[' })
	is("isobject", "Whether the value is a JSON object.", `isobject("{}")`, func(v vector.Value) bool { return kindOf(v) == '{' })
}

// is registers a test of one value.
func is(name, doc, e string, test func(v vector.Value) bool, aliases ...string) {
	function(informational, name, name+"(<value>)", doc, 1, 1, func(a []vector.Value) vector.Value { return vector.Truth(test(a[0])) }, "if("+e+", 1, 2)", `"1"`, aliases...)
	gives(syntax.GivesTest, name)
	batched(name, func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		return expr.TestValues(c.Kernel(call.Args[0]), func(v *vector.Value) expr.Test { return expr.Holds(test(*v)) })
	})
}
