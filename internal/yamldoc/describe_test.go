package yamldoc

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestDescribe(t *testing.T) {
	type part struct {
		Count int
		Small int8
		On    bool
		Time  time.Duration
	}
	for text, want := range map[string]string{
		"a: 1\nprat:\n  count: 1\n": `line 2, column 1: unknown key "prat" in "prat:"`,
		"part:\n  count: many\n":    `line 2, column 10: expected a whole number in "count: many"`,
		"part:\n  small: 1000\n":    `line 2, column 10: 1000 is out of range in "small: 1000"`,
		"part:\n  on: 5\n":          `line 2, column 7: expected true or false in "on: 5"`,
		"part:\n  time: soon\n":     "soon",
		"list: 5\n":                 `line 1, column 7: expected a list in "list: 5"`,
		"part: 5\n":                 `line 1, column 7: expected keys with values in "part: 5"`,
		"list: [\n":                 "line 1, column 7: ",
		"a: 1\na: 2\n":              "line 2, column 1: ",
		"part: 5 # " + strings.Repeat("é", maxLine): "…",
	} {
		var into struct {
			A    int
			Part part
			List []string
		}
		err := yaml.UnmarshalWithOptions([]byte(text), &into, yaml.Strict())
		if err == nil {
			t.Fatalf("%q is accepted", text)
		}
		if got := Describe(err, []byte(text)).Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if other := errors.New("other"); Describe(other, nil) != other {
		t.Error("another error is changed")
	}
}
