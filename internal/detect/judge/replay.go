package judge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"

	"github.com/cespare/xxhash/v2"
)

// ReplayOptions make a Replayer. Found is not used.
type ReplayOptions struct {
	Options

	// Prints tell, by position, whether a rule and those that it refers to are the
	// same as before: the state of a rule with another print is foreign.
	Prints []string

	// Lateness is how long a match may arrive after one of a later event and still be
	// judged in its place.
	Lateness time.Duration

	// Stored returns the finding of an event rule that was handed out before and is no
	// longer in the state, nil for none. It gets further events. nil = there are none.
	Stored func(id string) (*finding.Finding, error)
}

// Replayer makes findings of matches that come in any order. What it has said so far
// is always that of a Judge that was fed the same matches in order, as long as none
// comes later than the lateness. It is for one goroutine.
type Replayer struct {
	*ruleset
	o         ReplayOptions
	ids       map[string]int   // of trees, by the ID of their rules
	positions map[string]int32 // of all rules, likewise
	lives     map[place][]*life
	entries   map[mark]*entry
	arrived   []*entry // in the order in which they came, for folding
	touched   []*life  // since the last Judge
	waiting   []*life  // with findings that were not handed out again since they grew
	flush     bool     // nothing waits

	fresh    []*entry  // that are in no parcel yet
	changed  []*parcel // that are to be written again
	obsolete []int64   // numbers of parcels that are to be deleted
	next     int64     // number of a parcel

	stale   []*life // whose bases are to be written, or deleted
	scratch Stats   // of what is computed again
	size    int     // groups and findings in all lives
	held    int     // events in all lives
	again   bool    // who is behind the matches has to be asked again

	restored bool // since the last Judge or Add
	swept    time.Time
	err      error // of Stored
}

// mark names an event, in the order of match.Compare.
type mark struct {
	Time int64
	ID   [16]byte
}

func markOf(m *match.Match) mark { return mark{m.Time, m.ID} }

func (a mark) compare(b mark) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.ID[:], b.ID[:]))
}

// entry is a match that lies in tails.
type entry struct {
	*event
	lives  []*life
	parcel *parcel // nil = it is in none yet
}

// Delta is what Judge changed.
type Delta struct {
	Findings []Written // new ones, and those that differ from what was handed out before
	Gone     []string  // IDs of findings that were handed out and are none any more
	Units    []UnitRow
	Waiting  []WaitingRow
}

// Written is a finding with its encoding. Both are valid until the Replayer is used
// again.
type Written struct {
	*finding.Finding
	Body []byte // JSON
}

// NewReplayer returns a Replayer for the rules. Those that cannot run are returned as
// faults.
func NewReplayer(o ReplayOptions) (*Replayer, []Fault) {
	s, faults := compileAll(&o.Options)
	r := &Replayer{ruleset: s, o: o, ids: map[string]int{}, positions: map[string]int32{}, lives: map[place][]*life{}, entries: map[mark]*entry{}, next: 1}
	for i, t := range s.trees {
		r.ids[t.info.ID] = i
	}
	for i := range o.Rules {
		r.positions[o.Rules[i].Info.ID] = int32(i)
	}
	return r, faults
}

// Stats returns what was counted so far. What is left out of a judgement counts once
// its lateness is over.
func (r *Replayer) Stats() Stats { return *r.stats }

// Size says what the Replayer holds: units of state, and matches behind the horizon.
func (r *Replayer) Size() (units, matches int) {
	for _, ls := range r.lives {
		units += len(ls)
	}
	return units, len(r.entries)
}

// Units returns how many units of state each rule has, by its ID.
func (r *Replayer) Units() map[string]int {
	n := map[string]int{}
	for p, ls := range r.lives {
		n[r.trees[p.tree].info.ID] += len(ls)
	}
	return n
}

