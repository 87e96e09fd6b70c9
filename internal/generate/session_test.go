package generate

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/identity"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// staged is small with the sessions of every kind.
func staged() Config {
	cfg := small()
	cfg.Events, cfg.Sessions = MinEvents+500, true
	return cfg
}

// kindsOfSessions are the labels that stageSessions stages, and what types of
// actors they must show, over all of them.
var kindsOfSessions = []string{
	"sign-in-session", "console-session", "assumed-over-accounts", "source-identity", "source-identity-alone", "saml-session", "web-identity-session", "federation-token", "session-token",
	"assumed-root-session", "created-key", "idle-windows", "identity-center-session", "on-behalf-of", "oauth-token", "mcp-session", "root-session", "delegate", "instance-session",
	"service-linked-role", "anonymous", "foreign-account", "start-unknown", "start-by-name", "assumed-root-unknown", "federation-unknown",
}

// TestSessionsAreWhoTheLabelsSay: identity says of each staged event what its
// label says, whatever the order of the records and however they are split.
func TestSessionsAreWhoTheLabelsSay(t *testing.T) {
	t.Parallel()
	cfg := staged()
	plan, err := newTrail(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	sessions := plan.plot.sessions
	var all []*identity.Facts
	calls := map[string]*identity.Caller{} // by eventID
	if err := Stream(context.Background(), cfg, func(r []byte, _ time.Time) error {
		f := &identity.Facts{}
		if err := identity.Read(bytes.Clone(r), f); err != nil {
			return err
		}
		all = append(all, f)
		e := parse(t, r)
		calls[e.EventID] = &f.Caller
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	names, types, doubts, labelled := map[string]bool{}, map[string]bool{}, 0, map[string]bool{}
	for _, s := range sessions {
		names[s.Name], types[s.ActorType] = true, true
		if !s.Certain {
			doubts++
		}
		for _, id := range s.EventIDs {
			if calls[id] == nil || labelled[id] {
				t.Errorf("event %s of session %+v is not in the trail, or in two sessions", id, s)
			}
			labelled[id] = true
		}
	}
	for _, name := range kindsOfSessions {
		if !names[name] {
			t.Errorf("no session of the label %q", name)
		}
	}
	want := []string{"account", "anonymous", "assumed-root", "delegate", "federated-user", "iam-user", "identity-center-user", "oidc-user", "role", "root", "saml-user", "service"}
	if got := slices.Sorted(maps.Keys(types)); !slices.Equal(got, want) || doubts == 0 {
		t.Errorf("the labels have actors of the types %q, want %q; %d uncertain sessions", got, want, doubts)
	}

	check := func(fail func(format string, args ...any), trail *identity.Trail) {
		for _, s := range sessions {
			for _, id := range s.EventIDs {
				who := trail.Resolve(calls[id])
				got := Session{Name: s.Name, Actor: who.Actor, ActorType: who.Type, ID: who.Session, Chain: who.String(), Certain: who.Certain}
				exp := Session{Name: s.Name, Actor: s.Actor, ActorType: s.ActorType, ID: s.ID, Chain: s.Chain, Certain: s.Certain}
				if exp.ID == "" {
					got.ID = ""
				}
				if exp.Chain == "" {
					got.Chain = ""
				}
				if diff := cmp.Diff(exp, got); diff != "" {
					fail("event %s (-label +identity):\n%s", id, diff)
				}
			}
		}
	}
	trail := identity.NewTrail(0)
	for _, f := range all {
		trail.Add(f)
	}
	check(t.Errorf, trail)
	if t.Failed() {
		return
	}
	rapid.Check(t, func(rt *rapid.T) {
		random := random{rapid.Uint64().Draw(rt, "order")}
		parts := make([]*identity.Trail, rapid.IntRange(1, 5).Draw(rt, "parts"))
		for i := range parts {
			parts[i] = identity.NewTrail(0)
		}
		order := slices.Clone(all)
		for i := len(order) - 1; i > 0; i-- {
			j := int(random.below(uint64(i + 1)))
			order[i], order[j] = order[j], order[i]
		}
		for i, f := range append(order, order[:20]...) {
			parts[(i*7+int(random.below(2)))%len(parts)].Add(f)
		}
		for _, part := range parts[1:] {
			parts[0].Merge(part)
		}
		check(rt.Fatalf, parts[0])
	})
}

// TestOrdinaryCallersAreWhoTheyAre: identity says of every ordinary event what the
// actor that makes it is.
func TestOrdinaryCallersAreWhoTheyAre(t *testing.T) {
	t.Parallel()
	plan, err := newTrail(context.Background(), staged())
	if err != nil {
		t.Fatal(err)
	}
	type made struct {
		facts *identity.Facts
		who   verdict
	}
	var all []made
	trail := identity.NewTrail(0)
	add := func(raw []byte, who verdict) {
		f := &identity.Facts{}
		if err := identity.Read(bytes.Clone(raw), f); err != nil {
			t.Fatal(err)
		}
		trail.Add(f)
		if who.kind != "" {
			all = append(all, made{f, who})
		}
	}
	types := map[string]int{}
	for s := range plan.slots {
		for _, l := range plan.org.lanes {
			n := plan.noise(cell{l.index, s})
			for i := range int(n.count) {
				raw, _ := n.append(nil, i)
				add(raw, n.call.actor.who)
			}
			for _, sc := range plan.staged[cell{l.index, s}] {
				add(sc.record(nil), verdict{})
			}
		}
	}
	for _, m := range all {
		w := trail.Resolve(&m.facts.Caller)
		types[w.Type]++
		if w.Actor != m.who.actor || w.Type != m.who.kind || w.Certain != m.who.certain {
			t.Errorf("%s is %q, %s, certain %v; want %+v", m.facts.Caller.ARN, w.Actor, w.Type, w.Certain, m.who)
		}
	}
	for _, kind := range []string{"iam-user", "role", "identity-center-user", "service", "account"} {
		if types[kind] == 0 {
			t.Errorf("no caller of the type %s", kind)
		}
	}
}

// TestSessionsComeOnTop: everything else that is staged stays the same.
func TestSessionsComeOnTop(t *testing.T) {
	t.Parallel()
	cfg := staged()
	with, err := newTrail(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Sessions = false
	without, err := newTrail(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(with.plot.scenes) <= len(without.plot.scenes) {
		t.Fatalf("%d events are staged with sessions, %d without", len(with.plot.scenes), len(without.plot.scenes))
	}
	for i := range without.plot.scenes {
		if a, b := with.plot.scenes[i].record(nil), without.plot.scenes[i].record(nil); !bytes.Equal(a, b) {
			t.Fatalf("event %d with sessions:\n%s\nwithout:\n%s", i, a, b)
		}
	}
}

// TestSessionsFile: the file has a line for each session, and each event of the
// attacks that someone is behind is in one.
func TestSessionsFile(t *testing.T) {
	t.Parallel()
	tree, sum := smallTrail()
	listed := map[string]bool{}
	for line := range bytes.Lines(tree[SessionsFile]) {
		var s Session
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if s.First.After(s.Last) || s.Actor == "" || s.Account == "" {
			t.Errorf("session %+v", s)
		}
		for _, id := range s.EventIDs {
			listed[id] = true
		}
	}
	for _, l := range sum.Attacks {
		if l.Name == "identity-center-spray" || l.Name == "device-code-phished" {
			continue // ids of users whose names only other records may have
		}
		for _, id := range l.EventIDs {
			if !listed[id] {
				t.Errorf("event %s of %s is in no session", id, l.Name)
			}
		}
	}
}
