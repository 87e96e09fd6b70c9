package yamldoc

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	stairs := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}
	for name, tc := range map[string]struct{ text, want string }{
		"brackets":            {"name: x\nsearch: " + strings.Repeat("[", 200_000), "line 2, column"},
		"brackets closed":     {"search: " + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000), "nested deeper"},
		"maps":                {"a: " + strings.Repeat("{a: ", 50_000), "nested deeper"},
		"behind quotes":       {"a: " + strings.Repeat(`["]", `, 150), "nested deeper"},
		"dashes":              {strings.Repeat("- ", 100_000), "nested deeper"},
		"keys":                {strings.Repeat("? ", 500), "nested deeper"},
		"stairs":              {stairs(300), "nested deeper"},
		"aliases":             {"a: &a [x, x]\nb: [" + strings.Repeat("*a, ", 100) + "]\n", "line 2, column"},
		"plain":               {"a: [1, {b: c}]\nd:\n  - e: f\n    g: h\n", ""},
		"regular expressions": {"search: |\n  " + strings.Repeat(`| rex "[^[]+" `, 200) + "\nb: '" + strings.Repeat("[", 90) + "'\n", ""},
		"a long list":         {strings.Repeat("- a: b\n  c:\n  - d\n", 1000), ""},
		"many documents":      {strings.Repeat("---\na:\n  b:\n    c: [d]\n", 200), ""},
		"a rule":              {"---\n" + strings.Repeat("-", 300) + "\n", ""},
		"not YAML":            {"\x00\xff{", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check([]byte(tc.text))
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
