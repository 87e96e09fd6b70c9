// Package incident answers the questions of an incident's first hour: who was
// active, what a key, address or identity did and what grew out of it, and which
// records prove it.
package incident

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/vector"
)

// callerFields say whose call an event is; see row.identity.
var callerFields = []string{
	"_time", "userIdentity.type", "userIdentity.arn", "userIdentity.accountId", "userIdentity.principalId", "userIdentity.userName", "userIdentity.invokedBy",
	"userIdentity.onBehalfOf.userId", "userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.accessKeyId",
}

// search finds all events that match a condition, with the fields of the caller and
// others, in SPL.
func search(condition string, fields ...string) string {
	return "index=* " + condition + ` | fields "` + strings.Join(slices.Concat(callerFields, fields), `" "`) + `"`
}

// SummarySearch is the search for the rows of a Summary, in SPL.
func SummarySearch() string {
	return search("", "eventName", "eventSource", "outcome", "awsRegion", "sourceIPAddress", "ua_tool", "ua_version")
}

// traceFields are what Trace reads beside callerFields.
var traceFields = []string{
	"eventName", "eventSource", "outcome", "readOnly", "object", "awsRegion", "sourceIPAddress", "recipientAccountId",
	"requestParameters.userName", "responseElements.accessKey.accessKeyId", "responseElements.credentials.accessKeyId", "responseElements.user.arn", "responseElements.role.arn",
}

// row is one event of a batch.
type row struct {
	cols map[string]*vector.Column
	i    int
}

func rowsOf(b *vector.Batch) row {
	r := row{cols: make(map[string]*vector.Column, len(b.Cols))}
	for _, c := range b.Cols {
		r.cols[c.Name] = c
	}
	return r
}

// get returns the first value of a field, "" = none. It shares the batch's memory.
func (r row) get(name string) string {
	if c := r.cols[name]; c != nil {
		if v := c.At(r.i); v.Len() > 0 {
			return v.At(0)
		}
	}
	return ""
}

// all returns the values of a field.
func (r row) all(name string) []string {
	if c := r.cols[name]; c != nil && !c.At(r.i).IsNull() {
		return c.At(r.i).All()
	}
	return nil
}

// time returns the event's time, the zero time if it has none.
func (r row) time() time.Time {
	if c := r.cols["_time"]; c != nil {
		if f, ok := c.Num(r.i); ok {
			return time.UnixMilli(int64(f * 1000)).UTC()
		}
		if f, err := strconv.ParseFloat(c.At(r.i).Text(), 64); err == nil {
			return time.UnixMilli(int64(f * 1000)).UTC()
		}
	}
	return time.Time{}
}

// identity names the caller for people: a user or root by ARN, a role by its own
// ARN, a person of Identity Center by the ARN of the session, which names them.
func (r row) identity() string {
	arn := r.get("userIdentity.arn")
	if issuer := r.get("userIdentity.sessionContext.sessionIssuer.arn"); issuer != "" && !strings.Contains(arn, "/AWSReservedSSO_") {
		return issuer
	}
	kind := r.get("userIdentity.type")
	if arn != "" {
		return arn
	}
	for _, name := range []string{"userIdentity.onBehalfOf.userId", "userIdentity.userName", "userIdentity.invokedBy", "userIdentity.principalId", "userIdentity.accountId"} {
		if v := r.get(name); v != "" {
			if account := r.get("userIdentity.accountId"); account != "" && account != v {
				v = account + " " + v
			}
			return strings.TrimSpace(kind + " " + v)
		}
	}
	if kind != "" {
		return kind
	}
	return "(unknown)"
}
