package vector

import "sync/atomic"

// names is an index of a wide batch's columns by name. It is built after a few
// lookups, since building it costs more than one linear search. Batches are
// shared, so several goroutines may build it at the same time. While one
// goroutine is still building the batch, the index is extended along with it.
type names struct {
	asked atomic.Int32
	index atomic.Pointer[nameIndex]
}

type nameIndex struct {
	at   map[string]*Column
	cols int // number of indexed columns
}

// askedOften is how many lookups search linearly before the index is built.
const askedOften = 8

func (n *names) find(cols []*Column, name string) *Column {
	x := n.index.Load()
	if x == nil && n.asked.Add(1) <= askedOften {
		for _, c := range cols {
			if c.Name == name {
				return c
			}
		}
		return nil
	}
	if x == nil || x.cols > len(cols) {
		x = &nameIndex{at: make(map[string]*Column, len(cols))}
		x.extend(cols)
		n.index.Store(x)
	} else if x.cols < len(cols) {
		x.extend(cols)
	}
	return x.at[name]
}

// extend indexes the columns added since. The first of several with the same
// name wins.
func (x *nameIndex) extend(cols []*Column) {
	for _, c := range cols[x.cols:] {
		if _, ok := x.at[c.Name]; !ok {
			x.at[c.Name] = c
		}
	}
	x.cols = len(cols)
}
