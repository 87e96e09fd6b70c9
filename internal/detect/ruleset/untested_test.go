package ruleset

import (
	"testing"

	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/rules"

	"github.com/google/go-cmp/cmp"
)

// TestUntested: without their tests, the shipped rules are the same otherwise.
func TestUntested(t *testing.T) {
	load := func(untested bool) *Ruleset {
		t.Helper()
		rs, err := Load(t.Context(), nil, Options{Shipped: rules.Files, Untested: untested, Knowledge: func(dirs []string) (splrule.Knowledge, error) { return knowledge.Open(dirs...) }})
		if err != nil || len(rs.Faults) > 0 {
			t.Fatal(err, rs.Faults)
		}
		return rs
	}
	whole, short := load(false), load(true)
	if len(whole.Rules) != len(short.Rules) || len(whole.Rules) < 100 {
		t.Fatalf("%d rules, %d without tests", len(whole.Rules), len(short.Rules))
	}
	for i := range whole.Rules {
		a, b := &whole.Rules[i], &short.Rules[i]
		if len(a.Tests) == 0 && !a.Silent || len(b.Tests) > 0 {
			t.Errorf("%s: %d tests, %d left", a.ID, len(a.Tests), len(b.Tests))
		}
		if d := cmp.Diff(a.Info, b.Info); d != "" {
			t.Errorf("%s: %s", a.ID, d)
		}
	}
}
