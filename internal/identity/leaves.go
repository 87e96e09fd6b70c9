package identity

import (
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Leaves are the fields of a record that FromLeaves reads, by their paths.
var Leaves = []string{
	"userIdentity.type", "userIdentity.arn", "userIdentity.principalId", "userIdentity.accountId", "userIdentity.accessKeyId", "userIdentity.userName",
	"userIdentity.invokedBy", "userIdentity.identityProvider",
	"userIdentity.sessionContext.sessionIssuer.type", "userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.sessionContext.sessionIssuer.userName",
	"userIdentity.sessionContext.signInSessionArn", "userIdentity.sessionContext.sourceIdentity",
	"userIdentity.onBehalfOf.userId", "userIdentity.onBehalfOf.identityStoreArn", "userIdentity.invokedByDelegate.accountId", "userIdentity.inScopeOf.credentialsIssuedTo",
	"recipientAccountId", "sourceIPAddress", "userAgent", "requestID",
	"userIdentity.sessionContext.attributes.creationDate", "eventTime",
	"sessionCredentialFromConsole", "userIdentity.sessionContext.attributes.sessionCredentialFromConsole",
	"userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.assumedRoot",
}

// The places of the last leaves, which are no plain texts.
const (
	createdLeaf = iota + 21
	timeLeaf
	consoleLeaf
	attributeLeaf
	mfaLeaf
	rootLeaf
)

// Issues reports whether a call may issue credentials, so that its record has to be
// read by Read.
func Issues(eventSource, eventName string) bool {
	return issuers[eventName] != 0 || eventSource == MCPServer
}

// FromLeaves is Read for a caller that has the Leaves of a record already, of a call
// that issues nothing: leaf returns one by its place in Leaves, "" = the record has
// none. The texts are not copied.
func FromLeaves(leaf func(i int) string, f *Facts) {
	f.Caller, f.Links = Caller{}, f.Links[:0]
	c := &f.Caller
	for i, to := range [...]*string{
		&c.Type, &c.ARN, &c.PrincipalID, &c.AccountID, &c.AccessKeyID, &c.UserName, &c.InvokedBy, &c.Provider, &c.IssuerType, &c.IssuerARN, &c.IssuerName,
		&c.SignInSession, &c.SourceIdentity, &c.UserID, &c.IdentityStore, &c.Delegate, &c.Scope, &c.Recipient, &c.Address, &c.Agent, &c.RequestID,
	} {
		*to = short(leaf(i))
	}
	if c.InvokedBy != MCPServer {
		c.RequestID = ""
	}
	c.Created, c.Time = instant(leaf(createdLeaf)), instant(leaf(timeLeaf))
	c.Console = leaf(consoleLeaf) == "true" || leaf(attributeLeaf) == "true"
	c.MFA, c.AssumedRoot = leaf(mfaLeaf) == "true", leaf(rootLeaf) == "true"
}

// short cuts a text that is longer than maxText.
func short(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText-20], "") + "…" + strconv.FormatUint(xxhash.Sum64String(s), 16)
	}
	return s
}

// instant parses a time as CloudTrail writes it, 0 = none.
func instant(s string) int64 {
	if s == "" {
		return 0
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 || t.Year() > 2261 {
		return 0
	}
	return t.UnixNano()
}
