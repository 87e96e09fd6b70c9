package cmd

import (
	"context"
	"strconv"
	"time"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Reltime says how long ago a row was.
type Reltime struct{}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "reltime", Kind: spl.KindStreaming,
		Summary: "Say how long ago a row was, in the field reltime.",
		Syntax:  "reltime",
		Doc:     "`_time` is compared with the start of the search: `5 minutes ago`, `1 day ago`. Rows without `_time` get nothing.",
		Examples: []spl.Example{{
			Search: `| makeresults | eval _time=_time-7200 | reltime | table reltime`,
			Want:   []string{`{"reltime":"2 hours ago"}`},
		}},
		Parse: func(*spl.Parser) (spl.Command, error) { return Reltime{}, nil },
	})
}

// Print implements spl.Command.
func (Reltime) Print() string { return "reltime" }

// Needs implements spl.Command.
func (Reltime) Needs(out spl.FieldSet) spl.FieldSet { return out.Without("reltime").Add("_time") }

// NewMapper implements spl.Streaming.
func (Reltime) NewMapper(env *spl.Env) (spl.Mapper, error) { return reltime{env.Now}, nil }

type reltime struct{ now time.Time }

// Map implements spl.Mapper.
func (m reltime) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := existing(b, "_time")
	for i, v := range vals {
		vals[i] = vector.Value{}
		if f, ok := v.Num(); ok {
			vals[i] = vector.String(ago(spl.Epoch(m.now) - f))
		}
	}
	return b.With(vector.NewColumn("reltime", vals)), nil
}

// ago puts a number of seconds into words, in the greatest unit of which there
// is one or more.
func ago(seconds float64) string {
	suffix := " ago"
	if seconds < 0 {
		seconds, suffix = -seconds, " from now"
	}
	for _, u := range []struct {
		name string
		len  float64
	}{{"year", 365 * 86400}, {"month", 30 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if n := int(min(seconds/u.len, 1e9)); n > 1 {
			return strconv.Itoa(n) + " " + u.name + "s" + suffix
		} else if n == 1 {
			return "1 " + u.name + suffix
		}
	}
	return "now"
}