// Add takes a match, and keeps it. Judge tells what follows from it.
func (r *Replayer) Add(m *match.Match) {
	if err := r.settle(); err != nil {
		r.err = cmp.Or(r.err, err)
	}
	at := markOf(m)
	if r.entries[at] != nil {
		r.stats.Doubles++
		return
	}
	e := &event{m, r.resolve(m.Caller)}
	places := r.places(nil, e, r.stats)
	if len(places) == 0 {
		return
	}
	en := &entry{event: e}
	r.entries[at] = en
	r.arrived = append(r.arrived, en)
	r.fresh = append(r.fresh, en)
	for _, p := range places {
		r.insert(en, p)
	}
}

// insert puts an entry into a unit.
func (r *Replayer) insert(en *entry, p place) {
	at, behind := markOf(en.Match), false
	var to *life
	for _, l := range r.lives[p] {
		behind = behind || l.folded && at.compare(l.last) <= 0
		if l.takes(at) && (to == nil || to.last.compare(l.last) < 0) {
			to = l
		}
	}
	if behind {
		r.stats.Late++
	}
	if to == nil {
		if ls := r.lives[p]; len(ls) == maxEras {
			to = slices.MinFunc(ls, func(a, b *life) int { return a.last.compare(b.last) })
		} else {
			to = r.begin(p, r.era(p))
			switch known, err := to.reopen(r.o.Stored); {
			case err != nil:
				r.err = cmp.Or(r.err, err)
			case known:
				r.store(to)
			}
		}
	}
	r.touch(to)
	to.insert(en, r)
	en.lives = append(en.lives, to)
	r.rewrite(en)
}

// maxEras bounds the lives of a unit that go on side by side. Further matches behind
// all of them are judged out of order.
const maxEras = 8

// era returns the lowest number that no life of a unit has.
func (r *Replayer) era(p place) int {
	for n := 0; ; n++ {
		if !slices.ContainsFunc(r.lives[p], func(l *life) bool { return l.era == n }) {
			return n
		}
	}
}

func (r *Replayer) begin(p place, era int) *life {
	t := r.trees[p.tree]
	l := &life{place: p, era: era, base: newUnit(t, p.key)}
	r.lives[p] = append(r.lives[p], l)
	return l
}

func (r *Replayer) touch(l *life) {
	if !l.touched {
		l.touched = true
		r.touched = append(r.touched, l)
	}
}

// Reresolve says that more is known about who called. The next Judge asks again for
// all matches that are not yet folded.
func (r *Replayer) Reresolve() { r.again = true }

func (r *Replayer) reresolve() {
	r.again = false
	for at, en := range r.entries {
		e := &event{en.Match, r.resolve(en.Caller)}
		if e.who == en.who {
			continue
		}
		was, places := r.places(nil, en.event, &r.scratch), r.places(nil, e, &r.scratch)
		en.event = e
		r.rewrite(en) // its row holds who called
		for _, l := range slices.Clone(en.lives) {
			r.touch(l)
			l.head = nil
			if !slices.Contains(places, l.place) {
				r.remove(en, l)
			}
		}
		for _, p := range places {
			if !slices.Contains(was, p) { // else it is there, or folded
				r.insert(en, p)
			}
		}
		if len(en.lives) == 0 {
			delete(r.entries, at)
		}
	}
}

// remove takes an entry out of a life's tail.
func (r *Replayer) remove(en *entry, l *life) {
	at := markOf(en.Match)
	if i, ok := l.find(at); ok {
		l.tail = slices.Delete(l.tail, i, i+1)
	}
	en.lives = slices.DeleteFunc(en.lives, func(x *life) bool { return x == l })
	r.rewrite(en)
}

