package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"bluetrail/internal/auth"
)

func (s *Server) sessionRoutes() []route {
	return []route{
		{"GET /api/v1/session", auth.Viewer, s.me},
		{"POST /api/v1/session", auth.None, s.signIn},
		{"DELETE /api/v1/session", auth.Viewer, s.signOut},
		{"GET /api/v1/session/methods", auth.None, s.methods},
		{"POST /api/v1/session/password", auth.Viewer, s.changePassword},
		{"PUT /api/v1/session/settings", auth.Viewer, s.putSettings},
		{"POST /api/v1/session/passkey/register/begin", auth.Viewer, s.beginPasskey},
		{"POST /api/v1/session/passkey/register/finish", auth.Viewer, s.finishPasskey},
		{"POST /api/v1/session/passkey/login/begin", auth.None, s.beginPasskeySignIn},
		{"POST /api/v1/session/passkey/login/finish", auth.None, s.finishPasskeySignIn},
		{"GET /api/v1/session/oidc/start", auth.None, s.startSSO},
		{"GET " + auth.CallbackPath, auth.None, s.finishSSO},
		{"GET /api/v1/passkeys", auth.Viewer, s.passkeys},
		{"DELETE /api/v1/passkeys/{id}", auth.Viewer, s.deletePasskey},
	}
}

// who returns who makes a request that a route has let through.
func who(r *http.Request) *auth.Principal { return auth.From(r.Context()) }

func (s *Server) me(w http.ResponseWriter, r *http.Request) error {
	me, err := s.cfg.People.Me(who(r))
	if err != nil {
		return err
	}
	return ok(w, me)
}

// begin answers with a new session: its cookie, and who it belongs to.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, secret string, err error) error {
	if err != nil {
		return err
	}
	peer := s.cfg.People.Peer(r)
	me, err := s.cfg.People.MeOf(secret, peer)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cfg.People.Cookie(secret, peer))
	return ok(w, me)
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	secret, err := s.cfg.People.SignIn(r.Context(), in.Name, in.Password, s.cfg.People.Peer(r))
	return s.begin(w, r, secret, err)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	peer := s.cfg.People.Peer(r)
	if who(r).Session == "" {
		return badRequest("a token has no session; revoke it with DELETE /api/v1/tokens/ID")
	}
	if err := s.cfg.People.SignOut(who(r), peer); err != nil {
		return err
	}
	http.SetCookie(w, s.cfg.People.NoCookie(peer))
	return none(w)
}

func (s *Server) methods(w http.ResponseWriter, r *http.Request) error {
	hint := auth.PasskeyHint(s.cfg.People.Peer(r))
	return ok(w, struct {
		Password bool   `json:"password"`
		Passkey  bool   `json:"passkey"`
		Hint     string `json:"passkey_hint,omitempty"`
		OIDC     string `json:"oidc,omitempty"`
	}{true, hint == "", hint, s.cfg.People.SSO()})
}

// wrongPassword tells a wrong password of who is signed in from a session that has ended.
func wrongPassword(err error) error {
	var refusal *auth.Refusal
	if errors.As(err, &refusal) && refusal.Code == "bad_login" {
		return &Error{Status: http.StatusBadRequest, Code: "wrong_password", Message: "the current password is wrong"}
	}
	return err
}

func (s *Server) changePassword(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Current string `json:"current"`
		New     string `json:"new"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	secret, err := s.cfg.People.ChangePassword(r.Context(), who(r), in.Current, in.New, s.cfg.People.Peer(r))
	return s.begin(w, r, secret, wrongPassword(err))
}

func (s *Server) putSettings(w http.ResponseWriter, r *http.Request) error {
	var in auth.Settings
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if err := s.cfg.People.PutSettings(who(r).Name, in); err != nil {
		return err
	}
	return ok(w, in)
}

func (s *Server) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return err
	}
	c, err := s.cfg.People.BeginPasskey(r.Context(), who(r), in.Password, s.cfg.People.Peer(r))
	if err != nil {
		return wrongPassword(err)
	}
	return ok(w, c)
}

// ceremony is the second half of what a passkey takes part in.
type ceremony struct {
	ID         string          `json:"ceremony"`
	Name       string          `json:"name"`
	Credential json.RawMessage `json:"credential"`
}

func (s *Server) finishPasskey(w http.ResponseWriter, r *http.Request) error {
	var in ceremony
	if err := decode(w, r, &in); err != nil {
		return err
	}
	key, err := s.cfg.People.FinishPasskey(who(r), in.ID, in.Name, in.Credential, s.cfg.People.Peer(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, key)
}

func (s *Server) beginPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	c, err := s.cfg.People.BeginPasskeySignIn(s.cfg.People.Peer(r))
	if err != nil {
		return err
	}
	return ok(w, c)
}

func (s *Server) finishPasskeySignIn(w http.ResponseWriter, r *http.Request) error {
	var in ceremony
	if err := decode(w, r, &in); err != nil {
		return err
	}
	secret, err := s.cfg.People.FinishPasskeySignIn(in.ID, in.Credential, s.cfg.People.Peer(r))
	return s.begin(w, r, secret, err)
}

func (s *Server) startSSO(w http.ResponseWriter, r *http.Request) error {
	to, cookie, err := s.cfg.People.BeginSSO(r.Context(), r.URL.Query().Get("next"), s.cfg.People.Peer(r))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

// finishSSO answers with a page of the application in any case: it is a person who
// comes back.
func (s *Server) finishSSO(w http.ResponseWriter, r *http.Request) error {
	peer := s.cfg.People.Peer(r)
	secret, next, err := s.cfg.People.FinishSSO(r, peer)
	if err != nil {
		code := "internal"
		var refusal *auth.Refusal
		if errors.As(err, &refusal) {
			code = refusal.Code
		} else {
			s.toSend(r, err) // logs it
		}
		http.Redirect(w, r, "/#/login?error="+code, http.StatusFound)
		return nil
	}
	http.SetCookie(w, s.cfg.People.Cookie(secret, peer))
	http.Redirect(w, r, "/"+next, http.StatusFound)
	return nil
}

func (s *Server) passkeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := s.cfg.People.Passkeys(who(r).Name)
	if err != nil {
		return err
	}
	return ok(w, listOf(keys))
}

func (s *Server) deletePasskey(w http.ResponseWriter, r *http.Request) error {
	if err := s.cfg.People.DeletePasskey(who(r), r.PathValue("id")); err != nil {
		return err
	}
	return none(w)
}
