package report

import (
	"fmt"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
)

// The chart's coordinates. The page scales it.
const (
	chartBars   = 60
	chartWidth  = 900
	chartHeight = 120
)

// chart is the findings over time, as stacked bars.
type chart struct {
	Width, Height int
	Bars          []bar
	Most          int // findings in the highest bar
	From, To      string
}

// bar is the findings of one severity in one stretch of time.
type bar struct {
	X, Y, W, H string
	Severity   rule.Severity
	Label      string
}

// newChart returns nil if there are no findings. Findings lie at the time of their
// first event.
func newChart(list []*finding.Finding, zone *time.Location) *chart {
	if len(list) == 0 {
		return nil
	}
	first, last := list[0].First, list[0].First
	for _, f := range list {
		if f.First.Before(first) {
			first = f.First
		}
		if f.First.After(last) {
			last = f.First
		}
	}
	step := last.Sub(first)/chartBars + 1
	counts := [chartBars][]int{}
	c := &chart{Width: chartWidth, Height: chartHeight, From: first.In(zone).Format("2006-01-02 15:04"), To: last.In(zone).Format("2006-01-02 15:04")}
	sums := [chartBars]int{}
	for _, f := range list {
		i := min(int(f.First.Sub(first)/step), chartBars-1)
		if counts[i] == nil {
			counts[i] = make([]int, len(rule.Severities))
		}
		counts[i][max(0, f.Severity.Rank())]++
		sums[i]++
		c.Most = max(c.Most, sums[i])
	}
	width := float64(chartWidth) / chartBars
	for i, bySeverity := range counts {
		y := float64(chartHeight)
		for rank := len(bySeverity) - 1; rank >= 0; rank-- { // the worst at the bottom, where bars compare
			n := bySeverity[rank]
			if n == 0 {
				continue
			}
			h := max(1, float64(chartHeight)*float64(n)/float64(c.Most))
			y -= h
			c.Bars = append(c.Bars, bar{
				X: coordinate(float64(i)*width + 1), Y: coordinate(max(0, y)), W: coordinate(width - 2), H: coordinate(h), Severity: rule.Severities[rank],
				Label: fmt.Sprintf("%s: %d %s", first.Add(time.Duration(i)*step).In(zone).Format("2006-01-02 15:04"), n, rule.Severities[rank]),
			})
		}
	}
	return c
}

func coordinate(x float64) string { return fmt.Sprintf("%.1f", x) }
