package syntax_test

import (
	"strconv"
	"strings"
	"testing"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

type macroTable map[string]syntax.Macro

func (m macroTable) Macro(name string, args int) (syntax.Macro, bool) {
	d, ok := m[name]
	return d, ok && len(d.Args) == args
}

func (m macroTable) MacroNames() []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	return names
}

func TestExpandMacros(t *testing.T) {
	defs := macroTable{
		"cloudtrail": {Definition: "sourcetype=aws:cloudtrail"},
		"by":         {Args: []string{"f", "n"}, Definition: `stats count by $f$ | where count>$n$`},
		"outer":      {Definition: "`cloudtrail` x=1"},
		"loop":       {Definition: "`loop`"},
		"doubled":    {Args: []string{"x"}, Definition: "`doubled(\"$x$$x$\")`"},
		"repeated":   {Args: []string{"x"}, Definition: strings.Repeat("$x$", 300000)},
		"valid":      {Args: []string{"x"}, Definition: "a", Validation: strings.Repeat("$x$", 300000)},
		"quoted":     {Args: []string{"v"}, Definition: `x="$v$"`},
		"sum":        {Args: []string{"a", "b"}, Definition: `"n=".($a$+$b$)`, IsEval: true},
		"nothing":    {Definition: `nosuch`, IsEval: true},
		"checked":    {Args: []string{"n"}, Definition: "head $n$", Validation: "$n$ > 0", ErrorMsg: "n must be above 0"},
	}
	for i := range 40 { // no macro uses itself, and yet the last one has 2^40 parts
		defs["twice"+strconv.Itoa(i+1)] = syntax.Macro{Definition: "`twice" + strconv.Itoa(i) + "` `twice" + strconv.Itoa(i) + "`"}
	}
	defs["twice0"] = syntax.Macro{}
	for _, tc := range []struct{ in, want string }{
		{"`cloudtrail` a=1", "sourcetype=aws:cloudtrail a=1"},
		{"`outer`", "sourcetype=aws:cloudtrail x=1"},
		{"x | `by(eventName, 5)`", "x | stats count by eventName | where count>5"},
		{"`quoted(\"a, b\")`", `x="a, b"`},
		{"`sum(1,2)`", "n=3"},
		{"x | `anything_filter`", "x | search *"},
		{"a=\"not `cloudtrail` here\"", "a=\"not `cloudtrail` here\""},
		{"a=1 ```comment with `cloudtrail` ``` b=2", "a=1 ```comment with `cloudtrail` ``` b=2"},
		{"`comment(\"old way\")` a=1", " a=1"},
		{"* | `checked(3)`", "* | head 3"},
		{"`quoted(\"say \\\"hi\\\", (a)\")`", `x="say "hi", (a)"`},
		{"`by(\"a b\" , max(x, 1) )`", `stats count by a b | where count>max(x, 1)`},
		{"`by(\"a\" \"b\", 1)`", `stats count by "a" "b" | where count>1`},
		{"`by($n$, 7)`", "stats count by $n$ | where count>7"}, // an argument brings no places of its own
	} {
		got, err := syntax.ExpandMacros(tc.in, defs, expr.EvalConstant)
		if err != nil || got != tc.want {
			t.Errorf("%s\n got %s\nwant %s\n%v", tc.in, got, tc.want, err)
		}
	}
	for _, tc := range []struct{ in, want string }{
		{"`cloudtrial`", `did you mean "cloudtrail"?`},
		{"`by(x)`", "it exists with 2 instead"},
		{"`nothing`", "must return text"},
		{"`loop`", "more than 100 deep"},
		{"`twice40`", "too long"},
		{"`doubled(\"x\")`", "too long"},
		{"`repeated(\"" + strings.Repeat("x", 1000000) + "\")`", "too long"},
		{"`valid(\"" + strings.Repeat("x", 1000000) + "\")`", "too long"},
		{"`open", "not closed"},
		{"`by(a,b", "not closed"},
		{"`checked(0)`", "n must be above 0"},
	} {
		if _, err := syntax.ExpandMacros(tc.in, defs, expr.EvalConstant); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.in, err, tc.want)
		}
	}
}

// TestMacroGrowthIsBounded: definitions that double each other end in an error.
func TestMacroGrowthIsBounded(t *testing.T) {
	defs := macroTable{"m0": {Definition: strings.Repeat("x ", 50)}}
	for i := 1; i < 60; i++ {
		prev := "`m" + string(rune('0'+(i-1)%10)) + strings.Repeat("_", (i-1)/10) + "`"
		defs["m"+string(rune('0'+i%10))+strings.Repeat("_", i/10)] = syntax.Macro{Definition: prev + " " + prev}
	}
	if _, err := syntax.ExpandMacros("`m9_____`", defs, expr.EvalConstant); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("error is %v", err)
	}
}
