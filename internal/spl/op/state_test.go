package op_test

import (
	"math"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"

	"pgregory.net/rapid"
)

// spanOf returns a span of time.
func spanOf(n float64, unit string) *op.Span { return &op.Span{Text: "x", N: n, Unit: unit} }

// wrapping are the aggregates that hold others.
func wrapping() (list []*op.Aggregation) {
	line, _ := syntax.LookupAggregate("sparkline")
	for _, name := range []string{"avg", "count", "dc", "max", "min", "range", "stdev", "stdevp", "sum", "sumsq", "var", "varp"} {
		inner, _ := syntax.LookupAggregate(name)
		for _, span := range []*op.Span{nil, spanOf(1, "s"), spanOf(3, "h"), spanOf(1, "mon"), spanOf(2.5, "")} {
			list = append(list, &op.Aggregation{Def: line, Call: "sparkline(" + name + ")", Field: "x", Inner: &op.Aggregation{Def: inner, Field: "x"}, Span: span})
		}
	}
	for _, name := range []string{"sum", "max", "median", "var"} {
		def, _ := syntax.LookupAggregate(name)
		list = append(list, &op.Aggregation{Def: def, Call: name, Field: "x", AllNum: true})
	}
	return list
}

// empty returns an aggregate whose extent is its own.
func empty(t interface{ Fatal(...any) }, env *exec.Env, a *op.Aggregation) exec.Aggregate {
	g, err := op.NewGrouper(env, []*op.Aggregation{a}, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return g.Aggregates(new(op.Group))[0]
}

// TestMarshalWrapped checks that sparklines and allnum=true give the same when some
// of their parts were marshalled or divided.
func TestMarshalWrapped(t *testing.T) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom(wrapping()).Draw(t, "aggregate")
		width := rapid.SampledFrom([]int{100, 86400, 400 * 86400, 60 * 365 * 86400}).Draw(t, "width")
		times := rapid.SliceOfN(rapid.IntRange(0, width), 1, 30).Draw(t, "times")
		if rapid.IntRange(0, 9).Draw(t, "many") == 0 { // more than are kept before buckets grow
			for i := range 2500 {
				times = append(times, i*(width/2500))
			}
		}
		vals := []vector.Value{vector.Int(3), vector.String("4"), vector.Float(math.Pi), {}, vector.Strings([]string{"5", "6"})}
		if rapid.Bool().Draw(t, "texts") {
			vals = append(vals, vector.String("text"))
		}
		whole, got := empty(t, env, a), empty(t, env, a)
		parts := []exec.Aggregate{empty(t, env, a), empty(t, env, a), empty(t, env, a)}
		for i, at := range times {
			v := vals[(i*7+at)%len(vals)]
			whole.Update(v, float64(at))
			parts[(i+at)%3].Update(v, float64(at))
		}
		for _, p := range parts {
			if rapid.Bool().Draw(t, "divide") {
				pieces := empty(t, env, a)
				for size := rapid.IntRange(0, 500).Draw(t, "size"); p.Size() > size; {
					piece := p.(exec.Divisible).Divide(size)
					if piece == nil {
						break
					}
					pieces.Merge(piece)
				}
				pieces.Merge(p)
				p = pieces
			}
			if rapid.Bool().Draw(t, "marshal") {
				state := p.Marshal(nil)
				p = empty(t, env, a)
				if rest, err := p.Unmarshal(state); err != nil || len(rest) > 0 {
					t.Fatalf("%q, %v", rest, err)
				}
				for n := 0; n < len(state); n += 1 + n/20 {
					if _, err := empty(t, env, a).Unmarshal(state[:n:n]); err == nil {
						t.Fatalf("%d bytes of the state % x are a state", n, state)
					}
				}
			}
			got.Merge(p)
		}
		if got, want := got.Result(), whole.Result(); !vector.Equal(got, want) {
			t.Fatalf("%s: the parts give %q, all rows together %q", a.Call, got.Text(), want.Text())
		}
	})
}

// FuzzUnmarshalWrapped is FuzzUnmarshal of package agg for aggregates that hold
// others.
func FuzzUnmarshalWrapped(f *testing.F) {
	env := exec.NewEnv(time.Unix(1700000000, 0))
	defs := wrapping()
	for n, d := range defs {
		a := empty(f, env, d)
		f.Add(byte(n), a.Marshal(nil))
		for at := range 5 {
			a.Update(vector.Int(at), float64(at*at*1000))
		}
		f.Add(byte(n), a.Marshal(nil))
	}
	f.Fuzz(func(t *testing.T, n byte, data []byte) {
		d := defs[int(n)%len(defs)]
		a := empty(t, env, d)
		_, err := a.Unmarshal(data)
		if held := a.Size(); held < 0 || held > 100*len(data)+1024 {
			t.Errorf("%s makes room for %d bytes of %d", d.Call, held, len(data))
		}
		if err != nil {
			return
		}
		again := empty(t, env, d)
		if rest, err := again.Unmarshal(a.Marshal(nil)); err != nil || len(rest) > 0 {
			t.Errorf("%s cannot read its own state again: %q, %v", d.Call, rest, err)
		}
		a.Update(vector.Int(1), 1)
		a.Update(vector.String("x"), 2e9)
		a.Merge(again)
		a.Result()
	})
}
