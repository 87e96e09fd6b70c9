package fn

import "strconv"

func init() {
	function(texts, "urldecode", "urldecode(<text>)", "The text with its %xx sequences decoded; invalid sequences are unchanged.", 1, 1, text(urldecode), `urldecode("a%20b%2Fc")`, `"a b/c"`)
}

func urldecode(s string) string {
	var out []byte
	from := 0
	for i := 0; i+2 < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if b, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
			out = append(append(out, s[from:i]...), byte(b))
			i += 2
			from = i + 1
		}
	}
	if from == 0 {
		return s
	}
	return string(append(out, s[from:]...))
}
