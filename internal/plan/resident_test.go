package plan_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/result"
	"bluetrail/internal/spill"
	splexec "bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// residentSize sets the size of TestResident's inputs, the budget of its
// searches, and how much resident memory the process may use beyond it.
type residentSize struct {
	share          int // one in so many of the rows, values and fields
	budget, beyond int64
}

// The usual run is a small one that takes a minute; BLUETRAIL_RESIDENT=all runs
// everything.
func residentSizes() residentSize {
	if os.Getenv("BLUETRAIL_RESIDENT") == "" {
		return residentSize{5, 8 << 20, 120 << 20}
	}
	return residentSize{1, 32 << 20, 300 << 20}
}

// flood is a store of synthetic events, larger than the memory of a search.
type flood struct{ kind string }

// floods gives the number of events of each kind, and the number per batch.
// BLUETRAIL_RESIDENT=long runs all searches with six times as many.
var floods = map[string]struct{ rows, batch int }{
	"long": {100000, 1024},
	"wide": {4, 2},   // events of 80,000 fields
	"big":  {600, 8}, // values of 150 kB
	// Those of residentLarge.
	"rows":    {2000000, 1024},
	"names":   {64, 4},    // events of 60,000 fields
	"records": {12000, 8}, // of 150 kB
	"huge":    {2000, 2},  // values of 1 MB
}

func (f flood) Prepare(q *store.Query) (store.Scan, error) { return &floodScan{f, *q}, nil }
func (f flood) Close() error                               { return nil }

type floodScan struct {
	flood
	q store.Query
}

func (s *floodScan) Residual() filter.Expr { return nil }
func (s *floodScan) Workers() int          { return 2 }
func (s *floodScan) Explain() []string     { return nil }

var wideNames = func() (list []string) {
	for i := range 80000 / residentSizes().share {
		list = append(list, "f"+strconv.Itoa(i))
	}
	return list
}()

func (s *floodScan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	size := floods[s.kind]
	if os.Getenv("BLUETRAIL_RESIDENT") == "long" {
		size.rows *= 6
	}
	if _, usual := residentSearches[s.kind]; usual && s.kind != "wide" {
		size.rows /= residentSizes().share
	}
	for from := 0; from < size.rows; from += size.batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := &vector.Batch{Len: min(size.batch, size.rows-from)}
		add := func(name string, value func(n int) vector.Value) {
			if name != store.Seq && !s.q.Fields.Has(name) {
				return
			}
			vals := make([]vector.Value, b.Len)
			for i := range vals {
				vals[i] = value(from + i)
			}
			b.Cols = append(b.Cols, vector.NewColumn(name, vals))
		}
		text := func(name, format string, mod int) {
			add(name, func(n int) vector.Value { return vector.String(fmt.Sprintf(format, n%mod)) })
		}
		const all = 1 << 40
		add(event.Time, func(n int) vector.Value { return vector.Float(float64(1700000000 + n)) })
		add(store.Seq, func(n int) vector.Value { return vector.Int(n) })
		text("name", "name%d", all)
		text("n", "%d", all)
		text("k", "k%d", 50)
		text("u", "u%d", 1000)
		text("user", "u%d", 1000)
		text("v", "%d", 10)
		text("a", "%d", 7)
		text("lat", "%d", 90)
		text("lon", "%d", 180)
		text("src", "10.0.0.%d", 250)
		switch s.kind {
		case "wide", "names":
			names := wideNames
			if s.kind == "names" {
				names = names[:min(len(names), 60000)]
			}
			for _, name := range names {
				add(name, func(n int) vector.Value { return vector.String(name + "-" + strconv.Itoa(n)) })
			}
			text(event.Raw, `{"a":%d}`, all)
		case "huge":
			add("x", func(n int) vector.Value {
				return vector.String(strings.Repeat(fmt.Sprintf("x=%d y=%d ", n, n), 1000000/16))
			})
			text(event.Raw, "a=%d b=2", all)
		case "big", "records":
			add("x", func(n int) vector.Value {
				return vector.String(strings.Repeat(fmt.Sprintf("x=%d y=%d ", n, n), 150000/16))
			})
			add(event.Raw, func(n int) vector.Value {
				return vector.String(strings.Repeat(fmt.Sprintf("a=%d b=%d ", n, n), 150000/16))
			})
		default:
			text("x", "some text of event %d that is not very long", all)
			text(event.Raw, "a=%d b=2 and some more text that belongs to it", all)
		}
		if err := emit(from/size.batch%2, b); err != nil {
			return err
		}
	}
	return nil
}

