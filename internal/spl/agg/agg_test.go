package agg_test

import (
	"math"
	"slices"
	"testing"
	"time"

	_ "bluetrail/internal/spl/agg"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"pgregory.net/rapid"
)

// row is what one row gives to an aggregate.
type row struct {
	v  vector.Value
	at float64
}

// rows draws rows with values of every kind, among them often the same ones.
func rows(most int) *rapid.Generator[[]row] {
	texts := []string{"", "a", "b", "B", "10", "9", "1e3", " 7", "-0", "nan", "inf", "-inf", "0x10", "é\xff"}
	value := rapid.Custom(func(t *rapid.T) vector.Value {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return vector.Value{}
		case 1:
			return vector.Truth(rapid.Bool().Draw(t, "truth"))
		case 2:
			return vector.Strings(rapid.SliceOfN(rapid.SampledFrom(texts), 0, 4).Draw(t, "list"))
		case 3:
			return vector.String(rapid.SampledFrom(texts).Draw(t, "text"))
		case 4:
			return vector.Float(rapid.Float64().Draw(t, "number"))
		}
		return vector.Int(rapid.IntRange(-20, 2000).Draw(t, "int"))
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		at := float64(rapid.IntRange(0, 9).Draw(t, "at"))
		if at == 9 {
			at = math.NaN()
		}
		return row{value.Draw(t, "value"), at}
	}), 0, most)
}

// percents are the numbers that the names of an aggregate are tried with.
func percents(d *syntax.AggregateDef) []float64 {
	if d.Percent {
		return []float64{0, 25, 50, 99.9, 100}
	}
	return []float64{0}
}

func gather(d *syntax.AggregateDef, env *exec.Env, percent float64, list []row) exec.Aggregate {
	a := exec.NewAggregate(d, env, percent)
	for _, r := range list {
		a.Update(r.v, r.at)
	}
	return a
}

// TestMerge checks that rows gathered in parts give what they give together.
// Where the order of rows does not matter, the parts are merged backwards.
func TestMerge(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	env.Limits.ListValues = 7 // so that the bound is met
	for _, d := range syntax.Aggregates() {
		t.Run(d.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				all := rows(30).Draw(t, "rows")
				percent := rapid.SampledFrom(percents(d)).Draw(t, "percent")
				cuts := rapid.SliceOfN(rapid.IntRange(0, len(all)), 0, 3).Draw(t, "cuts")
				slices.Sort(cuts)
				var parts []exec.Aggregate
				from := 0
				for _, cut := range append(cuts, len(all)) {
					parts = append(parts, gather(d, env, percent, all[from:cut]))
					from = cut
				}
				if !d.Ordered {
					slices.Reverse(parts)
				}
				for _, p := range parts[1:] {
					parts[0].Merge(p)
				}
				got, want := parts[0].Result(), gather(d, env, percent, all).Result()
				if !vector.Equal(got, want) || got.Kind() != want.Kind() {
					t.Fatalf("%d parts give %q, all rows together %q", len(parts), got.Text(), want.Text())
				}
			})
		})
	}
}

// TestRepeat checks that n equal rows at once are the same as one by one.
func TestRepeat(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	tried := 0
	for _, d := range syntax.Aggregates() {
		if _, ok := exec.NewAggregate(d, env, 50).(exec.Repeater); !ok {
			continue
		}
		tried++
		t.Run(d.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				at, once := exec.NewAggregate(d, env, 50).(exec.Repeater), exec.NewAggregate(d, env, 50)
				for _, r := range rows(10).Draw(t, "rows") {
					n := rapid.IntRange(1, 4).Draw(t, "n")
					at.Repeat(r.v, n)
					for range n {
						once.Update(r.v, r.at)
					}
				}
				if got, want := at.Result(), once.Result(); !vector.Equal(got, want) {
					t.Fatalf("at once %q, one by one %q", got.Text(), want.Text())
				}
			})
		})
	}
	if tried < 4 {
		t.Errorf("only %d aggregates take repetitions", tried)
	}
}

// FuzzAggregates gives every aggregate arbitrary values: none may panic, and
// each must own up to what it holds.
func FuzzAggregates(f *testing.F) {
	f.Add("a\x00b", 1.5, 0.0, true)
	f.Add("10", math.Inf(1), math.NaN(), false)
	f.Add("-1e308", -math.MaxFloat64, math.Inf(-1), true)
	f.Add("\xff\xfe", math.SmallestNonzeroFloat64, 253402300800.0, false)
	env := exec.NewEnv(time.Unix(1700000000, 0))
	f.Fuzz(func(t *testing.T, text string, num, at float64, truth bool) {
		vals := []vector.Value{{}, vector.String(text), vector.Float(num), vector.Truth(truth), vector.Strings([]string{text, "1", text + "x"})}
		for _, d := range syntax.Aggregates() {
			for _, percent := range percents(d) {
				a, b := exec.NewAggregate(d, env, percent), exec.NewAggregate(d, env, percent)
				if !a.Result().IsNull() && a.Result().Text() != "0" {
					t.Errorf("%s of nothing is %q", d.Name, a.Result().Text())
				}
				for i, v := range vals {
					a.Update(v, at+float64(i))
					b.Update(v, -at)
				}
				a.Merge(b)
				result := a.Result()
				if held := a.Size(); held < 0 || result.Size() > held+1024 {
					t.Errorf("%s holds %d bytes by its own account and gives %d", d.Name, held, result.Size())
				}
			}
		}
	})
}
