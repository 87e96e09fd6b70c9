package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/spl/syntax"
)

// interruptSearches are run over every input beside the examples of the commands.
var interruptSearches = []string{
	"stats count by n", "stats values(*) as * by n", "stats dc(k0) list(k1) by user n", "stats median(n) p95(n) mode(k0) estdc(k0) by user", "eventstats values(k0) by user", "streamstats count sum(n) by user",
	"sort 0 k0 - n", "top 0 n", "rare k0", "chart limit=0 count over n by user", "timechart span=1s count by user", "timechart limit=0 span=1d count by k0", "contingency n user", "contingency maxrows=0 maxcols=0 k0 user",
	"fieldsummary", "fieldsummary maxvals=100000", "transpose 0", "table *", "rename k* as q*", "dedup n", "transaction user", "transaction user mvlist=t", "mvcombine n", "xyseries n user k0", "untable n a b", "format", "diff",
	`rex field=k0 max_match=0 "(?<x>v)"`, `rex field=k0 "(?<x>(v+\s*\d*){3}z)"`, `regex k0="(v|w)*\s(v.?)+x$"`, `rex field=k0 mode=sed "s/v/w/g"`, `rex field=k0 mode=sed "y/v/w/"`, `where match(k0, "(v+.)+\bz")`, `where match(k0, "(v+.)+(?=z)")`,
	`eval x=replace(k0, "v", "vv")`, `eval x=replace(k0, "\bv", "vv")`, `eval x=mvcount(split(k0, " "))`, `eval x=mvsort(split(k0, " "))`, `eval x=mvdedup(split(k0, " "))`, `eval x=mvmap(split(k0, " "), k1)`, `eval x=mvfilter(match(split(k0, " "), "q"))`, `eval x=mvjoin(split(k0, " "), "--")`, `eval x=mvfind(split(k0, " "), "q$")`, `eval x=mvzip(split(k0, " "), split(k0, "v"))`,
	"eval x=md5(k0).sha1(k0).sha256(k0).sha512(k0)", `where like(k0, "%v%v%v%x")`, "search k0=*v*v*x", "eval x=lower(upper(k0)).trim(k0)", "eval x=urldecode(k0)", "eval x=json_valid(k0)", "eval x=spath(_raw, \"k1\")", "eval x=json_keys(_raw)", "eval x=json_extract(_raw, \"k0\")", "eval x=substr(k0, 5).len(k0)", `makemv k0`, `makemv tokenizer="(v)" k0`, "makemv k0 | mvexpand k0", "makemv k0 | stats values(k0)", "makemv k0 | nomv k0",
	"spath", "extract", `extract pairdelim=" " kvdelim="v"`, "xmlkv", `xpath "//a" field=k0`, "multikv", "foreach * [eval <<FIELD>>=1]", "fillnull", "filldown *", "addtotals", "addcoltotals", "bin n span=10", "reverse", "tail 100000", "uniq", "cluster field=k0", "cluster field=k0 match=ngramset", "anomalies field=k0", "kmeans k=3 n",
	"anomalousvalue", "anomalydetection", "analyzefields classfield=n", "analyzefields classfield=user", "associate", "associate n user k0", "correlate", "outlier", "predict n", "timechart span=1s count | predict count", "trendline sma5(n)", "autoregress n p=1-3",
	"join n [search *]", "append [search *]", "appendpipe [stats count by n]", "appendcols [search *]", "selfjoin n", "makecontinuous n span=1", "arules k0 k1 user", "convert num(*)", "convert auto(*)", "replace u1 with u2", "replace *v*v*v*x with y", "strcat k0 k1 x", "delta n", "accum n", "concurrency duration=n", "tojson", "typer", "typelearner", "findtypes", "cofilter k0 n", "timewrap 1d",
	"geostats latfield=lat longfield=lon count by user", "geostats globallimit=0 latfield=lat longfield=lon count by k0", "sistats values(*) by n", "map maxsearches=10 search=\"search * | sort 0 k0\"", "union [search *] [search *]", "fields *", "abstract", "highlight v", "outputlookup interrupt.csv", "collect index=summary", "fit DensityFunction n by user into m",
	"search [search * | fields k0 | head 3]", "search [search * | format]", "eval x=printf(\"%-100000s\", k0)", "eval x=strftime(n, \"%c\")", "eval x=relative_time(n, \"-1d@d\")", "stats sparkline(count, 1d) by n", "sort 0 - k0 | streamstats window=1000 max(n) median(n)",
}

