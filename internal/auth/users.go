package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"bluetrail/internal/state"
)

// FirstAdmin is the name of the account that the first start makes.
const FirstAdmin = "admin"

// name is what accounts may be called. It is strict because names are shown in many
// places, and must not be mistaken for others.
var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// fold makes names of one case.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkName(name string) error {
	switch {
	case !userName.MatchString(name):
		return bad("bad_name", "%q cannot be the name of a user; use 1 to 64 letters a-z, digits and . _ - @ +, a letter or digit first", cut(name, 100))
	case name == state.Bluetrail:
		return bad("bad_name", "%q is what the audit log calls the program itself; choose another name", name)
	}
	return nil
}

// User is an account.
type User struct {
	Name       string     `json:"name"`
	Role       string     `json:"role"`
	Origin     string     `json:"origin"` // local, oidc
	Disabled   bool       `json:"disabled"`
	MustChange bool       `json:"must_change"`
	Created    time.Time  `json:"created"`
	Seen       *time.Time `json:"seen,omitempty"`
	Sessions   int        `json:"sessions"`
	Tokens     int        `json:"tokens"`
	Passkeys   int        `json:"passkeys"`
}

func userOf(u *state.User) *User {
	origin := "local"
	if u.Subject != "" {
		origin = "oidc"
	}
	return &User{u.Name, u.Role, origin, u.Disabled, u.MustChange, utc(u.Created), when(u.Seen), u.Sessions, u.Tokens, u.Passkeys}
}

// Users returns all accounts, by name.
func (p *People) Users() ([]User, error) {
	rows, err := p.db.Users()
	if err != nil {
		return nil, err
	}
	list := []User{}
	for i := range rows {
		list = append(list, *userOf(&rows[i]))
	}
	return list, nil
}

// User returns an account.
func (p *People) User(name string) (*User, error) {
	u, err := p.db.User(fold(name))
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, unknown("user", name)
	}
	return userOf(u), nil
}

// First makes the first account if there is none, and returns its one-time password,
// "" if there are accounts.
func (p *People) First(ctx context.Context) (password string, err error) {
	list, err := p.db.Users()
	if err != nil || len(list) > 0 {
		return "", err
	}
	_, password, err = p.AddUser(ctx, state.Bluetrail, FirstAdmin, Admin, "")
	return password, err
}

// AddUser adds an account with a password. If that is empty, a one-time password is
// made and returned.
func (p *People) AddUser(ctx context.Context, by, name string, role Role, password string) (u *User, once string, err error) {
	name = fold(name)
	if err := checkName(name); err != nil {
		return nil, "", err
	}
	if role < Viewer || role > Admin {
		return nil, "", bad("bad_request", "a user needs the role viewer, analyst, engineer or admin")
	}
	if password == "" {
		once = oneTime()
		password = once
	} else if why := weak(password, name); why != "" {
		return nil, "", bad("weak_password", "%s", why)
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return nil, "", err
	}
	row := &state.User{Name: name, Handle: handle(), Role: role.String(), Password: hash, MustChange: once != "", Created: p.now().UnixMilli()}
	err = p.db.Write(func(tx *state.Tx) error {
		if err := p.mayAdd(tx, name); err != nil {
			return err
		}
		if err := tx.PutUser(row); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: by, Action: "added", Kind: "user", Object: name, Text: "as " + role.String()})
	})
	return userOf(row), once, err
}

func (p *People) mayAdd(tx *state.Tx, name string) error {
	list, err := tx.Users()
	if err != nil {
		return err
	}
	for _, u := range list {
		if u.Name == name {
			return conflict("there is a user %q already", name)
		}
	}
	if len(list) >= maxUsers {
		return conflict("there are %d users; no more can be added", maxUsers)
	}
	return nil
}

func handle() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return b
}

// Change is a change of an account; nil leaves a part as it is.
type Change struct {
	Role     *Role
	Disabled *bool
}

// ChangeUser changes an account, and ends its sessions if that changes what it may do.
func (p *People) ChangeUser(by, name string, c Change) (*User, error) {
	name = fold(name)
	err := p.edit(name, func(tx *state.Tx, u *state.User) error {
		var did []string
		if c.Role != nil && c.Role.String() != u.Role {
			if _, err := ParseRole(c.Role.String()); err != nil {
				return bad("bad_request", "%s", err)
			}
			did = append(did, fmt.Sprintf("role from %s to %s", u.Role, *c.Role))
			u.Role = c.Role.String()
		}
		if c.Disabled != nil && *c.Disabled != u.Disabled {
			did = append(did, map[bool]string{true: "disabled", false: "enabled"}[*c.Disabled])
			u.Disabled = *c.Disabled
		}
		if did == nil {
			return nil
		}
		if _, err := tx.EndSessions(name, ""); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: by, Action: "changed", Kind: "user", Object: name, Text: strings.Join(did, "; ")})
	})
	if err != nil {
		return nil, err
	}
	return p.User(name)
}

