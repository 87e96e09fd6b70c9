package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/state"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// CallbackPath is where the identity provider sends people back to.
const CallbackPath = "/api/v1/session/oidc/callback"

// sso is single sign-on. The provider is asked when somebody signs in for the first
// time, so that the server starts without it.
type sso struct {
	cfg    config.OIDC
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
}

// providerTime is how long one request to the provider may take.
const providerTime = 15 * time.Second

func newSSO(cfg *config.OIDC) (*sso, error) {
	s := &sso{cfg: *cfg, client: &http.Client{Timeout: providerTime}}
	if s.cfg.ClientSecret != "" {
		if _, err := s.cfg.ClientSecret.Read(); err != nil {
			return nil, fmt.Errorf("cannot read auth.oidc.client_secret: %w", err)
		}
	}
	if s.cfg.NameClaim == "" {
		s.cfg.NameClaim = "preferred_username"
	}
	if s.cfg.RoleClaim == "" {
		s.cfg.RoleClaim = "groups"
	}
	if s.cfg.Label == "" {
		s.cfg.Label = "Single sign-on"
	}
	if s.cfg.Scopes == nil {
		s.cfg.Scopes = []string{"profile", "email"}
	}
	return s, nil
}

// connect returns the provider and how to talk to it.
func (s *sso) connect(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider == nil {
		// The provider fetches keys later, when this request is over.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.client), s.cfg.Issuer)
		if err != nil {
			return nil, nil, &Refusal{Status: http.StatusBadGateway, Code: "sso_failed", Text: "the identity provider cannot be reached: " + cut(err.Error(), 300)}
		}
		s.provider = provider
	}
	c := &oauth2.Config{
		ClientID: s.cfg.ClientID, Endpoint: s.provider.Endpoint(), RedirectURL: strings.TrimSuffix(s.cfg.URL, "/") + CallbackPath,
		Scopes: append([]string{oidc.ScopeOpenID}, s.cfg.Scopes...),
	}
	if s.cfg.ClientSecret != "" {
		secret, err := s.cfg.ClientSecret.Read()
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read auth.oidc.client_secret: %w", err)
		}
		c.ClientSecret = secret
	}
	return s.provider, c, nil
}

// SSO returns the label of single sign-on, "" if there is none.
func (p *People) SSO() string {
	if p.sso == nil {
		return ""
	}
	return p.sso.cfg.Label
}

// trip is somebody who was sent to the provider.
type trip struct {
	nonce, verifier string
	browser         string // secret of the browser that went
	next            string
}

var errNoSSO = &Refusal{Status: http.StatusNotFound, Code: "not_found", Text: "single sign-on is not set up", Hint: "set auth.oidc in the configuration"}

// BeginSSO returns where to send the browser, and a cookie that shows that it is the
// same one when it comes back. next is the place to come back to.
func (p *People) BeginSSO(ctx context.Context, next string, peer Peer) (url string, c *http.Cookie, err error) {
	if p.sso == nil {
		return "", nil, errNoSSO
	}
	_, conf, err := p.sso.connect(ctx)
	if err != nil {
		return "", nil, err
	}
	t := trip{nonce: secret(), verifier: oauth2.GenerateVerifier(), browser: secret(), next: place(next)}
	id := p.open.begin(p.now(), t)
	c = p.ssoCookie(peer)
	c.Value, c.MaxAge = t.browser, int(ceremonyTime/time.Second)
	return conf.AuthCodeURL(id, oidc.Nonce(t.nonce), oauth2.S256ChallengeOption(t.verifier)), c, nil
}

func (p *People) ssoCookie(peer Peer) *http.Cookie {
	return &http.Cookie{Name: cookieName(peer.Secure) + "-sso", Path: "/", Secure: peer.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// place returns a place within the application, "" for its first page, never one of another site.
func place(next string) string {
	if !strings.HasPrefix(next, "#/") || len(next) > 2000 || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return ""
	}
	return next
}

// FinishSSO signs in who comes back from the provider, and returns the secret of a new
// session and the place to go to.
func (p *People) FinishSSO(r *http.Request, peer Peer) (value, next string, err error) {
	if p.sso == nil {
		return "", "", errNoSSO
	}
	q := r.URL.Query()
	found, ok := p.open.end(p.now(), q.Get("state"))
	t, isTrip := found.(trip)
	c, cerr := r.Cookie(p.ssoCookie(peer).Name)
	if !ok || !isTrip || cerr != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(t.browser)) != 1 {
		return "", "", p.ssoRefused(peer, "sso_state", "the sign-in was begun elsewhere, or took too long")
	}
	if q.Get("error") != "" {
		return "", "", p.ssoRefused(peer, "sso_failed", "the identity provider refuses: "+cut(q.Get("error")+" "+q.Get("error_description"), 300))
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*providerTime)
	defer cancel()
	claims, token, err := p.sso.exchange(ctx, q.Get("code"), t)
	if err != nil {
		return "", "", p.ssoRefused(peer, "sso_failed", cut(err.Error(), 300))
	}
	u, also, err := p.ssoUser(claims, token)
	if err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			return "", "", p.ssoRefused(peer, refusal.Code, refusal.Text)
		}
		return "", "", err
	}
	value, err = p.begin(u, ViaOIDC, peer, also)
	return value, t.next, err
}

