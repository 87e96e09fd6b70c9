package auth

import (
	"context"
	"sync"
	"time"

	"bluetrail/internal/state"
)

// journal writes what people do. What many do at the same time is committed together,
// because each commit waits for the disk.
type journal struct {
	db   *state.DB
	turn sync.Mutex // of who commits

	mu   sync.Mutex
	next *group
}

// group is what is committed together.
type group struct {
	list []state.Action
	done bool
	err  error
}

// record writes an action durably.
func (j *journal) record(a state.Action) error {
	j.mu.Lock()
	if j.next == nil {
		j.next = &group{}
	}
	g := j.next
	g.list = append(g.list, a)
	j.mu.Unlock()
	j.turn.Lock()
	defer j.turn.Unlock()
	if g.done { // somebody who had the turn has committed it
		return g.err
	}
	j.mu.Lock()
	j.next = nil
	j.mu.Unlock()
	g.err = j.db.Write(func(tx *state.Tx) error {
		for _, a := range g.list {
			if err := tx.Audit(a); err != nil {
				return err
			}
		}
		return nil
	})
	g.done = true
	return g.err
}

// Bounds of what is kept of an action, in bytes.
const (
	maxAuditWord = 256
	maxAuditText = 16 << 10
)

// Record writes what somebody did, durably.
func (p *People) Record(a state.Action) error {
	if a.Time == 0 {
		a.Time = p.now().UnixMilli()
	}
	a.Who, a.Action, a.Kind, a.Object, a.Text = cut(a.Who, maxAuditWord), cut(a.Action, maxAuditWord), cut(a.Kind, maxAuditWord), cut(a.Object, maxAuditWord), cut(a.Text, maxAuditText)
	err := p.journal.record(a)
	if err != nil && p.opt.Log != nil {
		p.opt.Log.Error("the audit log cannot be written", "action", a.Action, "err", err)
	}
	return err
}

const (
	// refusedEvery is how often the same refusal is recorded at most.
	refusedEvery = time.Minute
	maxRefused   = 1000
)

// Refused records that somebody who is signed in may not do something; the same once a
// minute.
func (p *People) Refused(who *Principal, peer Peer, what string) {
	key := who.Name + " " + what
	now := p.now()
	p.mu.Lock()
	last, again := p.refuse[key]
	again = again && now.Sub(last) < refusedEvery
	if !again {
		if len(p.refuse) >= maxRefused {
			clear(p.refuse)
		}
		p.refuse[key] = now
	}
	p.mu.Unlock()
	if !again {
		p.Record(state.Action{Who: who.Name, Action: "refused", Kind: "request", Object: what, Text: who.Via + " from " + peer.Addr.String()})
	}
}

// Audit returns a page of the audit log, the newest first, and the total number.
func (p *People) Audit(ctx context.Context, f state.AuditFilter) ([]state.Action, int, error) {
	return p.db.AuditPage(ctx, f)
}
