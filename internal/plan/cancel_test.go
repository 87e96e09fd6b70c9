package plan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store/memory"
)

// asked is a context that counts how often it is checked, and ends at the n-th
// check. It can cancel a search at any place where the search checks, and
// counts the later checks, however fast the machine is.
type asked struct {
	context.Context
	cancel context.CancelCauseFunc
	end    int64 // 0 = never
	asked  atomic.Int64
}

var errCancelled = errors.New("cancelled by the test")

func newAsked(t *testing.T, end int64) *asked {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return &asked{Context: ctx, cancel: cancel, end: end}
}

// Err implements context.Context.
func (a *asked) Err() error {
	if a.asked.Add(1) == a.end {
		a.cancel(errCancelled)
	}
	return a.Context.Err()
}

// inputs are what the cancelled commands read.
var inputs = []struct {
	name         string
	events, keys int
	bytes        int // of a value
}{
	{"long", 4000, 3, 8},
	{"wide", 3, 2000, 8},
	{"big", 20, 3, 20000},
}

func inputStore(t *testing.T, events, keys, bytes int) *memory.Store {
	t.Helper()
	st := memory.New()
	for i := range events {
		var raw strings.Builder
		fmt.Fprintf(&raw, `{"_time":%d,"n":"%d","user":"u%d"`, 1700000000+i, i, i%97)
		for k := range keys {
			fmt.Fprintf(&raw, `,"k%d":"%s%d"`, k, strings.Repeat("v ", bytes/2), i)
		}
		raw.WriteString("}")
		if _, err := st.Add([]byte(raw.String()), &event.Meta{Index: "aws", Sourcetype: event.JSON}); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// cancelledSearches are run over each input.
var cancelledSearches = []string{
	"| stats count by n", "| stats values(*) as * by n", "| stats dc(k0) list(k1) by user n", "| eventstats count by n", "| streamstats count sum(n) by user",
	"| sort 0 k0 - n", "| top 0 n", "| rare n", "| chart limit=0 count over n by user", "| timechart span=1s count by user", "| contingency n user",
	"| fieldsummary", "| transpose 0", "| table *", "| rename k* as q*", "| dedup n", "| transaction user", "| mvcombine n", "| xyseries n user k0",
	"| untable n a b", "| format", "| rex field=k0 max_match=0 \"(?<x>v)\"", "| regex k0=\"v.*x\"", "| rex field=k0 mode=sed \"s/v/w/g\"",
	"| eval x=replace(k0, \"v\", \"vvvv\")", "| eval x=mvcount(split(k0, \" \"))", "| eval x=mvmap(split(k0, \" \"), x.\"a\")", "| makemv k0", "| mvexpand k0",
	"| eval x=md5(k0)", "| where like(k0, \"%v%v%v%x\")", "| search k0=*v*v*x", "| spath input=_raw", "| extract", "| foreach k* [eval <<FIELD>>=1]",
	"| fillnull", "| filldown", "| addtotals", "| addcoltotals", "| bin n span=10", "| reverse", "| tail 1000", "| uniq", "| cluster field=k0", "| kmeans k=3 n",
	"| anomalousvalue", "| analyzefields classfield=n", "| associate", "| correlate", "| outlier", "| predict n", "| trendline sma5(n)", "| autoregress n p=1-3",
	"| join n [search *]", "| append [search *]", "| appendpipe [stats count by n]", "| selfjoin n", "| makecontinuous n",
	"| arules k0 k1 user", "| diff", "| convert num(n)", "| replace u1 with u2 in user", "| nomv k0", "| delta n", "| accum n", "| concurrency duration=n", "| rangemap field=n",
	"| tojson", "| xmlkv", "| tags", "| typer", "| sichart count by n", "| cofilter n user", "| timewrap 1d",
}

// drained runs a search to its end and returns the reason why it ended.
func drained(ctx context.Context, t *testing.T, st *memory.Store, text string) error {
	t.Helper()
	q, err := plan.Parse(text, nil)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	env := exec.NewEnv(time.Unix(1700000000, 0).UTC())
	s, err := plan.Open(ctx, q, st, env)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		if _, err := s.Next(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestCancelAnywhere cancels every search at a random check of its context. The
// search must end with the cause after only a few more checks.
func TestCancelAnywhere(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 10))
	for _, in := range inputs {
		st := inputStore(t, in.events, in.keys, in.bytes)
		for _, text := range cancelledSearches {
			t.Run(in.name+"/"+text, func(t *testing.T) {
				all := newAsked(t, 0)
				if err := drained(all, t, st, "* "+text); err != nil && strings.Contains(err.Error(), "report it") {
					t.Fatal(err)
				}
				looks := all.asked.Load()
				if looks == 0 {
					t.Fatal("it never looks whether it is cancelled")
				}
				for range 2 {
					at := 1 + rnd.Int64N(looks)
					ctx := newAsked(t, at)
					err := drained(ctx, t, st, "* "+text)
					if err != nil && strings.Contains(err.Error(), "report it") {
						t.Fatal(err)
					}
					if ctx.Context.Err() == nil {
						continue // it checked less often this time: the order depends on the workers
					}
					if after := ctx.asked.Load() - at; after > 64 {
						t.Errorf("cancelled at look %d of %d, it looked %d times more", at, looks, after)
					}
				}
			})
		}
	}
}
