package fn

import (
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toarray", "toarray(<value>)", "The values as a JSON array; those that are valid JSON are elements of their own type. A JSON array stays one, written without blanks.", 1, 1, func(a []vector.Value) vector.Value {
		switch {
		case a[0].IsNull():
			return null
		case kindOf(a[0]) == '[':
			return vector.String(tidied(a[0].Text()))
		case a[0].Kind() != vector.List:
			return vector.String("[" + encode(a[0]) + "]")
		}
		parts := a[0].All()
		elements := make([]string, len(parts))
		for i, s := range parts {
			if elements[i] = string(jsonscan.AppendQuoted(nil, s)); kindOf(vector.String(s)) != 0 {
				elements[i] = tidied(s)
			}
		}
		return vector.String("[" + strings.Join(elements, ",") + "]")
	}, `toarray(split("a,1", ","))`, `"[\"a\",1]"`)
}

// tidied returns JSON without white space and without trailing zeros in
// decimals.
func tidied(doc string) string {
	n := parseNode([]byte(strings.TrimSpace(doc)))
	n.tidy()
	return n.String()
}

func (n *node) tidy() {
	if n.kind == 0 && n.text != "" && (n.text[0] == '-' || n.text[0]-'0' <= 9) && strings.Contains(n.text, ".") && !strings.ContainsAny(n.text, "eE") {
		n.text = strings.TrimSuffix(strings.TrimRight(n.text, "0"), ".")
	}
	for i := range n.vals {
		n.vals[i].tidy()
	}
}
