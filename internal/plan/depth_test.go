package plan_test

import (
	"strings"
	"testing"
	"time"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// savedLoops are saved searches that run themselves, each in a different way.
// As a store of knowledge it holds only saved searches.
type savedLoops struct {
	*knowledge.Knowledge
	texts map[string]string
}

func (s savedLoops) SavedSearch(name string) (string, bool) {
	text, ok := s.texts[name]
	return text, ok
}

// TestDepth checks that nested searches are counted however they are started,
// so that one that runs itself ends.
func TestDepth(t *testing.T) {
	none, err := knowledge.Open()
	if err != nil {
		t.Fatal(err)
	}
	loops := savedLoops{none, map[string]string{
		"append": "| makeresults | append [| savedsearch append]",
		"map":    "| makeresults | map map",
		"join":   "| makeresults | eval k=1 | join k [| loadjob savedsearch=join]",
		"union":  "| union [| makeresults] [| savedsearch union]",
		"pipe":   "| makeresults | appendpipe [append [| savedsearch pipe]]",
		"set":    "| set union [| makeresults] [| savedsearch set]",
		"text":   "search [| savedsearch text]",
	}}
	for name := range loops.texts {
		t.Run(name, func(t *testing.T) {
			env := exec.NewEnv(time.Unix(1700000000, 0))
			env.Knowledge = loops
			q, err := syntax.Parse("| savedsearch " + name)
			if err != nil {
				t.Fatal(err)
			}
			s, err := plan.Open(t.Context(), q, memory.New(), env)
			if err == nil {
				defer s.Close()
				err = exec.Drain(t.Context(), s, func(*vector.Batch) error { return nil })
			}
			if err == nil || !strings.Contains(err.Error(), "nested more than 8 deep") {
				t.Errorf("a search that runs itself by %s: %v", name, err)
			}
		})
	}
}

// TestManyParts: more aggregates, names or operators than a command
// accepts are rejected with a clear error.
func TestManyParts(t *testing.T) {
	for _, c := range []struct {
		begin, part string
		n           int
		want        string
	}{
		{"* | stats ", "count ", 50_000, "at most 5000 aggregates"},
		{"* | table ", "a ", 80_000, "at most 5000 fields"},
		{"* | fields ", "a ", 80_000, "at most 5000 fields"},
		{"* | rename ", "a as b ", 80_000, "at most 5000 fields"},
		{"* | eval x=1", "+1", 100_000, "at most 5000 operators"},
		{"* | where a", " OR a", 40_000, "at most 5000 operators"},
	} {
		if _, err := plan.Parse(c.begin+strings.Repeat(c.part, c.n), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%s…: %.200v", c.begin, c.part, err)
		}
	}
}
