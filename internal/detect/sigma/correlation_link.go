package sigma

import "strings"

// linkCorrelations resolves references and removes correlations that cannot work:
// those that name what is not there, that refer to each other in a circle, or that
// depend on such a one.
func (c *Collection) linkCorrelations(find func(string) (Ref, bool)) {
	broken := make([]error, len(c.Correlations))
	for i, r := range c.Correlations {
		for k := range r.Rules {
			name := r.Rules[k].Name
			to, byTitle := find(name)
			if to.Rule < 0 && to.Correlation < 0 {
				broken[i] = r.fault(r.place(name), "there is no rule %q for this correlation", name).WithHint("%s", c.whyMissing(name))
				break
			}
			if byTitle {
				r.warn("names the rule %q by its title; use its id or name", name)
			}
			to.Name = name
			r.Rules[k] = to
		}
	}
	for _, i := range c.breakCircles(broken) { // what depends on a broken one
		r := c.Correlations[i]
		for _, to := range r.Rules {
			if broken[i] == nil && to.Correlation >= 0 && broken[to.Correlation] != nil {
				broken[i] = r.fault(r.place(to.Name), "the correlation %q could not be loaded", to.Name)
			}
		}
	}
	moved := make([]int, len(c.Correlations)) // new positions
	kept := c.Correlations[:0]
	for i, r := range c.Correlations {
		if broken[i] != nil {
			c.fail(broken[i])
			continue
		}
		moved[i] = len(kept)
		kept = append(kept, r)
	}
	c.Correlations = kept
	for _, r := range kept {
		for k := range r.Rules {
			if r.Rules[k].Correlation >= 0 {
				r.Rules[k].Correlation = moved[r.Rules[k].Correlation]
			}
		}
	}
}

// breakCircles marks a correlation of each circle as broken. It returns all
// correlations, each after those it refers to, but for these. The search keeps its own
// stack, so that long chains do not exhaust the goroutine's.
func (c *Collection) breakCircles(broken []error) (order []int) {
	const fresh, open, done = 0, 1, 2
	state := make([]uint8, len(c.Correlations))
	type step struct{ at, next int }
	for start := range c.Correlations {
		if state[start] != fresh {
			continue
		}
		stack := []step{{start, 0}}
		state[start] = open
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			r := c.Correlations[top.at]
			if top.next == len(r.Rules) {
				state[top.at] = done
				order = append(order, top.at)
				stack = stack[:len(stack)-1]
				continue
			}
			to := r.Rules[top.next].Correlation
			top.next++
			switch {
			case to < 0:
			case state[to] == fresh:
				state[to] = open
				stack = append(stack, step{to, 0})
			case state[to] == open:
				var circle []string
				for i := len(stack) - 1; i >= 0; i-- {
					circle = append([]string{c.Correlations[stack[i].at].Title}, circle...)
					if stack[i].at == to {
						break
					}
				}
				if len(circle) > 5 {
					circle = append(circle[:5], "…")
				}
				if broken[top.at] == nil {
					broken[top.at] = r.fault(r.place(r.Rules[top.next-1].Name), "correlations refer to each other in a circle: %s", strings.Join(append(circle, c.Correlations[to].Title), " → "))
				}
			}
		}
	}
	return order
}

// whyMissing says why a reference finds nothing, where that is known.
func (c *Collection) whyMissing(name string) string {
	for _, o := range c.Others {
		if _, ok := o.Names(name); ok {
			return "the rule of this name is for " + o.Logsource.String()
		}
	}
	return "references are ids or names of rules in the same folders, and rules that could not be loaded do not count"
}
