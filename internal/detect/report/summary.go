package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
)

// Summary sums findings up by the values of one field. A finding with several values
// counts for each.
type Summary struct {
	Title string
	Field string // JSON name
}

// Summaries are those that a report has.
var Summaries = []Summary{{"Rules", "title"}, {"Actors", "actor"}, {"Source addresses", "source_ip"}, {"Accounts", "account"}}

// MaxRows bounds a Table.
const MaxRows = 10

// Table is the worst values of a Summary.
type Table struct {
	Title string
	Rows  []Row
	More  int // values without a row
}

// Row is one value.
type Row struct {
	Value    string
	Worst    rule.Severity
	Findings int
	Events   int64
	First    time.Time
	Last     time.Time
}

// Of makes the table of findings, in an order that does not depend on theirs.
func (s Summary) Of(list []*finding.Finding) Table {
	sums := map[string]*Row{}
	for _, f := range list {
		for _, v := range f.Get(s.Field) {
			r := sums[v]
			if r == nil {
				r = &Row{Value: v, Worst: f.Severity, First: f.First, Last: f.Last}
				sums[v] = r
			}
			r.Findings++
			r.Events += f.Count
			if f.Severity.Rank() > r.Worst.Rank() {
				r.Worst = f.Severity
			}
			if f.First.Before(r.First) {
				r.First = f.First
			}
			if f.Last.After(r.Last) {
				r.Last = f.Last
			}
		}
	}
	rows := slices.SortedFunc(maps.Values(sums), func(a, b *Row) int {
		return cmp.Or(cmp.Compare(b.Worst.Rank(), a.Worst.Rank()), cmp.Compare(b.Findings, a.Findings), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Value, b.Value))
	})
	t := Table{Title: s.Title, More: max(0, len(rows)-MaxRows)}
	for _, r := range rows[:len(rows)-t.More] {
		t.Rows = append(t.Rows, *r)
	}
	return t
}
