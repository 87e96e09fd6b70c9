package identity

import (
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/jsonscan"
)

// Link is a credential, or another thing that later calls carry, that a record
// issued to its caller.
type Link struct {
	Key    string // the issued access key, the ARN of a sign-in session, or the id of a request by the AWS MCP server
	Holder string // principalId of the sessions that use it, if the record has it
	What   What
}

// What says how a link came to be.
type What uint8

// The kinds of links.
const (
	AssumedRole     What = iota + 1 // AssumeRole
	SAML                            // AssumeRoleWithSAML
	WebIdentity                     // AssumeRoleWithWebIdentity
	FederationToken                 // GetFederationToken
	SessionToken                    // GetSessionToken
	RootSession                     // AssumeRoot
	AccessKey                       // CreateAccessKey
	SignInSession                   // CreateOAuth2Token
	SigninToken                     // GetSigninToken
	ServiceSession                  // CreateSession and others whose response has credentials
	MCPRequest                      // a call of the AWS MCP server
)

var issuers = map[string]What{
	"AssumeRole": AssumedRole, "AssumeRoleWithSAML": SAML, "AssumeRoleWithWebIdentity": WebIdentity, "GetFederationToken": FederationToken, "GetSessionToken": SessionToken,
	"AssumeRoot": RootSession, "CreateAccessKey": AccessKey, "CreateOAuth2Token": SignInSession, "GetSigninToken": SigninToken,
	"CreateSession": ServiceSession, "AssumeRoleForPodIdentity": ServiceSession, "GetCredentialsForIdentity": ServiceSession,
}

// Issuing returns the names of the calls that issue credentials, sorted. Calls of the
// AWS MCP server have other names.
func Issuing() []string { return slices.Sorted(maps.Keys(issuers)) }

// maxRequests limits the downstream requests of one MCP event.
const maxRequests = 100

// issued adds what the record issued.
func (f *Facts) issued(source, name string, response, additional []byte) {
	if source == MCPServer {
		if list := at(additional, "downstreamRequests"); len(list) > 0 && list[0] == '[' {
			// The value was validated with the record, so there is no error.
			_, _ = jsonscan.Array(list, 0, jsonscan.MaxDepth, func(v []byte) bool {
				if id := text(at(v, "requestId")); id != "" {
					f.Links = append(f.Links, Link{Key: id, What: MCPRequest})
				}
				return len(f.Links) < maxRequests
			})
		}
		return
	}
	what := issuers[name]
	if what == 0 {
		return
	}
	if what == SignInSession {
		if arn := text(at(additional, "signInSessionArn")); strings.HasPrefix(arn, "arn:") {
			f.Links = append(f.Links, Link{Key: arn, What: what})
		}
	}
	key := text(at(response, "credentials", "accessKeyId"))
	if what == AccessKey {
		key = text(at(response, "accessKey", "accessKeyId"))
	}
	if !keyLike(key) || key == f.Caller.AccessKeyID {
		return
	}
	l := Link{Key: key, What: what, Holder: text(at(response, "assumedRoleUser", "assumedRoleId"))}
	if what == FederationToken {
		l.Holder = text(at(response, "federatedUser", "federatedUserId"))
	}
	f.Links = append(f.Links, l)
}
