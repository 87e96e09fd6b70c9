package engine

import (
	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
)

// Rules returns the rules as the judge wants them, by the same positions. Searches
// that look at several events match nothing there.
func Rules(rs *ruleset.Ruleset) []judge.Rule {
	out := make([]judge.Rule, len(rs.Rules))
	for i := range rs.Rules {
		r := &rs.Rules[i]
		out[i] = judge.Rule{Info: &r.Info, Silent: r.Silent || r.Off != ""}
		if r.Correlation != nil && r.Off == "" {
			out[i].Correlation = correlation(rs, r.Correlation)
		}
	}
	return out
}

func correlation(rs *ruleset.Ruleset, c *sigma.Correlation) *judge.Correlation {
	out := &judge.Correlation{
		Type: judge.Type(c.Type), GroupBy: c.GroupBy, Field: c.Field, Timespan: c.Timespan,
		Fields: c.Condition.Fields, Percentile: c.Condition.Percentile, Learning: c.FirstSeen.Learning, Expiry: c.FirstSeen.Expiry,
	}
	for _, ref := range c.Rules {
		out.Rules = append(out.Rules, rs.Position(ref))
	}
	if len(c.Condition.Bounds) > 0 {
		out.Holds = c.Condition.Holds
	}
	if c.Expr != nil {
		out.Expr = c.Expr.Holds
	}
	if c.Type == sigma.FirstSeenType {
		out.Fields = c.FirstSeen.Fields
	}
	return out
}
