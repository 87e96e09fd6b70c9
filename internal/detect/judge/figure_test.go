package judge

import (
	"math"
	"testing"
)

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	for p := 1; p <= 100; p++ {
		if got := percentile(hundred, float64(p)); got != float64(p) {
			t.Errorf("percentile %d of 1 to 100 is %v", p, got)
		}
	}
	for _, c := range []struct {
		sorted  []float64
		p, want float64
	}{
		{[]float64{5}, 0.001, 5}, {[]float64{5}, 100, 5}, {[]float64{1, 2}, 50, 1}, {[]float64{1, 2}, 50.1, 2}, {[]float64{1, 1, 9}, 66, 1}, {[]float64{1, 1, 9}, 67, 9},
	} {
		if got := percentile(c.sorted, c.p); got != c.want {
			t.Errorf("percentile %v of %v is %v, want %v", c.p, c.sorted, got, c.want)
		}
	}
}

func TestShareAndMedian(t *testing.T) {
	huge := math.MaxFloat64
	for _, c := range []struct {
		sorted        []float64
		x             float64
		share, middle float64
	}{
		{[]float64{3}, 3, 100, 3}, {[]float64{1, 3, 3, 9}, 3, 75, 3}, {[]float64{1, 3}, 0, 0, 2}, {[]float64{-huge, huge}, huge, 100, 0}, {[]float64{huge, huge}, huge, 100, huge},
		{[]float64{math.Copysign(0, -1), 0}, 0, 100, 0}, {[]float64{-2, -1}, -2, 50, -1.5},
	} {
		if got := share(c.sorted, c.x); got != c.share {
			t.Errorf("%v of %v: %v percent, want %v", c.x, c.sorted, got, c.share)
		}
		if got := median(c.sorted); got != c.middle {
			t.Errorf("median of %v is %v, want %v", c.sorted, got, c.middle)
		}
	}
}

func TestJoin(t *testing.T) {
	tuples := [][]string{{"a, b", "c"}, {"a", "b, c"}, {`"a`, "b"}, {`"a"`, "b"}, {"a", "b"}, {"a", ""}, {"", "a"}}
	texts := map[string][]string{}
	for _, tuple := range tuples {
		text := join(tuple)
		if other, ok := texts[text]; ok {
			t.Errorf("%q and %q are both %s", other, tuple, text)
		}
		texts[text] = tuple
	}
	if got := join([]string{"a, b"}); got != "a, b" {
		t.Errorf("one value is written as %s", got)
	}
}

func TestManyNumbers(t *testing.T) {
	var list []string
	for range 3 * maxNumbers {
		list = append(list, "x", "2")
	}
	var stats Stats
	if got := numbers([][]string{list, {"7"}}, &stats); len(got) != maxNumbers || stats.Combined != 1 {
		t.Errorf("%d numbers, %d lists cut", len(got), stats.Combined)
	}
	stats = Stats{}
	if got := numbers([][]string{list[:2*maxNumbers]}, &stats); len(got) != maxNumbers || stats.Combined != 0 {
		t.Errorf("%d numbers, %d lists cut, though all fit", len(got), stats.Combined)
	}
}
