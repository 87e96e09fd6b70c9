package op

import (
	"math"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Buckets say how a field is cut into buckets.
type Buckets struct {
	Span       *Span
	MinSpan    *Span
	Align      string  // aligntime, "" = even times
	Bins       int     // 0 = not said
	Start, End float64 // NaN = from the values
}

// NoBuckets are buckets of which nothing is said.
var NoBuckets = Buckets{Start: NaN, End: NaN}

// BucketOptions are the options that buckets.option reads.
var BucketOptions = []string{"span", "bins", "minspan", "start", "end", "aligntime"}

// Option takes one of bucketOptions; there are least buckets at the least.
func (c *Buckets) Option(o syntax.Option, least int) (err error) {
	switch o.Name {
	case "span":
		c.Span, err = ParseSpan(o)
	case "minspan":
		c.MinSpan, err = ParseSpan(o)
	case "bins":
		c.Bins, err = o.Int(least)
	case "start":
		c.Start, err = Number(o)
	case "end":
		c.End, err = Number(o)
	case "aligntime":
		c.Align, err = alignTime(o)
	}
	return err
}

// Chooses reports whether a width is to be chosen from the values.
func (c *Buckets) Chooses() bool {
	return c.Span == nil && (c.Bins > 0 || c.MinSpan != nil || c.Start == c.Start || c.End == c.End)
}

// PrintBins returns the options, each behind a blank.
func (c *Buckets) PrintBins() string {
	s := ""
	if c.Span != nil {
		s += " span=" + c.Span.Text
	}
	if c.MinSpan != nil {
		s += " minspan=" + c.MinSpan.Text
	}
	if c.Align != "" {
		s += " aligntime=" + syntax.PrintOption(c.Align)
	}
	if c.Bins != 0 {
		s += " bins=" + strconv.Itoa(c.Bins)
	}
	if !math.IsNaN(c.Start) {
		s += " start=" + vector.FormatNumber(c.Start)
	}
	if !math.IsNaN(c.End) {
		s += " end=" + vector.FormatNumber(c.End)
	}
	return s
}

// CheckTimes fails when the widths are none of time.
func (c *Buckets) CheckTimes(o syntax.Option) error {
	if c.Span != nil && c.Span.Unit == "log" || c.MinSpan != nil && c.MinSpan.Unit == "log" {
		return diag.At(o.Value.Span, "%q is not a time span", o.Value.Text)
	}
	return nil
}
