package match

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"bluetrail/internal/spill"

	"github.com/google/go-cmp/cmp"
)

func random(r *rand.Rand) *Match {
	text := func() string { return string([]byte(fmt.Sprint(r.IntN(40), "é\x00\xff"))[:r.IntN(5)]) }
	m := &Match{Time: int64(r.IntN(50) - 10), Arrival: int64(r.IntN(9) - 3), Rules: []int32{int32(r.IntN(3)), 5}, Caller: text()}
	for _, t := range m.Event.texts() {
		*t = text()
	}
	m.ID[0], m.ID[15] = byte(r.IntN(256)), byte(r.IntN(256))
	m.Values = []Value{{Field: 1, Texts: []string{text(), text()}}, {Field: 7, Texts: []string{}}}
	return m
}

func TestEncoding(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		m, back := random(r), Match{}
		data := m.Append(nil)
		if err := back.Decode(data); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(*m, back); d != "" {
			t.Fatal(d)
		}
		for cut := range data {
			if back.Decode(data[:cut]) == nil {
				t.Fatalf("%d of %d bytes decode", cut, len(data))
			}
		}
	}
}

func TestOf(t *testing.T) {
	m := Match{Values: []Value{{Field: 1, Texts: []string{"a"}}, {Field: 7, Texts: []string{"b", "c"}}}}
	if got := m.Of(7); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("field 7 is %v", got)
	}
	if got := m.Of(3); got != nil {
		t.Errorf("field 3 is %v", got)
	}
}

// TestLogOrder adds the same matches in several orders, to logs with and without
// room, and twice: they are read in one order, each once.
func TestLogOrder(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]*Match, 9000)
	for i := range all {
		all[i] = random(r)
		all[i].ID[1], all[i].ID[2] = byte(i), byte(i>>8)
	}
	want := slices.Clone(all)
	slices.SortFunc(want, Compare)
	for _, memory := range []int64{1 << 30, 150_000} {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		space := spill.NewSpace(t.TempDir(), 1<<30)
		logs := []*Log{NewLog(space, memory, 2), NewLog(space, memory, 0), NewLog(space, memory, 1)}
		for i, m := range all {
			for range 1 + i%2 {
				if err := logs[r.IntN(len(logs))].Add(ctx, m); err != nil {
					t.Fatal(err)
				}
			}
		}
		if spilled := space.Used() > 0; spilled != (memory < 1<<30) {
			t.Errorf("%d bytes of memory: temporary files are used: %v", memory, spilled)
		}
		rd, err := Merge(ctx, space, logs...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			var m Match
			if err := rd.Next(ctx, &m); err != nil {
				t.Fatalf("match %d: %v", i, err)
			}
			if d := cmp.Diff(*want[i], m); d != "" {
				t.Fatalf("match %d: %s", i, d)
			}
		}
		if err := rd.Next(ctx, &Match{}); err != io.EOF {
			t.Errorf("behind the last: %v", err)
		}
		if rd.Doubles() != len(all)/2 {
			t.Errorf("%d doubles", rd.Doubles())
		}
		rd.Close()
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(random(rand.New(rand.NewPCG(1, 1))).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m, back Match
		if m.Decode(data) != nil {
			return
		}
		if err := back.Decode(m.Append(nil)); err != nil || cmp.Diff(m, back) != "" {
			t.Errorf("%v does not come back", m)
		}
	})
}
