package fn

import (
	"net/url"
)

func init() {
	function(texts, "urldecode", "urldecode(<text>)", "The text with its %xx sequences undone.", 1, 1, text(func(s string) string {
		out, err := url.PathUnescape(s)
		if err != nil {
			return s
		}
		return out
	}), `urldecode("a%20b%2Fc")`, `"a b/c"`)
}
