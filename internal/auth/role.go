// Package auth knows who works with bluetrail: accounts, their roles and
// passwords, sessions, API tokens, passkeys and single sign-on.
package auth

import (
	"context"
	"fmt"
	"slices"
)

// Role says what a person or token may do. A higher role may do all that a
// lower one may.
type Role uint8

const (
	None     Role = iota // nobody is signed in
	Viewer               // reads and searches
	Analyst              // triages alerts, comments, keeps searches and dashboards
	Engineer             // edits rules, lists, lookups and suppressions
	Admin                // manages users, tokens of others, settings; reads the audit log
)

var roleNames = []string{"none", "viewer", "analyst", "engineer", "admin"}

// Roles are the names that ParseRole takes, from the lowest to the highest.
var Roles = roleNames[1:]

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// ParseRole reads one of Roles.
func ParseRole(name string) (Role, error) {
	if i := slices.Index(Roles, name); i >= 0 {
		return Role(i + 1), nil
	}
	return None, fmt.Errorf("unknown role %q (use viewer, analyst, engineer or admin)", name)
}

// The values of Principal.Via.
const (
	ViaPassword = "password"
	ViaPasskey  = "passkey"
	ViaOIDC     = "oidc"
	ViaToken    = "token"
	ViaSocket   = "socket"
)

// Principal is who makes a request. It is not changed once made.
type Principal struct {
	Name   string
	Role   Role
	Via    string   // ViaPassword and so on
	Scopes []string // the areas a token is limited to; empty: all

	Session    string // ID of the browser's session, "" = none
	MustChange bool   // the password has to be changed before anything else
}

type principalKey struct{}

// With returns a context that carries p.
func With(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns who makes the request, nil if nobody is signed in.
func From(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}
