package ruleset

import (
	"slices"

	"bluetrail/internal/detect/sigma"
)

// Only returns the rules at some positions and those that they refer to, in the order
// that they have in s. The rules that are asked for run and raise findings, even if
// their status switches them off or they only serve others.
func (s *Ruleset) Only(positions ...int) *Ruleset {
	used := make([]bool, len(s.Rules))
	for _, i := range positions {
		for _, at := range s.below(i) {
			used[at] = true
		}
	}
	l := &loader{Ruleset: &Ruleset{Knowledge: s.Knowledge}}
	moved := make([]int, len(s.Rules))
	n := 0
	for i := range s.Rules {
		if moved[i] = n; used[i] {
			n++
		}
		if i < s.correlations {
			l.correlations = n
		}
	}
	var events []*sigma.Rule
	for i := range s.Rules {
		if !used[i] {
			continue
		}
		r := s.Rules[i]
		if slices.Contains(positions, i) {
			r.Off, r.Silent = "", false
		}
		if r.Event != nil {
			events = append(events, r.Event)
		}
		if r.Correlation != nil {
			c := *r.Correlation
			c.Rules = slices.Clone(c.Rules)
			for k := range c.Rules {
				ref := &c.Rules[k]
				if to := moved[s.Position(*ref)]; ref.Rule >= 0 {
					ref.Rule = to
				} else {
					ref.Correlation = to - l.correlations
				}
			}
			r.Correlation = &c
			for _, f := range c.Wanted() {
				l.want(f)
			}
		}
		l.Rules = append(l.Rules, r)
	}
	l.show()
	l.Set = sigma.NewSet(events, l.Wanted...)
	return l.Ruleset
}

// Using returns the positions of the rules that refer to one of some rules, directly or
// through others, and of these themselves, ascending.
func (s *Ruleset) Using(positions ...int) []int {
	used := slices.Clone(positions)
	for grown := true; grown; {
		grown = false
		for i := range s.Rules {
			c := s.Rules[i].Correlation
			if c == nil || slices.Contains(used, i) {
				continue
			}
			if slices.ContainsFunc(c.Rules, func(ref sigma.Ref) bool { return slices.Contains(used, int(s.Position(ref))) }) {
				used = append(used, i)
				grown = true
			}
		}
	}
	slices.Sort(used)
	return used
}

// Wants returns, by the position of a rule, what is asked of its matches: positions in
// Wanted, ascending.
func (s *Ruleset) Wants() [][]int32 {
	out := make([][]int32, len(s.Rules))
	for i := range s.Rules {
		r := &s.Rules[i]
		fields := slices.Concat(r.Entity, r.Fields)
		if r.Correlation != nil {
			fields = append(fields, r.Correlation.Wanted()...)
		}
		if len(fields) == 0 {
			continue
		}
		for _, at := range s.below(i) {
			for _, f := range fields {
				if k := slices.Index(s.Wanted, f); k >= 0 {
					out[at] = append(out[at], int32(k))
				}
			}
		}
	}
	for i := range out {
		slices.Sort(out[i])
		out[i] = slices.Compact(out[i])
	}
	return out
}

// below returns the positions of a rule and of all that it refers to.
func (s *Ruleset) below(position int) []int {
	list := []int{position}
	for i := 0; i < len(list); i++ {
		if c := s.Rules[list[i]].Correlation; c != nil {
			for _, ref := range c.Rules {
				if at := int(s.Position(ref)); !slices.Contains(list, at) {
					list = append(list, at)
				}
			}
		}
	}
	return list
}