// edit changes an account, and refuses to leave no admin who can sign in.
func (p *People) edit(name string, change func(*state.Tx, *state.User) error) error {
	return p.db.Write(func(tx *state.Tx) error {
		u, err := tx.User(name)
		if err != nil {
			return err
		}
		if u == nil {
			return unknown("user", name)
		}
		was := *u
		if err := change(tx, u); err != nil {
			return err
		}
		if isAdmin(&was) && !isAdmin(u) {
			if err := lastAdmin(tx, name); err != nil {
				return err
			}
		}
		return tx.PutUser(u)
	})
}

func isAdmin(u *state.User) bool { return u.Role == Admin.String() && !u.Disabled }

func lastAdmin(tx *state.Tx, name string) error {
	list, err := tx.Users()
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Name != name && isAdmin(&list[i]) {
			return nil
		}
	}
	return conflict("%q is the last admin; make another one first", name)
}

// DeleteUser removes an account with its sessions, tokens and passkeys.
func (p *People) DeleteUser(by, name string) error {
	name = fold(name)
	return p.db.Write(func(tx *state.Tx) error {
		u, err := tx.User(name)
		if err != nil {
			return err
		}
		if u == nil {
			return unknown("user", name)
		}
		if isAdmin(u) {
			if err := lastAdmin(tx, name); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(name); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: by, Action: "deleted", Kind: "user", Object: name, Text: "was " + u.Role})
	})
}

// SetPassword gives a user a password, and ends the user's sessions. If it is empty, a
// one-time password is made and returned.
func (p *People) SetPassword(ctx context.Context, by, name, password string) (once string, err error) {
	name = fold(name)
	if password == "" {
		once = oneTime()
		password = once
	} else if why := weak(password, name); why != "" {
		return "", bad("weak_password", "%s", why)
	}
	hash, err := p.hasher.hash(ctx, password)
	if err != nil {
		return "", err
	}
	return once, p.edit(name, func(tx *state.Tx, u *state.User) error {
		u.Password, u.MustChange = hash, once != ""
		if _, err := tx.EndSessions(name, ""); err != nil {
			return err
		}
		if err := tx.ForgetAttempt("account " + of(name)); err != nil { // somebody who may has vouched for them
			return err
		}
		return tx.Audit(state.Action{Who: by, Action: "changed", Kind: "user", Object: name, Text: "a new password"})
	})
}

// ChangePassword changes one's own password. It ends all sessions and returns the
// secret of a new one.
func (p *People) ChangePassword(ctx context.Context, who *Principal, current, fresh string, peer Peer) (string, error) {
	if who.Session == "" {
		return "", errNeedsSession
	}
	u, tries, err := p.check(ctx, who.Name, current, peer)
	if err != nil {
		return "", err
	}
	settle := func(tx *state.Tx) error { return p.restore(tx, tries, who.Name, peer, true) }
	why := weak(fresh, who.Name)
	if fresh == current {
		why = "the new password is the same as the old one"
	}
	if why != "" {
		if err := p.db.Write(settle); err != nil {
			return "", err
		}
		return "", bad("weak_password", "%s", why)
	}
	hash, err := p.hasher.hash(ctx, fresh)
	if err != nil {
		return "", err
	}
	return p.begin(u, ViaPassword, peer, func(tx *state.Tx, u *state.User) error {
		u.Password, u.MustChange = hash, false
		if _, err := tx.EndSessions(u.Name, ""); err != nil {
			return err
		}
		if err := settle(tx); err != nil {
			return err
		}
		return tx.Audit(state.Action{Who: u.Name, Action: "changed", Kind: "user", Object: u.Name, Text: "own password"})
	})
}

// RandomPassword gives an account a random password that need not be changed, and
// returns it. It makes the account, of an admin, if there is none.
func (p *People) RandomPassword(ctx context.Context, name string) (string, error) {
	password := oneTime()
	_, err := p.SetPassword(ctx, state.Bluetrail, name, password)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == "not_found" {
		_, _, err = p.AddUser(ctx, state.Bluetrail, name, Admin, password)
	}
	return password, err
}

var errNeedsSession = &Refusal{Status: 403, Code: "needs_session", Text: "a token cannot do this", Hint: "sign in with a browser"}
