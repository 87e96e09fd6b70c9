package api

import (
	"fmt"
	"net/http"
	"time"

	"bluetrail/internal/api/mcp"
	"bluetrail/internal/auth"
)

// guarded lets those through who may use a route.
func (s *Server) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.admit(&r, rt.role)
		if client := r.Header.Get(mcp.ClientHeader); err == nil && client == mcp.Client && rt.role > auth.None {
			err = s.audit(r, "called", "api", r.Method+" "+r.URL.Path, client)
		}
		if err == nil {
			err = rt.handle(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// admit puts who makes the request into its context, and refuses those below
// least.
func (s *Server) admit(r **http.Request, least auth.Role) error {
	who := auth.From((*r).Context()) // of the local socket
	if who == nil && s.cfg.Identify != nil {
		var err error
		if who, err = s.cfg.Identify(*r); err != nil {
			return err
		}
	}
	switch {
	case who != nil:
		*r = (*r).WithContext(auth.With((*r).Context(), who))
		if who.Role < least {
			if s.cfg.People != nil {
				s.cfg.People.Refused(who, s.cfg.People.Peer(*r), fmt.Sprintf("%s %s: needs %s", (*r).Method, (*r).URL.Path, least))
			}
			return &Error{Status: http.StatusForbidden, Code: "forbidden", Message: fmt.Sprintf("this needs the role %s; yours is %s", least, who.Role)}
		}
	case least > auth.None:
		return &Error{Status: http.StatusUnauthorized, Code: "unauthorized", Message: "you are not signed in", Hint: "sign in, or send a token as Authorization: Bearer TOKEN"}
	}
	return nil
}

// user returns the name of who makes a request that a route has let through.
func user(r *http.Request) string {
	if who := auth.From(r.Context()); who != nil {
		return who.Name
	}
	return ""
}

// Act is what somebody did through the API.
type Act struct {
	Time   time.Time // zero for one to record
	Who    string
	Via    string // how they signed in
	Action string // searched, closed, edited, …
	Kind   string // of Object: search, alert, rule, …
	Object string // its ID
	Detail string // more, in words
}

// audit records what the user of r did.
func (s *Server) audit(r *http.Request, action, kind, object, detail string) error {
	if s.cfg.Audit == nil {
		return nil
	}
	act := Act{Action: action, Kind: kind, Object: object, Detail: detail}
	if who := auth.From(r.Context()); who != nil {
		act.Who, act.Via = who.Name, who.Via
	}
	return s.cfg.Audit(act)
}
