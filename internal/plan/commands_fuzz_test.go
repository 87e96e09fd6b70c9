package plan_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// oddEvents are rows that break commands which make assumptions about their
// input.
const oddEvents = `{"_time":1700000000,"a":"1","b":["x","y"],"n":"5","t":"2023-11-14"}
{"_time":1700000000.5,"":"no name","a":"-0.5","n":"1e308","b":""}
{"_time":-1,"n":"NaN","a":"999999999999999999999","c":null,"d":{"e":[{"f":1},{"f":null}]}}
{"_time":253402300800,"n":"x","a":["1","2","3"],"_hidden":"h","lat":"91","lon":"-200"}
{"nothing":"else","a":"\u0000\ud800","*":"star","x y":"blank"}`

// fuzzed runs the commands after a search of events and fails if they panic,
// exceed the budget by far, or cannot be cancelled. Errors are fine.
func fuzzed(t *testing.T, commands, events string) {
	t.Helper()
	q, err := plan.Parse("* | "+commands, nil)
	if err != nil {
		return
	}
	st := memory.New()
	st.Rows = 2
	for n, line := range strings.Split(events, "\n") {
		if n == 50 {
			break
		}
		_, _ = st.Add([]byte(line), &event.Meta{Index: "aws", Source: "fuzz", Host: "aws"}) // lines that are not records are skipped
	}
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	env.Memory = exec.NewBudget(8 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	s, err := plan.Open(ctx, q, st, env)
	if err == nil {
		rows := 0
		err = exec.Drain(ctx, s, func(b *vector.Batch) error {
			for _, c := range b.Cols {
				for i := range b.Len {
					_ = c.At(i).Text()
				}
			}
			if rows += b.Len; rows > 200000 {
				cancel()
			}
			return nil
		})
	}
	if err != nil && strings.Contains(err.Error(), "failed inside a command") {
		t.Errorf("%s\n%v", commands, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%s\ntook %s after it was told to end", commands, took)
	}
}

// argumentWords are the words of random arguments.
var argumentWords = []string{
	"a", "b", "n", "*", "a*", "_*", "nosuch", `""`, `"x y"`, "_time", "_raw", "count", "sum(n)", "avg(a)", "values(b)", "dc(*)", "by", "BY", "as", "AS", "over",
	"where", "in", "top2", "=", "span=1h", "span=1d", "span=0.5", "span=log2", "span=1mon", "bins=2", "limit=1", "limit=0", "start=-5", "end=1e9", "0", "1", "-1", "3",
	"10000000", "1e308", "t", "f", "true", "field=a", "field=n", "duration=n", "output=o", "max=0", "mode=sed", `"(?<g>.*)"`, `"s/a/b/g"`, "delim=\",\"", "p=1-3",
	"window=2", "current=f", "global=f", "reset_on_change=t", "lo=0-5", "1d", "w", "+", "-", ",", "(", ")", "a=b", "n=n+1", `x="y"`, "value=9", "keepempty=t",
	"consecutive=t", "sortby", "col=t", "labelfield=a", "header_field=a", "action=annotate", "method=zscore", "pthresh=0.5", "usenull=f", "useother=f", "cont=f",
	"partial=f", "minspan=1m", "aligntime=latest", "maxvals=1", "format=\"$AGG$\"", "[ eval z=1 ]", "[ search a=1 ]", "[| makeresults count=3 ]", "union", "diff",
	"with", "prefix=p", "path=d.e{}.f", "pairdelim=\"x\"", "kvdelim=\"=\"", "sma2(n)", "ctime(_time)", "num(n)", "auto(a)", "ip(a)",
}

// TestCommandsAnyArguments runs every command with random arguments.
func TestCommandsAnyArguments(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20, 23))
	draws := 60
	if testing.Short() {
		draws = 10
	}
	for _, d := range syntax.Commands() {
		t.Run(d.Name, func(t *testing.T) {
			for range draws {
				var args []string
				for range rnd.IntN(6) {
					args = append(args, argumentWords[rnd.IntN(len(argumentWords))])
				}
				fuzzed(t, d.Name+" "+strings.Join(args, " "), oddEvents)
			}
		})
	}
}

// FuzzCommands is seeded with every search in the documentation and the
// scripts.
func FuzzCommands(f *testing.F) {
	add := func(search string) {
		search = strings.TrimPrefix(strings.TrimSpace(search), "|")
		if _, commands, ok := strings.Cut(search, "|"); ok {
			search = commands
		}
		f.Add(strings.TrimSpace(search), oddEvents)
	}
	for _, d := range syntax.Commands() {
		for _, ex := range d.Examples {
			add(ex.Search)
		}
	}
	scripts, err := filepath.Glob("../../testdata/spl/*.test")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range scripts {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if search, ok := strings.CutPrefix(line, "eval "); ok {
				add(search)
			}
		}
	}
	f.Fuzz(fuzzed)
}
