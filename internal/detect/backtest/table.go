package backtest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
)

// fields are those of findings by which they are counted, by JSON name.
var fields = []string{"actor_class", "severity", "actor_type", "account", "entity", "actor", "outcome", "event_name", "object", "source_ip", "region"}

// Bounds of a Table.
const (
	mostOwn    = 10     // tables of fields that a rule shows itself
	mostValues = 10_000 // different values
	mostText   = 512    // bytes of a value
)

// Table counts findings by the values of one field. A finding with several values counts
// for each.
type Table struct {
	Field string `json:"field"`
	Rows  []Row  `json:"rows"`           // the most findings first
	More  int64  `json:"more,omitempty"` // findings of values beyond the first 10,000
}

// Row is one value; an empty one stands for findings without a value.
type Row struct {
	Value    string    `json:"value"`
	Findings int64     `json:"findings"`
	Events   int64     `json:"events"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

type table struct {
	field string
	rows  map[string]*Row
	more  int64
	some  bool // a finding had a value
}

func newTable(field string) *table { return &table{field: field, rows: map[string]*Row{}} }

func (t *table) add(f *finding.Finding, values []string) {
	if t == nil {
		return
	}
	if len(values) == 0 {
		values = []string{""}
	}
	for _, v := range values {
		t.some = t.some || v != ""
		if len(v) > mostText {
			v = strings.ToValidUTF8(v[:mostText], "") + "…"
		}
		r := t.rows[v]
		if r == nil {
			if len(t.rows) == mostValues {
				t.more++
				continue
			}
			r = &Row{Value: v, First: f.First, Last: f.Last}
			t.rows[v] = r
		}
		r.Findings++
		r.Events += f.Count
		if f.First.Before(r.First) {
			r.First = f.First
		}
		if f.Last.After(r.Last) {
			r.Last = f.Last
		}
	}
}

// table returns the rows, none if no finding has a value.
func (t *table) table() Table {
	out := Table{Field: t.field, More: t.more}
	if !t.some {
		return out
	}
	for _, r := range slices.SortedFunc(maps.Values(t.rows), func(a, b *Row) int {
		return cmp.Or(cmp.Compare(b.Findings, a.Findings), cmp.Compare(b.Events, a.Events), cmp.Compare(a.Value, b.Value))
	}) {
		out.Rows = append(out.Rows, *r)
	}
	return out
}
