package pcre

import (
	"slices"
	"strings"
	"testing"
)

// Matches that are looked for piece by piece are those that are found at once.
func TestPollingFindsTheSame(t *testing.T) {
	texts := []string{
		strings.Repeat("ab", pollMatches+10), strings.Repeat("aé", pollMatches+1) + "b", strings.Repeat("a", pollMatches), strings.Repeat("a b\n", pollMatches+1), "",
	}
	for _, pattern := range []string{"a", "a?", "a*", "", "(a)(b)?", "b*|é", "\\bb", "^a", "(?m)^a", "a$", "(?m)$", "é?", ".", "a|$"} {
		re, err := Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range texts {
			for _, most := range []int{-1, 1, pollMatches, pollMatches + 1} {
				want, _ := re.FindAll(s, most)
				polls := 0
				got, err := re.Polling(func() { polls++ }).FindAll(s, most)
				if err != nil || polls == 0 {
					t.Fatal(err, polls)
				}
				if !slices.EqualFunc(want, got, slices.Equal) {
					t.Errorf("%q in text %d, %d: %d matches, not %d", pattern, i, most, len(got), len(want))
				}
			}
		}
	}
}

// Ten million matches are given up soon after the search is.
func TestReplaceIsEnded(t *testing.T) {
	re, err := Compile("a")
	if err != nil {
		t.Fatal(err)
	}
	polls := 0
	defer func() {
		if recover() != "stop" || polls != 5 {
			t.Errorf("ended after %d polls", polls)
		}
	}()
	_, err = re.Polling(func() {
		if polls++; polls == 5 {
			panic("stop")
		}
	}).Replace(strings.Repeat("a", 10_000_000), "b", 0)
	t.Error("not ended", err)
}

// A single match over a large text is given up, too, whether the expression fits or
// not, at its first character or behind it.
func TestOneMatchIsEnded(t *testing.T) {
	text := strings.Repeat("v ", 1<<20)
	for _, pattern := range []string{`(v+\s*\d*){3}z`, `\b(v.?)+x$`, `(?m)^v(.v)*z`, `v v(.*z)?`, `(\w|\s){20}z`, `z|(v )+x`} {
		for name, find := range map[string]func(r *Regexp){
			"match": func(r *Regexp) { r.Match(text) },
			"first": func(r *Regexp) { r.FindAll(text, 1) },
			"all":   func(r *Regexp) { r.FindAll(text, -1) },
		} {
			re, err := compile(pattern)
			if err != nil {
				t.Fatal(err)
			}
			polls := 0
			func() {
				defer func() {
					if recover() != "stop" {
						t.Errorf("%s, %s: not ended, %d polls", pattern, name, polls)
					}
				}()
				find(re.Polling(func() {
					if polls++; polls == 10 {
						panic("stop")
					}
				}))
			}()
		}
	}
}
