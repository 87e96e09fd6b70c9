package seen

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

// TestMemory compares random puts, gets and removals with a map.
func TestMemory(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	m, want := New(0, true), map[string]int64{}
	for range 200_000 {
		tuple := strconv.Itoa(rnd.IntN(5000))
		switch rnd.IntN(3) {
		case 0:
			_, there := want[tuple]
			if m.Forget("r", []string{"s"}, []string{tuple}) != there {
				t.Fatalf("forgetting %s: it was there is not %v", tuple, there)
			}
			delete(want, tuple)
		case 1:
			want[tuple] = rnd.Int64N(1 << 30)
			m.Put("r", Pack([]string{"s"}), Pack([]string{tuple}), 1, want[tuple])
		default:
			_, last, ok := m.Get("r", Pack([]string{"s"}), Pack([]string{tuple}))
			if w, there := want[tuple]; ok != there || last != w {
				t.Fatalf("%s: %d %v, not %d %v", tuple, last, ok, w, there)
			}
		}
	}
	if n, _ := m.Len(); n != len(want) {
		t.Errorf("%d tuples, not %d", n, len(want))
	}
	back := New(0, false)
	for _, r := range m.Changed() {
		if r.Last < 0 {
			continue
		}
		var again Row
		if err := again.ParseTuple(r.Tuple()); err != nil || !slices.Equal(again.Values, r.Values) || !slices.Equal(again.Scope, r.Scope) {
			t.Fatalf("%+v became %+v: %v", r, again, err)
		}
		back.Restore(&r)
	}
	if n, _ := back.Len(); n != len(want) || m.Pending() != 0 {
		t.Errorf("%d tuples restored of %d, %d pending", n, len(want), m.Pending())
	}
}

func TestLimit(t *testing.T) {
	m := New(10_000, false)
	for i := range 50_000 {
		m.Put("r", "", Pack([]string{strconv.Itoa(i)}), int64(i), int64(i))
	}
	n, dropped := m.Len()
	if n > 10_000 || int64(n)+dropped != 50_000 {
		t.Errorf("%d tuples, %d dropped", n, dropped)
	}
	if _, _, ok := m.Get("r", "", Pack([]string{"49999"})); !ok {
		t.Error("the newest is gone")
	}
	if _, _, ok := m.Get("r", "", Pack([]string{"0"})); ok {
		t.Error("the oldest is still there")
	}
}

// BenchmarkMemory remembers ten million tuples, then looks at them again.
func BenchmarkMemory(b *testing.B) {
	const n = 10_000_000
	for b.Loop() {
		m := New(0, false)
		for i := range n {
			tuple := Pack([]string{fmt.Sprintf("value-%d", i)})
			if _, _, ok := m.Get("rule", "scope", tuple); !ok {
				m.Put("rule", "scope", tuple, 1, 1)
			}
		}
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		b.ReportMetric(float64(s.HeapAlloc)/1e6, "MB")
		runtime.KeepAlive(m)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/tuple")
}

func TestIDs(t *testing.T) {
	r := Row{Rule: "outer/a/b"}
	if got := slices.Collect(r.IDs()); !slices.Equal(got, []string{"outer/a/b", "a/b", "b"}) {
		t.Errorf("%q", got)
	}
}
