package judge

import (
	"cmp"
	"container/heap"
)

// queue is a heap of units by the time when they are due, the earliest first.
type queue []due

type due struct {
	at int64
	place
}

func (q *queue) push(d due) { heap.Push((*dueHeap)(q), d) }
func (q *queue) pop() due   { return heap.Pop((*dueHeap)(q)).(due) }

type dueHeap []due

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].at, h[j].at), cmp.Compare(h[i].tree, h[j].tree), cmp.Compare(h[i].key, h[j].key)) < 0
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
