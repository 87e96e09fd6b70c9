package judge

import (
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
)

// Rule is a rule of the ruleset, at the position that match.Match.Rules names.
type Rule struct {
	Info *rule.Info

	// Correlation is nil for rules that look at one event at a time, in Sigma or SPL.
	Correlation *Correlation

	// Silent is set if the rule only serves correlations and raises no findings of its
	// own.
	Silent bool
}

// Type says what a correlation looks for, in Sigma's words.
type Type string

// The types of correlations.
const (
	EventCount      Type = "event_count"
	ValueCount      Type = "value_count"
	ValueSum        Type = "value_sum"
	ValueAvg        Type = "value_avg"
	ValueMedian     Type = "value_median"
	ValuePercentile Type = "value_percentile"
	Temporal        Type = "temporal"
	TemporalOrdered Type = "temporal_ordered"
	FirstSeen       Type = "first_seen"
	Absent          Type = "absent"
)

// Correlation is what a stateful rule says.
type Correlation struct {
	Type  Type
	Rules []int32 // positions of the rules it refers to; the last one of Absent is the event that raises

	// GroupBy names the fields whose values tell groups apart, the scope of FirstSeen.
	// Field says what a name in GroupBy or Fields means for events of Rules[i]; nil =
	// always the field of that name.
	GroupBy []string
	Field   func(name string, i int) string

	Timespan time.Duration // length of the window; events exactly Timespan apart share one

	// Holds compares the figure that the type computes. For temporal types that is the
	// number of Rules that match in the window; nil = all.
	Holds func(n float64) bool

	// Expr is a boolean condition of Temporal over positions in Rules, in place of
	// Holds; nil = none.
	Expr func(matched func(i int) bool) bool

	Fields     []string // whose values are counted or computed, or may be new
	Percentile float64  // of ValuePercentile, in (0,100]; 0 = the share at or below the newest value

	Learning time.Duration // FirstSeen: how long a scope is observed before it raises
	Expiry   time.Duration // FirstSeen: how long a tuple is remembered after its last event; 0 = for good
}

// Options make a Judge.
type Options struct {
	Rules  []Rule
	Wanted []string // names of fields, by match.Value.Field

	// Resolve says who is behind a match's caller. It is asked once for each match.
	Resolve func(caller string) finding.Who

	Seen   Memory // what first_seen remembers; nil = a memory of its own
	Limits Limits

	// Found takes the findings of Judge, each once, when nothing can be added to it.
	Found func(*finding.Finding) error
}

// Limits bound what is held. What exceeds them goes, the oldest first, and is counted
// in Stats. 0 = the default.
type Limits struct {
	Groups int // units of state: groups of correlations, open findings of event rules
	Window int // matches that one window holds
	Held   int // events held in windows and findings, all in all
}

// The default limits: some 500 MB if they are all reached.
const (
	defaultGroups = 200_000
	defaultWindow = 10_000
	defaultHeld   = 500_000
)

func (l Limits) withDefaults() Limits {
	for _, x := range []struct {
		limit *int
		value int
	}{{&l.Groups, defaultGroups}, {&l.Window, defaultWindow}, {&l.Held, defaultHeld}} {
		if *x.limit <= 0 {
			*x.limit = x.value
		}
	}
	return l
}

// Stats count what was left out of the judgement.
type Stats struct {
	Doubles   int64 // matches of events that came before
	NoGroup   int64 // events without a value for group-by, left out of that correlation
	NoValue   int64 // events without a usable value of the correlation's field, left out of it
	Combined  int64 // lists of an event of which only the first 16 combinations, or 100 numbers, count
	Evicted   int64 // groups given up because there were too many: their findings end early
	Shortened int64 // events dropped from windows that held too many
	Late      int64 // matches that came later than the lateness allows
	Hurried   int64 // matches that were judged before their lateness was over, since there were too many
}
