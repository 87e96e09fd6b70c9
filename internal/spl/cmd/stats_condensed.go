package cmd

import (
	"slices"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
)

var (
	_ exec.Condensing = (*Stats)(nil)
	_ exec.Condensing = (*Top)(nil)
	_ exec.Condensing = (*Chart)(nil)
)

// Condenses implements exec.Condensing.
func (c *Stats) Condenses(env *exec.Env) (time.Duration, bool) {
	return 0, c.Span == nil && op.Condensable(c.Aggs, env)
}

// Condenses implements exec.Condensing.
func (c *Top) Condenses(*exec.Env) (time.Duration, bool) { return 0, true }

// Condenses implements exec.Condensing. Buckets of an hour or longer start at
// full hours in UTC and at full minutes in other zones. Buckets of minutes
// start at full minutes.
func (c *Chart) Condenses(env *exec.Env) (time.Duration, bool) {
	if !op.Condensable(c.Aggs, env) {
		return 0, false
	}
	timed := c.Col == "_time" || slices.ContainsFunc(c.Aggs, func(a *op.Aggregation) bool { return a.Field == "_time" })
	if !c.Time || timed || c.RowBins.Align != "" {
		return 0, true
	}
	row := c.rowAxis(env)
	if !row.chosen || row.span.Align != 0 {
		return 0, true
	}
	_, offset := env.Now.In(env.Zone).Zone()
	switch whole := offset%60 == 0; {
	case slices.Contains([]string{"h", "d", "w", "mon", "q", "y"}, row.span.Unit) && env.Zone == time.UTC:
		return time.Hour, true
	case slices.Contains([]string{"m", "h", "d", "w", "mon", "q", "y"}, row.span.Unit) && whole:
		return time.Minute, true
	}
	return 0, true
}
