package agg_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"pgregory.net/rapid"
)

// odd are values that rows does not draw often enough.
var odd = []row{
	{vector.Float(math.NaN()), 1}, {vector.Float(math.Inf(1)), 2}, {vector.Float(math.Inf(-1)), 3}, {vector.Float(math.Copysign(0, -1)), 4},
	{vector.Float(math.MaxFloat64), 5}, {vector.Float(math.SmallestNonzeroFloat64), 6}, {vector.Formatted(0.805, "0.8050"), 7},
	{vector.Literal(2.50, 3), 8}, {vector.Strings([]string{"3", "x", "", "3"}).WithDelim(","), 253402300800}, {vector.String("1e400"), math.Inf(-1)},
}

// marshalled sends an aggregate through its bytes.
func marshalled(t *rapid.T, d *syntax.AggregateDef, env *exec.Env, percent float64, a exec.Aggregate) exec.Aggregate {
	const behind = "what lies behind"
	state := a.Marshal([]byte("before"))[len("before"):]
	out := exec.NewAggregate(d, env, percent)
	data := append(slices.Clone(state), behind...)
	rest, err := out.Unmarshal(data)
	if err != nil || string(rest) != behind {
		t.Fatalf("the state % x gives %q, %v", state, rest, err)
	}
	clear(data) // nothing of it may be kept
	for n := range state {
		if _, err := exec.NewAggregate(d, env, percent).Unmarshal(state[:n:n]); err == nil {
			t.Fatalf("%d bytes of the state % x are a state", n, state)
		}
	}
	return out
}

// divided takes an aggregate apart and puts it together again.
func divided(a exec.Divisible, empty exec.Aggregate, size int) (whole exec.Aggregate, pieces int) {
	for a.Size() > size {
		empty.Merge(a.Divide(size))
		pieces++
	}
	empty.Merge(a)
	return empty, pieces
}

// TestMarshal checks that rows gathered in parts, each of which is marshalled and
// divided or not, give what they give together.
func TestMarshal(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	env.Limits.ListValues = 7
	kinds := map[byte]bool{}
	for _, d := range syntax.Aggregates() {
		kinds[exec.NewAggregate(d, env, 0).Marshal(nil)[0]] = true
		t.Run(d.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				all := rows(30).Draw(t, "rows")
				for _, at := range rapid.SliceOfN(rapid.IntRange(0, len(odd)-1), 0, 3).Draw(t, "odd") {
					all = slices.Insert(all, at%(len(all)+1), odd[at])
				}
				percent := rapid.SampledFrom(percents(d)).Draw(t, "percent")
				cuts := rapid.SliceOfN(rapid.IntRange(0, len(all)), 0, 3).Draw(t, "cuts")
				slices.Sort(cuts)
				got := exec.NewAggregate(d, env, percent)
				from := 0
				for _, cut := range append(cuts, len(all)) {
					part := gather(d, env, percent, all[from:cut])
					if a, ok := part.(exec.Divisible); ok && rapid.Bool().Draw(t, "divide") {
						part, _ = divided(a, exec.NewAggregate(d, env, percent), rapid.IntRange(0, 200).Draw(t, "size"))
					}
					if rapid.Bool().Draw(t, "marshal") {
						part = marshalled(t, d, env, percent, part)
					}
					got.Merge(part)
					from = cut
				}
				whole := gather(d, env, percent, all)
				want := whole.Result()
				if got := got.Result(); !vector.Equal(got, want) || got.Kind() != want.Kind() || got.Sig() != want.Sig() {
					t.Fatalf("the parts give %q, all rows together %q", got.Text(), want.Text())
				}
				if got, want := got.Size(), whole.Size(); got != want {
					t.Fatalf("the parts count %d bytes, all rows together %d", got, want)
				}
			})
		})
	}
	if len(kinds) != int(exec.StateSet) {
		t.Errorf("the aggregates write %d kinds of state, want %d", len(kinds), exec.StateSet)
	}
}

// TestDivide checks that large states come apart in pieces of about the size asked
// for, each of which counts its bytes.
func TestDivide(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	divisible := 0
	for _, d := range syntax.Aggregates() {
		a := exec.NewAggregate(d, env, 50)
		if _, ok := a.(exec.Divisible); !ok {
			if a.Update(vector.String("12345"), 1); a.Size() > 64 {
				t.Errorf("%s holds %d bytes of one value and cannot be divided", d.Name, a.Size())
			}
			continue
		}
		divisible++
		for i := range 10000 {
			a.Update(vector.Int(i), float64(i))
		}
		size := a.Size()
		whole, pieces := divided(a.(exec.Divisible), exec.NewAggregate(d, env, 50), 1000)
		if most := 2*size/1000 + 1; size > 1000 && (pieces < 1 || pieces > most) {
			t.Errorf("%s of %d bytes comes apart in %d pieces of 1,000", d.Name, size, pieces)
		}
		if whole.Size() != size {
			t.Errorf("%s counts %d bytes, in pieces %d", d.Name, size, whole.Size())
		}
	}
	if divisible < 8 {
		t.Errorf("only %d aggregates can be divided", divisible)
	}
}

// FuzzUnmarshal reads arbitrary bytes as the state of every aggregate: they are an
// error or a state that can be used, and never make room for much more than they
// are themselves.
func FuzzUnmarshal(f *testing.F) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	defs := syntax.Aggregates()
	for n, d := range defs {
		a := gather(d, env, 50, odd)
		a.Update(vector.String("a value"), 9)
		f.Add(byte(n), a.Marshal(nil))
		f.Add(byte(n), exec.NewAggregate(d, env, 50).Marshal(nil))
	}
	f.Fuzz(func(t *testing.T, n byte, data []byte) {
		d := defs[int(n)%len(defs)]
		a := exec.NewAggregate(d, env, 50)
		rest, err := a.Unmarshal(data)
		if held := a.Size(); held < 0 || held > 100*len(data)+1024 {
			t.Errorf("%s makes room for %d bytes of %d", d.Name, held, len(data))
		}
		if err != nil {
			return
		}
		if len(rest) >= len(data) {
			t.Errorf("%s reads nothing", d.Name)
		}
		again := exec.NewAggregate(d, env, 50)
		if rest, err := again.Unmarshal(a.Marshal(nil)); err != nil || len(rest) > 0 {
			t.Errorf("%s cannot read its own state again: %q, %v", d.Name, rest, err)
		}
		for i, r := range odd {
			a.Update(r.v, float64(i))
		}
		a.Merge(again)
		a.Result()
	})
}
