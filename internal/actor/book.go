package actor

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/identity"
)

// Book is what is known of all actors: a function of the events that it was told of and
// of the trail that says who is behind them. It is not safe for concurrent use.
type Book struct {
	Networks  Networks
	Overrides *Overrides // what users say; nil = nothing

	trail   *identity.Trail
	rows    map[who]*row
	changed map[who]bool    // nil until Changed is called
	index   map[name][]*row // by actor; nil = it is to be made anew
	kinds   map[string][]string
	whole   map[name]*Evidence // of actors that have several rows, as far as they were asked for
	own     map[uint64]bool    // keys of the accounts of rows; nil = to be made anew
	dropped int
}

// name is a resolved actor and its type.
type name struct{ name, kind string }

// NewBook returns an empty book. trail may know more later.
func NewBook(networks Networks, trail *identity.Trail) *Book {
	return &Book{Networks: networks, trail: trail, rows: map[who]*row{}}
}

// Dropped returns how many principals were forgotten to keep to the bound, those with the
// fewest calls first.
func (b *Book) Dropped() int { return b.dropped }

// Len returns how many principals there are.
func (b *Book) Len() int { return len(b.rows) }

// Take takes what a worker has gathered, whose Recorder is empty afterwards.
func (b *Book) Take(r *Recorder) {
	r.flush()
	for _, s := range r.rows {
		b.put(s)
	}
	b.dropped += r.dropped
	if r.links {
		b.index, b.whole = nil, nil
	}
	r.reset()
}

// put adds a row, which is the book's afterwards.
func (b *Book) put(s *row) {
	b.own = nil
	if own := b.rows[s.who]; own != nil {
		own.Merge(&s.Evidence)
		if own.caller.ARN == "" && s.caller.ARN != "" {
			own.caller, b.index = s.caller, nil
		}
	} else {
		b.rows[s.who] = s
		b.index = nil
	}
	b.whole = nil
	b.touch(s.who)
	if len(b.rows) > mostRows {
		b.dropped += shrink(b.rows, b.behind, b.touch)
		b.index, b.whole = nil, nil
	}
}

func (b *Book) touch(w who) {
	if b.changed != nil {
		b.changed[w] = true
	}
}

// behind returns who is behind a principal, and what that says of the actor. A nil book
// knows only the records.
func (b *Book) behind(s *row) (n name, signs Sign) {
	if s.who.kind == foldedKind {
		return name{s.who.principal, s.who.name}, 0
	}
	var trail *identity.Trail
	if b != nil {
		trail = b.trail
	}
	w, _ := trail.ResolvePrincipal(&s.caller)
	if s.caller.Type == "WebIdentityUser" {
		signs |= providerSign(s.caller.Provider)
	}
	if w.Type == identity.TypeRole {
		if last := len(w.Chain) - 1; last > 0 && strings.HasSuffix(w.Chain[last].Name, ".amazonaws.com") {
			signs |= starterSign(w.Chain[last].Name)
		}
		if _, session, _ := strings.Cut(s.caller.PrincipalID, ":"); instanceID(session) {
			signs |= SignCompute
		}
	}
	return name{w.Actor, w.Type}, signs
}

func instanceID(s string) bool {
	id, ok := strings.CutPrefix(s, "i-")
	return ok && len(id) >= 8 && strings.Trim(id, "0123456789abcdef") == ""
}

// find makes the index if necessary.
func (b *Book) find() {
	if b.index != nil {
		return
	}
	b.index, b.kinds, b.whole = map[name][]*row{}, map[string][]string{}, nil
	for _, s := range b.rows {
		n, signs := b.behind(s)
		s.signs |= signs
		b.index[n] = append(b.index[n], s)
	}
	for n := range b.index {
		b.kinds[n.name] = append(b.kinds[n.name], n.kind)
	}
	for _, kinds := range b.kinds {
		slices.Sort(kinds)
	}
}

// Of returns what is known of an actor, nil if there is nothing. kind is as in
// identity.Who; "" = any. What it returns must not be changed.
func (b *Book) Of(actor, kind string) *Evidence {
	b.find()
	n := name{actor, kind}
	if e := b.whole[n]; e != nil {
		return e
	}
	kinds := []string{kind}
	if kind == "" {
		kinds = b.kinds[actor]
	}
	var list []*row
	for _, k := range kinds {
		list = append(list, b.index[name{actor, k}]...)
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return &list[0].Evidence
	}
	all := &Evidence{}
	for _, s := range list {
		all.Merge(&s.Evidence)
	}
	if b.whole == nil {
		b.whole = map[name]*Evidence{}
	}
	b.whole[name{strings.Clone(actor), strings.Clone(kind)}] = all
	return all
}

// Each calls f for all actors, sorted by name.
func (b *Book) Each(f func(actor, kind string, e *Evidence)) {
	b.find()
	for _, n := range slices.SortedFunc(maps.Keys(b.index), func(x, y name) int { return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.kind, y.kind)) }) {
		f(n.name, n.kind, b.Of(n.name, n.kind))
	}
}

// Opinion says what is thought of an actor. kind is as in identity.Who; "" = any.
func (b *Book) Opinion(actor, kind string) Opinion {
	if o, ok := b.Overrides.of(actor); ok {
		return o
	}
	if b.find(); kind == "" && len(b.kinds[actor]) > 0 {
		kind = b.kinds[actor][0]
	}
	return Classify(actor, kind, b.Of(actor, kind))
}

// Own reports whether the trail has records that were delivered to an account. CloudTrail
// names the account in recipientAccountId, which no caller can choose: a foreign
// account's records only come with a trail of its own.
func (b *Book) Own(account string) bool {
	if b.own == nil {
		b.own = map[uint64]bool{}
		for _, s := range b.rows {
			for i := range s.accounts.list {
				b.own[s.accounts.list[i].key] = true
			}
		}
	}
	return b.own[hash(account)]
}

// Networks that an actor calls from for less than newFor are new, unless it called from
// nowhere else before.
const (
	newFor   = 7 * 24 * time.Hour
	newAfter = time.Hour
)

// Strange says why a call of an actor at a time came from a network that is new for the
// actor. ok is false where it is not, or where the address is none.
func (b *Book) Strange(actor, address string, at time.Time) (why string, ok bool) {
	n := b.Networks.of(address)
	e := b.Of(actor, "")
	if n == nil || e == nil || e.Calls == 0 {
		return "", false
	}
	was, sure := e.networks.find(n.key())
	switch {
	case was == nil && sure:
		return address + " is in " + n.String() + ", where the actor never called from", true
	case was == nil:
		return address + " is one of very many networks that the actor calls from", true
	case was.first < e.First+int64(newAfter/time.Second) || was.first < at.Add(-newFor).Unix():
		return "", false
	}
	return address + " is in " + n.String() + ", where the actor calls from only since " + time.Unix(was.first, 0).UTC().Format(time.RFC3339), true
}
