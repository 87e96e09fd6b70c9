package judge

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"bluetrail/internal/detect/match"
)

// group is the state of a node for one group: a window that slides over event time.
type group struct {
	values []string // of GroupBy
	items  []*item  // in the window, in order; those of a window that raised are gone

	// A window that raised ends at until, inclusive. What comes before belongs to it.
	// For absent: the last event that should precede was at until.
	raised bool
	until  int64

	// Computed from items.
	total  int            // sum of item.n
	tuples map[string]int // how many items have each tuple of value_count
	sorted []float64      // numbers of value_median and value_percentile
	rules  []int          // how many items have each of the node's refs
}

// item is what one event adds to a window. It does not change once it is there.
type item struct {
	time   int64
	refs   []int32 // positions in node.refs, ascending
	n      int     // how many events it counts for: more than one if a referred correlation raised several times
	tuples []string
	nums   []float64
	events []*event // by time; more than one from a referred correlation
}

// add puts an item into the window.
func (g *group) add(n *node, it *item) {
	g.items = append(g.items, it)
	g.total += it.n
	switch n.Type {
	case ValueCount:
		if g.tuples == nil {
			g.tuples = map[string]int{}
		}
		for _, t := range it.tuples {
			g.tuples[t]++
		}
	case ValueMedian, ValuePercentile:
		for _, x := range it.nums {
			i, _ := slices.BinarySearch(g.sorted, x)
			g.sorted = slices.Insert(g.sorted, i, x)
		}
	case Temporal, TemporalOrdered:
		if g.rules == nil {
			g.rules = make([]int, len(n.refs))
		}
		for _, r := range it.refs {
			g.rules[r]++
		}
	}
}

// drop takes the first k items out of the window.
func (g *group) drop(n *node, k int) {
	for _, it := range g.items[:k] {
		g.total -= it.n
		for _, t := range it.tuples {
			if g.tuples[t]--; g.tuples[t] == 0 {
				delete(g.tuples, t)
			}
		}
		if n.Type == ValueMedian || n.Type == ValuePercentile {
			for _, x := range it.nums {
				if i, ok := slices.BinarySearch(g.sorted, x); ok {
					g.sorted = slices.Delete(g.sorted, i, i+1)
				}
			}
		}
		if g.rules != nil {
			for _, r := range it.refs {
				g.rules[r]--
			}
		}
	}
	g.items = slices.Delete(g.items, 0, k)
}

// clear empties the window.
func (g *group) clear() {
	g.items, g.total, g.tuples, g.sorted, g.rules = nil, 0, nil, nil, nil
}

// older returns how many items lie before a time.
func (g *group) older(than int64) int {
	i := slices.IndexFunc(g.items, func(it *item) bool { return it.time >= than })
	if i < 0 {
		i = len(g.items)
	}
	return i
}

// sum is the sum of the window's numbers, or their average. They are added anew each
// time: a running sum would depend on what was in it before.
func (g *group) sum(t Type) float64 {
	sum, count := 0.0, 0
	for _, it := range g.items {
		for _, x := range it.nums {
			sum += x
		}
		count += len(it.nums)
	}
	if t == ValueAvg {
		sum /= float64(count)
	}
	return sum
}

// holds reports whether the window that ends with it satisfies the node's condition.
func (g *group) holds(n *node, it *item) bool {
	switch n.Type {
	case EventCount:
		return n.Holds(float64(g.total))
	case ValueCount:
		return n.Holds(float64(len(g.tuples)))
	case ValueSum, ValueAvg:
		return n.Holds(g.sum(n.Type))
	case ValueMedian:
		return n.Holds(median(g.sorted))
	case ValuePercentile:
		if n.Percentile > 0 {
			return n.Holds(percentile(g.sorted, n.Percentile))
		}
		return n.Holds(share(g.sorted, slices.Max(it.nums)))
	}
	return g.together(n) && (n.Type == Temporal || g.inOrder(it))
}

// together reports whether the rules in the window satisfy a temporal condition.
func (g *group) together(n *node) bool {
	if n.Expr != nil {
		return n.Expr(func(i int) bool { return g.rules[i] > 0 })
	}
	there := 0
	for _, k := range g.rules {
		if k > 0 {
			there++
		}
	}
	if n.Holds != nil {
		return n.Holds(float64(there))
	}
	return there == len(g.rules)
}

// inOrder reports whether the rules in the window match one after the other, each in
// an event of its own, the last of them in the newest one.
func (g *group) inOrder(newest *item) bool {
	var needed []int32
	for i, k := range g.rules {
		if k > 0 {
			needed = append(needed, int32(i))
		}
	}
	last := len(needed) - 1
	if last < 0 || !slices.Contains(newest.refs, needed[last]) {
		return false
	}
	at := 0
	for _, it := range g.items[:len(g.items)-1] {
		if at < last && slices.Contains(it.refs, needed[at]) {
			at++
		}
	}
	return at == last
}

// median of sorted numbers: the middle one, or the mean of the two in the middle.
func median(sorted []float64) float64 {
	k := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[k]
	}
	return sorted[k-1]/2 + sorted[k]/2
}

// percentile returns the smallest of sorted numbers that p percent do not exceed.
func percentile(sorted []float64, p float64) float64 {
	k := int(math.Ceil(p * float64(len(sorted)) / 100)) // p/100 is inexact: 7/100*100 > 7
	return sorted[min(max(k, 1), len(sorted))-1]
}

// share returns how many of sorted numbers are at or below x, in percent.
func share(sorted []float64, x float64) float64 {
	k, _ := slices.BinarySearch(sorted, math.Nextafter(x, math.Inf(1)))
	return 100 * float64(k) / float64(len(sorted))
}

// events returns the events of all items in order, each once.
func (g *group) events() []*event {
	var out []*event
	for _, it := range g.items {
		out = append(out, it.events...)
	}
	return ordered(out)
}

// ordered sorts events and drops doubles.
func ordered(es []*event) []*event {
	slices.SortFunc(es, func(a, b *event) int { return match.Compare(a.Match, b.Match) })
	return slices.CompactFunc(es, func(a, b *event) bool { return match.Compare(a.Match, b.Match) == 0 })
}

// maxNumbers bounds the numbers of one event.
const maxNumbers = 100

// numbers parses values, at most maxNumbers; those that are no finite numbers are left
// out.
func numbers(lists [][]string, stats *Stats) []float64 {
	var out []float64
	for _, list := range lists {
		for _, s := range list {
			x, err := strconv.ParseFloat(s, 64)
			switch {
			case err != nil || math.IsNaN(x) || math.IsInf(x, 0):
			case len(out) == maxNumbers:
				stats.Combined++
				return out
			default:
				out = append(out, x)
			}
		}
	}
	return out
}

// figure is what the condition compared, for the finding; "" = nothing to show.
func (g *group) figure(n *node) (name string, values []string) {
	number := func(x float64) []string { return []string{strconv.FormatFloat(x, 'f', -1, 64)} }
	switch n.Type {
	case ValueCount:
		for _, it := range g.items {
			for _, e := range it.tuples {
				if t := display(e); !slices.Contains(values, t) && len(values) <= maxShown {
					values = append(values, t)
				}
			}
		}
		return fieldName(n), values
	case ValueSum, ValueAvg:
		return string(n.Type), number(g.sum(n.Type))
	case ValueMedian:
		return string(n.Type), number(median(g.sorted))
	case ValuePercentile:
		return string(n.Type), number(percentile(g.sorted, cmp.Or(n.Percentile, 100)))
	}
	return "", nil
}

// maxShown is how many values of a correlation a finding takes.
const maxShown = 20
