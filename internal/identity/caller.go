// Package identity says who is behind a record. Read takes from each record who
// called and which credentials it issued, a Trail collects that in any order,
// and Trail.Resolve follows a caller's credentials back to the first human or
// robot.
package identity

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

// Caller is what one record says about who called. Missing values are empty.
type Caller struct {
	Type, ARN, PrincipalID, AccountID, AccessKeyID, UserName string // of userIdentity

	IssuerType, IssuerARN, IssuerName string // of sessionContext.sessionIssuer

	SignInSession  string // signInSessionArn
	InvokedBy      string
	SourceIdentity string
	UserID         string // onBehalfOf.userId
	IdentityStore  string // onBehalfOf.identityStoreArn
	Provider       string // identityProvider
	Delegate       string // invokedByDelegate.accountId
	Scope          string // inScopeOf.credentialsIssuedTo
	Recipient      string // recipientAccountId
	Address        string // sourceIPAddress
	Agent          string // userAgent
	RequestID      string // only of calls by the AWS MCP server

	Console     bool // sessionCredentialFromConsole
	MFA         bool // mfaAuthenticated
	AssumedRoot bool

	Created int64 // creationDate in unix nanoseconds, 0 = none
	Time    int64 // eventTime in unix nanoseconds
}

// MCPServer is invokedBy, userAgent and sourceIPAddress of calls that the AWS
// MCP server makes for an agent.
const MCPServer = "aws-mcp.amazonaws.com"

// texts lists the texts in the order of their encoding.
func (c *Caller) texts() [21]*string {
	return [...]*string{&c.Type, &c.ARN, &c.PrincipalID, &c.AccountID, &c.AccessKeyID, &c.UserName, &c.IssuerType, &c.IssuerARN, &c.IssuerName, &c.SignInSession,
		&c.InvokedBy, &c.SourceIdentity, &c.UserID, &c.IdentityStore, &c.Provider, &c.Delegate, &c.Scope, &c.Recipient, &c.Address, &c.Agent, &c.RequestID}
}

// AppendBinary appends the caller in the form that Decode reads. It implements
// encoding.BinaryAppender and never fails.
func (c *Caller) AppendBinary(b []byte) ([]byte, error) {
	texts := c.texts()
	var set uint64
	for i, t := range texts {
		if *t != "" {
			set |= 1 << i
		}
	}
	for i, flag := range [...]bool{c.Console, c.MFA, c.AssumedRoot} {
		if flag {
			set |= 1 << (len(texts) + i)
		}
	}
	b = binary.AppendUvarint(b, set)
	b = binary.AppendVarint(b, c.Created)
	b = binary.AppendVarint(b, c.Time)
	for _, t := range texts {
		if *t != "" {
			b = appendText(b, *t)
		}
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errDamaged = errors.New("the encoded identity is damaged")

// Decode reads a caller that AppendBinary wrote and returns what follows it.
// The texts share the bytes of s.
func (c *Caller) Decode(s string) (rest string, err error) {
	*c = Caller{}
	r := reader{s: s}
	set := r.uvarint()
	c.Created, c.Time = r.varint(), r.varint()
	texts := c.texts()
	for i, t := range texts {
		if set&(1<<i) != 0 {
			*t = r.text()
		}
	}
	n := len(texts)
	c.Console, c.MFA, c.AssumedRoot = set&(1<<n) != 0, set&(1<<(n+1)) != 0, set&(1<<(n+2)) != 0
	if r.bad {
		return "", errDamaged
	}
	return r.s, nil
}

// reader reads the encodings of this package; bad is set for damaged ones.
type reader struct {
	s   string
	bad bool
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(r.s[i]&0x7f) << (7 * i)
		if r.s[i] < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.s, r.bad = "", true
	return 0
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.s, r.bad = "", true
		return ""
	}
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

// Temporary reports whether the credentials of the caller end by themselves.
func (c *Caller) Temporary() bool {
	return c.Created != 0 || c.SignInSession != "" || strings.HasPrefix(c.AccessKeyID, "ASIA")
}

// TrimTime drops as much of Time as Resolve can do without, so that the calls of one
// session encode alike: idle windows ask for the minute, other sessions for nothing.
func (c *Caller) TrimTime() {
	switch minute := c.Time - c.Time%60e9; {
	case c.SignInSession != "" || c.session() != "":
		c.Time = 0
	case minute != 0:
		c.Time = minute
	}
}

// session returns the key of the session that the caller's temporary
// credentials belong to, "" if there is none. The console makes a key for each
// request, so the principal and the start come before the key.
func (c *Caller) session() string {
	switch {
	case c.Created != 0 && c.PrincipalID != "":
		return SessionKey(c.PrincipalID, c.Created)
	case strings.HasPrefix(c.AccessKeyID, "ASIA") && keyLike(c.AccessKeyID):
		return c.AccessKeyID
	}
	return ""
}

// SessionKey is the key of the session of a principal that began at a time, in unix
// nanoseconds.
func SessionKey(principal string, created int64) string { return principal + "@" + stamp(created) }

// holder names whoever has calls in an idle window: a long-lived key, a user
// or a service.
func (c *Caller) holder() string {
	switch {
	case keyLike(c.AccessKeyID):
		return c.AccessKeyID
	case c.PrincipalID != "":
		return c.PrincipalID
	case c.UserID != "":
		return c.UserID
	case c.InvokedBy != "":
		return c.InvokedBy + "/" + c.Recipient
	case c.ARN != "":
		return c.ARN
	}
	return c.Type + "/" + c.AccountID + "/" + c.UserName
}

// keyLike reports whether a text can be the id of an access key. Masked and
// placeholder ids would join strangers.
func keyLike(s string) bool {
	if len(s) < 16 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c-'A' > 25 && c-'a' > 25 {
			return false
		}
	}
	return strings.Trim(s[4:], s[4:5]) != ""
}

func stamp(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }
