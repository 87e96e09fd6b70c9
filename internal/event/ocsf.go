package event

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/jsonscan"
)

// The names of a CloudTrail record's fields in the Open Cybersecurity Schema
// Framework, in which Amazon Security Lake stores it: as API Activity,
// Authentication or Account Change, in versions 1.0 and 1.1. They exist for
// searches that use these names, and are otherwise not fields of an event: see
// Field.OnRequest.

const unmapped = "unmapped"

// unmappedField returns the field behind unmapped.x and unmapped{}.x, which
// hold what the schema has no name for; nil for other names.
func unmappedField(name string) *Field {
	rest, ok := strings.CutPrefix(name, unmapped)
	if !ok {
		return nil
	}
	rest = strings.TrimPrefix(rest, "{}")
	if leaf, ok := strings.CutPrefix(rest, "."); ok && leaf != "" {
		return &Field{Name: name, Group: GroupLake, Type: Text, From: []string{leaf}, OnRequest: true, Doc: "The same as `" + leaf + "`."}
	}
	return nil
}

// ocsfAliases are the names of unchanged record fields.
var ocsfAliases = [][2]string{
	{"api.operation", "eventName"}, {"api.service.name", "eventSource"}, {"api.version", "apiVersion"},
	{"api.request.uid", "requestID"}, {"api.response.error", "errorCode"}, {"api.response.message", "errorMessage"}, {"api.response.error_message", "errorMessage"},
	{"actor.user.type", "userIdentity.type"}, {"actor.user.uid", "userIdentity.arn"}, {"actor.user.uuid", "userIdentity.arn"}, {"actor.user.uid_alt", "userIdentity.principalId"},
	{"actor.user.account_uid", "userIdentity.accountId"}, {"actor.user.account.uid", "userIdentity.accountId"},
	{"actor.user.credential_uid", "userIdentity.accessKeyId"}, {"actor.invoked_by", "userIdentity.invokedBy"},
	{"actor.idp.name", "userIdentity.identityProvider"},
	{"actor.session.created_time_dt", "userIdentity.sessionContext.attributes.creationDate"}, {"actor.session.credential_uid", "userIdentity.accessKeyId"},
	{"actor.session.issuer", "userIdentity.sessionContext.sessionIssuer.arn"}, {"actor.session.uid", "userIdentity.sessionContext.sessionIssuer.principalId"},
	{"actor.session.mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated"}, {"actor.session.is_mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated"},
	{"src_endpoint.uid", "vpcEndpointId"}, {"http_request.user_agent", "userAgent"}, {"dst_endpoint.svc_name", "eventSource"},
	{"cloud.region", "awsRegion"}, {"cloud.account_uid", "recipientAccountId"}, {"cloud.account.uid", "recipientAccountId"},
	{"metadata.uid", "eventID"}, {"metadata.event_code", "eventType"}, {"metadata.product.version", "eventVersion"}, {"metadata.product.feature.name", "eventCategory"},
	{"resources{}.uid", "resources{}.ARN"}, {"resources{}.account_uid", "resources{}.accountId"}, {"resources{}.account.uid", "resources{}.accountId"}, {"resources{}.owner.account.uid", "resources{}.accountId"},
	{"status_code", "errorCode"}, {"status_detail", "errorMessage"}, {"time_dt", "eventTime"},
	{"tls.cipher", "tlsDetails.cipherSuite"}, {"tls.sni", "tlsDetails.clientProvidedHostHeader"}, {"tls.version", "tlsDetails.tlsVersion"},
	{"session.credential_uid", "responseElements.credentials.accessKeyId"}, {"session.issuer", "userIdentity.sessionContext.sessionIssuer.arn"}, {"session.uid", "userIdentity.sessionContext.sessionIssuer.principalId"},
	{"policy.uid", "requestParameters.policyArn"}, {"policy.name", "requestParameters.policyName"}, {"group.name", "requestParameters.groupName"},
	{"user_result.name", "responseElements.user.userName"}, {"user_result.uid", "responseElements.user.arn"}, {"user_result.uid_alt", "responseElements.user.userId"},
}

// earlier maps the first parts of names in drafts of the schema to those that
// replaced them.
var earlier = map[string]string{"identity.": "actor."}

func init() { Register(onRequest(group(GroupLake, ocsfFields()))...) }

func ocsfFields() []Field {
	var list []Field
	for _, a := range ocsfAliases {
		list = append(list, Field{Name: a[0], From: []string{a[1]}, Doc: "The same as `" + a[1] + "`."})
	}
	for _, c := range [][2]string{
		{"severity", "Informational"}, {"severity_id", "1"}, {"cloud.provider", "AWS"},
		{"metadata.version", "1.1.0"}, {"metadata.product.name", "CloudTrail"}, {"metadata.product.vendor_name", "AWS"},
	} {
		list = append(list, Field{Name: c[0], Derive: constant(c[1]), Doc: "Always " + c[1] + "."})
	}
	list = append(list,
		Field{Name: "actor.user.name", From: []string{"userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName"}, Derive: firstSet, Doc: "The user, or the role behind a session."},
		Field{Name: "actor.session.created_time", From: []string{"userIdentity.sessionContext.attributes.creationDate"}, Derive: epochMillis, Doc: "Milliseconds since 1970."},
		Field{Name: "time", From: []string{"eventTime"}, Derive: epochMillis, Doc: "Milliseconds since 1970."},
		Field{Name: "src_endpoint.ip", From: []string{"sourceIPAddress"}, Derive: func(in Inputs) Cell { return endpoint(in, true) }, Doc: "The source when it is an address."},
		Field{Name: "src_endpoint.domain", From: []string{"sourceIPAddress"}, Derive: func(in Inputs) Cell { return endpoint(in, false) }, Doc: "The source when it is a name, as of a service."},
		Field{Name: "status_id", From: []string{"errorCode", "responseElements.ConsoleLogin", "eventName"}, Derive: func(in Inputs) Cell {
			if !in.Set(2) {
				return Cell{}
			}
			if failure(in) {
				return one("2")
			}
			return one("1")
		}, Doc: "1 for success, 2 for failure."},
		Field{Name: "api.request.data", member: "requestParameters", Doc: "The JSON text of `requestParameters`."},
		Field{Name: "api.response.data", member: "responseElements", Doc: "The JSON text of `responseElements`."},
	)
	for name, f := range map[string]struct {
		doc  string
		show func(ocsfClass) string
	}{
		"activity_id":   {"The type of call, as a number.", func(c ocsfClass) string { return strconv.Itoa(c.activity) }},
		"activity_name": {"The type of call: Create, Read, Update, Delete, Logon, Attach Policy … or Other.", func(c ocsfClass) string { return c.activityName() }},
		"category_name": {"The category of the class.", func(c ocsfClass) string { return c.category }},
		"category_uid":  {"The number of the category.", func(c ocsfClass) string { return strconv.Itoa(c.uid / 1000) }},
		"class_name":    {"API Activity, Authentication for calls of the sign-in service, Account Change for changes to users.", func(c ocsfClass) string { return c.name }},
		"class_uid":     {"The number of the class: 6003, 3002 or 3001.", func(c ocsfClass) string { return strconv.Itoa(c.uid) }},
		"type_name":     {"Class and activity.", func(c ocsfClass) string { return c.name + ": " + c.activityName() }},
		"type_uid":      {"The number of class and activity.", func(c ocsfClass) string { return strconv.Itoa(c.uid*100 + c.activity) }},
	} {
		list = append(list, Field{Name: name, From: []string{"eventName", "eventSource"}, Doc: f.doc,
			Derive: func(in Inputs) Cell {
				if !in.Set(0) {
					return Cell{}
				}
				return one(f.show(classOf(in.Text(0), in.Text(1))))
			}})
	}
	for _, name := range []string{"is_mfa", "mfa"} {
		list = append(list, Field{Name: name, From: []string{"additionalEventData.MFAUsed"}, Derive: usedMFA, Doc: "Whether a sign-in had a second factor."})
	}
	// The user that an Account Change is about, or that signs in.
	for name, in := range map[string][]string{
		"user.name":        {"requestParameters.userName", "userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName"},
		"user.uid":         {"responseElements.user.arn", "userIdentity.arn"},
		"user.uid_alt":     {"responseElements.user.userId", "userIdentity.principalId"},
		"user.type":        {"userIdentity.type"},
		"user.account.uid": {"userIdentity.accountId"},
	} {
		list = append(list, Field{Name: name, From: in, Derive: firstSet, Doc: "About the user that an Account Change changes, else about the caller."})
	}
	for i := range list {
		list[i].Type = ocsfTypes[list[i].Name]
	}
	for old, now := range earlier {
		for _, d := range list {
			if rest, ok := strings.CutPrefix(d.Name, now); ok {
				d.Name = old + rest
				d.Doc = "The name of `" + now + rest + "` in drafts of the schema."
				list = append(list, d)
			}
		}
	}
	return list
}

