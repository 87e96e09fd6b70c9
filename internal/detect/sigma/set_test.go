package sigma

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const threeEvents = "title: %s\nlevel: low\nlogsource: {product: aws}\ndetection: {s: {eventName: [A, B], x: 1}, condition: s}\n"

func TestEvaluatorSkipsAndSamples(t *testing.T) {
	c := load(t, nil, fmt.Sprintf(threeEvents, "r0"), fmt.Sprintf(threeEvents, "r1"), strings.Replace(fmt.Sprintf(threeEvents, "r2"), "[A, B]", "C", 1))
	e := NewSet(c.Rules).NewEvaluator()
	raw := []byte(`{"eventName":"A","eventSource":"s","x":1}`)
	run := func() (got []int) {
		e.Evaluate(raw, "s", "A", func(i int) { got = append(got, i) })
		return got
	}
	e.Skip(0, true)
	if got := run(); !slices.Equal(got, []int{1}) {
		t.Errorf("%v fire without rule 0", got)
	}
	e.Skip(0, false)
	times := map[int]int{}
	e.Sample(3, func(rule int, took time.Duration) {
		times[rule]++
		if took < 0 {
			t.Errorf("rule %d took %v", rule, took)
		}
	})
	for range 9 {
		if got := run(); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("%v fire", got)
		}
	}
	if times[0] != 3 || times[1] != 3 || times[2] != 0 {
		t.Errorf("samples %v", times)
	}
}

// TestEvaluatorsShareASet: evaluators of one set do not disturb each other.
func TestEvaluatorsShareASet(t *testing.T) {
	c := load(t, nil, upstreamRules(200))
	set, events := NewSet(c.Rules, "awsRegion"), benchEvents()
	var wg sync.WaitGroup
	results := make([]string, 4)
	for w := range results {
		wg.Go(func() {
			e := set.NewEvaluator()
			var b strings.Builder
			for _, ev := range events {
				e.Evaluate(ev.raw, ev.source, ev.name, func(i int) { fmt.Fprint(&b, i, e.Values("awsRegion")) })
			}
			results[w] = b.String()
		})
	}
	wg.Wait()
	for _, r := range results[1:] {
		if r != results[0] {
			t.Error("evaluators differ")
		}
	}
}

// TestValuesAreOfTheEvent: values do not stay from the event before, also for fields
// that were given away and for those that no rule asks for.
func TestValuesAreOfTheEvent(t *testing.T) {
	c := load(t, nil, fmt.Sprintf(threeEvents, "r0"))
	e := NewSet(c.Rules, "y").NewEvaluator()
	for _, tt := range []struct{ raw, field, want string }{
		{`{"eventName":"A","eventSource":"s","y":["1",{"z": 2}]}`, "y", `[1 {"z":2}]`},
		{`{"eventName":"A","eventSource":"s"}`, "y", `[]`},
		{`{"eventName":"A","eventSource":"s"}`, "eventName", `[A]`},
		{`{"eventName":"A","eventSource":"s","q":{"r":"deep"}}`, "q.r", `[deep]`},
		{`{"eventName":"A","eventSource":"s","y":null}`, "y", `[]`},
	} {
		e.Evaluate([]byte(tt.raw), "s", "A", func(int) {})
		if got := fmt.Sprint(e.Values(tt.field)); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.field, tt.raw, got, tt.want)
		}
	}
}

// TestSetOfSomeRules: a set of some rules of a collection finds their fields only.
func TestSetOfSomeRules(t *testing.T) {
	c := load(t, nil, fmt.Sprintf(threeEvents, "r0"), ruleOf("s: {a.b|fieldref: c}\ncondition: s"), ruleOf("s: {d: 1}\ncondition: s"),
		"title: f\nlogsource: {product: aws}\nfilter: {rules: any, s: {g: 1}, condition: not s}\n")
	set := NewSet(c.Rules[1:2], "w")
	if got, want := set.Fields(), []string{"a.b", "c", "eventName", "eventSource", "g", "w"}; !slices.Equal(got, want) {
		t.Errorf("fields %q, want %q", got, want)
	}
	e := set.NewEvaluator()
	fired := 0
	e.Evaluate([]byte(`{"eventName":"A","eventSource":"s","a":{"b":"v"},"c":"V","d":5,"w":6}`), "s", "A", func(int) { fired++ })
	if fired != 1 || fmt.Sprint(e.Values("d"), e.Values("w"), e.Values("none")) != "[5] [6] []" {
		t.Errorf("fired %d times, values %q %q", fired, e.Values("d"), e.Values("w"))
	}
}
