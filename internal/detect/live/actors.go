package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/identity"
	"bluetrail/internal/state"
)

// Kinds of state.Identity beside those of identity.Row.
const (
	evidenceKind = 'e' // actor.Row
	saidKind     = 'c' // what users say of an actor, as JSON
)

// said is what a user says of actors, as the state has it. The key is the actor.
type said struct {
	Class  actor.Class `json:"class"`
	Reason string      `json:"reason"`
	At     time.Time   `json:"at"`
}

// recallIdentity reads what the state has of callers.
func recallIdentity(x *state.Identity, trail *identity.Trail, book *actor.Book, list *[]actor.Override) error {
	switch x.Kind {
	case evidenceKind:
		return book.Restore(actor.Row{Key: x.Key, Value: x.Value})
	case saidKind:
		var s said
		if err := json.Unmarshal(x.Value, &s); err != nil {
			return fmt.Errorf("the class of actor %q cannot be read: %w", x.Key, err)
		}
		*list = append(*list, override(string(x.Key), s))
		return nil
	}
	return trail.Restore(identity.Row{Kind: identity.Kind(x.Kind), Key: string(x.Key), Value: x.Value})
}

func override(name string, s said) actor.Override {
	return actor.Override{Actor: name, Class: s.Class, Reason: s.Reason, By: "somebody, on " + s.At.UTC().Format(time.DateOnly) + ","}
}

// overrides joins what users say of actors with what the configuration says. Users take
// precedence, and among theirs, exact names do over patterns.
func overrides(own, configured []actor.Override) *actor.Overrides {
	own = slices.Clone(own)
	slices.SortStableFunc(own, func(a, b actor.Override) int {
		return strings.Count(a.Actor, "*") - strings.Count(b.Actor, "*")
	})
	return actor.NewOverrides(append(own, configured...))
}

// ReadBook reads what the state of a directory that no process has open tells of actors.
func ReadBook(db *state.DB, networks actor.Networks, configured []actor.Override) (*actor.Book, error) {
	trail := identity.NewTrail(0)
	book := actor.NewBook(networks, trail)
	var own []actor.Override
	err := db.Identities(func(x *state.Identity) error {
		_ = recallIdentity(x, trail, book, &own) // the server reports what is damaged
		return nil
	})
	book.Overrides = overrides(own, configured)
	return book, err
}

// Book calls f with what is known of actors by now. f must not keep it.
func (r *Rules) Book(f func(*actor.Book)) error {
	r.mu.Lock()
	s := r.sink
	r.mu.Unlock()
	if s == nil {
		return errNotOpen
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.book)
	return nil
}

// Desk triages findings with the rules that run and with what is known of actors by now.
func (r *Rules) Desk() *triage.Desk {
	return &triage.Desk{Rule: r.info, Actor: r.Opinion, Strange: r.Strange, Own: r.Own, Unusual: r.Unusual}
}

// info returns a rule that runs, nil if there is none of this ID.
func (r *Rules) info(id string) *rule.Info {
	rs := r.latest.Load()
	if i := rs.Find(id); i >= 0 {
		return &rs.Rules[i].Info
	}
	return nil
}

// Opinion is actor.Book.Opinion.
func (r *Rules) Opinion(name, kind string) (o actor.Opinion) {
	o.Class = actor.Unknown
	_ = r.Book(func(b *actor.Book) { o = b.Opinion(name, kind) }) // before the rules run, nothing is known
	return o
}

// Strange is actor.Book.Strange.
func (r *Rules) Strange(name, address string, at time.Time) (why string, ok bool) {
	_ = r.Book(func(b *actor.Book) { why, ok = b.Strange(name, address, at) }) // likewise
	return why, ok
}

// Own is actor.Book.Own.
func (r *Rules) Own(account string) (ok bool) {
	_ = r.Book(func(b *actor.Book) { ok = b.Own(account) }) // likewise
	return ok
}

// Unusual is actor.Book.Unusual.
func (r *Rules) Unusual(q actor.Question) (list []string, ok bool) {
	_ = r.Book(func(b *actor.Book) { list, ok = b.Unusual(q) }) // likewise
	return list, ok
}

// Bounds of what users say of actors.
const (
	MaxReason = 4 << 10
	mostSaid  = 10_000
)

// SetClass keeps what a user says of actors in the state. An empty class takes it back.
// After it, whoever has the state open has to call Heard.
func SetClass(db *state.DB, name string, class actor.Class, reason string, at time.Time) error {
	x := state.Identity{Kind: saidKind, Key: []byte(name)}
	if class != "" {
		var err error
		if x.Value, err = json.Marshal(said{class, reason, at}); err != nil {
			return err
		}
	}
	n := 0
	if err := db.Identities(func(x *state.Identity) error {
		if x.Kind == saidKind {
			n++
		}
		return nil
	}); err != nil {
		return err
	}
	if n >= mostSaid && class != "" {
		return errors.New("there are too many of them; use patterns")
	}
	return db.Write(func(tx *state.Tx) error { return tx.PutIdentities([]state.Identity{x}) })
}

// Heard takes over what SetClass has kept.
func (r *Rules) Heard(name string, class actor.Class, reason string, at time.Time) error {
	r.mu.Lock()
	s := r.sink
	r.mu.Unlock()
	if s == nil {
		return errNotOpen
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = slices.DeleteFunc(s.said, func(o actor.Override) bool { return o.Actor == name })
	if class != "" {
		s.said = append(s.said, override(name, said{class, reason, at}))
	}
	s.book.Overrides = overrides(s.said, r.cfg.Classes)
	return nil
}
