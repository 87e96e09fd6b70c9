package sigma

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/jsonscan"
)

// realRecords reads the records of real trails.
func realRecords(t *testing.T) [][]byte {
	t.Helper()
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	var out [][]byte
	for _, pattern := range []string{"*.ndjson.gz", "stratus/*.json"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, ".gz") {
				zr, err := gzip.NewReader(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if data, err = io.ReadAll(zr); err != nil {
					t.Fatal(err)
				}
			}
			d := event.NewDecoder(bytes.NewReader(data), event.Limits{})
			for {
				rec, err := d.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				out = append(out, bytes.Clone(rec.Raw))
			}
		}
	}
	if len(out) == 0 {
		t.Skip("the folder of real records is absent (set BLUETRAIL_TESTDATA)")
	}
	return out
}

// TestRealFieldsAreKnown: no field of a real record is said to be unknown.
func TestRealFieldsAreKnown(t *testing.T) {
	said := map[string]bool{}
	for _, raw := range realRecords(t) {
		jsonscan.Leaves(raw, jsonscan.MaxDepth, func(path, _ string) bool {
			name := strings.ReplaceAll(path, "{}", "")
			if why := UnknownField(name); why != "" && !said[name] {
				said[name] = true
				t.Error(why)
			}
			return true
		})
	}
}

// TestRealRecords: on real records, the index gives what trying all rules gives, and
// Explain agrees.
func TestRealRecords(t *testing.T) {
	c := loadFolder(t)
	set := NewSet(c.Rules)
	e := set.NewEvaluator()
	hits := 0
	for _, raw := range realRecords(t) {
		var got []int
		e.Evaluate(raw, litString(raw, "eventSource"), litString(raw, "eventName"), func(i int) { got = append(got, i) })
		hits += len(got)
		if want := fires(set, string(raw)); !slices.Equal(got, want) {
			t.Errorf("%v fire, want %v, on %s", got, want, raw)
		}
		for i, r := range c.Rules {
			if x := Explain(r, raw); x.Fires != slices.Contains(got, i) {
				t.Errorf("%s on %s: %s", r.Title, raw, x)
			}
		}
	}
	if hits == 0 {
		t.Error("no rule fires")
	}
}
