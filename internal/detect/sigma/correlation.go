package sigma

import "time"

// CorrelationType says what a correlation looks for among the events of its rules.
type CorrelationType string

// The types of the specification.
const (
	// EventCount counts the events of one group in the timespan.
	EventCount CorrelationType = "event_count"
	// ValueCount counts distinct values of Condition.Fields; with several fields,
	// distinct combinations.
	ValueCount CorrelationType = "value_count"
	// Temporal is met when all rules match in the timespan, in any order, or as
	// Condition or Expr says.
	Temporal CorrelationType = "temporal"
	// TemporalOrdered is Temporal in the order of the rules.
	TemporalOrdered CorrelationType = "temporal_ordered"
	// ValueSum, ValueAvg, ValueMedian and ValuePercentile compare a figure of the
	// numbers in Condition.Fields.
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValueMedian     CorrelationType = "value_median"
	ValuePercentile CorrelationType = "value_percentile"
)

// The types that bluetrail adds.
const (
	// FirstSeenType fires on an event whose values of FirstSeen.Fields were not seen
	// before in its group.
	FirstSeenType CorrelationType = "first_seen"
	// AbsentType fires on an event of the last rule without one of any other rule in
	// the same group in the timespan before it.
	AbsentType CorrelationType = "absent"
)

// Correlation is a rule over the events that other rules match. Link resolves its
// references and removes a correlation that cannot work; the references among
// correlations have no circles.
type Correlation struct {
	Header // Kind is Correlation, FirstSeen or Absent
	Type   CorrelationType

	// Rules are the rules that it looks at, in the order of the document: at least
	// one; at least two for temporal types and absent.
	Rules []Ref

	// GroupBy lists the fields whose values tell groups apart; nil = one group. They
	// are record fields, derived fields, or names in Aliases.
	GroupBy []string

	// Aliases says, for a name in GroupBy or Condition.Fields, which field to read
	// from the events of Rules[i]: Aliases[name][i], "" = the field called name. Use
	// Field to look one up.
	Aliases map[string][]string

	// Timespan is the length of the window, which slides over event time. Events
	// exactly Timespan apart are in one window. 0 for first_seen only.
	Timespan time.Duration

	// Condition is met if all of its bounds hold. Without one, temporal types need
	// all rules and Bounds says so: gte len(Rules), counted in distinct rules.
	Condition Condition

	// Expr is the boolean condition of a temporal correlation, such as a and b and
	// not c, over positions in Rules; nil for all others. It holds for a window when
	// it is true of the set of rules that match in the window.
	Expr *RuleExpr

	// Generate is set if the referred rules raise findings of their own, too. A rule
	// that any correlation refers to with Generate unset, and none with it set, does
	// not; see Collection.Silent.
	Generate bool

	FirstSeen FirstSeen // of type first_seen
}

// Ref is a reference to an event rule or to another correlation.
type Ref struct {
	Name        string // as written: id, name or title
	Rule        int    // position in Collection.Rules, -1 = a correlation
	Correlation int    // position in Collection.Correlations, -1 = an event rule
}

// Condition compares the figure that a correlation computes.
type Condition struct {
	Bounds []Bound  // all must hold; two make a range
	Fields []string // whose values are counted or computed; nil for event_count and temporal types
	// Percentile is which percentile of the values value_percentile compares, in
	// (0,100]. 0 = it compares the share of the window's values, in percent, that are
	// at or below that of the newest event.
	Percentile float64
}

// Bound is one comparison of a condition.
type Bound struct {
	Op    string // gt, gte, lt, lte, eq or neq
	Value float64
}

// Holds reports whether n satisfies the bound.
func (b Bound) Holds(n float64) bool {
	switch b.Op {
	case "gt":
		return n > b.Value
	case "gte":
		return n >= b.Value
	case "lt":
		return n < b.Value
	case "lte":
		return n <= b.Value
	case "eq":
		return n == b.Value
	case "neq":
		return n != b.Value
	}
	return false
}

// Holds reports whether n satisfies all bounds.
func (c *Condition) Holds(n float64) bool {
	for _, b := range c.Bounds {
		if !b.Holds(n) {
			return false
		}
	}
	return true
}

// FirstSeen is what a first_seen correlation remembers. GroupBy is its scope: what
// is new for one group may be known for another.
type FirstSeen struct {
	Fields []string // an event's combination of their values is what may be new
	// Learning is how long a group is observed, from its first event on, before new
	// combinations fire. 0 = not at all.
	Learning time.Duration
	// Expiry is how long a combination is remembered after its last event. 0 = for
	// good.
	Expiry time.Duration
}

// The defaults of a first_seen correlation.
const (
	DefaultLearning = 14 * 24 * time.Hour
	DefaultExpiry   = 90 * 24 * time.Hour
)

// Field returns the record field or derived field that a name in GroupBy or
// Condition.Fields means for events of Rules[i].
func (c *Correlation) Field(name string, i int) string {
	if fields, ok := c.Aliases[name]; ok && fields[i] != "" {
		return fields[i]
	}
	return name
}

// Wanted lists all fields that evaluating the correlation reads from matches,
// without doubles.
func (c *Correlation) Wanted() []string {
	var out []string
	seen := map[string]bool{}
	add := func(name string) {
		for i := range c.Rules {
			if f := c.Field(name, i); !seen[f] {
				seen[f] = true
				out = append(out, f)
			}
		}
	}
	for _, list := range [][]string{c.GroupBy, c.Condition.Fields, c.FirstSeen.Fields} {
		for _, name := range list {
			add(name)
		}
	}
	return out
}

// RuleExpr is a boolean condition over the rules of a temporal correlation.
type RuleExpr struct{ cond expr }

// Holds evaluates the condition; matched says whether Rules[i] matches in the window.
func (e *RuleExpr) Holds(matched func(i int) bool) bool {
	return e.cond.holds(ruleSet(matched))
}

// ruleSet gives an expr the answers of a function.
type ruleSet func(i int) bool

func (f ruleSet) holds(i int) bool { return f(i) }

// Silent returns, for each event rule and each correlation, whether it only serves
// correlations and raises no findings of its own: others refer to it, and none of
// them says generate.
func (c *Collection) Silent() (rules, correlations []bool) {
	rules, correlations = make([]bool, len(c.Rules)), make([]bool, len(c.Correlations))
	for _, generate := range []bool{false, true} {
		for _, r := range c.Correlations {
			if r.Generate != generate {
				continue
			}
			for _, to := range r.Rules {
				if to.Rule >= 0 {
					rules[to.Rule] = !generate
				} else {
					correlations[to.Correlation] = !generate
				}
			}
		}
	}
	return rules, correlations
}
