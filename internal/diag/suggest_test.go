package diag

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	many := strings.Split(strings.Repeat("x,", mostListed)+"last", ",")
	for name, tc := range map[string]struct {
		candidates []string
		want       string
	}{
		"mian": {[]string{"aws", "main"}, `did you mean "main"?`},
		"risk": {[]string{"aws", "main"}, "indexes: aws, main"},
		"none": {nil, ""},
		"long": {many, "indexes: " + strings.Join(many[:mostListed], ", ") + ", …"},
	} {
		if got := Suggest(name, tc.candidates, "indexes"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
