package incident

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"
)

// Counts are the numbers of events by value. What is beyond maxValues values, or the
// room of a summary, is only counted.
type Counts struct {
	list []Count
	at   map[string]int32 // places in list, once it is long
	last int              // place of the value that came last
	more int64
	room *room // of the values, shared by several; nil = without bound
}

// Count is a value and its number of events.
type Count struct {
	Value string
	N     int64
}

const (
	maxValues = 4096 // distinct values of one kind for one identity
	maxText   = 256  // bytes of one value
	topValues = 64   // values that Top returns
	linear    = 16   // values that are looked up without a map
)

// room is the memory that is left for a summary, whose workers share it, or for a
// trace. nil is without bound.
type room struct{ left atomic.Int64 }

// take reserves memory, as far as there is some.
func (r *room) take(n int) bool {
	if r == nil {
		return true
	}
	if r.left.Add(-int64(n)) >= 0 {
		return true
	}
	r.left.Add(int64(n))
	return false
}

func newRoom(n int64) *room {
	r := &room{}
	r.left.Store(n)
	return r
}

func (r *room) free(n int) {
	if r != nil {
		r.left.Add(int64(n))
	}
}

// cost is about what a value takes.
func (c *Count) cost() int { return 120 + len(c.Value) }

// find returns the place of a value, -1 if it is not there.
func (c *Counts) find(value string) int {
	if c.last < len(c.list) && c.list[c.last].Value == value {
		return c.last
	}
	if c.at != nil {
		if i, ok := c.at[value]; ok {
			return int(i)
		}
		return -1
	}
	return slices.IndexFunc(c.list, func(have Count) bool { return have.Value == value })
}

// put appends a value that is not there.
func (c *Counts) put(v Count) {
	c.list = append(c.list, v)
	switch {
	case c.at != nil:
		c.at[v.Value] = int32(len(c.list) - 1)
	case len(c.list) > linear:
		c.at = make(map[string]int32, 2*linear)
		for i := range c.list {
			c.at[c.list[i].Value] = int32(i)
		}
	}
}

// add counts an event with a value; "" is none.
func (c *Counts) add(value string) {
	if value == "" {
		return
	}
	value = short(value)
	if i := c.find(value); i >= 0 {
		c.list[i].N++
		c.last = i
		return
	}
	v := Count{value, 1}
	if len(c.list) >= maxValues || !c.room.take(v.cost()) {
		c.more++
		return
	}
	v.Value = strings.Clone(value)
	c.put(v)
}

// merge adds the numbers of another, whose values are those of the same room.
func (c *Counts) merge(o *Counts) {
	c.more += o.more
	for _, v := range o.list {
		if i := c.find(v.Value); i >= 0 {
			c.list[i].N += v.N
		} else if len(c.list) < maxValues {
			c.put(v)
			continue
		} else {
			c.more += v.N
		}
		c.room.free(v.cost())
	}
}

// sorted returns the values, most frequent first.
func (c *Counts) sorted() []Count {
	list := slices.Clone(c.list)
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Value, b.Value)) })
	return list
}

// Top returns the most frequent values, the first of them first.
func (c *Counts) Top() []Count {
	list := c.sorted()
	return list[:min(len(list), topValues)]
}

// Len is the number of values that are known.
func (c *Counts) Len() int { return len(c.list) }

// Unknown is the number of events with values that are not known.
func (c *Counts) Unknown() int64 { return c.more }

// More is the number of events with values that are not in Top.
func (c *Counts) More() int64 {
	n := c.more
	if len(c.list) > topValues {
		for _, v := range c.sorted()[topValues:] {
			n += v.N
		}
	}
	return n
}

// short cuts a long text.
func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}
