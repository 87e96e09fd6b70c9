package syntax_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/diag"
	_ "bluetrail/internal/spl/cmd"
	_ "bluetrail/internal/spl/fn"
	"bluetrail/internal/spl/syntax"

	"github.com/google/go-cmp/cmp"
)

// TestPrint shows how precedence is read: the printed form makes it plain, and
// printing what was printed changes nothing.
func TestPrint(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{`a=1 b=2 OR c=3`, `search a=1 b=2 OR c=3`},
		{`(a=1 AND b=2) OR c=3`, `search (a=1 b=2) OR c=3`},
		{`NOT a=1 b=2`, `search NOT a=1 b=2`},
		{`NOT (a=1 b=2)`, `search NOT (a=1 b=2)`},
		{`error NOT 403 OR 404`, `search error NOT 403 OR 404`},
		{`"a.b"=Success "two words" x = "y"`, `search a.b=Success "two words" x=y`},
		{`cidr=0.0.0.0/0 ip="10.0.0.0/8"`, `search cidr=0.0.0.0/0 ip=10.0.0.0/8`},
		{`x IN ("a", b,c) NOT y NOT IN (1)`, `search x IN (a, b, c) NOT NOT y IN (1)`},
		{`earliest=-7d@d latest=now() a`, `search earliest=-7d@d latest=now a`},
		{`CASE(Failed) TERM(1.2.3.4) u=CASE(Bob)`, `search CASE("Failed") TERM("1.2.3.4") u=CASE("Bob")`},
		{"a=1 ```why``` b=2", `search a=1 b=2`},
		{`path="C:\\Temp\\x.exe" q="say \"hi\""`, `search path="C:\\Temp\\x.exe" q="say \"hi\""`},
		{`index::aws x`, `search index=aws x`},
		{``, `search *`},
		{`search *`, `search *`},
		{`* | where a="x" OR b>1 AND NOT c`, `search * | where a = "x" OR b > 1 AND NOT c`},
		{`* | where (a OR b) AND c`, `search * | where (a OR b) AND c`},
		{`* | where 1+2*3-4 = 5-(6-7)`, `search * | where 1 + 2 * 3 - 4 = 5 - (6 - 7)`},
		{`* | where 'a.b{}' LIKE "x%" and d in (1,"2")`, `search * | where 'a.b{}' LIKE "x%" AND d IN (1, "2")`},
		{`* | where x not in (1)`, `search * | where NOT x IN (1)`},
		{`* | where -x < - 3`, `search * | where -x < -3`},
		{`* | eval a=1, 'b.c'="x"."y" , {d}=2`, `search * | eval a=1, b.c="x" . "y", {d}=2`},
		{`x=1 [search y=2 | where z=1]`, `search x=1 [search y=2 | where z = 1]`},
		{`x > [search y=2]`, `search x>[search y=2]`},
	} {
		t.Run(tc.in, func(t *testing.T) {
			q, err := syntax.Parse(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			got := q.String()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			again, err := syntax.Parse(got)
			if err != nil {
				t.Fatalf("cannot read what was printed: %v", err)
			}
			if again.String() != got {
				t.Errorf("printed twice: %s", again)
			}
		})
	}
}

