package vector

import "sync/atomic"

// names finds the columns of a wide batch by name. It is made once a few of them
// were asked for, since to make it costs more than to go through all columns
// once. Batches are shared, so it may be made by several goroutines at a time;
// while a batch is being built, which one goroutine does, it follows.
type names struct {
	asked atomic.Int32
	index atomic.Pointer[nameIndex]
}

type nameIndex struct {
	at   map[string]*Column
	cols int // how many columns are in it
}

// askedOften is how many columns are looked for one by one before there is an
// index.
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

// extend adds the columns that came since; of those with the same name the first
// one is found.
func (x *nameIndex) extend(cols []*Column) {
	for _, c := range cols[x.cols:] {
		if _, ok := x.at[c.Name]; !ok {
			x.at[c.Name] = c
		}
	}
	x.cols = len(cols)
}
