package ruletest

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/rules"

	"github.com/goccy/go-yaml/parser"
)

// TestShipped holds the shipped rules to what a rule must have.
func TestShipped(t *testing.T) {
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{
		Shipped: rules.Files, Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	for _, o := range rs.Others {
		t.Errorf("%s:%d: the rule is not for CloudTrail", o.File, o.Line)
	}
	kinds, raising := map[string]int{}, 0
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if !r.Silent {
			raising++
		}
		switch {
		case r.Event != nil:
			kinds["event"]++
		case r.Correlation != nil:
			kinds[string(r.Correlation.Type)]++
		case r.Search.Stateless():
			kinds["filter in SPL"]++
		default:
			kinds["scheduled search"]++
		}
	}
	if raising < 24 {
		t.Errorf("%d rules are shipped that raise findings", raising)
	}
	for _, kind := range []string{"event", "filter in SPL", "scheduled search", "event_count", "value_count", "temporal", "temporal_ordered", "first_seen", "absent"} {
		if kinds[kind] == 0 {
			t.Errorf("no rule of kind %q is shipped: %v", kind, kinds)
		}
	}
	for i := range rs.Rules {
		r := &rs.Rules[i]
		t.Run(r.ID, func(t *testing.T) {
			bad := func(format string, args ...any) {
				t.Helper()
				t.Errorf("%s:%d: "+format, append([]any{r.File, r.Line}, args...)...)
			}
			if r.Event != nil {
				for _, f := range r.Event.UnknownFields() {
					bad("%s", f)
				}
			}
			if r.Correlation != nil {
				for _, f := range r.Correlation.UnknownFields() {
					bad("%s", f)
				}
			}
			for _, w := range r.Warnings {
				bad("%s", w)
			}
			if r.Off != "" {
				bad("the rule is off: %s", r.Off)
			}
			if r.Severity.Rank() < 0 {
				bad("the rule has no level")
			}
			if r.Name != "canary" && len(r.Mitre()) == 0 {
				bad("the rule has no tag of an ATT&CK technique, such as attack.t1562.008")
			}
			if r.Misses == "" && !r.Silent && r.Severity != rule.Informational {
				bad("the rule has no misses: what does it not see?")
			}
			dir, err := fs.Sub(rules.Files, path.Dir(strings.TrimPrefix(r.File, ruleset.ShippedPrefix)))
			if err != nil {
				t.Fatal(err)
			}
			fire, quiet := false, false
			for _, res := range Run(t.Context(), rs, i, dir) {
				fire, quiet = fire || res.Want, quiet || !res.Want
				if res.Err != nil {
					t.Errorf("%s:%d: test %q: %v", r.File, res.Line, res.Name, res.Err)
				} else if !res.Passed() {
					t.Errorf("%s:%d: test %q: fires %v, must be %v", r.File, res.Line, res.Name, res.Got, res.Want)
				}
			}
			if !fire {
				bad("the rule has no test with fire: true")
			}
			if !quiet {
				bad("the rule has no test with fire: false")
			}
		})
	}
}

// TestShippedKeys: no shipped rule has a key twice. Rules of others may; the last counts.
func TestShippedKeys(t *testing.T) {
	err := fs.WalkDir(rules.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yml" {
			return err
		}
		data, err := fs.ReadFile(rules.Files, name)
		if err != nil {
			return err
		}
		if _, err := parser.ParseBytes(data, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