// TestErrors pins where a fault is underlined and what is said.
func TestErrors(t *testing.T) {
	for _, tc := range []struct{ in, place, want string }{
		{`* | wher x=1`, `wher`, `did you mean "where"?`},
		{`* | nosuchthing x`, `nosuchthing`, `unknown command`},
		{`* | runshellscript x`, `runshellscript`, `not supported`},
		{`a=1 |`, `|`, `a command is missing`},
		{`a=1 | | where x=1`, `|`, `a command is missing`},
		{`(a=1`, `(`, `not closed`},
		{`a=1)`, `)`, `closes nothing`},
		{`x IN (a, b`, `(`, `not closed`},
		{`x IN ()`, `)`, `at least one value`},
		{`x="abc`, `"`, `not closed`},
		{`x= | where a=1`, `x=`, `a value is missing`},
		{`AND x`, `AND`, `needs a term before`},
		{`x AND`, `AND`, `needs a term after`},
		{`* | where x ==`, ``, `expected an expression`},
		{`* | where x=1 y=2`, `y`, `unexpected "y"`},
		{`* | where (x=1`, `(`, `not closed`},
		{`* | where nosuch(x)`, `nosuch`, `unknown function`},
		{`* | eval x=(a==1)`, `a==1`, `cannot be stored`},
		{`* | eval x`, ``, `= is missing`},
		{"* ```open", "```", `comment is not closed`},
		{`x [search y`, ``, `not closed`},
	} {
		t.Run(tc.in, func(t *testing.T) {
			_, err := syntax.Parse(tc.in)
			var e *diag.Error
			if !errors.As(err, &e) {
				t.Fatalf("error is %v", err)
			}
			if !strings.Contains(e.Error(), tc.want) {
				t.Errorf("said %q, want %q", e.Error(), tc.want)
			}
			if got := e.Src[e.Span.Start:e.Span.End]; got != tc.place {
				t.Errorf("underlined %q, want %q\n%s", got, tc.place, e.Underlined())
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	for _, deep := range []string{strings.Repeat("(", 100000), strings.Repeat("NOT ", 100000) + "a", "* | where " + strings.Repeat("-", 100000) + "a", "* | where " + strings.Repeat("(", 100000), strings.Repeat("[", 100000)} {
		if _, err := syntax.Parse(deep); err == nil {
			t.Errorf("%.20s… parsed", deep)
		}
	}
}

// What would take time or memory beyond its length is refused in words.
func TestLongCommandsAreBounded(t *testing.T) {
	for _, long := range []string{
		"* | table " + strings.Repeat("a ", 80000), "* | fields - " + strings.Repeat("a,", 80000) + "b",
		"* | eval x=a" + strings.Repeat("+a", 100000), "* | eval x=a" + strings.Repeat(".a", 100000), "* | where a" + strings.Repeat("=1 OR a", 50000) + "=1",
		"* | eval x=if(1=1, a" + strings.Repeat("+a", 100000) + ", 2)", "* | eval " + strings.Repeat("a=1,", 50000) + "b=1", "* | rename " + strings.Repeat("a as b ", 50000),
	} {
		if _, err := syntax.Parse(long); err == nil || !strings.Contains(err.Error(), "at most 5000") {
			t.Errorf("%.20s…: %.200v", long, err)
		}
	}
	for _, fine := range []string{
		"* | where a IN (" + strings.Repeat("1,", 50000) + "2)", "a=1" + strings.Repeat(" OR a=1", 50000), "* | eval x=a" + strings.Repeat("+a", 4000) + ", y=a" + strings.Repeat("+a", 4000),
	} {
		if _, err := syntax.Parse(fine); err != nil {
			t.Errorf("%.20s…: %.200v", fine, err)
		}
	}
}

// FuzzParse checks that no text crashes the parser, that what parses prints to
// something that parses to the same, and that errors point inside the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`a=1 b=2 OR NOT c`, `x IN (a,"b") [search y | where z>1]`, "* | eval a=if(1=1,\"x\\n\",'b.c{}') ```c```", `TERM(a.b) CASE(x) "p q" earliest=-1d@d`, `* | where x LIKE "a%" XOR -y*3 % 2 = 1.50`, `|dedup 1 00`} {
		f.Add(s)
	}
	files, _ := filepath.Glob("../../testdata/spl/*.test")
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil {
			for _, line := range strings.Split(string(data), "\n") {
				if s, ok := strings.CutPrefix(line, "eval "); ok {
					f.Add(s)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := syntax.Parse(text)
		if err != nil {
			var e *diag.Error
			if !errors.As(err, &e) {
				t.Fatalf("error without a place: %v", err)
			}
			if e.Span.Start < 0 || e.Span.End > len(text) || e.Span.Start > e.Span.End {
				t.Fatalf("span %v of %d bytes", e.Span, len(text))
			}
			e.Underlined()
			return
		}
		printed := q.String()
		again, err := syntax.Parse(printed)
		if err != nil {
			t.Fatalf("%q prints as %q, which is not read: %v", text, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q prints as %q and then as %q", text, printed, again.String())
		}
	})
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		`* | eval x=now(), y=lookup("a.csv", json_object("k", k), json_array("v")) | where match(x, "a+")`: "",
		`* | where x=[search a | return $b]`:             "",
		`* | foreach a* [eval x=tonumber("<<FIELD>>")]`:  "",
		`* | where match(x, "(")`:                        `"("`,
		`* | eval x=1, y=abs("n")`:                       `"n"`,
		`* | fieldformat x=if(y, 1, 2)`:                  "y",
		`* | head (y)`:                                   "y",
		`* | append [search a | eval x=tonumber("q")]`:   `"q"`,
		`a [search b | where relative_time(t, "1 day")]`: "relative_time(t, \"1 day\")",
	} {
		q, err := syntax.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		err = syntax.Check(q)
		var place *diag.Error
		switch {
		case want == "" && err == nil:
		case !errors.As(err, &place):
			t.Errorf("%s: %v, want %q underlined", text, err, want)
		case place.Src[place.Span.Start:place.Span.End] != want:
			t.Errorf("%s: underlined %q, want %q", text, place.Src[place.Span.Start:place.Span.End], want)
		}
	}
}
