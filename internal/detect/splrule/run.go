package splrule

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// mostRows is how many rows of one run become findings.
const mostRows = 10_000

// Result is what a run of a search gave.
type Result struct {
	Rows    []*vector.Batch
	Count   int64 // of rows, also those beyond mostRows
	Notices []diag.Notice
}

// Run runs the search over a window. o says what it reads and what it may use; its
// text, clock and time range are those of the search and the window. An error of a
// budget means that the rows are not all.
func (s *Search) Run(ctx context.Context, w Window, o search.Options) (Result, error) {
	o.Text, o.Clock, o.Now, o.Zone = s.Rule.Search, w.Planned, "", w.Planned.Location()
	o.Earliest, o.Latest = "", w.Latest.Format(time.RFC3339Nano)
	if !w.Earliest.IsZero() {
		o.Earliest = w.Earliest.Format(time.RFC3339Nano)
	}
	return rowsOf(ctx, o)
}

func rowsOf(ctx context.Context, o search.Options) (r Result, err error) {
	run, notices, err := search.Open(ctx, o)
	r.Notices = notices
	if err != nil {
		return r, err
	}
	defer run.Close()
	for {
		b, err := run.Next(ctx)
		if err == io.EOF {
			r.Notices = run.Notices()
			return r, nil
		}
		if err != nil {
			r.Notices = run.Notices()
			return r, err
		}
		if room := mostRows - r.Count; room > 0 && b.Len > 0 {
			r.Rows = append(r.Rows, b.Slice(0, min(b.Len, int(room))))
		}
		r.Count += int64(b.Len)
	}
}

// Alerts reports whether a result is worth telling. before is the number of rows of
// the run before.
func (s *Search) Alerts(ctx context.Context, r *Result, before int64, o search.Options) (bool, error) {
	a := &s.Rule.Alert
	n := float64(r.Count)
	switch a.Type {
	case "":
		return r.Count > 0, nil
	case "custom":
		if r.Count == 0 {
			return false, nil
		}
		return passes(ctx, a.Condition, r.Rows, o)
	case "number of hosts":
		n = float64(different(r.Rows, "host"))
	case "number of sources":
		n = float64(different(r.Rows, "source"))
	}
	change := func(diff float64) bool {
		if a.Percent {
			return before > 0 && diff*100 >= a.Quantity*float64(before)
		}
		return diff >= a.Quantity
	}
	switch a.Relation {
	case "greater than":
		return n > a.Quantity, nil
	case "less than":
		return n < a.Quantity, nil
	case "equal to":
		return n == a.Quantity, nil
	case "not equal to":
		return n != a.Quantity, nil
	case "rises by":
		return change(n - float64(before)), nil
	case "drops by":
		return change(float64(before) - n), nil
	}
	return false, fmt.Errorf("unknown relation %q", a.Relation)
}

// different counts the values of a field.
func different(rows []*vector.Batch, field string) int {
	seen := map[string]bool{}
	for _, b := range rows {
		for i := range b.Len {
			for _, v := range b.At(field, i).All() {
				seen[v] = true
			}
		}
	}
	return len(seen)
}

// passes reports whether a search over rows gives some.
func passes(ctx context.Context, condition string, rows []*vector.Batch, o search.Options) (some bool, err error) {
	q, err := plan.Parse("| "+strings.TrimPrefix(strings.TrimSpace(condition), "|"), o.Macros)
	if err != nil {
		return false, fmt.Errorf("cannot read the alert condition: %w", err)
	}
	env, err := o.Env()
	if err != nil {
		return false, err
	}
	defer env.Memory.Close()
	op, err := plan.Over(ctx, q, exec.Rows(slices.Clone(rows)...), env)
	if err != nil {
		return false, fmt.Errorf("cannot run the alert condition: %w", err)
	}
	err = exec.Drain(ctx, op, func(b *vector.Batch) error { some = some || b.Len > 0; return nil })
	return some, err
}