// residentSearches are searches besides the examples of the commands that are
// known to hold much memory.
var residentSearches = map[string][]string{
	"long": {
		"* | sort 0 - name", "* | stats values(x) by name", "* | stats values(*) by _raw", "* | eventstats count by name", "* | streamstats count by name", "* | streamstats window=10000 global=f values(x) by k",
		"* | chart limit=0 count over name by a", "* | chart limit=0 count over k by name", "* | timechart limit=0 span=1s count by k", "* | top limit=0 name", "* | rare limit=0 name by k", "* | dedup name", "* | dedup _raw sortby -name",
		"* | transaction name", "* | transaction k maxevents=-1", "* | join name [search * | fields name x]", "* | join type=outer max=0 u [search * | fields u x]", "* | append [search *]", "* | appendcols [search *]", "* | appendpipe [eval z=1]" + strings.Repeat(" | appendpipe [head 3]", 5),
		"* | xyseries name a n", "* | xyseries k name n", "* | untable name f v", "* | transpose 0", "* | contingency name a", "* | contingency u name", "* | cofilter name u", "* | arules sup=1 name x k u", "* | associate", "* | correlate",
		"* | geostats globallimit=0 latfield=lat longfield=lon count by name", "* | geostats latfield=lat longfield=lon values(name) by k", "* | predict n", "* | timechart span=1s count | predict count", "* | trendline sma5(n)", "* | autoregress n p=1-50",
		"* | stats sparkline(count, 1s) by k", "* | stats sparkline(count, 1s) by name", "* | kmeans k=3 n v", "* | cluster field=x showcount=t", "* | fieldsummary", "* | mvcombine name", "* | stats list(x) values(name) by k", "* | eventstats values(name) as all", "* | streamstats values(name) as all | head 2000",
		"* | reverse", "* | tail 100000", "* | format", "* | stats count [search * | fields name] ", "* | search [search * | fields x]", "* | search [search * | return 100000 name]", "* | union [search *] [search *]", "| set union [search *] [search *]", "| set diff [search *] [search * | head 10]", "| multisearch [search *] [search *]", "* | selfjoin name", "* | selfjoin max=0 a",
		"* | anomalies field=x", "* | anomalydetection n v", "* | anomalousvalue", "* | outlier", "* | localize", "* | makecontinuous n", "* | fillnull", "* | filldown", "* | bin n", "* | outputlookup resident.csv", "* | lookup example.csv user", "* | map maxsearches=20 search=\"search * | sort 0 name\"", "* | stats dc(name) estdc(x) mode(name) median(n) p95(n) exactperc50(n) by a", "* | tstats count by name",
		"* | stats count by name x _raw | sort 0 count", "* | eval m=split(x,\" \") | mvexpand m", "* | eval m=mvrange(0,1000) | mvexpand m | stats count", "* | sistats values(x) by name", "* | timewrap 1h", "* | concurrency duration=n", "* | diff position1=1 position2=2", "* | uniq", "* | addtotals", "* | addcoltotals", "* | makemv x | nomv x", "* | gauge n", "* | eventcount", "* | table * | stats count",
	},
	"wide": {
		"*", "* | table *", "* | fields *", "* | stats values(*)", "* | stats values(*) by name", "* | stats count(*) as *", "* | eventstats max(*)", "* | streamstats max(*)", "* | fieldsummary", "* | foreach f1* [eval <<FIELD>>=<<FIELD>>.\"z\"]", "* | foreach * [eval z=<<FIELD>>]",
		"* | transpose 0", "* | untable name f v | stats count", "* | sort 0 - name", "* | dedup name", "* | transaction k", "* | join name [search *]", "* | append [search *]", "* | appendcols [search *]", "* | fillnull", "* | filldown *", "* | rename f* as g*", "* | addtotals", "* | addcoltotals", "* | correlate", "* | associate", "* | analyzefields classfield=a",
		"* | anomalousvalue", "* | anomalydetection", "* | outlier", "* | kmeans", "* | cluster", "* | makecontinuous n", "* | format", "* | mvcombine name", "* | selfjoin name", "* | reverse", "* | tojson", "* | xyseries name k f*", "* | chart values(*) over name", "* | timechart max(*)", "* | head 3 | map search=\"search * | head 1\"", "* | stats list(*) by k | stats count",
		"* | stats dc(*) mode(*) median(*)", "* | outputlookup resident.csv", "* | union [search *] [search *]", "| set union [search *] [search *]", "* | search [search * | format]", "* | eventstats values(*) by k | stats count", "* | convert auto(*)", "* | replace a with b", "* | makemv f1", "* | uniq", "* | diff", "* | appendpipe [stats values(*)]",
	},
	"big": {
		"*", "* | table *", "* | stats values(x)", "* | stats values(*) by name", "* | stats list(x) by k", "* | stats first(x) last(x) mode(x) max(x) min(x) by name", "* | eventstats values(x) as y", "* | eventstats values(x) as y by k", "* | streamstats values(x) as y", "* | streamstats window=100 list(x) as y", "* | sort 0 - x", "* | sort 0 - name", "* | dedup x", "* | top limit=0 x", "* | rare x", "* | chart count over x", "* | chart limit=0 count over k by x", "* | timechart values(x)",
		"* | transaction k", "* | transaction x", "* | join name [search * | fields name x]", "* | join x [search *]", "* | append [search *]", "* | appendcols [search *]", "* | appendpipe [eval z=x]", "* | xyseries name k x", "* | xyseries k x n", "* | untable name f v", "* | transpose 0", "* | contingency x k", "* | cofilter x u", "* | arules sup=1 x k", "* | associate x k", "* | format", "* | search [search * | fields x]", "* | search [search * | return 3000 x]", "* | search [search * | format]", "* | reverse", "* | tail 900",
		"* | eval y=x.x, z=y.y", "* | eval y=split(x,\" \") | mvexpand y | stats count", "* | eval y=split(x,\" \")", "* | rex max_match=0 field=x \"(?<p>[0-9]+)\"", "* | makemv x", "* | mvcombine x", "* | nomv x", "* | replace x* with y in x", "* | rex mode=sed field=x \"s/x/yyyyyyyyyyyyyyy/g\"", "* | foreach x [eval <<FIELD>>=<<FIELD>>.<<FIELD>>]", "* | strcat x x x y", "* | spath", "* | extract", "* | kv", "* | multikv", "* | xmlkv", "* | tojson", "* | fieldsummary", "* | cluster field=x", "* | cluster field=x match=ngramset", "* | anomalies field=x", "* | selfjoin k",
		"* | map maxsearches=10 search=\"search * | sort 0 x\"", "* | outputlookup resident.csv", "* | union [search *] [search *]", "| set union [search *] [search *]", "| set intersect [search *] [search *]", "* | uniq", "* | diff position1=1 position2=2 attribute=x", "* | filldown x", "* | fillnull", "* | autoregress x p=1-20", "* | typelearner", "* | findtypes", "* | collect index=summary", "* | sistats values(x) by k", "* | eval y=mvappend(x,x,x,x)", "* | stats values(eval(x.x)) by k", "* | eventstats list(x) as y | fields y", "* | head 100 | accum n", "* | addtotals", "* | abstract",
		"| makeresults count=3000 | eval x=substr(mvjoin(mvrange(0,200000),\"x\"),1,1000000) | format | eval n=len(search) | table n", "| makeresults count=3000 | streamstats count as n | eval x=n.substr(mvjoin(mvrange(0,200000),\"x\"),1,1000000) | stats values(x)",
	},
}

