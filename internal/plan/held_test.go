package plan_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/enrich"
	"bluetrail/internal/event"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
)

// TestHeldIsGivenBack runs the examples of all commands and the searches of all
// scripts, and closes them after a random number of batches or in the middle of
// one. Every part must release its memory, the shared budget must be empty, and
// no goroutine may remain.
func TestHeldIsGivenBack(t *testing.T) {
	all := exec.NewBudget(1 << 30)
	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	searches := 0
	run := func(text string, st store.Store, know *knowledge.Knowledge, now time.Time) {
		for range 3 {
			searches++
			abandon(t, rnd, all, text, st, know, now)
			if used := all.Used(); used != 0 {
				t.Fatalf("%s\nleft %d bytes taken", text, used)
			}
		}
	}
	for _, d := range syntax.Commands() {
		for _, ex := range d.Examples {
			var events []loaded
			for _, raw := range ex.Events {
				events = append(events, loaded{raw, event.Meta{Index: "aws", Source: "example", Host: "aws"}})
			}
			sc := &script{files: map[string]string{"lookups/example.csv": ex.Lookup, "savedsearches.conf": "[example]\nsearch = " + ex.Saved + "\n"}}
			know := sc.knowledge(t)
			st := memoryStore(t, events)
			st.Rows = 1
			run(ex.Search, st, know, time.Unix(1700000000, 0).UTC())
		}
	}
	scripts, err := filepath.Glob("../../testdata/spl/*.test")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	for _, file := range scripts {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sc := parseScript(t, file, string(data))
		know := sc.knowledge(t)
		st := memoryStore(t, sc.events)
		st.Rows = 2
		for _, e := range sc.evals {
			run(e.search, st, know, sc.now)
		}
	}
	if searches < 1000 {
		t.Errorf("only %d searches were run", searches)
	}
	for wait := 0; len(searching()) > 0 && wait < 200; wait++ {
		time.Sleep(5 * time.Millisecond)
	}
	if left := searching(); len(left) > 0 {
		t.Errorf("%d goroutines are left, such as\n%s", len(left), left[0])
	}
}

// searching returns the stacks of the goroutines that searches started.
// Libraries start others.
func searching() (list []string) {
	buf := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "created by bluetrail/internal/") {
			list = append(list, stack)
		}
	}
	return list
}

// abandon runs a search and closes it early.
func abandon(t *testing.T, rnd *rand.Rand, all *exec.Budget, text string, st store.Store, know *knowledge.Knowledge, now time.Time) {
	t.Helper()
	env := exec.NewEnv(now)
	env.Macros, env.Knowledge, env.Geo = know, know, geo()
	env.Memory.Share(all, 0)
	q, err := plan.Parse(text, know)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rnd.IntN(3) > 0 { // in the middle of something
		timer := time.AfterFunc(time.Duration(rnd.IntN(300))*time.Microsecond, cancel)
		defer timer.Stop()
	}
	s, err := plan.Open(ctx, q, st, env)
	if err != nil {
		return
	}
	for n := rnd.IntN(4); n != 0; n-- { // 0: all batches
		if _, err := s.Next(ctx); err != nil {
			if err == io.EOF && env.Memory.Used() < 0 {
				t.Errorf("%s\nmore was given back than taken: %d", text, env.Memory.Used())
			}
			break
		}
	}
	if left := s.CloseOperators(); left != 0 {
		t.Errorf("%s\n%d bytes are not let go of when the operators are closed", text, left)
	}
	s.Close()
}

// panicking is a location database that fails.
type panicking struct{}

func (panicking) Lookup(string) (enrich.Location, bool) { panic("no such place") }

// TestFailedSearchGivesBack runs searches in which one command panics or fails
// while others hold rows.
func TestFailedSearchGivesBack(t *testing.T) {
	all := exec.NewBudget(1 << 30)
	const rows = "| makeresults count=5000 | streamstats count as n | eval ip=\"192.0.2.1\" "
	for _, text := range []string{
		rows + "| eventstats max(n) as m | iplocation ip",
		rows + "| sort 0 - n | dedup n | iplocation ip | stats values(n) by n",
		rows + "| stats values(n) by n, ip | iplocation ip",
		rows + "| join n [" + rows + "| iplocation ip]",
		rows + "| append [" + rows + "| sort 0 n | iplocation ip]",
		rows + "| transaction n | iplocation ip",
		rows + "| sort 0 n | search x=[" + rows + "| iplocation ip]",
	} {
		env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
		env.Geo = panicking{}
		env.Memory.Share(all, 0)
		q, err := plan.Parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := plan.Open(t.Context(), q, memory.New(), env)
		if err == nil {
			for err == nil {
				_, err = s.Next(t.Context())
			}
			s.Close()
		}
		if err == io.EOF {
			t.Errorf("%s\ndid not fail", text)
		}
		if used := all.Used(); used != 0 {
			t.Errorf("%s\nleft %d bytes taken", text, used)
		}
	}
}

// TestLookupGivesBack ends searches of a lookup that fits in memory, of one
// that does not, and of one whose index does not.
func TestLookupGivesBack(t *testing.T) {
	var table strings.Builder
	table.WriteString("n,m\n")
	for n := range 10000 {
		fmt.Fprintf(&table, "%d,%d\n", n, n)
	}
	know := (&script{files: map[string]string{"lookups/a.csv": table.String()}}).knowledge(t)
	const rows = "| makeresults count=3000 | streamstats count as n "
	for _, text := range []string{
		rows + "| lookup a.csv n", rows + "| lookup a.csv n | lookup a.csv m", "| inputlookup a.csv", "| inputlookup a.csv | sort 0 - n | lookup a.csv n", rows + "| append [| inputlookup a.csv]", rows + "| join n [| inputlookup a.csv]",
		rows + `| eval m=lookup("a.csv", json_object("n", n), json_array("m"))`, rows + "| search [| inputlookup a.csv | head 3]", rows + "| lookup a.csv n | outputlookup append=t b.csv",
	} {
		for _, limit := range []int64{1 << 20, 2600 << 10, 64 << 20} {
			all := exec.NewBudget(1 << 30)
			env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
			env.Knowledge, env.Memory = know, exec.NewBudget(limit)
			env.Memory.Share(all, 0)
			q, err := plan.Parse(text, nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := plan.Open(t.Context(), q, memory.New(), env)
			most := all.Used()
			if err == nil {
				for err == nil {
					_, err = s.Next(t.Context())
					most = max(most, all.Used())
				}
				if left := s.CloseOperators(); left != 0 {
					t.Errorf("%s\n%d bytes are not let go of when the operators are closed", text, left)
				}
				s.Close()
			}
			if limit == 64<<20 && (err != io.EOF || most < 1<<20) {
				t.Errorf("%s\ncounted %d bytes at most; %v", text, most, err)
			}
			if used := all.Used(); used != 0 {
				t.Errorf("%s\nleft %d bytes taken of a budget of %d", text, used, limit)
			}
		}
	}
}
