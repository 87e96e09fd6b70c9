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

// callerFields say whose call an event is.
var callerFields = []string{
	"_time", "userIdentity.type", "userIdentity.arn", "userIdentity.accountId", "userIdentity.principalId", "userIdentity.userName", "userIdentity.invokedBy",
	"userIdentity.onBehalfOf.userId", "userIdentity.sessionContext.sessionIssuer.arn", "userIdentity.accessKeyId",
}

// search finds all events that match a condition, with the fields of the caller and
// others, in SPL.
func search(condition string, fields ...string) string {
	return "index=* " + condition + ` | fields "` + strings.Join(slices.Concat(callerFields, fields), `" "`) + `"`
}

// traceFields are what Trace reads beside callerFields.
var traceFields = []string{
	"eventName", "eventSource", "outcome", "readOnly", "object", "awsRegion", "sourceIPAddress", "recipientAccountId",
	"userIdentity.sessionContext.attributes.creationDate", "userIdentity.sessionContext.signInSessionArn", "additionalEventData.signInSessionArn",
	"responseElements.assumedRoleUser.assumedRoleId", "responseElements.assumedRoleUser.arn", "responseElements.federatedUser.federatedUserId",
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
func (r row) time() time.Time { return timeIn(r.cols["_time"], r.i) }

func timeIn(c *vector.Column, i int) time.Time {
	if c == nil {
		return time.Time{}
	}
	if f, ok := c.Num(i); ok {
		return time.UnixMilli(int64(f * 1000)).UTC()
	}
	if f, err := strconv.ParseFloat(c.At(i).Text(), 64); err == nil {
		return time.UnixMilli(int64(f * 1000)).UTC()
	}
	return time.Time{}
}
