package seen

import "slices"

// table maps fingerprints to times: 16 bytes an entry, in shards that grow one by
// one, so that growing takes little memory and time.
type table struct {
	shards [shards]shard
	n      int
}

const (
	shardBits  = 8
	shards     = 1 << shardBits
	firstSlots = 16 // of a shard
)

// shard is a hash table with open addressing. Its length is a power of two.
type shard struct {
	slots []entry
	n     int
}

// entry is a slot of a table. Times are unix seconds, up to the year 2106.
type entry struct {
	print       uint64 // 0 = empty
	first, last uint32
}

// shard returns where a fingerprint belongs: the top bits choose the shard, the
// others the slot.
func (t *table) shard(print uint64) *shard { return &t.shards[print>>(64-shardBits)] }

func (s *shard) find(print uint64) (int, bool) {
	mask := uint64(len(s.slots) - 1)
	for i := print & mask; ; i = (i + 1) & mask {
		switch s.slots[i].print {
		case print:
			return int(i), true
		case 0:
			return int(i), false
		}
	}
}

func (t *table) get(print uint64) (entry, bool) {
	s := t.shard(print)
	if s.n == 0 {
		return entry{}, false
	}
	i, ok := s.find(print)
	return s.slots[i], ok
}

func (t *table) put(e entry) {
	s := t.shard(e.print)
	if s.n+1 > len(s.slots)*4/5 {
		s.resize(max(firstSlots, 2*len(s.slots)))
	}
	i, ok := s.find(e.print)
	s.slots[i] = e
	if !ok {
		s.n++
		t.n++
	}
}

func (s *shard) resize(slots int) {
	old := s.slots
	s.slots = make([]entry, slots)
	for _, e := range old {
		if e.print != 0 {
			i, _ := s.find(e.print)
			s.slots[i] = e
		}
	}
}

// remove deletes an entry and moves those behind it up, so that none is cut off from
// its place.
func (t *table) remove(print uint64) bool {
	s := t.shard(print)
	if s.n == 0 {
		return false
	}
	i, ok := s.find(print)
	if !ok {
		return false
	}
	mask := len(s.slots) - 1
	for j := i; ; {
		j = (j + 1) & mask
		e := s.slots[j]
		if e.print == 0 {
			break
		}
		if home := int(e.print) & mask; (j-home)&mask >= (j-i)&mask {
			s.slots[i], i = e, j
		}
	}
	s.slots[i] = entry{}
	s.n--
	t.n--
	return true
}

// thin drops an eighth of each shard: the entries that were last seen longest ago. It
// returns how many.
func (t *table) thin() int {
	dropped := 0
	for i := range t.shards {
		s := &t.shards[i]
		surplus := (s.n + 7) / 8
		if surplus == 0 {
			continue
		}
		var ages []uint32
		for _, e := range s.slots {
			if e.print != 0 {
				ages = append(ages, e.last)
			}
		}
		slices.Sort(ages)
		limit := ages[surplus-1] // entries before it go, and as many of those at it as needed
		at := surplus
		for at > 0 && ages[at-1] == limit {
			at--
		}
		at = surplus - at
		old := s.slots
		s.slots, s.n = make([]entry, len(old)), 0
		for _, e := range old {
			switch {
			case e.print == 0 || e.last < limit:
				continue
			case e.last == limit && at > 0:
				at--
				continue
			}
			j, _ := s.find(e.print)
			s.slots[j] = e
			s.n++
		}
		dropped += surplus
	}
	t.n -= dropped
	return dropped
}
