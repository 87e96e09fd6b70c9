package result

import (
	"math"

	"bluetrail/internal/vector"
)

// sparkWidth is the maximum number of bars in a line.
const sparkWidth = 50

var sparkBars = []rune("▁▂▃▄▅▆▇█")

// drawn renders the values of a sparkline as a line of bars, from 0 (or the
// minimum, if negative) to the maximum. A bar for several values has the height
// of the highest.
func drawn(vals []string) (string, bool) {
	if len(vals) < 2 || vals[0] != vector.SparklineMark {
		return "", false
	}
	vals = vals[1:]
	nums := make([]float64, len(vals))
	low, high := 0.0, 0.0
	for i, s := range vals {
		n, ok := vector.ParseNumber(s)
		if !ok || math.IsNaN(n) || math.IsInf(n, 0) {
			return "", false
		}
		nums[i] = n
		low, high = min(low, n), max(high, n)
	}
	bars := make([]rune, min(len(nums), sparkWidth))
	for i := range bars {
		top := low
		for _, n := range nums[i*len(nums)/len(bars) : (i+1)*len(nums)/len(bars)] {
			top = max(top, n)
		}
		level := 0
		if top > low {
			level = int(math.Ceil((top/2 - low/2) / (high/2 - low/2) * float64(len(sparkBars)-1)))
		}
		bars[i] = sparkBars[min(level, len(sparkBars)-1)]
	}
	return string(bars), true
}
