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
	return out
}
