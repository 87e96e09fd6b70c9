package filter_test

import (
	"strings"
	"testing"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func TestTerm(t *testing.T) {
	raw := `{"eventName":"ConsoleLogin","errorMessage":"Failed authentication","ip":"203.0.113.10","arn":"arn:aws:iam::1:user/bob_smith","uri":"http://acs.amazonaws.com/groups/global/AllUsers","x":"naïve-Ärger"}`
	for _, tc := range []struct {
		search string
		want   bool
	}{
		{`failed`, true},
		{`Fail`, false},
		{`fail*`, true},
		{`*ailed`, true},
		{`*uthenticatio*`, true},
		{`fai*d`, true},
		{`fai*authentication`, false}, // a wildcard stays within its segment
		{`"failed authentication"`, true},
		{`"authentication failed"`, false},
		{`"ailed authentication"`, false},
		{`allusers`, true},
		{`203.0.113.10`, true},
		{`203.0.113`, true},
		{`203.0.113.1`, false},
		{`TERM(203.0.113.10)`, true},
		{`TERM(203.0.113)`, false},
		{`CASE(Failed)`, true},
		{`CASE(failed)`, false},
		{`bob`, true},
		{`bob_smith`, true},
		{`ob_smith`, false},
		{`user/bob*`, true},
		{`ärger`, true},
		{`naïve`, true},
		{`na`, false},
		{`"global/AllUsers"`, true},
		{`arn:aws:iam::1:user/*`, true},
		{`*nothing*here*`, false},
	} {
		e, err := syntax.ParseSearchExpr(tc.search)
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.CompileTerm(e.(*filter.Term))(raw); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.search, got, tc.want)
		}
	}
}

// FuzzTerm checks that a term cut out of a text at breakers is found in it, in
// any case.
func FuzzTerm(f *testing.F) {
	f.Add(`{"a":"Hello_world 1.2.3"}`, 2, 5)
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		if from < 0 || to > len(text) || from >= to || strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
			t.Skip()
		}
		if from > 0 && !filter.IsBreaker(text[from-1]) || to < len(text) && !filter.IsBreaker(text[to]) || strings.Contains(text[from:to], "*") {
			t.Skip()
		}
		term := &filter.Term{Text: strings.ToUpper(text[from:to]), Phrase: true}
		if !filter.CompileTerm(term)(text) {
			t.Errorf("%q is not found in %q", term.Text, text)
		}
	})
}

func TestSearchComparison(t *testing.T) {
	list := vector.Strings([]string{"i-1", "i-2"})
	row := map[string]vector.Value{
		"a": vector.String("Success"), "n": vector.String("10"), "empty": vector.String(""), "ip": vector.String("10.1.2.3"),
		"net": vector.String("0.0.0.0/0"), "six": vector.String("2001:db8::99"), "many": list, "_time": vector.Float(1700000000),
		"index": vector.String("aws"), "word": vector.String("ARN:aws:Ünïcode"),
	}
	b := vector.NewBuilder()
	b.Add()
	for name, v := range row {
		b.Set(name, v)
	}
	batch := b.Batch()
	for _, tc := range []struct {
		search string
		want   bool
	}{
		{`a=success`, true}, {`a=SUCC*`, true}, {`a=*cc*s`, true}, {`a=*x*`, false}, {`a=CASE(success)`, false}, {`a=CASE(Success)`, true},
		{`a!=success`, false}, {`a!=x`, true}, {`none!=x`, false}, {`NOT none=x`, true}, {`none=*`, false}, {`a!=*`, false}, {`empty=*`, true}, {`empty=""`, true},
		{`n=10`, true}, {`n=10.0`, false}, {`n>9`, true}, {`n<=9`, false}, {`a>10`, true}, {`n<abc`, true},
		{`ip="10.1.0.0/16"`, true}, {`ip=10.2.0.0/16`, false}, {`ip!=10.2.0.0/16`, true}, {`net=0.0.0.0/0`, true}, {`ip=0.0.0.0/0`, true}, {`net=10.0.0.0/8`, false}, {`six="2001:db8::/64"`, true},
		{`many=I-2`, true}, {`NOT many=i-2`, false}, {`many!=i-2`, true}, {`many IN (x, i-1)`, true}, {`many IN (x)`, false},
		{`earliest=1700000000`, true}, {`earliest=1700000001`, false}, {`latest=1700000000`, false}, {`latest=1700000001`, true},
		{`index=main`, true}, {`index=*`, true}, {`index=other`, false}, {`index!=main`, false},
		{`word=arn:aws:ünïcode`, true}, {`word=*ünï*`, true},
		{`a=success n=11 OR n=10`, true}, {`(a=x n=10) OR n=11`, false}, {`NOT (a=success n=10)`, false},
	} {
		e, err := syntax.ParseSearchExpr(tc.search)
		if err != nil {
			t.Fatal(err)
		}
		m, err := filter.NewMatcher(e, time.Unix(1700000000, 0).UTC())
		if err != nil {
			t.Fatal(err)
		}
		if got := len(m.Select(batch)) == 1; got != tc.want {
			t.Errorf("%s: %v, want %v", tc.search, got, tc.want)
		}
	}
}
