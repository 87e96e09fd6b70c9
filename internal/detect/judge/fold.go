package judge

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// weigh counts what a life holds.
func (r *Replayer) weigh(l *life) {
	size, held := l.base.size(), l.base.held+len(l.tail)
	if l.head != nil {
		size, held = size+l.head.size(), held+l.head.held
	}
	r.size += size - l.size
	r.held += held - l.held
	l.size, l.held = size, held
}

// fold moves what arrived before the horizon from the tails into their bases.
func (r *Replayer) fold(now time.Time, d *Delta) error {
	return r.foldUpto(now.Add(-r.o.Lateness).UnixNano(), foldAtOnce, d, now)
}

// foldUpto moves what arrived up to a time, where at least a number of matches of a
// unit did, or all.
func (r *Replayer) foldUpto(horizon int64, least int, d *Delta, now time.Time) error {
	var due []*life
	n := 0
	for ; n < len(r.arrived) && r.arrived[n].Arrival <= horizon; n++ {
		for _, l := range r.arrived[n].lives {
			if !l.due {
				l.due = true
				due = append(due, l)
			}
		}
	}
	r.arrived = slices.Delete(r.arrived, 0, n)
	for _, l := range due {
		l.due = false
		k := 0
		for k < len(l.tail) && l.tail[k].Arrival <= horizon {
			k++
		}
		if k == len(l.tail) || k >= least {
			if err := r.foldSome(l, k, d, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// Units are folded when this many matches are due, or all: the base is then written
// anew.
const foldAtOnce = 64

// maxTail bounds the matches that a unit has to replay. Beyond it the oldest half is
// folded before its lateness is over.
const maxTail = 20_000

// foldSome moves the first matches of a tail into the base.
func (r *Replayer) foldSome(l *life, k int, d *Delta, now time.Time) error {
	if k == 0 {
		return nil
	}
	if l.waits {
		if err := r.update(l, d, now, true); err != nil {
			return err
		}
	}
	for _, en := range l.tail[:k] {
		l.base.step(&r.environment, en.event)
		at := markOf(en.Match)
		if !l.folded || l.last.compare(at) < 0 {
			l.folded, l.last = true, at
		}
		r.rewrite(en)
		en.lives = slices.DeleteFunc(en.lives, func(x *life) bool { return x == l })
		if len(en.lives) == 0 {
			delete(r.entries, at)
		}
	}
	l.tail = slices.Delete(l.tail, 0, k)
	for _, f := range l.base.close(l.last.Time) {
		delete(l.sent, f.ID)
		if l.head != nil {
			l.head.discard(f.ID)
		}
	}
	l.base.prune(l.last.Time)
	if len(l.tail) == 0 {
		l.head, l.over = nil, nil
	}
	r.store(l)
	r.weigh(l)
	return nil
}

// store notes that a base has to be written.
func (r *Replayer) store(l *life) {
	if !l.stale {
		l.stale = true
		r.stale = append(r.stale, l)
	}
}

// sweep drops units that no match can concern any more.
func (r *Replayer) sweep(horizon int64) {
	for _, ls := range r.lives {
		for _, l := range slices.Clone(ls) {
			// Old files may come as slowly as the trail.
			if len(l.tail) == 0 && max(l.base.expire, l.arrived+l.base.tree.span()) < horizon {
				r.drop(l)
			}
		}
	}
}

// drop forgets a life.
func (r *Replayer) drop(l *life) {
	r.size -= l.size
	r.held -= l.held
	l.size, l.held, l.gone = 0, 0, true
	if ls := slices.DeleteFunc(r.lives[l.place], func(x *life) bool { return x == l }); len(ls) > 0 {
		r.lives[l.place] = ls
	} else {
		delete(r.lives, l.place)
	}
	r.store(l)
}

// evict folds early what there is too much of. If that does not suffice, it gives up the
// units that were idle longest. long are lives whose tails have become too long.
func (r *Replayer) evict(long []*life, d *Delta, now time.Time) error {
	for _, l := range long {
		if over := len(l.tail) - maxTail; over > 0 {
			r.stats.Hurried += int64(len(l.tail) / 2)
			if err := r.foldSome(l, len(l.tail)/2, d, now); err != nil {
				return err
			}
		}
	}
	if r.held > r.limits.Held && len(r.arrived) > 0 { // rather judge matches early than give up units
		n := len(r.entries)
		if err := r.foldUpto(r.arrived[len(r.arrived)/2].Arrival, 1, d, now); err != nil {
			return err
		}
		r.stats.Hurried += int64(n - len(r.entries))
	}
	if r.size <= r.limits.Groups && r.held <= r.limits.Held {
		return nil
	}
	var all []*life
	for _, ls := range r.lives {
		all = append(all, ls...)
	}
	slices.SortFunc(all, func(a, b *life) int {
		return cmp.Or(cmp.Compare(a.arrived, b.arrived), cmp.Compare(a.tree, b.tree), cmp.Compare(a.key, b.key), cmp.Compare(a.era, b.era))
	})
	for _, l := range all {
		if r.size <= r.limits.Groups/10*9 && r.held <= r.limits.Held/10*9 {
			break
		}
		if err := r.foldSome(l, len(l.tail), d, now); err != nil {
			return err
		}
		r.stats.Evicted++
		for id := range l.base.open {
			if _, ok := l.sent[id]; ok {
				d.Gone = append(d.Gone, id)
			}
		}
		for _, f := range l.base.cut() {
			body, err := json.Marshal(f)
			if err != nil {
				return err
			}
			d.Findings = append(d.Findings, Written{f, body})
		}
		r.drop(l)
	}
	return nil
}
