package vlogs

import (
	"math"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// timeColumn makes the _time column from times.
func timeColumn(times []int64) *vector.Column {
	vals := make([]vector.Value, len(times))
	for i, ns := range times {
		if i > 0 && ns == times[i-1] {
			vals[i] = vals[i-1]
			continue
		}
		vals[i] = timeValue(ns)
	}
	return vector.NewColumn(event.Time, vals)
}

// dates makes a date field from times.
func dates(field string, times []int64) *vector.Column {
	span, _ := event.DatePart(field)
	known := map[int64]int32{} // time span to code
	var dict []vector.Value
	codes := make([]int32, len(times))
	at, code := int64(math.MinInt64), int32(0)
	for i, ns := range times {
		if this := ns / int64(span); this != at {
			at = this
			var seen bool
			if code, seen = known[at]; !seen {
				code = int32(len(dict))
				known[at] = code
				dict = append(dict, vector.String(event.DateAt(field, ns)))
			}
		}
		codes[i] = code
	}
	return vector.Coded(field, dict, codes)
}

// timeValue returns a time as a _time value.
func timeValue(ns int64) vector.Value {
	if ns%int64(time.Second) == 0 {
		return vector.Float(float64(ns / int64(time.Second)))
	}
	return vector.Formatted(float64(ns)/float64(time.Second), event.Seconds(ns))
}

// numbers parses a column of numbers and scales them to integers: per is how
// many of the column's units make one of the result's.
func numbers(name string, c *logstorage.BlockColumn, per float64) *vector.Column {
	if c == nil {
		return vector.Constant(name, vector.Value{})
	}
	vals := make([]vector.Value, len(c.Values))
	for i, s := range c.Values {
		if f, ok := vector.ParseNumber(s); ok {
			vals[i] = vector.Float(math.Floor(f / per))
		}
	}
	return vector.NewColumn(name, vals)
}

// column copies the values of a field out of a block, because the block's
// strings do not outlive it.
func column(name string, values []string) *vector.Column {
	if dict, codes, ok := coded(values); ok {
		if len(dict) == 1 {
			return vector.Constant(name, dict[0])
		}
		return vector.Coded(name, dict, codes)
	}
	size := 0
	for _, s := range values {
		size += len(s)
	}
	var arena strings.Builder
	arena.Grow(size)
	for _, s := range values {
		arena.WriteString(s)
	}
	text := arena.String()
	vals := make([]vector.Value, len(values))
	for i, s := range values {
		vals[i] = value(text[:len(s)])
		text = text[len(s):]
	}
	return vector.NewColumn(name, vals)
}

// value returns the value that a column's text encodes. It shares the text's
// bytes.
func value(text string) vector.Value {
	if text != "" && text[0] != several[0] {
		return vector.String(text)
	}
	c := decode(text)
	return store.Value(&c)
}

// maxDict is the largest number of different values for which a column is
// dictionary-coded.
const maxDict = 1 << 14

func coded(values []string) (dict []vector.Value, codes []int32, ok bool) {
	index := make(map[string]int32, 8)
	codes = make([]int32, len(values))
	last, code := "", int32(-1)
	for i, s := range values {
		if code >= 0 && s == last {
			codes[i] = code
			continue
		}
		var seen bool
		if code, seen = index[s]; !seen {
			if len(dict) == maxDict || i > 256 && len(dict)*4 > i {
				return nil, nil, false
			}
			code = int32(len(dict))
			own := strings.Clone(s)
			index[own] = code
			dict = append(dict, value(own))
		}
		codes[i], last = code, s
	}
	return dict, codes, len(dict) > 0
}
