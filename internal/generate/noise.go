package generate

// noise makes the ordinary events of one lane and slot.
type noise struct {
	trail *trail
	cell  cell
	lane  *lane
	at    int64
	count uint32
	upTo  [crewCount]uint64 // running sums of the crews' weights
	late  int               // from this event on they are delivered so late that it is marked
	call  call
}

func (t *trail) noise(c cell) *noise {
	n := &noise{trail: t, cell: c, lane: t.org.lanes[c.lane], at: t.first + int64(c.slot)*slot, count: t.count(c)}
	n.late = int(n.count)
	if held, delay := t.held(c); delay >= lateBy {
		n.late -= held
	}
	var sum uint64
	for crew, w := range t.weights(n.lane, n.at, &t.sums) {
		sum += w
		n.upTo[crew] = sum
	}
	return n
}

// append appends the slot's i-th event, 0 to count-1, and returns its time.
// Times rise with i. The same i always gives the same bytes.
func (n *noise) append(b []byte, i int) ([]byte, int64) {
	seed := mix(n.trail.seed, uint64(n.cell.lane), uint64(n.cell.slot), uint64(i))
	c := &n.call
	step := slot * uint64(i) / uint64(n.count)
	width := slot*uint64(i+1)/uint64(n.count) - step
	*c = call{lane: n.lane, seed: seed, time: n.at + int64(step+within(mix(seed, saltTime), max(width, 1)))}
	c.actor = n.pickActor(mix(seed, saltActor))
	c.kind = c.actor.repertoire.pick(mix(seed, saltKind))
	c.source = choose(c.actor.sources, mix(seed, saltSource))
	if i >= n.late {
		c.addendum = lateAddendum
	}
	c.agent = choose(c.actor.agents, mix(seed, saltAgent))
	return c.record(b, c.actor.repertoire.failure(c.kind, mix(seed, saltFault))), c.time
}

func (n *noise) pickActor(h uint64) *actor {
	at := within(h, n.upTo[crewCount-1])
	crew := 0
	for at >= n.upTo[crew] {
		crew++
	}
	actors := n.lane.crews[crew].actors
	a := actors[n.rank(crew, h, len(actors))]
	if a.person == nil {
		return a
	}
	// People are asked until one is found who is likely to be at work.
	for try := uint64(1); try < 16; try++ {
		if within(mix(h, try), 100) < a.person.office.activity(n.at)+1 {
			break
		}
		a = actors[n.rank(crew, mix(h, try, 1), len(actors))]
	}
	return a
}

// rank picks an actor's place; services take turns by their place in the list,
// the others more evenly.
func (n *noise) rank(crew int, h uint64, actors int) int {
	if crew == crewServices {
		return skewed(scramble(h), actors)
	}
	return int(within(scramble(h), uint64(actors)))
}

func choose(list []string, h uint64) string { return list[within(h, uint64(len(list)))] }
