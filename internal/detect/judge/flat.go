package judge

import (
	"bluetrail/internal/detect/judge/seen"
)

// flat reports whether a correlation counts the events of a single rule and nothing
// else, as most do. Then an event of a unit belongs to its only group.
func (n *node) flat() bool { return n.at == 0 && len(n.refs) == 1 && n.refs[0].child == nil }

// cache is what units that step one after the other share.
type cache struct {
	packs map[string]string // packed tuples of one value, by the value
	hit   hit
	hits  [1]*hit
}

// maxPacks bounds the tuples that are remembered, with up to 2 maxKey bytes each.
const maxPacks = 1 << 13

func newCache() *cache { return &cache{packs: map[string]string{}} }

// pack is seen.Pack of one value, shortened.
func (c *cache) pack(value string) string {
	if len(value) > maxKey {
		return seen.Pack([]string{shorten(value)})
	}
	key, ok := c.packs[value]
	if !ok {
		if len(c.packs) >= maxPacks {
			clear(c.packs)
		}
		key = seen.Pack([]string{value})
		c.packs[key[len(key)-len(value):]] = key // shares its text
	}
	return key
}

// tuples returns the packed tuples with one value of each list.
func (c *cache) tuples(lists [][]string, stats *Stats) []string {
	if len(lists) == 1 && len(lists[0]) == 1 {
		return []string{c.pack(lists[0][0])}
	}
	var out []string
	for _, t := range combine(lists, stats) {
		out = append(out, seen.Pack(t))
	}
	return out
}

var firstRef = []int32{0}

// flatHits is hits of a flat node. It is valid until the next call.
func (n *node) flatHits(u *unit, env *environment, e *event) []*hit {
	if !e.has(n.refs[0].rule) {
		return nil
	}
	c := env.cache
	h := &c.hit
	*h = hit{key: u.key, item: item{time: e.Time, refs: firstRef, n: 1, events: []*event{e}}, direct: true}
	if len(n.Fields) > 0 && !n.read(&h.item, read(n.refs[0].fields, e, nil), env) {
		return nil
	}
	if g := u.groups[0][u.key]; g != nil {
		h.values = g.values
	} else {
		h.values = seen.Unpack(u.key)
	}
	c.hits[0] = h
	return c.hits[:]
}

// read sets the tuples or numbers of an item, false if there are none.
func (n *node) read(it *item, lists [][]string, env *environment) bool {
	if n.Type == ValueCount || n.Type == FirstSeen {
		it.tuples = env.cache.tuples(lists, env.stats)
	} else {
		it.nums = numbers(lists, env.stats)
	}
	if len(it.tuples)+len(it.nums) == 0 {
		env.stats.NoValue++
		return false
	}
	return true
}
