package vlogs

import (
	"maps"
	"slices"

	"bluetrail/internal/event"
)

// What a row holds beside the columns below.
const (
	timeName    = "_time"      // of the event, or where a displaced row lies
	rawColumn   = "_msg"       // the record; VictoriaLogs indexes its words
	wordsColumn = "_words"     // words of it that are not found there, see words.go
	trueTime    = "_when"      // unix nanoseconds of an event whose time the store cannot hold
	bigColumn   = "_big"       // the file that holds a record too large for a row
	idColumn    = "_eid"       // what identifies a record without eventID
	seqColumn   = "_seq"       // order of arrival
	batchColumn = "_indextime" // unix milliseconds of the batch it came in
)

// streamColumns make the streams: rows of the same kind of event lie together,
// which keeps them small and makes searches by these fields cheap.
var streamColumns = []string{event.Index, event.Sourcetype, "eventSource", "eventName"}

// columns are the fields that have a column of their own, after the stream's.
// All other fields are read from the record. Measured over a synthetic trail;
// ids that differ in every event would cost as much as all these together.
var columns = []string{
	event.Source, event.Host,
	"eventVersion", "eventType", "eventCategory", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
	"readOnly", "managementEvent", "recipientAccountId", "vpcEndpointId",
	"userIdentity.type", "userIdentity.principalId", "userIdentity.arn", "userIdentity.accountId", "userIdentity.accessKeyId",
	"userIdentity.userName", "userIdentity.invokedBy",
	"userIdentity.sessionContext.sessionIssuer.type", "userIdentity.sessionContext.sessionIssuer.principalId", "userIdentity.sessionContext.sessionIssuer.arn",
	"userIdentity.sessionContext.sessionIssuer.accountId", "userIdentity.sessionContext.sessionIssuer.userName",
	"userIdentity.sessionContext.attributes.mfaAuthenticated",
	"responseElements.ConsoleLogin", "additionalEventData.MFAUsed", "additionalEventData.LoginTo",
	"requestParameters.bucketName", "requestParameters.userName", "requestParameters.roleName", "requestParameters.roleArn",
	"requestParameters.instanceType", "requestParameters.groupId", "requestParameters.functionName", "requestParameters.policyArn",
	"userName", "user", "user_arn", "aws_account_id", "action", "status",
}

// stored are all fields with a column, by name.
var stored = slices.Sorted(slices.Values(slices.Concat(streamColumns, columns)))

// isStream tells which of stored make the streams.
var isStream = func() (is []bool) {
	for _, c := range stored {
		is = append(is, slices.Contains(streamColumns, c))
	}
	return is
}()

// Columns returns the fields that have a column of their own.
func Columns() []string { return slices.Clone(stored) }

// storedAt is the place of a field in stored.
var storedAt = func() map[string]int {
	m := map[string]int{}
	for i, c := range stored {
		m[c] = i
	}
	return m
}()

func isStored(field string) bool {
	_, ok := storedAt[field]
	return ok
}

// aliases are the fields that CloudTrail events have for another's column.
var aliases = func() map[string]string {
	m := map[string]string{}
	for _, d := range event.AddonFields() {
		if d.Alias && !isStored(d.Name) && isStored(d.Inputs[0]) && event.Addon(d.Inputs[0]) == nil {
			m[d.Name] = d.Inputs[0]
		}
	}
	return m
}()

// aliasNames are the keys of aliases. A record with a field of its own that has
// such a name, and shows it, is odd.
var aliasNames = slices.Sorted(maps.Keys(aliases))

// isDate reports whether a field is made of the time of a record, which is that
// of an ordinary row.
func isDate(field string) bool {
	_, ok := event.DatePart(field)
	return ok
}

// columnOf returns the column that holds a field: its own, or the one it is an
// alias of. Ordinary rows that are not CloudTrail's have no aliases.
func columnOf(field string) (column string, alias, ok bool) {
	if isStored(field) {
		return field, false, true
	}
	column, ok = aliases[field]
	return column, ok, ok
}
