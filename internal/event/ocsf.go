package event

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/jsonscan"
)

// The names that a CloudTrail record has as API Activity of the Open
// Cybersecurity Schema Framework, in which Amazon Security Lake keeps it. They
// are there for searches that ask for them by name, and are no part of the
// fields of an event otherwise: see Derived.OnRequest.

const unmapped = "unmapped"

// unmappedField returns the field behind unmapped.x and unmapped{}.x, the
// place of what the schema has no name for; nil for other names.
func unmappedField(name string) *Derived {
	rest, ok := strings.CutPrefix(name, unmapped)
	if !ok {
		return nil
	}
	rest = strings.TrimPrefix(rest, "{}")
	if leaf, ok := strings.CutPrefix(rest, "."); ok && leaf != "" {
		return &Derived{Name: name, Inputs: []string{leaf}, Alias: true, OnRequest: true, Doc: "The same as `" + leaf + "`."}
	}
	return nil
}

// ocsfFields are those of API Activity, class 6003.
func ocsfFields() []Derived {
	var list []Derived
	for _, a := range [][2]string{
		{"api.operation", "eventName"}, {"api.service.name", "eventSource"}, {"api.version", "apiVersion"},
		{"api.request.uid", "requestID"}, {"api.response.error", "errorCode"}, {"api.response.message", "errorMessage"}, {"api.response.error_message", "errorMessage"},
		{"actor.user.type", "userIdentity.type"}, {"actor.user.uid", "userIdentity.arn"}, {"actor.user.uid_alt", "userIdentity.principalId"},
		{"actor.user.account_uid", "userIdentity.accountId"}, {"actor.user.account.uid", "userIdentity.accountId"},
		{"actor.user.credential_uid", "userIdentity.accessKeyId"}, {"actor.invoked_by", "userIdentity.invokedBy"},
		{"actor.idp.name", "userIdentity.identityProvider"},
		{"actor.session.issuer", "userIdentity.sessionContext.sessionIssuer.arn"}, {"actor.session.uid", "userIdentity.sessionContext.sessionIssuer.principalId"},
		{"actor.session.mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated"}, {"actor.session.is_mfa", "userIdentity.sessionContext.attributes.mfaAuthenticated"},
		{"src_endpoint.uid", "vpcEndpointId"}, {"http_request.user_agent", "userAgent"}, {"dst_endpoint.svc_name", "eventSource"},
		{"cloud.region", "awsRegion"}, {"cloud.account_uid", "recipientAccountId"}, {"cloud.account.uid", "recipientAccountId"},
		{"metadata.uid", "eventID"}, {"metadata.event_code", "eventType"}, {"metadata.product.version", "eventVersion"}, {"metadata.product.feature.name", "eventCategory"},
		{"resources{}.uid", "resources{}.ARN"}, {"resources{}.account_uid", "resources{}.accountId"},
	} {
		list = append(list, Derived{Name: a[0], Inputs: []string{a[1]}, Alias: true, Doc: "The same as `" + a[1] + "`."})
	}
	for _, c := range [][2]string{
		{"class_uid", "6003"}, {"class_name", "API Activity"}, {"category_uid", "6"}, {"category_name", "Application Activity"},
		{"severity", "Informational"}, {"severity_id", "1"}, {"cloud.provider", "AWS"},
		{"metadata.product.name", "CloudTrail"}, {"metadata.product.vendor_name", "AWS"},
	} {
		list = append(list, Derived{Name: c[0], compute: constant(c[1]), Doc: "Always " + c[1] + "."})
	}
	list = append(list,
		Derived{Name: "actor.user.name", Inputs: []string{"userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName"}, compute: firstSet, Doc: "The user, or the role behind a session."},
		Derived{Name: "actor.session.created_time", Inputs: []string{"userIdentity.sessionContext.attributes.creationDate"}, compute: epochMillis, Doc: "Milliseconds since 1970."},
		Derived{Name: "time", Inputs: []string{"eventTime"}, compute: epochMillis, Doc: "Milliseconds since 1970."},
		Derived{Name: "src_endpoint.ip", Inputs: []string{"sourceIPAddress"}, compute: func(in inputs) Cell { return endpoint(in, true) }, Doc: "The source when it is an address."},
		Derived{Name: "src_endpoint.domain", Inputs: []string{"sourceIPAddress"}, compute: func(in inputs) Cell { return endpoint(in, false) }, Doc: "The source when it is a name, as of a service."},
		Derived{Name: "status_id", Inputs: []string{"errorCode", "responseElements.ConsoleLogin"}, compute: func(in inputs) Cell {
			if failure(in) {
				return one("2")
			}
			return one("1")
		}, Doc: "1 for success, 2 for failure."},
		Derived{Name: "api.request.data", member: "requestParameters", Doc: "The JSON text of `requestParameters`."},
		Derived{Name: "api.response.data", member: "responseElements", Doc: "The JSON text of `responseElements`."},
	)
	for name, show := range map[string]func(activity) string{
		"activity_id":   func(a activity) string { return strconv.Itoa(a.id) },
		"activity_name": func(a activity) string { return a.name },
		"type_uid":      func(a activity) string { return strconv.Itoa(600300 + a.id) },
		"type_name":     func(a activity) string { return "API Activity: " + a.name },
	} {
		list = append(list, Derived{Name: name, Inputs: []string{"eventName"}, compute: func(in inputs) Cell { return one(show(activityOf(in.text(0)))) },
			Doc: "What kind of call it is: Create, Read, Update, Delete or Other."})
	}
	for i := range list {
		list[i].OnRequest = true
	}
	return list
}

// activity is a value of API Activity's activity_id.
type activity struct {
	id   int
	name string
}

func activityOf(eventName string) activity {
	switch verbs[verb(eventName)] {
	case "created":
		return activity{1, "Create"}
	case "read":
		return activity{2, "Read"}
	case "modified":
		return activity{3, "Update"}
	case "deleted":
		return activity{4, "Delete"}
	}
	return activity{99, "Other"}
}

// endpoint returns sourceIPAddress if it is an address, or if it is none.
func endpoint(in inputs, address bool) Cell {
	if _, err := netip.ParseAddr(in.text(0)); in.set(0) && (err == nil) == address {
		return *in[0]
	}
	return Cell{}
}

// epochMillis reads a time as RFC 3339.
func epochMillis(in inputs) Cell {
	t, err := time.Parse(time.RFC3339, in.text(0))
	if err != nil {
		return Cell{}
	}
	return one(strconv.FormatInt(t.UnixMilli(), 10))
}

// memberText returns the JSON text of a member of the record that is not null.
// Of several with its name the first counts.
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
