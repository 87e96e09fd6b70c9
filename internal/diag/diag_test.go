package diag

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestUnderlined(t *testing.T) {
	e := At(Span{12, 16}, "unknown command %q", "wher").WithHint("did you mean %q?", "where")
	e.Src = "a=1\n| table wher x=\x1b[31m1\nb"
	want := "error: unknown command \"wher\"\n   2 | | table wher x=\\x1b[31m1\n     |         ^^^^\nhint: did you mean \"where\"?\n"
	if diff := cmp.Diff(want, e.Underlined()); diff != "" {
		t.Error(diff)
	}
	if got := e.Error(); got != `2:9: unknown command "wher" (did you mean "where"?)` {
		t.Error(got)
	}
}

func TestUnderlinedLongLine(t *testing.T) {
	src := strings.Repeat("x", 500) + "HERE" + strings.Repeat("ü", 500)
	e := &Error{Src: src, Span: Span{500, 504}, Msg: "m"}
	lines := strings.Split(e.Underlined(), "\n")
	if n := utf8.RuneCountInString(lines[1]); n > maxShown+12 {
		t.Errorf("the line shown is %d characters wide", n)
	}
	if !strings.Contains(lines[2], "^^^^") || !strings.Contains(lines[1], "HERE") {
		t.Error(e.Underlined())
	}
}

func FuzzUnderlined(f *testing.F) {
	f.Add("a\nbc", 2, 3)
	f.Add(strings.Repeat("\x80", 300), 200, 201)
	f.Fuzz(func(t *testing.T, src string, start, end int) {
		out := (&Error{Src: src, Span: Span{start, end}, Msg: "m"}).Underlined()
		for _, r := range out {
			if r != '\n' && !printable(r) {
				t.Fatalf("%q comes out as %q", src, out)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	words := []string{"where", "search", "stats", "eventstats", "table"}
	for _, tc := range []struct{ in, want string }{{"wher", "where"}, {"STAST", "stats"}, {"tabel", "table"}, {"zzzz", ""}, {"x", ""}} {
		if got := Nearest(tc.in, words); got != tc.want {
			t.Errorf("Nearest(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}
