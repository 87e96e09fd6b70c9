package generate

import (
	"strings"
	"time"
)

// Session says who is behind the events of one session, as whoever follows its
// credentials through the whole trail has to find.
type Session struct {
	Name      string `json:"name"`                 // of the label that has the events
	Actor     string `json:"actor"`                // the first human or robot
	ActorType string `json:"actor_type"`           // iam-user, root, role, identity-center-user…
	ID        string `json:"session_id,omitempty"` // empty if other calls of the trail decide
	// Chain is the way from the caller back to the actor in words, empty if other
	// calls of the trail decide.
	Chain    string    `json:"actor_chain,omitempty"`
	Certain  bool      `json:"certain"`
	Account  string    `json:"account"` // that has the records
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	EventIDs []string  `json:"eventIDs"`
}

// verdict is what follows from an actor's identity and the calls that issued its
// credentials.
type verdict struct {
	actor, kind string // kind is "" for none
	session     string
	// name is the caller in the words of a chain, and rest what comes behind it:
	// ", assumed by alice from 198.51.100.7".
	name, rest string
	certain    bool
}

func (v *verdict) chain() string { return v.name + v.rest }

// issued is the verdict on a session whose credentials a call by an actor issued.
func (a *actor) issued(how, source, session, name string) verdict {
	v := a.who
	v.session, v.name, v.rest = session, name, ", "+how+" "+v.name+" from "+source+v.rest
	return v
}

// tell adds a staged call to the session that it belongs to.
func (p *plot) tell(label string, c *call) {
	who := &c.actor.who
	if label == "" || who.kind == "" {
		return
	}
	var s *Session
	for i := len(p.sessions) - 1; i >= 0 && p.sessions[i].Name == label; i-- {
		if o := p.sessions[i]; o.Account == c.lane.account.id && o.Actor == who.actor && o.ActorType == who.kind && o.ID == who.session && o.Chain == who.chain() && o.Certain == who.certain {
			s = o
			break
		}
	}
	at := time.Unix(c.time, 0).UTC()
	if s == nil {
		s = &Session{Name: label, Actor: who.actor, ActorType: who.kind, ID: who.session, Chain: who.chain(), Certain: who.certain, Account: c.lane.account.id, First: at}
		p.sessions = append(p.sessions, s)
	}
	if at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	s.EventIDs = append(s.EventIDs, string(c.eventID(nil)))
}

// assumedVerdict is that of a role's session whose start is not in the trail.
func assumedVerdict(acc *account, role, path string) verdict {
	if after, ok := strings.CutPrefix(path, "/aws-service-role/"); ok {
		return serviceVerdict(after)
	}
	return verdict{actor: "arn:aws:iam::" + acc.id + ":role" + path + "/" + role, kind: "role"}
}

func serviceVerdict(service string) verdict {
	return verdict{actor: service, kind: "service", certain: true}
}