// residentUsual are the searches of a usual run besides the examples of all
// commands: those known to have held too much memory. BLUETRAIL_RESIDENT=all
// runs all searches, which takes an hour or more. BLUETRAIL_RESIDENT_ONLY is a
// regular expression that selects searches.
const residentUsual = `^big: \* \| format $|^long: \* \| (chart limit=0 count over name by a|xyseries name a n|transaction name|top limit=0 name|join name .*|arules sup=1 name x k u|geostats globallimit=0 latfield=lat longfield=lon count by name) $`

type residentJob struct {
	Kind, Search, Output string
}

// size is the memory limit of a job.
func (j residentJob) size() residentSize {
	if _, large := residentLarge[j.Kind]; large {
		return residentSize{1, 512 << 20, 300 << 20}
	}
	return residentSizes()
}

// time is the time limit of a job.
func (j residentJob) time() time.Duration {
	if _, large := residentLarge[j.Kind]; large {
		return 3 * time.Minute
	}
	return 20 * time.Second
}

type residentDone struct {
	Peak int64
	Over string // the search's message about its budget
	Err  string
	Took time.Duration
}

// TestResident runs every command in a separate process over very many events,
// events of 80,000 fields and values of 150 kB, and checks the process's peak
// resident memory.
func TestResident(t *testing.T) {
	if _, err := os.Stat("/proc/self/clear_refs"); err != nil {
		t.Skip("the system does not tell the peak of a process's resident memory")
	}
	if testing.Short() || raced {
		t.Skip("takes a while, and the race detector has memory of its own")
	}
	var jobs []residentJob
	which := residentUsual
	if os.Getenv("BLUETRAIL_RESIDENT") != "" {
		which = os.Getenv("BLUETRAIL_RESIDENT_ONLY")
	}
	only, err := regexp.Compile(which)
	if err != nil {
		t.Fatal(err)
	}
	add := func(j residentJob, always bool) {
		if always && os.Getenv("BLUETRAIL_RESIDENT") == "" || only.MatchString(j.Kind+": "+j.Search+" "+j.Output) {
			jobs = append(jobs, j)
		}
	}
	dir := residentKnowledge(t)
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range syntax.Commands() {
		ex := def.Examples[0]
		q, err := plan.Parse(ex.Search, know)
		if err != nil {
			t.Fatal(err)
		}
		for i, st := range q.Stages {
			if _, ok := st.Cmd.(splexec.Generating); ok && i == 0 || st.Def.Name != def.Name {
				continue
			}
			for _, kind := range []string{"long", "wide", "big"} {
				add(residentJob{kind, "* | " + st.Cmd.Print(), ""}, true)
			}
			break
		}
	}
	for _, kind := range []string{"long", "wide", "big"} {
		for _, text := range residentSearches[kind] {
			add(residentJob{kind, text, ""}, false)
		}
		for _, format := range result.Formats {
			add(residentJob{kind, "*", format}, false)
			add(residentJob{kind, "* | table *", format}, false)
		}
	}
	for kind, searches := range residentLarge {
		for _, text := range searches {
			search, output, _ := strings.Cut(text, " -o ")
			add(residentJob{kind, search, output}, false)
		}
	}
	if slices.ContainsFunc(jobs, func(j residentJob) bool {
		return strings.Contains(j.Search, "large.csv.gz") || strings.Contains(j.Search, "bomb.csv.gz")
	}) {
		residentTables(t, dir)
	}
	for len(jobs) > 0 {
		done := residentRun(t, dir, jobs)
		if done == 0 {
			t.Fatal("no search was run")
		}
		jobs = jobs[done:]
	}
}

