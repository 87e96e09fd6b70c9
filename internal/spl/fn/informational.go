package fn

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math"

	"bluetrail/internal/vector"
)

const (
	informational = "Informational"
	cryptographic = "Cryptographic"
)

func init() {
	is := func(name, doc, expr string, test func(v vector.Value) bool, aliases ...string) {
		function(informational, name, name+"(<value>)", doc, 1, 1, func(a []vector.Value) vector.Value { return vector.Truth(test(a[0])) }, "if("+expr+", 1, 2)", `"1"`, aliases...)
	}
	is("isnull", "Whether the value is missing. An empty text is not.", "isnull(nosuch)", vector.Value.IsNull)
	is("isnotnull", "Whether the value is there.", `isnotnull("")`, func(v vector.Value) bool { return !v.IsNull() })
	is("isnum", "Whether the value reads as a number.", `isnum("12")`, func(v vector.Value) bool { _, ok := v.Num(); return ok })
	is("isint", "Whether the value is a whole number.", "isint(5)", func(v vector.Value) bool { f, ok := v.Num(); return ok && f == math.Trunc(f) })
	is("isdouble", "Whether the value is a number with decimals.", "isdouble(5.5)", func(v vector.Value) bool { f, ok := v.Num(); return ok && f != math.Trunc(f) })
	is("isstr", "Whether the value is text that is no number.", `isstr("a")`, func(v vector.Value) bool {
		_, num := v.Num()
		return v.Kind() == vector.Text && !num
	})
	is("isbool", "Whether the value is a test.", "isbool(1=1)", func(v vector.Value) bool { return v.Kind() == vector.Bool })
	is("ismv", "Whether there are several values.", `ismv(split("a,b", ","))`, func(v vector.Value) bool { return v.Kind() == vector.List })
	is("isarray", "Whether the value is a JSON array.", `isarray("[1]")`, func(v vector.Value) bool { return kindOf(v) == '[' })
	is("isobject", "Whether the value is a JSON object.", `isobject("{}")`, func(v vector.Value) bool { return kindOf(v) == '{' })
	function(informational, "typeof", "typeof(<value>)", "Number, String, Bool, or Invalid for what is missing.", 1, 1, typeof, `typeof(12)`, `"Number"`)

	digest := func(name, want string, sum func(b []byte) []byte) {
		function(cryptographic, name, name+"(<text>)", "The "+name+" of the text's UTF-8 bytes, in small hexadecimal digits.", 1, 1, func(a []vector.Value) vector.Value {
			if a[0].IsNull() {
				return null
			}
			return vector.String(hex.EncodeToString(sum([]byte(a[0].Text()))))
		}, name+`("alice")`, want)
	}
	digest("md5", `"6384e2b2184bcbf58eccf10ca7a6563c"`, func(b []byte) []byte { s := md5.Sum(b); return s[:] })
	digest("sha1", `"522b276a356bdf39013dfabea2cd43e141ecc9e8"`, func(b []byte) []byte { s := sha1.Sum(b); return s[:] })
	digest("sha256", `"2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"`, func(b []byte) []byte { s := sha256.Sum256(b); return s[:] })
	digest("sha512", `"408b27d3097eea5a46bf2ab6433a7234a33d5e49957b13ec7acc2ca08e1a13c75272c90c8d3385d47ede5420a7a9623aad817d9f8a70bd100a0acea7400daa59"`, func(b []byte) []byte { s := sha512.Sum512(b); return s[:] })
}

func typeof(a []vector.Value) vector.Value {
	switch a[0].Kind() {
	case vector.Null:
		return vector.String("Invalid")
	case vector.Bool:
		return vector.String("Bool")
	}
	if _, ok := a[0].Num(); ok {
		return vector.String("Number")
	}
	return vector.String("String")
}