func (p *People) ssoRefused(peer Peer, code, why string) error {
	p.Record(state.Action{Action: "refused", Kind: "session", Text: "single sign-on from " + peer.Addr.String() + ": " + why})
	return &Refusal{Status: http.StatusUnauthorized, Code: code, Text: "single sign-on failed: " + why}
}

// exchange redeems a code for a token and checks it: signature, issuer, audience,
// expiry and nonce. It returns the claims, with those of the user information if the
// token lacks what names and roles are told by.
func (s *sso) exchange(ctx context.Context, code string, t trip) (map[string]any, *oidc.IDToken, error) {
	provider, conf, err := s.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx = oidc.ClientContext(ctx, s.client)
	tokens, err := conf.Exchange(ctx, code, oauth2.VerifierOption(t.verifier))
	if err != nil {
		return nil, nil, fmt.Errorf("the code cannot be redeemed: %w", err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, nil, errors.New("the identity provider sent no ID token")
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: s.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, nil, fmt.Errorf("the ID token is not valid: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(t.nonce)) != 1 {
		return nil, nil, errors.New("the ID token is not valid: it was made for another sign-in")
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return nil, nil, err
	}
	if (claims[s.cfg.NameClaim] == nil || claims[s.cfg.RoleClaim] == nil) && provider.UserInfoEndpoint() != "" {
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil {
			return nil, nil, fmt.Errorf("the user information cannot be read: %w", err)
		}
		if info.Subject != token.Subject {
			return nil, nil, errors.New("the user information is that of somebody else")
		}
		more := map[string]any{}
		if err := info.Claims(&more); err != nil {
			return nil, nil, err
		}
		for k, v := range more {
			if claims[k] == nil {
				claims[k] = v
			}
		}
	}
	return claims, token, nil
}

// role returns the highest role that the values of the role claim give.
func (s *sso) role(claims map[string]any) Role {
	best, _ := ParseRole(s.cfg.DefaultRole) // "" is none
	var values []any
	switch v := claims[s.cfg.RoleClaim].(type) {
	case []any:
		values = v
	case string:
		values = []any{v}
	}
	for _, v := range values {
		if name, ok := v.(string); ok {
			if r, err := ParseRole(s.cfg.Roles[name]); err == nil {
				best = max(best, r)
			}
		}
	}
	return best
}

// ssoUser returns the account of a token, and what makes or updates it. An account is
// found by the subject, never by a name that somebody at the provider may choose.
func (p *People) ssoUser(claims map[string]any, token *oidc.IDToken) (*state.User, func(*state.Tx, *state.User) error, error) {
	role := p.sso.role(claims)
	u, err := p.db.UserBySubject(token.Issuer, token.Subject)
	if err != nil {
		return nil, nil, err
	}
	if u != nil {
		switch {
		case u.Disabled:
			return nil, nil, bad("sso_disabled", "the account %s is disabled", u.Name)
		case role == None:
			return nil, nil, bad("sso_no_role", "no group of %s has a role here", u.Name)
		}
		return u, func(tx *state.Tx, u *state.User) error {
			if u.Role == role.String() {
				return nil
			}
			was := u.Role
			u.Role = role.String()
			if _, err := tx.EndSessions(u.Name, ""); err != nil {
				return err
			}
			return tx.Audit(state.Action{Who: state.Bluetrail, Action: "changed", Kind: "user", Object: u.Name, Text: "role from " + was + " to " + u.Role + ", as the identity provider says"})
		}, nil
	}
	name, _ := claims[p.sso.cfg.NameClaim].(string)
	name = fold(name)
	if err := checkName(name); err != nil {
		return nil, nil, bad("sso_bad_name", "the claim %s is %q, which cannot be the name of a user", p.sso.cfg.NameClaim, cut(name, 100))
	}
	if verified, told := claims["email_verified"].(bool); p.sso.cfg.NameClaim == "email" && told && !verified {
		return nil, nil, bad("sso_bad_name", "the identity provider has not verified the address %s", name)
	}
	if role == None {
		return nil, nil, bad("sso_no_role", "no group of %s has a role here", name)
	}
	u = &state.User{Name: name, Handle: handle(), Role: role.String(), Issuer: token.Issuer, Subject: token.Subject, Created: p.now().UnixMilli()}
	err = p.db.Write(func(tx *state.Tx) error {
		if err := p.mayAdd(tx, name); err != nil {
			return bad("sso_taken", "there is an account %s already, which does not belong to this identity provider", name)
		}
		if err := tx.PutUser(u); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: state.Bluetrail, Action: "added", Kind: "user", Object: name, Text: "as " + u.Role + ", by single sign-on"})
	})
	return u, nil, err
}
