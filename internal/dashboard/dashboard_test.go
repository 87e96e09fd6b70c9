package dashboard

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/plan"
	_ "bluetrail/internal/spl/cmd" // registers the commands

	"github.com/google/go-cmp/cmp"
)

const small = `
id: small
title: Small
inputs:
  - {id: time, type: time, earliest: -7d}
  - {id: account, type: account, default: "111122223333"}
  - {id: who, type: text}
searches:
  calls: $account$ errorCode=*
rows:
  - title: Calls
    panels:
      - title: By name
        kind: bar
        width: 8
        base: calls
        search: "stats count by eventName"
        drilldown: {search: 'eventName=$row.eventName$'}
      - {title: Of one, kind: table, width: 4, search: 'userName="$who$" | head 5'}
`

func TestParse(t *testing.T) {
	d, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatalf("cannot read what Marshal wrote: %v\n%s", err, text)
	}
	if diff := cmp.Diff(d, again); diff != "" {
		t.Error(diff)
	}
	if d.Inputs[1].Default[0] != "111122223333" {
		t.Errorf("default is %q", d.Inputs[1].Default)
	}
	for change, want := range map[string]string{
		"id: small→id: Small one":                  `id "Small one"`,
		"title: Small→titel: Small":                `unknown key "titel"`,
		"kind: bar→kind: bars":                     `did you mean "bar"?`,
		"base: calls→base: cals":                   `no search "cals"`,
		"width: 8→width: 9":                        "13 columns wide",
		"type: account→type: acount":               `did you mean "account"?`,
		"earliest: -7d→default: -7d":               "only earliest and latest",
		"{id: who, →{id: account, ":                "another input",
		"{search: 'eventName=$row.eventName$'}→{}": "has one of",
		"rows:→rows: []\nother:":                   `unknown key "other"`,
	} {
		from, to, _ := strings.Cut(change, "→")
		text := strings.Replace(small, from, to, 1)
		if text == small {
			t.Fatalf("%q is not in the sample", from)
		}
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", change, err, want)
		}
	}
	for text, want := range map[string]string{"": "empty", small + "---\nid: b\n": "more than one"} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestExpand runs the cases that the pages' own implementation runs, too.
func TestExpand(t *testing.T) {
	data, err := os.ReadFile("testdata/tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Inputs []Input
		Cases  []struct {
			Text, Want, Fails string
			Values            Values
		}
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	d := &Dashboard{Inputs: all.Inputs}
	for _, c := range all.Cases {
		got, err := d.Expand(c.Text, c.Values)
		if c.Fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.Fails) {
				t.Errorf("%s: %q, error %v, want %q", c.Text, got, err, c.Fails)
			}
		} else if err != nil || got != c.Want {
			t.Errorf("%s: %s, want %s (%v)", c.Text, got, c.Want, err)
		}
	}
}

func TestSearchOf(t *testing.T) {
	d, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"$account$ errorCode=*\n| stats count by eventName", `userName="$who$" | head 5`} {
		if got := d.SearchOf(d.Panels()[i]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if e, l := d.Times(d.Panels()[0], nil); e != "-7d" || l != "now" {
		t.Errorf("times %q to %q", e, l)
	}
	if e, _ := d.Times(&Panel{Earliest: "-1h"}, Values{"time.earliest": {"-2d"}}); e != "-1h" {
		t.Errorf("the panel's own time is %q", e)
	}
}

func TestValidate(t *testing.T) {
	d, err := Parse([]byte(strings.Replace(small, "  - {id: who", "  - {id: n, type: dropdown, choices: [{value: \"5\"}], default: \"5\"}\n  - {id: who", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if list := d.Validate(nil); len(list) > 0 {
		t.Errorf("faults of a sound dashboard: %v", list)
	}
	for search, want := range map[string]string{
		`userName="$whom$"`:                   `did you mean "who"?`,
		`x | stats cont`:                      "",
		`x | bogus`:                           "bogus",
		`x | head $who$`:                      "unexpected",
		`x | head $n$`:                        "-",
		`x="$account$"`:                       "quotes",
		`x | eval y="$who$"`:                  "-",
		`x | eval y=replace(z,"^a$", "b$$1")`: "-",
	} {
		d.Rows[0].Panels[1].Search = search
		list := d.Validate(nil)
		if want == "-" {
			if len(list) > 0 {
				t.Errorf("%s: %v", search, list)
			}
			continue
		}
		if len(list) != 1 || list[0].Row != 0 || list[0].Panel != 1 {
			t.Errorf("%s: faults %v", search, list)
			continue
		}
		said := list[0].Error()
		if e := list[0].Place(); e != nil {
			said += e.Hint
		}
		if !strings.Contains(said, want) {
			t.Errorf("%s: %s, want %q", search, said, want)
		}
	}
}

// shape tells what a search is made of, without its values.
func shape(t testing.TB, text string) string {
	q, err := plan.Parse(text, nil)
	if err != nil {
		return "error"
	}
	var names []string
	for _, s := range q.Stages {
		names = append(names, s.Def.Name)
	}
	return strings.Join(names, " ")
}

// FuzzExpand checks that no value changes what a search is made of.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{`"`, `\`, `\"`, "```", "`m`", "| delete", "'", "]", "a\x00b", "\n", hostile, "$q$", "10", "1e9", "OR", "*"} {
		f.Add(s)
	}
	d := &Dashboard{Inputs: []Input{{ID: "q", Type: "text"}, {ID: "u", Type: "user"}}}
	texts := []string{
		`eventName=$q$ x=1 | stats count by a`, `eventName="a$q$b" OR x | head 3`, `$u$ x=2 | table a`, `x IN ($q$, b) | sort - c`,
		`* | where a="$q$" | stats count`, `* | eval b="x$q$" . c | search $u$`, `* | rename a AS "$q$" | table b`, `a=1 [search $u$ | fields b] | dedup b`,
	}
	f.Fuzz(func(t *testing.T, v string) {
		values := Values{"q": {v}, "u": {v}}
		for _, text := range texts {
			search, err := d.Expand(text, values)
			if err != nil {
				continue
			}
			plainly, err := d.Expand(text, Values{"q": {"w w"}, "u": {"w w"}})
			if err != nil {
				t.Fatal(err)
			}
			// A value may be one that the command refuses; it may not be another search.
			if got, want := shape(t, search), shape(t, plainly); got != want && got != "error" {
				t.Errorf("%s with %q becomes %s", text, v, search)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		d, err := Parse(data)
		if err != nil {
			return
		}
		text, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(text); err != nil || !slices.EqualFunc(again.Panels(), d.Panels(), func(a, b *Panel) bool { return a.Search == b.Search && a.Kind == b.Kind }) {
			t.Errorf("not read back (%v):\n%s", err, text)
		}
	})
}
