package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"bluetrail/internal/state"
)

// cookieName is the name of the session's cookie. Browsers take __Host- from this host
// over TLS only, so that neither a neighbouring domain nor somebody on the line can set it.
func cookieName(secure bool) string {
	if secure {
		return "__Host-bluetrail"
	}
	return "bluetrail"
}

// Cookie returns the cookie of a session.
func (p *People) Cookie(secret string, peer Peer) *http.Cookie {
	return &http.Cookie{
		Name: cookieName(peer.Secure), Value: secret, Path: "/", Secure: peer.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(p.opt.Auth.Lifetime / time.Second),
	}
}

// NoCookie returns a cookie that removes that of a session.
func (p *People) NoCookie(peer Peer) *http.Cookie {
	c := p.Cookie("", peer)
	c.MaxAge = -1
	return c
}

// SignIn signs somebody in with a password, and returns the secret of a new session.
func (p *People) SignIn(ctx context.Context, name, password string, peer Peer) (secret string, err error) {
	name = fold(name)
	u, tries, err := p.check(ctx, name, password, peer)
	if err != nil {
		return "", err
	}
	return p.begin(u, ViaPassword, peer, func(tx *state.Tx, _ *state.User) error { return p.restore(tx, tries, name, peer, true) })
}

// check returns the user of a name and password. Every failure counts and is recorded;
// tries are to be restored by the caller.
func (p *People) check(ctx context.Context, name, password string, peer Peer) (u *state.User, tries []counter, err error) {
	if len(password) > maxPassword || len(name) > maxPassword {
		return nil, nil, errBadLogin
	}
	if tries, err = p.reserve(name, peer); err != nil {
		return nil, nil, err
	}
	if u, err = p.db.User(name); err != nil {
		return nil, nil, err
	}
	hash, why := "", "no such account"
	if u != nil {
		hash, why = u.Password, "wrong password"
		if hash == "" {
			why = "the account has no password"
		}
	}
	match, err := p.hasher.verify(ctx, hash, password)
	if err != nil { // nobody learnt anything from this try
		p.db.Write(func(tx *state.Tx) error { return p.restore(tx, tries, name, peer, false) })
		return nil, nil, err
	}
	if match && u.Disabled {
		match, why = false, "the account is disabled"
	}
	if !match {
		shown := "" // a name that nobody has may be a password
		if u != nil {
			shown = u.Name
		}
		p.Record(state.Action{Who: shown, Action: "refused", Kind: "session", Object: shown, Text: "password from " + peer.Addr.String() + ": " + why})
		return nil, nil, errBadLogin
	}
	return u, tries, nil
}

// begin makes a session of a user and returns its secret. also, if not nil, changes the
// account and writes what belongs to it.
func (p *People) begin(u *state.User, via string, peer Peer, also func(*state.Tx, *state.User) error) (string, error) {
	now := p.now()
	value := secret()
	hash := sha256.Sum256([]byte(value))
	err := p.db.Write(func(tx *state.Tx) error {
		current, err := tx.User(u.Name)
		if err != nil {
			return err
		}
		if current == nil || current.Disabled || via == ViaPassword && current.Password != u.Password {
			return errBadLogin // it was changed at this moment
		}
		current.Seen = now.UnixMilli()
		if also != nil {
			if err := also(tx, current); err != nil {
				return err
			}
		}
		if err := tx.PutUser(current); err != nil {
			return err
		}
		if err := tx.AddSession(&state.UserSession{
			Hash: hash[:], ID: newID(), User: u.Name, Via: via, Created: now.UnixMilli(), Used: now.UnixMilli(),
			Expires: now.Add(p.opt.Auth.Lifetime).UnixMilli(), Address: peer.Addr.String(), Agent: peer.Agent,
		}, maxSessions); err != nil {
			return err
		}
		return tx.Audit(state.Action{Time: now.UnixMilli(), Who: u.Name, Action: "signed_in", Kind: "session", Object: u.Name, Text: via + " from " + peer.Addr.String()})
	})
	if err != nil {
		return "", err
	}
	return value, nil
}

// SignOut ends the session of a principal.
func (p *People) SignOut(who *Principal, peer Peer) error {
	return p.db.Write(func(tx *state.Tx) error {
		if _, err := tx.EndSession(who.Name, who.Session); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: who.Name, Action: "signed_out", Kind: "session", Object: who.Name, Text: "from " + peer.Addr.String()})
	})
}

