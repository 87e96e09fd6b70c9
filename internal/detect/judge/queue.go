package judge

import (
	"cmp"
	"strings"
)

// queue is a heap of units by the time when they are due, the earliest first.
type queue []due

type due struct {
	at int64
	place
}

func (d *due) before(o *due) bool {
	if d.at != o.at {
		return d.at < o.at
	}
	return cmp.Or(cmp.Compare(d.tree, o.tree), strings.Compare(d.key, o.key)) < 0
}

func (q *queue) push(d due) {
	h := append(*q, d)
	*q = h
	for i := len(h) - 1; i > 0; {
		above := (i - 1) / 2
		if !h[i].before(&h[above]) {
			return
		}
		h[i], h[above] = h[above], h[i]
		i = above
	}
}

func (q *queue) pop() due {
	h := *q
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = due{}
	h = h[:last]
	*q = h
	h.sink()
	return first
}

// sink moves the first one to its place.
func (q queue) sink() {
	for i := 0; ; {
		next := 2*i + 1
		if next >= len(q) {
			return
		}
		if next+1 < len(q) && q[next+1].before(&q[next]) {
			next++
		}
		if !q[next].before(&q[i]) {
			return
		}
		q[i], q[next] = q[next], q[i]
		i = next
	}
}
