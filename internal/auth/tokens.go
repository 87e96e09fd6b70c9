package auth

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/state"
)

// tokenPrefix begins all tokens, so that scanners of secrets find those that leak.
const tokenPrefix = "btk_"

// Token is a secret with which programs sign in, without the secret.
type Token struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	User    string     `json:"user"`
	Role    string     `json:"role"` // at most
	Areas   []string   `json:"areas"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Used    *time.Time `json:"used,omitempty"`
	Address string     `json:"address,omitempty"`
}

func tokenOf(t *state.Token) *Token {
	areas := split(t.Areas)
	if areas == nil {
		areas = []string{}
	}
	return &Token{t.ID, t.Name, t.User, t.Role, areas, utc(t.Created), when(t.Expires), when(t.Used), t.Address}
}

// Tokens returns the tokens of a user, "" for all, the newest first.
func (p *People) Tokens(user string) ([]Token, error) {
	rows, err := p.db.Tokens(user, maxListed)
	if err != nil {
		return nil, err
	}
	list := []Token{}
	for i := range rows {
		list = append(list, *tokenOf(&rows[i]))
	}
	return list, nil
}

// Bounds of tokens.
const (
	maxTokenName = 100
	maxTokenDays = 366
	// TokenDays is how long a token lasts unless told otherwise.
	TokenDays = 90
)

// NewToken is what a token is to be.
type NewToken struct {
	Name  string
	Role  Role
	Areas []string
	Days  int
}

// AddToken makes a token for a user and returns its secret, which is not kept.
func (p *People) AddToken(by, user string, n NewToken) (*Token, string, error) {
	n.Name = strings.TrimSpace(n.Name)
	switch {
	case n.Name == "" || len(n.Name) > maxTokenName || strings.ContainsFunc(n.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, "", bad("bad_request", "a token needs a name of 1 to %d bytes without control characters, that says what it is for", maxTokenName)
	case n.Days < 1 || n.Days > maxTokenDays:
		return nil, "", bad("bad_request", "a token lasts between 1 and %d days, not %d", maxTokenDays, n.Days)
	case n.Role < Viewer || n.Role > Admin:
		return nil, "", bad("bad_request", "a token needs the role viewer, analyst, engineer or admin")
	}
	areas := slices.Compact(slices.Sorted(slices.Values(n.Areas)))
	for _, a := range areas {
		if !slices.Contains(Areas, a) {
			return nil, "", bad("bad_request", "there is no area %q; the areas are %s", cut(a, 40), strings.Join(Areas, ", "))
		}
	}
	value := tokenPrefix + secret()
	hash := sha256.Sum256([]byte(value))
	now := p.now()
	row := &state.Token{
		Hash: hash[:], ID: newID(), User: fold(user), Name: n.Name, Role: n.Role.String(), Areas: strings.Join(areas, ","),
		Created: now.UnixMilli(), Expires: now.AddDate(0, 0, n.Days).UnixMilli(),
	}
	err := p.db.Write(func(tx *state.Tx) error {
		u, err := tx.User(row.User)
		if err != nil {
			return err
		}
		if u == nil {
			return unknown("user", user)
		}
		role, err := ParseRole(u.Role)
		if err != nil {
			return err
		}
		switch {
		case n.Role > role:
			return bad("bad_request", "%s has the role %s; a token cannot have %s", u.Name, role, n.Role)
		case u.Tokens >= maxTokens:
			return conflict("%s has %d tokens; revoke some first", u.Name, maxTokens)
		}
		if err := tx.AddToken(row); err != nil {
			return err
		}
		text := fmt.Sprintf("token %q of %s as %s for %d days", n.Name, u.Name, n.Role, n.Days)
		if areas != nil {
			text += ", limited to " + strings.Join(areas, ", ")
		}
		return tx.Audit(state.Action{Who: by, Action: "added", Kind: "token", Object: row.ID, Text: text})
	})
	if err != nil {
		return nil, "", err
	}
	return tokenOf(row), value, nil
}

// RevokeToken ends a token of a user, "" for anybody's.
func (p *People) RevokeToken(by, user, id string) error {
	return p.db.Write(func(tx *state.Tx) error {
		whose, err := tx.RevokeToken(user, id)
		if err != nil {
			return err
		}
		if whose == "" {
			return unknown("token", id)
		}
		return tx.Audit(state.Action{Who: by, Action: "revoked", Kind: "token", Object: id, Text: "of " + whose})
	})
}
