package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"bluetrail/internal/state"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is a WebAuthn credential.
type Passkey struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Created time.Time  `json:"created"`
	Used    *time.Time `json:"used,omitempty"`
	Synced  bool       `json:"synced"`
}

// holder is an account as WebAuthn sees it.
type holder struct {
	u    *state.User
	keys []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return h.u.Handle }
func (h *holder) WebAuthnName() string                       { return h.u.Name }
func (h *holder) WebAuthnDisplayName() string                { return h.u.Name }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (p *People) holder(u *state.User) (*holder, error) {
	rows, err := p.db.Passkeys(u.Name)
	if err != nil {
		return nil, err
	}
	h := &holder{u: u}
	for _, row := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal(row.Body, &c); err != nil {
			return nil, err
		}
		h.keys = append(h.keys, c)
	}
	return h, nil
}

// PasskeyHint says why there are no passkeys where a client reached the server, "" if
// there are.
func PasskeyHint(peer Peer) string {
	host := hostOf(peer)
	if _, err := netip.ParseAddr(host); err == nil {
		return "Browsers allow passkeys only where the server is reached by a name, for instance localhost, not by an address."
	}
	if !peer.Secure && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return "Browsers allow passkeys only over TLS."
	}
	return ""
}

func hostOf(peer Peer) string {
	host := peer.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// party is this server as WebAuthn sees it: by the name that the browser used, which
// the browser signs, too.
func party(peer Peer) (*webauthn.WebAuthn, error) {
	if hint := PasskeyHint(peer); hint != "" {
		return nil, &Refusal{Status: 400, Code: "no_passkeys", Text: "there are no passkeys here", Hint: hint}
	}
	scheme := "http"
	if peer.Secure {
		scheme = "https"
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: hostOf(peer), RPDisplayName: "bluetrail", RPOrigins: []string{scheme + "://" + strings.ToLower(peer.Host)},
		AuthenticatorSelection: protocol.AuthenticatorSelection{ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
	})
	if err != nil {
		return nil, bad("no_passkeys", "the server was reached as %q, which passkeys cannot be bound to", cut(peer.Host, 100))
	}
	return w, nil
}

// registration is a passkey that is being added.
type registration struct {
	session webauthn.SessionData
	user    string
}

// Ceremony is what the browser needs for navigator.credentials.
type Ceremony struct {
	ID      string `json:"ceremony"`
	Options any    `json:"options"`
}

// BeginPasskey begins to add a passkey. Who has a password must give it, so that
// somebody at an unlocked screen cannot stay.
func (p *People) BeginPasskey(ctx context.Context, who *Principal, password string, peer Peer) (*Ceremony, error) {
	if who.Session == "" {
		return nil, errNeedsSession
	}
	w, err := party(peer)
	if err != nil {
		return nil, err
	}
	u, err := p.db.User(who.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case u == nil:
		return nil, unknown("user", who.Name)
	case u.Passkeys >= maxPasskeys:
		return nil, conflict("there are %d passkeys; remove some first", u.Passkeys)
	case u.MustChange:
		return nil, &Refusal{Status: 403, Code: "change_password", Text: "the password has to be changed first"}
	}
	if u.Password != "" {
		_, tries, err := p.check(ctx, who.Name, password, peer)
		if err != nil {
			return nil, err
		}
		if err := p.db.Write(func(tx *state.Tx) error { return p.restore(tx, tries, who.Name, peer, true) }); err != nil {
			return nil, err
		}
	}
	h, err := p.holder(u)
	if err != nil {
		return nil, err
	}
	var there []protocol.CredentialDescriptor
	for i := range h.keys {
		there = append(there, h.keys[i].Descriptor())
	}
	options, session, err := w.BeginRegistration(h, webauthn.WithExclusions(there))
	if err != nil {
		return nil, err
	}
	return &Ceremony{p.open.begin(p.now(), registration{*session, u.Name}), options.Response}, nil
}

var errCeremony = &Refusal{Status: 400, Code: "bad_passkey", Text: "this took too long, or was done before", Hint: "begin again"}

// FinishPasskey adds the passkey that a browser made.
func (p *People) FinishPasskey(who *Principal, id, name string, credential []byte, peer Peer) (*Passkey, error) {
	value, found := p.open.end(p.now(), id)
	reg, ok := value.(registration)
	if !found || !ok || reg.user != who.Name {
		return nil, errCeremony
	}
	w, err := party(peer)
	if err != nil {
		return nil, err
	}
	u, err := p.db.User(who.Name)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, unknown("user", who.Name)
	}
	h, err := p.holder(u)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(credential)
	if err == nil {
		var key *webauthn.Credential
		if key, err = w.CreateCredential(h, reg.session, parsed); err == nil {
			return p.addPasskey(u.Name, name, key)
		}
	}
	return nil, bad("bad_passkey", "the passkey cannot be added: %s", explain(err))
}

