package cmd

import (
	"errors"
	"testing"
)

// TestSedFaults: the place of a fault is that of the part which is wrong.
func TestSedFaults(t *testing.T) {
	for text, want := range map[string]int{
		"s/(b/x/":          2,
		"s/a/b/ s/x(y/z/":  10,
		"s/a/b/q":          6,
		"y/abc/ab/":        2,
		"y/ab/cd/g":        8,
		"s/a/b/; x/a/b/":   8,
		"s/a/b/ s/unended": 7,
	} {
		_, err := parseSed(text)
		var bad *sedError
		if !errors.As(err, &bad) || bad.at != want {
			t.Errorf("%s: %v at %+v, want %d", text, err, bad, want)
		}
	}
}
