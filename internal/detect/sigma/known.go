package sigma

import (
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
)

// The fields of a CloudTrail record. Source: "CloudTrail record contents" and
// "CloudTrail userIdentity element" in the AWS CloudTrail User Guide, and records.
var knownFields = []string{
	"additionalEventData", "addendum.originalEventID", "addendum.originalRequestID", "addendum.reason", "addendum.updatedFields", "apiVersion",
	"awsRegion", "edgeDeviceDetails", "errorCode", "errorMessage", "eventCategory", "eventContext", "eventID", "eventName", "eventSource",
	"eventTime", "eventType", "eventVersion", "insightDetails", "managementEvent", "readOnly", "recipientAccountId", "requestID",
	"requestParameters", "resources.ARN", "resources.ARNPrefix", "resources.accountId", "resources.type", "responseElements",
	"serviceEventDetails", "sessionCredentialFromConsole", "sharedEventID", "sourceIPAddress", "tlsDetails.cipherSuite",
	"tlsDetails.clientProvidedHostHeader", "tlsDetails.keyExchange", "tlsDetails.tlsVersion", "userAgent", "vpcEndpointAccountId",
	"vpcEndpointId",
	"userIdentity.accessKeyId", "userIdentity.accountId", "userIdentity.arn", "userIdentity.credentialId", "userIdentity.identityProvider",
	"userIdentity.inScopeOf.credentialsIssuedTo", "userIdentity.inScopeOf.credentialsIssuedToVersion", "userIdentity.inScopeOf.issuerType",
	"userIdentity.inScopeOf.sourceAccount", "userIdentity.inScopeOf.sourceArn", "userIdentity.invokedBy",
	"userIdentity.invokedByDelegate.accountId", "userIdentity.onBehalfOf.identityStoreArn", "userIdentity.onBehalfOf.userId",
	"userIdentity.principalId", "userIdentity.sessionContext.assumedRoot", "userIdentity.sessionContext.attributes.creationDate",
	"userIdentity.sessionContext.attributes.mfaAuthenticated", "userIdentity.sessionContext.ec2RoleDelivery",
	"userIdentity.sessionContext.sessionIssuer.accountId", "userIdentity.sessionContext.sessionIssuer.arn",
	"userIdentity.sessionContext.sessionIssuer.principalId", "userIdentity.sessionContext.sessionIssuer.type",
	"userIdentity.sessionContext.sessionIssuer.userName", "userIdentity.sessionContext.signInSessionArn",
	"userIdentity.sessionContext.sourceIdentity", "userIdentity.sessionContext.webIdFederationData", "userIdentity.type",
	"userIdentity.userName",
}

// open are the parts of a record whose members depend on the call.
var open = []string{
	"additionalEventData", "edgeDeviceDetails", "eventContext", "insightDetails", "requestParameters", "responseElements",
	"serviceEventDetails", "userIdentity.sessionContext.webIdFederationData",
}

// UnknownField says why no CloudTrail record has a field, "" if some may. What depends
// on the call, such as the members of requestParameters, is not checked.
func UnknownField(name string) string {
	if derived, ok := derivedField(name); ok && followsFromRecord(derived) {
		return ""
	}
	for _, known := range knownFields {
		if name == known || strings.HasPrefix(known, name+".") {
			return ""
		}
	}
	for _, part := range open {
		if strings.HasPrefix(name, part+".") {
			return hasBraces(name)
		}
	}
	why := fmt.Sprintf("no CloudTrail record has the field %q", name)
	if braces := hasBraces(name); braces != "" {
		return braces
	}
	if i := slices.IndexFunc(knownFields, func(known string) bool { return strings.EqualFold(known, name) }); i >= 0 {
		return why + "; field names are case-sensitive: " + knownFields[i]
	}
	if followsFromRecord(name) {
		return why + "; it is derived: write " + derivedPrefix + name
	}
	if f := event.Lookup(name); f != nil {
		return why + "; searches derive it, Sigma rules see the record as AWS wrote it"
	}
	if hint := diag.DidYouMean(name, append(slices.Clone(knownFields), open...)); hint != "" {
		return why + "; " + hint
	}
	return why
}

// hasBraces answers names in Splunk's way of writing arrays.
func hasBraces(name string) string {
	if !strings.Contains(name, "{}") {
		return ""
	}
	return fmt.Sprintf("no CloudTrail record has the field %q; arrays are written without braces: %s", name, strings.ReplaceAll(name, "{}", ""))
}

// UnknownFields says which fields that the rule tests no CloudTrail record has, and
// why.
func (r *Rule) UnknownFields() []string {
	var out []string
	check := func(name string) {
		if why := UnknownField(name); why != "" && !slices.Contains(out, why) {
			out = append(out, why)
		}
	}
	r.fields(func(id int) { check(r.table.names[id]) })
	return append(out, unknownGroupFields("entity", r.Entity)...)
}

// UnknownFields says which fields that the correlation groups by, counts or remembers, or
// that say whom it is about, no event has, and why.
func (c *Correlation) UnknownFields() (out []string) {
	for _, part := range []struct {
		key   string
		names []string
	}{{"group-by", c.GroupBy}, {"condition", c.Condition.Fields}, {"fields", c.FirstSeen.Fields}} {
		var read []string
		for _, name := range part.names {
			for i := range c.Rules {
				if f := c.Field(name, i); !slices.Contains(read, f) {
					read = append(read, f)
				}
			}
		}
		out = append(out, unknownGroupFields(part.key, read)...)
	}
	return append(out, unknownGroupFields("entity", c.Entity)...)
}

func unknownGroupFields(key string, names []string) (out []string) {
	for _, name := range names {
		if why := UnknownGroupField(name); why != "" {
			out = append(out, key+": "+why)
		}
	}
	return out
}

// UnknownGroupField says why no event has a field by which rules group: a record field, or
// one that is derived; "" if some may.
func UnknownGroupField(name string) string {
	if f := event.Lookup(name); f != nil && (f.Group == event.GroupActor || event.Addon(name) != nil) || UnknownField(name) == "" && !strings.HasPrefix(name, derivedPrefix) {
		return ""
	}
	why := fmt.Sprintf("no event has the field %q", name)
	if derived, ok := derivedField(name); ok && event.Addon(derived) != nil {
		return why + "; only detections write " + derivedPrefix + ", here it is " + derived
	}
	if hasBraces(name) != "" {
		return why + "; arrays are written without braces: " + strings.ReplaceAll(name, "{}", "")
	}
	names := append(slices.Clone(knownFields), open...)
	for _, f := range event.Fields() {
		if f.Group == event.GroupActor || event.Addon(f.Name) != nil {
			names = append(names, f.Name)
		}
	}
	if i := slices.IndexFunc(names, func(known string) bool { return strings.EqualFold(known, name) }); i >= 0 {
		return why + "; field names are case-sensitive: " + names[i]
	}
	if hint := diag.DidYouMean(name, names); hint != "" {
		return why + "; " + hint
	}
	return why
}
