package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Addinfo adds fields that describe the search itself.
type Addinfo struct{}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "addinfo", Kind: syntax.KindStreaming,
		Summary: "Add the time range and start time of the search to each row.",
		Syntax:  "addinfo",
		Doc: "`info_min_time` and `info_max_time` are the bounds given to the search or set by time modifiers in its text. Without a\n" +
			"start, `info_min_time` is 0.000. Without an end, `info_max_time` is the current time if there is a start and\n" +
			"`+Infinity` if there is none. `info_search_time` is when the search started, and `info_sid` is an id derived from it.",
		Examples: []syntax.Example{{
			Search: `| makeresults | addinfo | table info_min_time info_max_time info_search_time`,
			Want:   []string{`{"info_min_time":"0.000","info_max_time":"+Infinity","info_search_time":"1700000000.000"}`},
		}},
		Parse: func(*syntax.Parser) (syntax.Command, error) { return &Addinfo{}, nil },
	})
}

// Print implements syntax.Command.
func (c *Addinfo) Print() string { return "addinfo" }

// Needs implements syntax.Command.
func (c *Addinfo) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Without("info_min_time", "info_max_time", "info_search_time", "info_sid")
}

// NewMapper implements exec.Streaming.
func (c *Addinfo) NewMapper(env *exec.Env) (exec.Mapper, error) {
	seconds := func(f float64) vector.Value {
		return vector.Formatted(f, strconv.FormatFloat(f, 'f', 3, 64))
	}
	low, high := seconds(0), vector.String("+Infinity")
	if !env.Earliest.IsZero() {
		low = seconds(splunktime.Epoch(env.Earliest))
	}
	switch {
	case !env.Latest.IsZero():
		high = seconds(splunktime.Epoch(env.Latest))
	case !env.Earliest.IsZero():
		high = seconds(splunktime.Epoch(env.Now))
	}
	start := seconds(splunktime.Epoch(env.Now))
	return &addinfo{[]*vector.Column{
		vector.Constant("info_min_time", low),
		vector.Constant("info_max_time", high),
		vector.Constant("info_search_time", start),
		vector.Constant("info_sid", vector.String(start.Text())),
	}}, nil
}

type addinfo struct{ cols []*vector.Column }

func (a *addinfo) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return b.With(a.cols...), nil
}