// ocsfTypes are the types of fields that are not text.
var ocsfTypes = map[string]Type{
	"severity_id": Number, "status_id": Number, "activity_id": Number, "category_uid": Number, "class_uid": Number, "type_uid": Number,
	"is_mfa": Boolean, "mfa": Boolean, "actor.session.mfa": Boolean, "actor.session.is_mfa": Boolean,
	"time": Moment, "time_dt": Moment, "actor.session.created_time": Moment, "actor.session.created_time_dt": Moment,
	"src_endpoint.ip": Address,
}

// ocsfClass is a class of the schema and an activity of it.
type ocsfClass struct {
	uid            int
	name, category string
	activity       int
	activities     map[int]string
}

const (
	identityAccess = "Identity & Access Management"
	otherActivity  = 99
)

var (
	apiActivities     = map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
	signInActivities  = map[int]string{1: "Logon", 2: "Logoff"}
	accountActivities = map[int]string{1: "Create", 3: "Password Change", 4: "Password Reset", 6: "Delete", 7: "Attach Policy", 8: "Detach Policy", 10: "MFA Factor Enable", 11: "MFA Factor Disable"}

	// accountChanges are the IAM calls that change a user, role or group as an
	// account.
	accountChanges = map[string]int{
		"CreateUser": 1, "ChangePassword": 3, "UpdateLoginProfile": 4, "DeleteUser": 6,
		"AttachUserPolicy": 7, "AttachGroupPolicy": 7, "AttachRolePolicy": 7, "PutUserPolicy": 7,
		"DetachUserPolicy": 8, "DetachGroupPolicy": 8, "DetachRolePolicy": 8, "DeleteUserPolicy": 8,
		"EnableMFADevice": 10, "DeactivateMFADevice": 11,
	}
)

func (c ocsfClass) activityName() string {
	if name := c.activities[c.activity]; name != "" {
		return name
	}
	return "Other"
}

func classOf(eventName, source string) ocsfClass {
	if id := accountChanges[eventName]; id != 0 && source == "iam.amazonaws.com" {
		return ocsfClass{3001, "Account Change", identityAccess, id, accountActivities}
	}
	if source == "signin.amazonaws.com" {
		c := ocsfClass{3002, "Authentication", identityAccess, otherActivity, signInActivities}
		switch eventName {
		case "ConsoleLogin":
			c.activity = 1
		case "Logout":
			c.activity = 2
		}
		return c
	}
	c := ocsfClass{6003, "API Activity", "Application Activity", otherActivity, apiActivities}
	switch verbs[verb(eventName)] {
	case "created":
		c.activity = 1
	case "read":
		c.activity = 2
	case "modified":
		c.activity = 3
	case "deleted":
		c.activity = 4
	}
	return c
}

// usedMFA reads MFAUsed.
func usedMFA(in Inputs) Cell {
	switch strings.ToLower(in.Text(0)) {
	case "yes":
		return one("true")
	case "no":
		return one("false")
	}
	return Cell{}
}

// endpoint returns sourceIPAddress if it is an address, or if it is not one, as
// requested.
func endpoint(in Inputs, address bool) Cell {
	if _, err := netip.ParseAddr(in.Text(0)); in.Set(0) && (err == nil) == address {
		return *in[0]
	}
	return Cell{}
}

// epochMillis reads a time as RFC 3339.
func epochMillis(in Inputs) Cell {
	t, err := time.Parse(time.RFC3339, in.Text(0))
	if err != nil {
		return Cell{}
	}
	return one(strconv.FormatInt(t.UnixMilli(), 10))
}

// memberText returns the JSON text of a member of the record that is not null.
// If the name is repeated, the first counts.
func memberText(raw []byte, name string) Cell {
	i := jsonscan.Space(raw, jsonscan.Space(raw, 0)+1)
	for more := i < len(raw) && raw[i] != '}'; more; {
		key, val, err := jsonscan.Key(raw, i)
		if err != nil {
			return Cell{}
		}
		end, err := jsonscan.Skip(raw, val, jsonscan.MaxDepth)
		if err != nil {
			return Cell{}
		}
		if jsonscan.Text(key) == name {
			if raw[val] == 'n' {
				return Cell{}
			}
			return one(string(raw[val:end]))
		}
		if i, more, err = jsonscan.Next(raw, end, '}'); err != nil {
			return Cell{}
		}
	}
	return Cell{}
}
