package pcre

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFindAll(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		fast          bool
		names         []string
		want          [][]string // groups of each match; "<none>" for one that took no part
	}{
		{`a(b)?`, "abac", true, []string{"", ""}, [][]string{{"ab", "b"}, {"a", "<none>"}}},
		{`(?<u>\w+)@(?P<d>\w+)`, "bob@x al@y", true, []string{"", "u", "d"}, [][]string{{"bob@x", "bob", "x"}, {"al@y", "al", "y"}}},
		{`(\w)(?<n>\d)(?=z)`, "a1z b2y", false, []string{"", "", "n"}, [][]string{{"a1", "a", "1"}}},
		{`(?<n>a)(b)\2\1(?!c)`, "abba", false, []string{"", "n", ""}, [][]string{{"abba", "a", "b"}}},
		{`(?P<q>['"]).*?(?P=q)`, `x='a"b' y`, false, []string{"", "q"}, [][]string{{`'a"b'`, "'"}}},
		{`a$`, "a\n", true, []string{""}, [][]string{{"a"}}},
		{`(?m)a$`, "a\na\n", true, []string{""}, [][]string{{"a"}, {"a"}}},
		{`é(?=ü)`, "xéü\xffé", false, []string{""}, [][]string{{"é"}}},
		{`[]a]+(?!b)`, "]a]", false, []string{""}, [][]string{{"]a]"}}},
		{`[[:digit:][]+(?=x)`, "1[2x", false, []string{""}, [][]string{{"1[2"}}},
		{`\h+(?!z)\Qa.b\E`, "\t a.b", false, []string{""}, [][]string{{"\t a.b"}}},
		{`(?>a+)b`, "aab", false, []string{""}, [][]string{{"aab"}}},
		{`a++b|a+c`, "aac aab", false, []string{""}, [][]string{{"aac"}, {"aab"}}},
		{`"[^"]*+"`, `x "a b" y`, false, []string{""}, [][]string{{`"a b"`}}},
		{`(?:ab){2}+c`, "ababc", false, []string{""}, [][]string{{"ababc"}}},
		{`(a|(b))?+c`, "bcac", false, []string{"", "", ""}, [][]string{{"bc", "b", "b"}, {"ac", "a", "<none>"}}},
		{`\w{1,3}+x`, "abx axx", false, []string{""}, nil},
		{`(a)(?#note)++\1?+`, "aaa", false, []string{"", ""}, [][]string{{"aaa", "a"}}},
		{`\d(?=x)`, "٣x3x", false, []string{""}, [][]string{{"3"}}},
		{`user=\K(?<w>\w+)`, "user=bob user=al", true, []string{"", "w"}, [][]string{{"bob", "bob"}, {"al", "al"}}},
		{`(a)(?:\Kb|c\K)(d)(?=e)`, "abde acde", false, []string{"", "", ""}, [][]string{{"bd", "a", "d"}, {"d", "a", "d"}}},
		{`[\\K]\Q\K\E\K\N`, "K\\Kx\\\\K\n", true, []string{""}, [][]string{{"x"}}},
		{`x\N(?<w>z)\N{2}(?!q)`, "xyzab x\nzab xyzabq", false, []string{"", "w"}, [][]string{{"xyzab", "z"}}},
		{`x*`, "ab", true, []string{""}, [][]string{{""}, {""}, {""}}},
	} {
		t.Run(tc.pattern, func(t *testing.T) {
			r, err := Compile(tc.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if (r.fast != nil) != tc.fast {
				t.Errorf("fast engine: %v", r.fast != nil)
			}
			if diff := cmp.Diff(tc.names, r.Names()); diff != "" {
				t.Error(diff)
			}
			places, err := r.FindAll(tc.text, -1)
			if err != nil {
				t.Fatal(err)
			}
			var got [][]string
			for _, p := range places {
				var groups []string
				for i := 0; i < len(p); i += 2 {
					if p[i] < 0 {
						groups = append(groups, "<none>")
					} else {
						groups = append(groups, tc.text[p[i]:p[i+1]])
					}
				}
				got = append(got, groups)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if ok, err := r.Match(tc.text); err != nil || ok != (len(tc.want) > 0) {
				t.Errorf("Match: %v %v", ok, err)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	for _, tc := range []struct {
		pattern, repl, text string
		n                   int
		want                string
	}{
		{`(\d+)-(\d+)`, `\2-\1`, "1-2 33-44", 0, "2-1 44-33"},
		{`\d`, `x`, "1 2 3", 2, "1 x 3"},
		{`\d`, `x`, "1 2 3", 4, "1 2 3"},
		{`a`, `<\0\\\q\9>`, "a", 0, `<a\\q>`},
		{`(?<=a)b`, `c`, "abb", 0, "acb"},
		{`x`, `y`, "none", 0, "none"},
		{`user=\Kb`, `X`, "user=bob", 0, "user=Xob"},
		{`a\K`, `-`, "aab", 0, "a-a-b"},
	} {
		r, err := Compile(tc.pattern)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Replace(tc.text, tc.repl, tc.n)
		if err != nil || got != tc.want {
			t.Errorf("%s on %q: %q %v, want %q", tc.pattern, tc.text, got, err, tc.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		offset  int
	}{
		{`abc(d`, 3}, {`(a)(b`, 3}, {`((a)b`, 0}, {`a)b`, 1}, {`[()](\)x[^)](`, 12}, {`(a[]()]b`, 0}, {`ab[c`, 2}, {`x**`, 1}, {`(?<n>a)(?=b)\k<none>`, 0}, {strings.Repeat("a", MaxPattern+1), 0},
	} {
		_, err := Compile(tc.pattern)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%.30s: error %v, want a SyntaxError", tc.pattern, err)
		} else if e.Offset != tc.offset {
			t.Errorf("%.30s: offset %d, want %d (%v)", tc.pattern, e.Offset, tc.offset, err)
		}
	}
}

// TestTime gives the backtracking engine work for years.
func TestTime(t *testing.T) {
	r, err := Compile(`^(a|aa)+(?<!z)$`)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = r.Match(strings.Repeat("a", 40) + "!")
	if !errors.Is(err, ErrTime) {
		t.Errorf("error %v, want ErrTime", err)
	}
	if took := time.Since(start); took > 20*MatchTime {
		t.Errorf("it took %s", took)
	}
}

// FuzzEngines checks that nothing panics, that places lie inside the text, and that a
// reader that polls finds what Go's engine finds at once.
func FuzzEngines(f *testing.F) {
	for _, s := range [][2]string{{`a(b)?$`, "ab\n"}, {`(?<x>\d+)[^,]*`, "1é,\xff2"}, {`(?i)[[:alpha:]]+|\bx`, "aBc x"}, {`\x{41}|\Qa.b\E`, "A a.b"}, {`(a)|(b)\2?`, "bb"}, {`(x\K)*\N[\K]`, "xxyK"},
		{`\b(\w*)`, "ab é c"}, {`(?m)^|b|$`, "ab\nb\xffb"}, {`x*`, "axb"}, {`\B`, "ab\xc3\xa9"}, {`^a|(?m:^b)`, "ab\nba"}, {`ab+|\Aa`, "aabbab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 60 || len(text) > 200 {
			return
		}
		r, err := compile(pattern)
		if err != nil {
			return
		}
		places, err := r.FindAll(text, 10)
		if err != nil {
			return
		}
		for _, p := range places {
			for i := 0; i < len(p); i += 2 {
				if p[i] > p[i+1] || p[i+1] > len(text) || (p[i] < 0) != (p[i+1] < 0) {
					t.Fatalf("%q on %q: place %v", pattern, text, p)
				}
			}
		}
		if r.fast != nil {
			polled := r.Polling(func() {})
			for _, most := range []int{-1, 2} {
				if diff := cmp.Diff(r.fast.FindAllStringSubmatchIndex(text, most), polled.findPolled(text, most)); diff != "" {
					t.Fatalf("%q on %q: %s", pattern, text, diff)
				}
			}
		}
		if _, err := r.Replace(text, `\1x`, 0); err != nil && !errors.Is(err, ErrTime) && !errors.Is(err, ErrLong) {
			t.Fatal(err)
		}
	})
}