func residentKnowledge(t *testing.T) string {
	t.Helper()
	sc := &script{files: map[string]string{"lookups/example.csv": "user,team\nu1,red\n", "savedsearches.conf": "[example]\nsearch = * | head 10\n", "transactiontypes.conf": "[example]\nfields = k\n"}}
	dir := t.TempDir()
	for name, text := range sc.files {
		path := dir + "/" + name
		if err := os.MkdirAll(path[:strings.LastIndexByte(path, '/')], 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// residentRun runs jobs in a child process and returns how many completed.
func residentRun(t *testing.T, dir string, jobs []residentJob) (done int) {
	t.Helper()
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestResidentChild$")
	child.Env = append(os.Environ(), "BLUETRAIL_RESIDENT_CHILD="+dir, "TMPDIR="+t.TempDir())
	child.Stdin = strings.NewReader(string(text))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line, ok := strings.CutPrefix(lines.Text(), "resident ")
		if !ok {
			continue
		}
		var d residentDone
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		j := jobs[done]
		done++
		if size := j.size(); d.Peak > size.budget+size.beyond {
			t.Errorf("%s: %s %s\nwas resident with %d MiB; %s %s", j.Kind, j.Search, j.Output, d.Peak>>20, d.Over, d.Err)
		} else if testing.Verbose() {
			t.Logf("%s: %s %s: %d MiB, %.1f s; %.100s %.200s", j.Kind, j.Search, j.Output, d.Peak>>20, d.Took.Seconds(), d.Over, d.Err)
		}
	}
	if err := child.Wait(); err != nil && done == len(jobs) {
		t.Errorf("the child process: %v", err)
	}
	return done
}

// TestResidentChild is the process that TestResident measures.
func TestResidentChild(t *testing.T) {
	dir := os.Getenv("BLUETRAIL_RESIDENT_CHILD")
	if dir == "" {
		t.Skip("runs as part of TestResident")
	}
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []residentJob
	if err := json.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		size := j.size()
		if _, large := residentLarge[j.Kind]; large { // as the command does
			debug.SetMemoryLimit(size.budget + 256<<20)
		}
		debug.FreeOSMemory()
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // resets the peak
			t.Fatal(err)
		}
		begun := time.Now()
		ended := make(chan residentDone, 1)
		ctx, cancel := context.WithTimeout(t.Context(), j.time())
		go func() { ended <- residentSearch(ctx, j, know) }()
		d := residentDone{}
		for waiting := true; waiting; {
			select {
			case d = <-ended:
				waiting = false
			case <-time.After(20 * time.Millisecond):
				if peak := residentPeak(); peak > 3*(size.budget+size.beyond) {
					d.Over = "and grew"
					waiting = false
				}
			}
		}
		cancel()
		d.Peak, d.Took = residentPeak(), time.Since(begun)
		line, _ := json.Marshal(d)
		fmt.Println("\nresident " + string(line))
		if d.Over == "and grew" {
			os.Exit(3)
		}
	}
}

