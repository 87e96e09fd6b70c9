package judge

import "time"

// Memory is what first_seen rules remember. Times are unix seconds. A scope is
// remembered as a tuple without values: first is when it was observed first.
type Memory interface {
	// Get returns when a tuple was seen, false if it is not remembered.
	Get(rule, scope, tuple string) (first, last int64, ok bool)
	// Put replaces both times.
	Put(rule, scope, tuple string, first, last int64)
}

// fresh notes the tuples of an event and returns those that are new and whose scope
// has been observed long enough.
func (n *node) fresh(env *environment, h *hit) []string {
	now := floor(h.time, int64(time.Second)) / int64(time.Second)
	begun, _ := n.remember(env.memory, h.key, "", now)
	var out []string
	for _, t := range h.tuples {
		if _, known := n.remember(env.memory, h.key, t, now); !known && now-begun >= seconds(n.Learning) {
			out = append(out, t)
		}
	}
	return out
}

// remember notes a tuple, or a scope, which does not expire. It returns when it was
// seen first and whether that was before.
func (n *node) remember(m Memory, scope, tuple string, now int64) (int64, bool) {
	grain := n.grain()
	first, last, ok := m.Get(n.name, scope, tuple)
	fresh := !ok || tuple != "" && n.Expiry > 0 && now-last > seconds(n.Expiry)+grain
	to := floor(now, grain)
	switch {
	case fresh:
		m.Put(n.name, scope, tuple, now, to)
		return now, false
	case now < first || to > last:
		m.Put(n.name, scope, tuple, min(first, now), max(last, to))
	}
	return min(first, now), true
}

// grain is how precisely the last event of a tuple is kept, in seconds. Coarse times
// change seldom, so that little has to be written. A tuple is remembered for up to a
// grain longer than the rule says.
func (n *node) grain() int64 {
	if n.Expiry == 0 {
		return 24 * 3600
	}
	return min(max(seconds(n.Expiry)/24, 1), 3600)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// floor returns the greatest multiple of grain that is at most n.
func floor(n, grain int64) int64 {
	rest := n % grain
	if rest < 0 {
		rest += grain
	}
	return n - rest
}