// Judge brings the findings up to date and folds what arrived longer ago than the
// lateness. Whoever calls it stores the Delta, or gives up the Replayer. The error is
// that of the context or of Stored.
func (r *Replayer) Judge(ctx context.Context, now time.Time) (*Delta, error) {
	if r.err != nil {
		return nil, r.err
	}
	if err := r.settle(); err != nil {
		return nil, err
	}
	if r.again {
		r.reresolve()
	}
	d := &Delta{}
	var long []*life
	for _, l := range r.touched {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.touched = false
		if len(l.tail) > maxTail {
			long = append(long, l)
		}
		if err := r.update(l, d, now, false); err != nil {
			return nil, err
		}
	}
	r.touched = r.touched[:0]
	waiting := r.waiting
	r.waiting = nil
	for _, l := range waiting {
		if l.listed = false; l.waits && !l.gone {
			if err := r.update(l, d, now, false); err != nil {
				return nil, err
			}
		}
	}
	if err := r.fold(now, d); err != nil {
		return nil, err
	}
	if now.Sub(r.swept) >= sweepEvery || now.Before(r.swept) {
		r.swept = now
		r.sweep(now.Add(-r.o.Lateness).UnixNano())
	}
	if err := r.evict(long, d, now); err != nil {
		return nil, err
	}
	r.rows(d)
	return d, r.err
}

// Flush is Judge with nothing left waiting, for the end of a process.
func (r *Replayer) Flush(ctx context.Context, now time.Time) (*Delta, error) {
	r.flush = true
	defer func() { r.flush = false }()
	return r.Judge(ctx, now)
}

// settle computes what was handed out before the state was restored, so that what
// comes now can be compared with it.
func (r *Replayer) settle() error {
	if !r.restored {
		return nil
	}
	r.restored, r.again = false, true
	slices.SortStableFunc(r.arrived, func(a, b *entry) int { return cmp.Compare(a.Arrival, b.Arrival) })
	touched := slices.Clone(r.touched)
	r.touched = r.touched[:0]
	for _, l := range touched {
		l.touched = false
		if err := r.update(l, &Delta{}, time.Time{}, true); err != nil {
			return err
		}
		for id := range l.sent { // it may have waited to be handed out again
			l.sent[id] = sent{}
			l.head.open[id].changed = true
		}
		r.touch(l)
	}
	return nil
}

// sweepEvery is how often units are looked for that are as good as new.
const sweepEvery = time.Minute

// Pending reports whether findings have grown that are to be handed out with a later
// Judge, so that it is worth calling when no matches come.
func (r *Replayer) Pending() bool { return len(r.waiting) > 0 }

// A finding that grows is handed out again when it has grown by a quarter, or after a
// while: a large one is not written for each event.
const (
	growth = 4
	wait   = 10 * time.Second
)

// update replays a life whose order was disturbed, and tells what it finds. With whole,
// nothing waits.
func (r *Replayer) update(l *life, d *Delta, now time.Time, whole bool) error {
	replayed := l.head == nil
	if replayed {
		r.replay(l)
	}
	r.weigh(l)
	l.waits = false
	for _, id := range slices.Sorted(maps.Keys(l.head.open)) {
		o := l.head.open[id]
		if !replayed && !o.changed {
			continue
		}
		was, known := l.sent[id]
		if known && !whole && !r.flush && o.Count > was.count && o.Count-was.count < was.count/growth && now.Sub(was.at).Abs() < wait {
			if l.waits = true; !l.listed {
				l.listed = true
				r.waiting = append(r.waiting, l)
			}
			o.changed = true
			continue
		}
		o.changed = false
		o.Describe(l.base.tree.info.Message)
		body, err := json.Marshal(o.Finding)
		if err != nil {
			return err
		}
		sum := xxhash.Sum64(body)
		if known && was.sum == sum {
			continue
		}
		if l.sent == nil {
			l.sent = map[string]sent{}
		}
		l.sent[id] = sent{sum, o.Count, now}
		d.Findings = append(d.Findings, Written{o.Finding, body})
	}
	if replayed {
		for id := range l.sent {
			if l.head.open[id] == nil {
				delete(l.sent, id)
				d.Gone = append(d.Gone, id)
			}
		}
	}
	return nil
}

// replay computes the newest state of a life from its base.
func (r *Replayer) replay(l *life) {
	l.head, l.over = l.base.clone(), nil
	for _, en := range l.tail {
		l.step(en.event, r)
	}
}