// Session is a browser that is signed in.
type Session struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Via     string    `json:"via"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	Expires time.Time `json:"expires"`
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
	Current bool      `json:"current"`
}

// Sessions returns the sessions of a user, "" for all, the one used last first.
func (p *People) Sessions(user string, who *Principal) ([]Session, error) {
	rows, err := p.db.UserSessions(user, maxListed)
	if err != nil {
		return nil, err
	}
	now := p.now().UnixMilli()
	list := []Session{}
	for _, s := range rows {
		if s.Expires <= now || now-s.Used > p.opt.Auth.Idle.Milliseconds() {
			continue
		}
		list = append(list, Session{s.ID, s.User, s.Via, utc(s.Created), utc(s.Used), utc(s.Expires), s.Address, s.Agent, who != nil && who.Session == s.ID})
	}
	return list, nil
}

// utc converts unix milliseconds.
func utc(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// when converts unix milliseconds, nil for never.
func when(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := utc(ms)
	return &t
}

// EndSession ends a session of a user, "" for anybody's.
func (p *People) EndSession(by, user, id string) error {
	return p.db.Write(func(tx *state.Tx) error {
		whose, err := tx.EndSession(user, id)
		if err != nil {
			return err
		}
		if whose == "" {
			return unknown("session", id)
		}
		return tx.Audit(state.Action{Who: by, Action: "ended", Kind: "session", Object: whose, Text: "session " + id})
	})
}

// EndSessions ends all sessions of a user but the one with an ID, "" for all.
func (p *People) EndSessions(by, user, but string) (n int64, err error) {
	return n, p.db.Write(func(tx *state.Tx) error {
		u, err := tx.User(user)
		if err != nil {
			return err
		}
		if u == nil {
			return unknown("user", user)
		}
		if n, err = tx.EndSessions(user, but); err != nil {
			return err
		}
		what := "all sessions"
		if but != "" {
			what = "all other sessions"
		}
		return tx.Audit(state.Action{Who: by, Action: "ended", Kind: "session", Object: user, Text: what})
	})
}

// Me is who is signed in.
type Me struct {
	Name        string     `json:"name"`
	Role        string     `json:"role"`
	Via         string     `json:"via"`
	MustChange  bool       `json:"must_change"`
	HasPassword bool       `json:"has_password"`
	Areas       []string   `json:"areas"`
	Session     string     `json:"session,omitempty"`
	Expires     *time.Time `json:"expires,omitempty"`
	Settings    Settings   `json:"settings"`
}

// Settings are what people choose for their own pages.
type Settings struct {
	Timezone string `json:"timezone,omitempty"` // IANA name, UTC or local
	Theme    string `json:"theme,omitempty"`    // system, light, dark
}

func (s *Settings) check() error {
	switch s.Theme {
	case "", "system", "light", "dark":
	default:
		return bad("bad_request", "theme must be system, light or dark, not %q", s.Theme)
	}
	if s.Timezone != "" && s.Timezone != "local" {
		if _, err := time.LoadLocation(s.Timezone); err != nil || len(s.Timezone) > 64 || s.Timezone == "Local" {
			return bad("bad_request", "there is no time zone %q; use an IANA name, UTC or local", cut(s.Timezone, 64))
		}
	}
	return nil
}

// Me describes a principal.
func (p *People) Me(who *Principal) (*Me, error) {
	me := &Me{Name: who.Name, Role: who.Role.String(), Via: who.Via, MustChange: who.MustChange, Areas: who.Scopes, Session: who.Session}
	if me.Areas == nil {
		me.Areas = []string{}
	}
	u, err := p.db.User(who.Name)
	if err != nil || u == nil {
		return me, err
	}
	me.HasPassword = u.Password != ""
	if u.Settings != "" {
		if err := json.Unmarshal([]byte(u.Settings), &me.Settings); err != nil {
			return nil, err
		}
	}
	if who.Session != "" {
		list, err := p.db.UserSessions(who.Name, maxListed)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if s.ID == who.Session {
				me.Expires = when(s.Expires)
			}
		}
	}
	return me, nil
}

// PutSettings keeps the settings of a user.
func (p *People) PutSettings(name string, s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return p.db.Write(func(tx *state.Tx) error {
		u, err := tx.User(name)
		if err != nil {
			return err
		}
		if u == nil {
			return unknown("user", name)
		}
		u.Settings = string(text)
		return tx.PutUser(u)
	})
}

// MeOf describes who a session's secret belongs to.
func (p *People) MeOf(value string, peer Peer) (*Me, error) {
	k, err := p.lookUp(value, false, peer)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, errBadLogin
	}
	who := k.who
	return p.Me(&who)
}
