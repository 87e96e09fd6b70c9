package op_test

import (
	"math"
	"testing"
	"time"

	_ "bluetrail/internal/spl/agg"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func newSparkline(env *exec.Env) exec.Aggregate {
	d, _ := syntax.LookupAggregate("sparkline")
	return exec.NewAggregate(d, env, 0)
}

// What several workers gathered merges to what one would have gathered, however
// far apart the times are and though buckets grow on the way.
func TestSparklineMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := exec.NewEnv(time.Unix(1700000000, 0))
		width := rapid.SampledFrom([]int{100, 86400, 400 * 86400, 60 * 365 * 86400}).Draw(t, "width")
		times := rapid.SliceOfN(rapid.IntRange(0, width), 1, 50).Draw(t, "times")
		if rapid.Bool().Draw(t, "many") { // more than are kept before buckets grow
			for i := range 3000 {
				times = append(times, i*(width/3000))
			}
		}
		whole := newSparkline(env)
		parts := []exec.Aggregate{newSparkline(env), newSparkline(env), newSparkline(env)}
		for i, at := range times {
			whole.Update(vector.Int(1), float64(at))
			parts[(i+at)%3].Update(vector.Int(1), float64(at))
		}
		for _, p := range parts[1:] {
			parts[0].Merge(p)
		}
		want := whole.Result().All()
		if diff := cmp.Diff(want, parts[0].Result().All()); diff != "" {
			t.Fatal(diff)
		}
		total := 0.0
		for _, s := range want[1:] {
			n, _ := vector.ParseNumber(s)
			total += n
		}
		if total != float64(len(times)) || len(want) > 1002 {
			t.Fatalf("%d buckets hold %v of %d rows", len(want)-1, total, len(times))
		}
	})
}

// The line is over the range of the search, whose end is not in it.
func TestSparklineRange(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	env.Earliest, env.Latest = time.Unix(1699999200, 0), time.Unix(1699999230, 0)
	line := newSparkline(env)
	for _, at := range []float64{1699999200, 1699999229.5, 1699999229, math.NaN(), math.Inf(1), 1e300} {
		line.Update(vector.Int(1), at)
	}
	got := line.Result().All()
	if len(got) != 31 || got[1] != "1" || got[2] != "0" || got[30] != "2" {
		t.Errorf("got %d values: %q", len(got), got)
	}
}
