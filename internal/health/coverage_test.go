package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
)

// covered makes a report of accounts a, b, … with a region for each letter of a word:
// f = fine, s = silent, l = learning.
func covered(words ...string) *coverage.Report {
	r := &coverage.Report{Live: true}
	states := map[rune]coverage.State{'f': coverage.Fine, 's': coverage.Silent, 'l': coverage.Learning}
	for i, word := range words {
		a := coverage.Account{ID: string(rune('a' + i)), Name: "n", Last: now.Add(-time.Hour), Regions: len(word)}
		for k, letter := range word {
			row := coverage.Row{Pair: coverage.Pair{Account: a.ID, Region: fmt.Sprint("r", k)}, Last: now.Add(-time.Hour)}
			row.Rhythm.State = states[letter]
			if letter != 'l' {
				a.Rhythms++
			}
			if letter == 's' {
				a.Silent++
			}
			r.Rows = append(r.Rows, row)
		}
		r.Accounts = append(r.Accounts, a)
	}
	return r
}

func TestUncovered(t *testing.T) {
	still := covered("ss", "s")
	still.Live = false
	lost := covered("f")
	lost.Accounts = append(lost.Accounts, coverage.Account{ID: "x", Missing: true}, coverage.Account{ID: "gone", Missing: true, Suspended: true}, coverage.Account{ID: "y\x1b[2J", Name: "shop", Missing: true})
	lost.Problem = "access denied"
	usual := covered("fs", "f")
	usual.Rows[1].Rhythm.Usual = 5 * time.Hour
	for _, c := range []struct {
		name   string
		report *coverage.Report
		want   []Condition
	}{
		{"not known", nil, nil},
		{"fine", covered("ff", "fl"), nil},
		{"only history", still, nil},
		{"a region", usual, []Condition{{"coverage a r1", rule.Medium, "no records come any more from account a (n) in r1; the newest is of 2026-03-02 11:00, and silences usually last 5 hours at most"}}},
		{"an account", covered("ssl", "f"), []Condition{{"coverage a", rule.High, "no records come any more from account a (n), in any of its 2 regions that brought some regularly; the newest is of 2026-03-02 11:00"}}},
		{"all", covered("ss", "s", "l"), []Condition{{"coverage all", rule.High, "no records come any more, of any of 3 accounts and regions that brought some regularly; the newest is of 2026-03-02 11:00"}}},
		{"the organization", lost, []Condition{
			{"coverage organization", rule.Low, "the accounts of the organization cannot be listed, so accounts without records may go unnoticed: access denied"},
			{"coverage missing", rule.Medium, "no records came within 14 days from 2 accounts of the organization: x, y\\x1b[2J (shop)"},
		}},
	} {
		if d := cmp.Diff(c.want, uncovered(c.report)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	many := uncovered(covered(strings.Repeat("s", 60) + "f"))
	if n := len(many); n != maxSilent+1 || many[n-1].Key != "coverage more" || !strings.Contains(many[n-1].Text, "10 further") {
		t.Errorf("%d conditions, the last is %+v", n, many[n-1])
	}
}
