package incident

import (
	"strings"
	"time"

	"bluetrail/internal/vector"
)

// summaryFields are what a summary reads of an event; the constants are their places.
var summaryFields = [...]string{
	fieldTime: "_time", fieldType: "userIdentity.type", fieldARN: "userIdentity.arn", fieldAccount: "userIdentity.accountId", fieldPrincipal: "userIdentity.principalId",
	fieldUser: "userIdentity.userName", fieldInvokedBy: "userIdentity.invokedBy", fieldBehalf: "userIdentity.onBehalfOf.userId",
	fieldIssuer: "userIdentity.sessionContext.sessionIssuer.arn", fieldKey: "userIdentity.accessKeyId",
	fieldName: "eventName", fieldSource: "eventSource", fieldOutcome: "outcome", fieldRegion: "awsRegion", fieldAddress: "sourceIPAddress", fieldTool: "ua_tool", fieldVersion: "ua_version",
}

const (
	fieldTime = iota
	fieldType
	fieldARN
	fieldAccount
	fieldPrincipal
	fieldUser
	fieldInvokedBy
	fieldBehalf
	fieldIssuer
	fieldKey
	fieldName
	fieldSource
	fieldOutcome
	fieldRegion
	fieldAddress
	fieldTool
	fieldVersion
)

// SummarySearch is the search for the rows of a Summary, in SPL.
func SummarySearch() string {
	return `index=* | fields "` + strings.Join(summaryFields[:], `" "`) + `"`
}

// summaryRow is one event of a batch, its columns found once for the batch.
type summaryRow struct {
	cols [len(summaryFields)]*vector.Column
	i    int
}

func (r *summaryRow) use(b *vector.Batch) {
	for i, name := range summaryFields {
		r.cols[i] = b.Col(name)
	}
}

// get returns the first value of a field, "" = none. It shares the batch's memory.
func (r *summaryRow) get(field int) string {
	if c := r.cols[field]; c != nil {
		if v := c.At(r.i); v.Len() > 0 {
			return v.At(0)
		}
	}
	return ""
}

func (r *summaryRow) time() time.Time { return timeIn(r.cols[fieldTime], r.i) }

// identity names the caller for people: a user or root by ARN, a role by its own
// ARN, a person of Identity Center by the ARN of the session, which names them.
func (r *summaryRow) identity() string {
	arn := r.get(fieldARN)
	if issuer := r.get(fieldIssuer); issuer != "" && !strings.Contains(arn, "/AWSReservedSSO_") {
		return issuer
	}
	if arn != "" {
		return arn
	}
	kind := r.get(fieldType)
	for _, field := range [...]int{fieldBehalf, fieldUser, fieldInvokedBy, fieldPrincipal, fieldAccount} {
		if v := r.get(field); v != "" {
			if account := r.get(fieldAccount); account != "" && account != v {
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
