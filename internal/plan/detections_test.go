package plan_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/generate"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// detectionsEnd is the searches' current time, and the end of the generated
// trail.
var detectionsEnd = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// TestDetections runs searches modelled on published detections over a
// generated organisation.
func TestDetections(t *testing.T) {
	data, err := os.ReadFile("../../testdata/detections/searches.txt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "lookups"), 0o755); err != nil {
		t.Fatal(err)
	}
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	geo, err := enrich.OpenGeo(nil)
	if err != nil {
		t.Fatal(err)
	}
	st := organisation(t, detectionsEnd)
	rows := func(t *testing.T, search string) []string {
		t.Helper()
		env := exec.NewEnv(detectionsEnd)
		env.Macros, env.Knowledge, env.Geo = know, know, geo
		q, err := plan.Parse(search, know)
		if err != nil {
			t.Fatalf("%s\n%v", search, err)
		}
		s, err := plan.Open(t.Context(), q, st, env)
		if err != nil {
			t.Fatalf("%s\n%v", search, err)
		}
		defer s.Close()
		var list []string
		err = exec.Drain(t.Context(), s, func(b *vector.Batch) error {
			for i := range b.Len {
				row := map[string][]string{}
				for _, c := range b.Cols {
					if v := c.At(i); !v.IsNull() {
						row[c.Name] = v.All()
					}
				}
				text, err := json.Marshal(row)
				if err != nil {
					return err
				}
				list = append(list, string(text))
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s\n%v", search, err)
		}
		slices.Sort(list)
		return list
	}
	for block := range strings.SplitSeq(string(data), "\n\n") {
		kind, search, _ := strings.Cut(strings.TrimSpace(block), "\n")
		if strings.HasPrefix(kind, "#") {
			continue
		}
		first, second, pair := strings.Cut(search, "\n==\n")
		t.Run(strings.Join(strings.Fields(first), " ")[:40], func(t *testing.T) {
			got := rows(t, first)
			switch {
			case kind == "some" && len(got) == 0:
				t.Errorf("no rows:\n%s", first)
			case kind == "same" && pair:
				want := rows(t, second)
				if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
					t.Errorf("%d rows want, -%s\n+%s\n%s", len(want), second, first, d)
				}
			case kind != "some" && kind != "any":
				t.Errorf("a block begins with %q", kind)
			}
		})
	}
}

// organisation is a small generated trail in memory.
func organisation(t *testing.T, end time.Time) *memory.Store {
	t.Helper()
	cfg := generate.Default()
	cfg.Events, cfg.Days, cfg.End = generate.MinEvents, generate.MinDays, end
	st := memory.New()
	err := generate.Stream(context.Background(), cfg, func(record []byte, at time.Time) error {
		m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(record), Source: "generated", Host: event.DefaultHost, Fallback: at.UnixNano()}
		_, err := st.Add(record, &m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}