type interrupted struct {
	input, search string
	wall, cpu     time.Duration // from the signal to the exit
	at            time.Duration
}

// TestInterrupt sends the command SIGINT in the middle of every search over hard
// inputs and prints how long it took to end, the slowest first. It measures, so it
// runs by hand: BLUETRAIL_INTERRUPT is an expression for the searches that are wanted,
// such as "." or "wide: sort".
func TestInterrupt(t *testing.T) {
	which := os.Getenv("BLUETRAIL_INTERRUPT")
	if which == "" {
		t.Skip("set BLUETRAIL_INTERRUPT=. to measure; it takes half an hour")
	}
	only, err := regexp.Compile(which)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("BLUETRAIL_DATA", filepath.Join(dir, "data"))
	searches := slices.Clone(interruptSearches)
	for _, def := range syntax.Commands() {
		for _, ex := range def.Examples {
			if _, search, piped := strings.Cut(ex.Search, " | "+def.Name); piped {
				searches = append(searches, def.Name+search)
			}
		}
	}
	var all []interrupted
	for _, in := range []struct {
		name         string
		events, keys int
		bytes        int // of the value of k0; the others have a tenth
	}{{"long", 300_000, 2, 12}, {"wide", 3, 60_000, 8}, {"big", 3, 2, 12_000_000}} {
		file := filepath.Join(dir, in.name+".json")
		writeHard(t, file, in.events, in.keys, in.bytes)
		for _, search := range searches {
			if !only.MatchString(in.name + ": " + search) {
				continue
			}
			args := []string{"-q", "search", "--files", file, "-o", "json", "* | " + search}
			took, ok := interrupt(t, args, 12*time.Second)
			if ok && took.at < 100*time.Millisecond {
				continue // it has ended by itself
			}
			worst := interrupted{}
			for range 3 {
				after := 20*time.Millisecond + time.Duration(rand.Int64N(int64(took.at)))
				if i, ok := interrupt(t, args, after); !ok && i.cpu >= worst.cpu {
					worst = i
				}
			}
			worst.input, worst.search = in.name, search
			all = append(all, worst)
			if worst.cpu > 100*time.Millisecond {
				t.Logf("%s: %s: %d ms, %d ms of CPU, interrupted after %d of %d ms", in.name, search, worst.wall.Milliseconds(), worst.cpu.Milliseconds(), worst.at.Milliseconds(), took.at.Milliseconds())
			}
		}
	}
	slices.SortFunc(all, func(a, b interrupted) int { return cmp.Compare(b.cpu, a.cpu) })
	for _, i := range all[:min(10, len(all))] {
		t.Logf("| %s: `%s` | %d ms | %d ms |", i.input, i.search, i.wall.Milliseconds(), i.cpu.Milliseconds())
	}
}

func writeHard(t *testing.T, path string, events, keys, bytes int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	for i := range events {
		at := time.Unix(1_767_000_000+int64(i), 0).UTC().Format(time.RFC3339)
		fmt.Fprintf(w, `{"eventTime":%q,"n":%d,"user":"u%d","lat":%d,"lon":%d`, at, i, i%97, i%90, i%180)
		for k := range keys {
			size := bytes
			if k > 0 {
				size = max(1, bytes/10)
			}
			fmt.Fprintf(w, `,"k%d":"%s%d"`, k, strings.Repeat("v ", size/2), i*(k+1))
		}
		w.WriteString("}\n")
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// interrupt runs the command and interrupts it after some time. It reports whether
// the command ended before, and when.
func interrupt(t *testing.T, args []string, after time.Duration) (i interrupted, before bool) {
	t.Helper()
	cmd := exec.Command("bluetrail", args...)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil && testing.Verbose() {
			t.Logf("%s: %v", args[len(args)-1], err)
		}
		return interrupted{at: time.Since(begun)}, true
	case <-time.After(after):
	}
	used := cpuTime(cmd.Process.Pid)
	i.at = time.Since(begun)
	cmd.Process.Signal(os.Interrupt)
	signalled := time.Now()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		cmd.Process.Kill()
		<-ended
	}
	i.wall, i.cpu = time.Since(signalled), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()-used
	return i, false
}

// cpuTime is what a process has used, in hundredths of a second.
func cpuTime(pid int) time.Duration {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
