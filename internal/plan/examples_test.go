package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// TestRegistryExamples runs every example of the documentation, on all stores.
func TestRegistryExamples(t *testing.T) {
	check := func(kind, name string, examples []syntax.Example) {
		t.Run(kind+"/"+name, func(t *testing.T) {
			if len(examples) == 0 {
				t.Error("no example")
			}
			for n, ex := range examples {
				var events []loaded
				for _, raw := range ex.Events {
					events = append(events, loaded{raw, event.Meta{Index: "aws", Source: "example", Host: "aws"}})
				}
				for _, st := range storeKinds {
					t.Run(fmt.Sprintf("%d/%s", n, st.name), func(t *testing.T) {
						e := &evaluation{search: ex.Search, rows: ex.Want, none: len(ex.Want) == 0}
						sc := &script{files: map[string]string{}}
						if ex.Lookup != "" {
							sc.files["lookups/example.csv"] = ex.Lookup
						}
						if ex.Saved != "" {
							sc.files["savedsearches.conf"] = "[example]\nsearch = " + ex.Saved + "\n"
						}
						if ex.Txn != "" {
							sc.files["transactiontypes.conf"] = "[example]\n" + ex.Txn + "\n"
						}
						know := sc.knowledge(t)
						e.macros, e.tables = know, know
						e.run(t, st.open(t, events), syntax.ExampleNow)
					})
				}
			}
		})
	}
	for _, d := range syntax.Commands() {
		check("command", d.Name, d.Examples)
		if d.Summary == "" || d.Syntax == "" {
			t.Errorf("command %s has no summary or no syntax", d.Name)
		}
	}
	for _, d := range syntax.Functions() {
		check("function", d.Name, d.Examples)
	}
	for _, d := range syntax.Aggregates() {
		check("aggregate", d.Name, d.Examples)
	}
}

// TestExamplesSayNow: an example whose rows depend on the current time states
// the time it assumes.
func TestExamplesSayNow(t *testing.T) {
	check := func(name string, examples []syntax.Example) {
		for _, ex := range examples {
			if ex.Lookup != "" || ex.Saved != "" || ex.Txn != "" {
				continue
			}
			var events []loaded
			for _, raw := range ex.Events {
				events = append(events, loaded{raw, event.Meta{Index: "aws", Source: "example", Host: "aws"}})
			}
			rows := func(now time.Time) []string {
				env := exec.NewEnv(now)
				env.Geo = geo()
				_, rows, err := evaluate(ex.Search, storeKinds[0].open(t, events), env)
				if err != nil {
					t.Fatalf("%s\n%v", ex.Search, err)
				}
				return rows
			}
			changes := !slices.Equal(rows(syntax.ExampleNow), rows(syntax.ExampleNow.AddDate(1, 2, 3).Add(4567*time.Second)))
			if changes && !ex.UsesNow() {
				t.Errorf("%s: the page does not say which time is now: %s", name, ex.Search)
			}
		}
	}
	for _, d := range syntax.Commands() {
		check(d.Name, d.Examples)
	}
	for _, d := range syntax.Functions() {
		check(d.Name, d.Examples)
	}
	for _, d := range syntax.Aggregates() {
		check(d.Name, d.Examples)
	}
}
