package expr

import (
	"testing"

	"pgregory.net/rapid"
)

func TestLikeCases(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"%%", "é", true}, {"a", "a", true}, {"a", "A", false},
		{"a%", "abc", true}, {"%c", "abc", true}, {"%b%", "abc", true}, {"a%a", "a", false}, {"a%a", "aa", true},
		{"%ab%ba%", "aba", false}, {"%ab%ba%", "abba", true}, {"a_c", "aéc", true}, {"a_c", "ac", false},
		{`50\%`, "50%", true}, {`50\%`, "500", false}, {`a\_`, "ab", false}, {`%\_%`, "a_b", true},
		{`C:\Users\%`, `C:\Users\bob`, true}, {`C:\Users\%`, `C:\Users`, false}, {`%\\x`, `a\x`, true}, {`%\\x`, `a\\x`, true}, {`a\b`, `a\b`, true},
	} {
		if got := LikePattern(tc.pattern)(tc.text); got != tc.want {
			t.Errorf("%q LIKE %q = %v", tc.text, tc.pattern, got)
		}
	}
}

// The two ways to test a pattern agree where both may be taken.
func TestLikeRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching("[ab%é]{0,8}").Draw(t, "pattern")
		text := rapid.StringMatching("[abé]{0,10}").Draw(t, "text")
		if got, want := LikePattern(pattern)(text), likeSteps(pattern, true)(text); got != want {
			t.Fatalf("%q LIKE %q = %v, by steps %v", text, pattern, got, want)
		}
	})
}

func TestLikePattern(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"a%", "abc", true}, {"a_c", "abc", true}, {"a_c", "ac", false}, {"%b%b", "abcbb", true}, {"%", "", true}, {"", "", true}, {"", "a", false},
		{`50\%`, "50%", true}, {`50\%`, "501", false}, {"_", "ü", true}, {"%ab%cd%", "xxabyyabcd", true}, {"a%b%c", "acb", false}, {"A%", "abc", false}, {"%_x", "x", false},
	} {
		if got := LikePattern(tc.pattern)(tc.s); got != tc.want {
			t.Errorf("%q LIKE %q = %v", tc.s, tc.pattern, got)
		}
	}
}