// explain returns the reason that the library gives.
func explain(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) && e.Details != "" {
		return cut(e.Details, 300)
	}
	return cut(err.Error(), 300)
}

func (p *People) addPasskey(user, name string, key *webauthn.Credential) (*Passkey, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		name = "passkey"
	}
	name = cut(name, 100)
	body, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	row := &state.Passkey{ID: key.ID, User: user, Name: name, Created: p.now().UnixMilli(), Body: body}
	err = p.db.Write(func(tx *state.Tx) error {
		if err := tx.AddPasskey(row); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: user, Action: "added", Kind: "passkey", Object: passkeyID(row.ID), Text: name})
	})
	if err != nil {
		return nil, err
	}
	return &Passkey{passkeyID(row.ID), name, utc(row.Created), nil, key.Flags.BackupEligible}, nil
}

func passkeyID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// Passkeys returns the passkeys of a user, the oldest first.
func (p *People) Passkeys(user string) ([]Passkey, error) {
	rows, err := p.db.Passkeys(user)
	if err != nil {
		return nil, err
	}
	list := []Passkey{}
	for _, row := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal(row.Body, &c); err != nil {
			return nil, err
		}
		list = append(list, Passkey{passkeyID(row.ID), row.Name, utc(row.Created), when(row.Used), c.Flags.BackupEligible})
	}
	return list, nil
}

// DeletePasskey removes a passkey of a user.
func (p *People) DeletePasskey(who *Principal, id string) error {
	if who.Session == "" {
		return errNeedsSession
	}
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return unknown("passkey", cut(id, 100))
	}
	return p.db.Write(func(tx *state.Tx) error {
		ok, err := tx.DeletePasskey(who.Name, raw)
		if err != nil {
			return err
		}
		if !ok {
			return unknown("passkey", cut(id, 100))
		}
		return tx.Audit(state.Action{Who: who.Name, Action: "removed", Kind: "passkey", Object: id})
	})
}

// BeginPasskeySignIn begins to sign in with any passkey of this server.
func (p *People) BeginPasskeySignIn(peer Peer) (*Ceremony, error) {
	w, err := party(peer)
	if err != nil {
		return nil, err
	}
	options, session, err := w.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	return &Ceremony{p.open.begin(p.now(), *session), options.Response}, nil
}

// FinishPasskeySignIn signs in who has the passkey, and returns the secret of a new session.
func (p *People) FinishPasskeySignIn(id string, credential []byte, peer Peer) (string, error) {
	value, found := p.open.end(p.now(), id)
	session, ok := value.(webauthn.SessionData)
	if !found || !ok {
		return "", errCeremony
	}
	w, err := party(peer)
	if err != nil {
		return "", err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(credential)
	if err != nil {
		return "", bad("bad_passkey", "the passkey's answer cannot be read: %s", explain(err))
	}
	var u *state.User
	refuse := func(why string) (string, error) {
		shown := ""
		if u != nil {
			shown = u.Name
		}
		p.Record(state.Action{Who: shown, Action: "refused", Kind: "session", Object: shown, Text: "passkey from " + peer.Addr.String() + ": " + why})
		return "", &Refusal{Status: 401, Code: "bad_login", Text: "no account has this passkey"}
	}
	key, err := w.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		var err error
		if u, err = p.db.UserByHandle(handle); err != nil {
			return nil, err
		}
		if u == nil {
			return nil, errors.New("no such account")
		}
		return p.holder(u)
	}, session, parsed)
	switch {
	case err != nil:
		return refuse(explain(err))
	case u.Disabled:
		return refuse("the account is disabled")
	case key.Authenticator.CloneWarning:
		return refuse("its counter went back: it may have been copied")
	}
	body, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	return p.begin(u, ViaPasskey, peer, func(tx *state.Tx, _ *state.User) error {
		return tx.UsePasskey(key.ID, p.now().UnixMilli(), body)
	})
}
