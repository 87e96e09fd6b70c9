package expr_test

import (
	"testing"

	"bluetrail/internal/lookup"

	"github.com/google/go-cmp/cmp"
)

// TestLists checks that several values written as one text are read again, and
// that other texts are not.
func TestLists(t *testing.T) {
	for _, list := range [][]string{{"a"}, {"a", "b"}, {"", "$", ";", "$;$", "$$"}, {"a;b", "c$"}} {
		got, ok := lookup.SplitList(lookup.JoinList(list))
		if diff := cmp.Diff(list, got); !ok || diff != "" {
			t.Errorf("%q reads as %q", lookup.JoinList(list), got)
		}
	}
	for _, text := range []string{"", "a", "$a", "$a$b$", "$a$;", "$a$;b", "a$b$", "$$", "$"} {
		if got, ok := lookup.SplitList(text); ok && text != "$$" {
			t.Errorf("%q reads as the list %q", text, got)
		}
	}
}
