package event

import (
	"regexp"
	"strings"

	"bluetrail/internal/jsonscan"
)

// topNames are the members of a CloudTrail record, which Athena and CloudTrail
// Lake write in lower case, and those of userIdentity.
var topNames = []string{
	"eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
	"requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion", "managementEvent",
	"recipientAccountId", "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "eventCategory", "serviceEventDetails", "addendum", "sessionCredentialFromConsole",
	"tlsDetails", "annotation", "edgeDeviceDetails", "insightDetails",
	"principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy", "sessionContext", "sessionIssuer", "attributes", "creationDate", "mfaAuthenticated",
	"webIdFederationData", "federatedProvider", "sourceIdentity", "ec2RoleDelivery", "identityProvider", "onBehalfOf", "userId", "identityStoreArn", "credentialId",
	"tlsVersion", "cipherSuite", "clientProvidedHostHeader", "keyExchange", "originalRequestID", "originalEventID",
}

// columns maps lower-case names without spaces to the record's names.
var columns = func() map[string]string {
	m := map[string]string{
		// The event history of the console.
		"username": "userIdentity.userName", "awsaccesskey": "userIdentity.accessKeyId", "accesskeyid": "userIdentity.accessKeyId",
		"resourcetype": "resourceType", "resourcename": "resourceName",
	}
	for _, n := range topNames {
		if low := strings.ToLower(n); m[low] == "" {
			m[low] = n
		}
	}
	return m
}()

// inRecord maps the name of a column to that in the record.
func inRecord(name string) string {
	if n := columns[strings.ToLower(name)]; n != "" {
		return n
	}
	return name
}

// rebuild makes a record from the fields of a row; nil if none has a value.
// Values that are JSON objects or arrays, or structures in the text form of
// Athena and CloudTrail Lake, become members.
func rebuild(names, values []string) []byte {
	const user = "userIdentity."
	var out, identity []byte
	for i, v := range values {
		if i >= len(names) || v == "" || v == "null" {
			continue
		}
		if rest, ok := strings.CutPrefix(names[i], user); ok {
			identity = member(identity, rest, v)
			continue
		}
		out = member(out, names[i], v)
	}
	if identity != nil {
		out = append(key(out, "userIdentity"), append(identity, '}')...)
	}
	if out == nil {
		return nil
	}
	return append(out, '}')
}

// key begins a member of an object.
func key(out []byte, name string) []byte {
	if out == nil {
		out = append(out, '{')
	} else {
		out = append(out, ',')
	}
	return append(jsonscan.AppendQuoted(out, name), ':')
}

func member(out []byte, name, v string) []byte {
	out = key(out, name)
	if v[0] == '{' || v[0] == '[' {
		if end, err := jsonscan.Skip([]byte(v), 0, jsonscan.MaxDepth); err == nil && end == len(v) {
			return append(out, v...)
		}
		if made, rest, ok := structure(nil, v, 0); ok && rest == "" {
			return append(out, made...)
		}
	}
	return jsonscan.AppendQuoted(out, v)
}

var (
	structKey = regexp.MustCompile(`^\w+=`)
	nextKey   = regexp.MustCompile(`, \w+=`)
)

// structure parses a structure in Presto's format, {name=value, name=[…]}, and
// appends it as JSON. Commas inside values are distinguished from separators by
// the name that follows.
func structure(out []byte, s string, depth int) (made []byte, rest string, ok bool) {
	if depth > 32 || s == "" {
		return nil, s, false
	}
	closing := byte('}')
	if s[0] == '[' {
		closing = ']'
	}
	out, s = append(out, s[0]), s[1:]
	for n := 0; ; n++ {
		s = strings.TrimLeft(s, " ")
		if s == "" {
			return nil, s, false
		}
		if s[0] == closing {
			return append(out, closing), s[1:], true
		}
		if n > 0 {
			if s[0] != ',' {
				return nil, s, false
			}
			out, s = append(out, ','), strings.TrimLeft(s[1:], " ")
		}
		if closing == '}' {
			name := structKey.FindString(s)
			if name == "" {
				return nil, s, false
			}
			s = s[len(name):]
			name = name[:len(name)-1]
			if n := columns[name]; n != "" && !strings.Contains(n, ".") {
				name = n
			} else if name == "username" || name == "accesskeyid" {
				name = strings.TrimPrefix(n, "userIdentity.")
			}
			out = append(jsonscan.AppendQuoted(out, name), ':')
		}
		if s != "" && (s[0] == '{' || s[0] == '[') {
			if out, s, ok = structure(out, s, depth+1); !ok {
				return nil, s, false
			}
			continue
		}
		end := len(s)
		if i := strings.IndexByte(s, closing); i >= 0 {
			end = i
		}
		if closing == '}' {
			if at := nextKey.FindStringIndex(s[:end]); at != nil {
				end = at[0]
			}
		} else if i := strings.Index(s[:end], ", "); i >= 0 {
			end = i
		}
		if v := s[:end]; v == "null" {
			out = append(out, v...)
		} else {
			out = jsonscan.AppendQuoted(out, v)
		}
		s = s[end:]
	}
}
