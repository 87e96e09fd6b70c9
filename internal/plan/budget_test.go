package plan_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store/files"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// within runs a search and returns its rows and its message about the budget.
func within(t *testing.T, env *exec.Env, text string) (rows []string, over error) {
	t.Helper()
	st := memory.New()
	for i := range 5000 {
		raw := fmt.Sprintf(`{"_time":%d,"n":"%d","text":"%s"}`, 1700000000+i, i, strings.Repeat("x", 600))
		if _, err := st.Add([]byte(raw), &event.Meta{Index: "aws", Sourcetype: event.JSON}); err != nil {
			t.Fatal(err)
		}
	}
	q, err := plan.Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := plan.Open(t.Context(), q, st, env)
	if err != nil {
		t.Fatal(err)
	}
	err = exec.Drain(t.Context(), s, func(b *vector.Batch) error {
		for i := range b.Len {
			var row []string
			for _, c := range b.Cols {
				row = append(row, c.At(i).Text())
			}
			rows = append(rows, strings.Join(row, ","))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rows, s.Over()
}

// TestDiskForMemory runs searches that exceed their memory but have room on
// disk: they return all rows and leave no files behind. With too little disk
// they return partial results.
func TestDiskForMemory(t *testing.T) {
	for _, text := range []string{
		"| makeresults count=30000 | streamstats count as n | stats count sum(n) as s by n",
		"| makeresults count=30000 | streamstats count as n | sort 0 - n | table n",
		"| makeresults count=30000 | streamstats count as n | eventstats max(n) as m | table n m",
		"* | stats values(text) count by n",
		"* | sort 0 n | table n text",
		"* | table n text",
		"| makeresults count=30000 | streamstats count as n | chart count sum(n) over n",
		"| makeresults count=30000 | streamstats count as n | eval k=n%7 | chart first(n) last(n) list(n) over n by k",
		"* | eval k=\"k\".n%13 | chart limit=3 values(text) over n by k",
		"* | eval k=\"k\".n%4 | timechart span=1s limit=2 dc(text) max(n) by k",
		"| makeresults count=30000 | streamstats count as n | eval _time=1700000000+n*60 | timechart bins=20000 values(n) avg(n)",
	} {
		env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
		want, over := within(t, env, text)
		if over != nil || len(want) < 5000 {
			t.Fatalf("%s: %d rows, %v", text, len(want), over)
		}
		for _, room := range []int64{1 << 30, 20 << 10} {
			env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
			env.Limits.Memory = 1 << 20
			env.Disk = spill.NewSpace(t.TempDir(), room)
			env.Memory = exec.NewBudget(8 << 20)
			rows, over := within(t, env, text)
			if used := env.Disk.Used(); used != 0 {
				t.Errorf("%s: %d bytes on disk are left", text, used)
			}
			if room > 1<<20 {
				if over != nil || !slices.Equal(rows, want) {
					t.Errorf("%s: %d rows, want %d; %v", text, len(rows), len(want), over)
				}
			} else if over == nil || !strings.Contains(over.Error(), "search.disk_mib") || len(rows) == 0 || len(rows) >= len(want) {
				t.Errorf("%s: %d rows of %d, %v", text, len(rows), len(want), over)
			}
		}
	}
}

// TestDiskKeepsNoBuffers groups rows of many files, which are read into the
// same buffers, and spills the groups to disk.
func TestDiskKeepsNoBuffers(t *testing.T) {
	dir := t.TempDir()
	const names, each = 60, 50
	for f := range names {
		var text strings.Builder
		for i := range each {
			fmt.Fprintf(&text, `{"_time":%d,"id":"event-%d-%d"}`+"\n", 1700000000+i, f, i)
		}
		if err := os.WriteFile(fmt.Sprintf("%s/%d.json", dir, f), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := files.Open([]string{dir}, files.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"* | stats count values(id) as v by id | where count=1 AND v=id": names * each, "* | sort 0 id | uniq | table id": names * each} {
		env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
		env.Disk, env.Limits.Memory, env.Memory = spill.NewSpace(t.TempDir(), 1<<30), 1, exec.NewBudget(1<<40)
		_, rows, err := evaluate(text, st, env)
		if err != nil || len(rows) != want {
			t.Errorf("%s: %d rows, want %d; %v", text, len(rows), want, err)
		}
	}
}

// TestOverMemory runs searches that need more memory than they have: they
// return partial results.
func TestOverMemory(t *testing.T) {
	for _, text := range []string{
		"| makeresults count=1000000 | streamstats count as n | stats count by n",
		"| makeresults count=1000000 | streamstats count as n | sort 0 - n",
		"| makeresults count=1000000 | streamstats count as n | eventstats max(n) as m",
		"| makeresults count=1000000 | streamstats count as n | dedup n",
		"| makeresults count=1000000 | streamstats count as n | reverse | head 3",
		"| makeresults count=1000000 | streamstats count as n | top limit=0 n",
		"| makeresults count=1000000 | streamstats count as n | chart count by n",
		"| makeresults count=1000000 | streamstats count as n | transaction n",
		"* | stats values(text) count by n",
		"* | sort 0 n",
		"* | table n text",
	} {
		env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
		env.Memory = exec.NewBudget(2 << 20)
		rows, over := within(t, env, text)
		if len(rows) == 0 {
			t.Errorf("%s: no rows", text)
		}
		if strings.Contains(text, "stats count by n") && slices.ContainsFunc(rows, func(r string) bool { return strings.HasSuffix(r, ",0") }) {
			t.Errorf("%s: groups without rows", text)
		}
		if over == nil || !strings.Contains(over.Error(), "memory budget of 2 MiB") || !strings.Contains(over.Error(), "search.memory_mib") {
			t.Errorf("%s: %d rows, %v", text, len(rows), over)
		}
	}
}

func TestOverMemoryTogether(t *testing.T) {
	all := exec.NewBudget(512 << 10)
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Memory.Share(all, 0)
	rows, over := within(t, env, "| makeresults count=1000000 | streamstats count as n | stats count by n")
	if over == nil || !strings.Contains(over.Error(), "search.total_memory_mib") || len(rows) == 0 {
		t.Errorf("%d rows, %v", len(rows), over)
	}
	if _, over := within(t, exec.NewEnv(time.Unix(1700000000, 0).UTC()), "* | stats count by n"); over != nil {
		t.Errorf("another search: %v", over)
	}
}

func TestOverTime(t *testing.T) {
	for _, text := range []string{
		"| makeresults count=1000000000000 | streamstats count as n | stats max(n)",
		"| makeresults count=1000000000000 | stats count | eval a=1 | stats sum(a) sum(count)",
		"| makeresults count=1000000000000 | eval a=1 | head 2000000000 | where a=2 OR random()<100000000",
	} {
		env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
		env.Memory.Share(nil, 50*time.Millisecond)
		rows, over := within(t, env, text)
		if over == nil || !strings.Contains(over.Error(), "time budget of 50ms") || len(rows) == 0 {
			t.Errorf("%s: %d rows, %v", text, len(rows), over)
		}
	}
}

func TestOverRows(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Limits.Rows = 1500
	rows, over := within(t, env, "* | table n | append [search n<2000 | table n]")
	if over == nil || !strings.Contains(over.Error(), "budget of 1500 rows") || len(rows) != 1500 {
		t.Errorf("%d rows, %v", len(rows), over)
	}
	env = exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Limits.Rows = 5000
	if rows, over := within(t, env, "* | table n"); over != nil || len(rows) != 5000 {
		t.Errorf("%d rows, %v", len(rows), over)
	}
}

// endless produces rows forever, with the fields that the examples of commands
// use.
const endless = `| makeresults count=1000000000000 | streamstats count as n | eval _time=1700000000+n, _raw="a=1 b=".n, k="k".(n%50), user="u".(n%1000), u=user, a=n%7, b=n, v=n%10, src="10.0.0.1", lat=n%90, lon=n%180, x=mvappend("p","q"), j="{\"a\":[1,2]}" | `

// TestCancel cancels every command while it processes endless rows.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/lookups", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/lookups/example.csv", []byte("user,team\nu1,red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var slowest time.Duration
	for _, def := range syntax.Commands() {
		for _, ex := range def.Examples[:min(1, len(def.Examples))] {
			q, err := plan.Parse(ex.Search, know)
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for i, st := range q.Stages {
				if _, ok := st.Cmd.(exec.Generating); ok && i == 0 {
					continue
				}
				if st.Def.Name == def.Name {
					text = endless + st.Cmd.Print()
				}
			}
			if text == "" {
				continue
			}
			if took := cancelled(t, text, know); took > slowest {
				slowest = took
				t.Logf("%s ended %s after it was told", def.Name, took)
			}
		}
	}
}

// cancelled runs a search, cancels it after a while and returns how long the
// cancellation took. It fails if goroutines remain.
func cancelled(t *testing.T, text string, know *knowledge.Knowledge) time.Duration {
	t.Helper()
	before := runtime.NumGoroutine()
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Knowledge, env.Macros = know, know
	q, err := plan.Parse(text, know)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var told time.Time
	timer := time.AfterFunc(20*time.Millisecond, func() { told = time.Now(); cancel() })
	defer timer.Stop()
	s, err := plan.Open(ctx, q, memory.New(), env)
	if err == nil {
		err = exec.Drain(ctx, s, func(*vector.Batch) error { return nil })
	}
	ended := time.Now()
	<-ctx.Done()
	took := ended.Sub(told)
	if err != nil && !errors.Is(err, context.Canceled) && ended.After(told) {
		t.Logf("%s: %v", text[len(endless):], err)
	}
	if took > 3*time.Second {
		t.Errorf("%s\nended %s after it was told", text, took)
	}
	for wait := 0; runtime.NumGoroutine() > before && wait < 100; wait++ {
		time.Sleep(5 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%s\nleft %d goroutines", text, now-before)
	}
	return took
}

// TestOverMemoryKeepsTables checks that a search that ends early does not
// replace a table with partial results.
func TestOverMemoryKeepsTables(t *testing.T) {
	for _, write := range []string{"outputlookup kept.csv", "outputcsv kept.csv", "outputlookup append=t kept.csv", "outputlookup key_field=n kept.csv"} {
		dir := t.TempDir()
		if err := os.MkdirAll(dir+"/lookups", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/lookups/kept.csv", []byte("n\nall\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		know, err := knowledge.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		env := exec.NewEnv(time.Unix(1700000000, 0))
		env.Memory, env.Knowledge = exec.NewBudget(1<<20), know
		if _, over := within(t, env, "| makeresults count=1000000 | streamstats count as n | table n | "+write+" | stats count"); over == nil {
			t.Errorf("%s: the search did not end early", write)
		}
		table, err := know.Table(nil, "kept.csv")
		if err != nil || len(table.Rows) != 1 {
			t.Errorf("%s: the table has %d rows now, %v", write, len(table.Rows), err)
		}
		if w := env.Warnings(); len(w) != 1 || !strings.Contains(w[0], "was not written") {
			t.Errorf("%s: warnings %q", write, w)
		}
	}
}
