package identity

import "bluetrail/internal/jsonscan"

// Facts is what one record says: who called, and what it issued.
type Facts struct {
	Caller Caller
	Links  []Link
}

// maxText limits one text of a record, in bytes. Longer ones are cut, with a
// hash of the whole so that they stay distinct.
const maxText = 1024

// Read takes the facts from a record. The texts share the bytes of raw. A record
// that is not a JSON object, or has no userIdentity, leaves the caller empty;
// only broken JSON is an error. f.Links is reused.
func Read(raw []byte, f *Facts) error {
	f.Caller, f.Links = Caller{}, f.Links[:0]
	var user, response, additional []byte
	var name, source string
	c := &f.Caller
	i := jsonscan.Space(raw, 0)
	if _, err := jsonscan.Object(raw, i, jsonscan.MaxDepth, func(key string, v []byte) bool {
		switch key {
		case "userIdentity":
			user = v
		case "eventName":
			name = text(v)
		case "eventSource":
			source = text(v)
		case "eventTime":
			c.Time = moment(v)
		case "sourceIPAddress":
			c.Address = text(v)
		case "userAgent":
			c.Agent = text(v)
		case "recipientAccountId":
			c.Recipient = text(v)
		case "requestID":
			c.RequestID = text(v)
		case "responseElements":
			response = v
		case "additionalEventData":
			additional = v
		case "sessionCredentialFromConsole":
			c.Console = text(v) == "true"
		}
		return true
	}); err != nil {
		return err
	}
	each(user, func(key string, v []byte) {
		switch key {
		case "type":
			c.Type = text(v)
		case "arn":
			c.ARN = text(v)
		case "principalId":
			c.PrincipalID = text(v)
		case "accountId":
			c.AccountID = text(v)
		case "accessKeyId":
			c.AccessKeyID = text(v)
		case "userName":
			c.UserName = text(v)
		case "invokedBy":
			c.InvokedBy = text(v)
		case "identityProvider":
			c.Provider = text(v)
		case "sessionContext":
			c.context(v)
		case "onBehalfOf":
			c.UserID, c.IdentityStore = text(at(v, "userId")), text(at(v, "identityStoreArn"))
		case "invokedByDelegate":
			c.Delegate = text(at(v, "accountId"))
		case "inScopeOf":
			c.Scope = text(at(v, "credentialsIssuedTo"))
		}
	})
	if c.InvokedBy != MCPServer {
		c.RequestID = ""
	}
	f.issued(source, name, response, additional)
	return nil
}

func (c *Caller) context(context []byte) {
	each(context, func(key string, v []byte) {
		switch key {
		case "sessionIssuer":
			each(v, func(key string, v []byte) {
				switch key {
				case "type":
					c.IssuerType = text(v)
				case "arn":
					c.IssuerARN = text(v)
				case "userName":
					c.IssuerName = text(v)
				}
			})
		case "attributes":
			each(v, func(key string, v []byte) {
				switch key {
				case "creationDate":
					c.Created = moment(v)
				case "mfaAuthenticated":
					c.MFA = text(v) == "true"
				case "sessionCredentialFromConsole":
					c.Console = c.Console || text(v) == "true"
				}
			})
		case "signInSessionArn":
			c.SignInSession = text(v)
		case "sourceIdentity":
			c.SourceIdentity = text(v)
		case "assumedRoot":
			c.AssumedRoot = text(v) == "true"
		}
	})
}

// each visits the members of a value that is an object, and none of others.
func each(v []byte, visit func(key string, v []byte)) {
	if len(v) == 0 || v[0] != '{' {
		return
	}
	// The value was validated with the record, so there is no error.
	_, _ = jsonscan.Object(v, 0, jsonscan.MaxDepth, func(key string, v []byte) bool {
		visit(key, v)
		return true
	})
}

// at returns the value at a path of keys, nil if there is none.
func at(v []byte, path ...string) []byte {
	for _, want := range path {
		var found []byte
		each(v, func(key string, v []byte) {
			if key == want {
				found = v
			}
		})
		v = found
	}
	return v
}

// text returns a scalar as text, "" for anything else.
func text(v []byte) string {
	if k := jsonscan.KindOf(v); k == jsonscan.Null || k == jsonscan.Composite {
		return ""
	}
	return short(jsonscan.Scalar(v))
}

// moment parses a time as CloudTrail writes it, 0 = none.
func moment(v []byte) int64 { return instant(text(v)) }