func residentSearch(ctx context.Context, j residentJob, know *knowledge.Knowledge) (d residentDone) {
	env := splexec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Knowledge, env.Macros = know, know
	env.Limits.Memory = j.size().budget
	env.Memory = splexec.NewBudget(env.Limits.Memory)
	env.Disk = spill.NewSpace("", 4<<30)
	err := func() error {
		q, err := plan.Parse(j.Search, know)
		if err != nil {
			return err
		}
		s, err := plan.Open(ctx, q, flood{j.Kind}, env)
		if err != nil {
			return err
		}
		defer s.Close()
		write := func(*vector.Batch) error { return nil }
		if j.Output != "" {
			w, err := result.New(io.Discard, result.Options{Format: j.Output, Width: 200, Events: s.Events()})
			if err != nil {
				return err
			}
			if err := splexec.Drain(ctx, s, w.Write); err != nil {
				return err
			}
			_, err = w.Close()
			return err
		}
		return splexec.Drain(ctx, s, write)
	}()
	if over := env.Memory.Over(); over != nil {
		d.Over = over.Error()
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		d.Err = err.Error()
	} else if err != nil {
		d.Err = "slow"
	}
	return d
}

// residentPeak is the process's peak resident memory.
func residentPeak() int64 {
	data, _ := os.ReadFile("/proc/self/status")
	_, text, _ := strings.Cut(string(data), "VmHWM:")
	text, _, _ = strings.Cut(text, "kB")
	n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return n << 10
}
