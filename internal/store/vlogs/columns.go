package vlogs

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/store"
)

// Columns of a row besides those below.
const (
	timeName    = "_time"      // the event's time, or where a displaced row is stored
	rawColumn   = "_msg"       // the record; VictoriaLogs indexes its words
	wordsColumn = "_words"     // words of the record that VictoriaLogs would not find, see words.go
	trueTime    = "_when"      // unix nanoseconds of an event whose time the store cannot hold
	bigColumn   = "_big"       // the file that holds a record too large for a row
	idColumn    = "_eid"       // identifies a record without eventID
	seqColumn   = "_seq"       // order of arrival
	batchColumn = "_indextime" // unix milliseconds of the batch it came in
	restColumn  = "_rest"      // leaves of a partial row that have no column, each between separator bytes
)

// streamColumns define the streams. Rows of the same kind of event are stored
// together, which keeps them small and makes searches by these fields cheap.
var streamColumns = []string{event.Index, event.Sourcetype, "eventSource", "eventName"}

// stored maps each field that has a column for its displayed value to that
// column: the fields that define streams, and derived fields that searches
// often use. All leaves of records have their own columns besides these; other
// derived fields are computed from the leaves.
var stored = slices.Sorted(slices.Values(slices.Concat(streamColumns, []string{
	event.Source, event.Host, "errorCode", "userName", "user", "action", "status",
})))

// isStream reports which fields of stored define the streams.
var isStream = func() (is []bool) {
	for _, c := range stored {
		is = append(is, slices.Contains(streamColumns, c))
	}
	return is
}()

func isStored(field string) bool {
	_, ok := slices.BinarySearch(stored, field)
	return ok
}

// fixed are columns that every stream may have: the columns of stored, those
// that they are computed from, and leaves of nearly every record. A row that
// lacks one of them although its record has the leaf is odd.
var fixed = func() map[string]bool {
	m := map[string]bool{}
	add := func(leaf string) {
		if col, ok := leafColumn(leaf); ok {
			m[col] = true
		}
	}
	for _, name := range stored {
		m[name] = true
		add(name)
	}
	for _, leaf := range event.NewExtractor(stored).Leaves() {
		add(leaf)
	}
	for _, leaf := range strings.Fields(`eventVersion eventTime awsRegion sourceIPAddress userAgent eventID eventType eventCategory managementEvent
		readOnly recipientAccountId apiVersion errorMessage vpcEndpointId vpcEndpointAccountId sessionCredentialFromConsole addendum.reason
		userIdentity.type userIdentity.principalId userIdentity.arn userIdentity.accountId userIdentity.accessKeyId userIdentity.userName
		userIdentity.invokedBy userIdentity.identityProvider userIdentity.sessionContext.sourceIdentity
		userIdentity.sessionContext.sessionIssuer.type userIdentity.sessionContext.sessionIssuer.principalId
		userIdentity.sessionContext.sessionIssuer.arn userIdentity.sessionContext.sessionIssuer.accountId
		userIdentity.sessionContext.sessionIssuer.userName
		userIdentity.sessionContext.attributes.mfaAuthenticated tlsDetails.tlsVersion tlsDetails.cipherSuite
		tlsDetails.clientProvidedHostHeader resources{}.ARN resources{}.accountId resources{}.type
		requestParameters.bucketName requestParameters.roleArn requestParameters.roleSessionName requestParameters.userName
		requestParameters.roleName requestParameters.policyArn requestParameters.instanceId requestParameters.groupId requestParameters.key
		requestParameters.secretId requestParameters.keyId requestParameters.functionName additionalEventData.MFAUsed
		responseElements.ConsoleLogin`) {
		add(leaf)
	}
	return m
}()

// bulky leaves have no column: they differ in nearly every event, and searches
// rarely use them. They are read from the record.
var bulky = map[string]bool{
	"requestID": true, "sharedEventID": true, "userIdentity.sessionContext.attributes.creationDate": true, "additionalEventData.x-amz-id-2": true, "responseElements.x-amz-id-2": true,
	"responseElements.x-amz-request-id": true, "responseElements.credentials.sessionToken": true, "responseElements.requestId": true,
}

// ownPrefix is the prefix of a leaf's column when another column already has
// the leaf's name. It keeps the CloudTrail leaves that a stored field replaces,
// for the fields that are computed from them.
const ownPrefix = "leaf:"

// maxName is the longest name, in bytes, of a leaf that gets a column. The
// engine drops rows that have names over 128 bytes.
const maxName = 120

// leafColumn returns the column of a leaf of the record. A row is odd if it has
// a leaf without a column that is not bulky.
func leafColumn(leaf string) (column string, ok bool) {
	switch {
	case leaf == "" || len(leaf) > maxName || strings.Contains(leaf, "*") || bulky[leaf] || event.IsDefault(leaf):
		return "", false
	case leaf[0] == '_' || strings.HasPrefix(leaf, ownPrefix), isStored(leaf) && !slices.Contains(streamColumns, leaf):
		return ownPrefix + leaf, true
	}
	return leaf, true
}

// HasColumn reports whether an event field has its own column, rather than
// being computed from others or read from the record.
func HasColumn(field string) bool {
	_, ok := columnOf(field)
	return ok
}

var _ store.Naming = (*Store)(nil)

// FieldNames implements store.Naming.
func (s *Store) FieldNames(context.Context) (names []string, all bool) {
	names, all = s.columns.Names()
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, ownPrefix)
	}
	for name := range fixed {
		names = append(names, strings.TrimPrefix(name, ownPrefix))
	}
	for name := range bulky {
		names = append(names, name)
	}
	return names, all
}

// columnOf returns the column that holds a field's displayed values.
func columnOf(field string) (column string, ok bool) {
	if isStored(field) {
		return field, true
	}
	if event.Addon(field) != nil {
		return "", false
	}
	return leafColumn(field)
}

// severalIn reports whether a column may hold several values, as the column of
// a leaf inside an array may. A row with several values in any other column is
// odd.
func severalIn(column string) bool { return strings.Contains(column, "{}") }

// several separates the values in a column, and also precedes the first and
// follows the last. An empty value is written as two separators, since the
// engine cannot tell an empty column from a missing one.
const several = "\x01"

// encode returns the column text of a cell; ok is false if the cell cannot be
// encoded.
func encode(c *event.Cell) (text string, ok bool) {
	values := c.Many
	if values == nil {
		if c.Text != "" {
			return c.Text, !strings.Contains(c.Text, several)
		}
		return several + several, true
	}
	for _, v := range values {
		if strings.Contains(v, several) {
			return "", false
		}
	}
	return several + strings.Join(values, several) + several, true
}

// decode returns the cell that a column's text encodes. It shares the text's
// bytes.
func decode(text string) event.Cell {
	switch {
	case text == "":
		return event.Cell{}
	case text[0] != several[0]:
		return event.Cell{Text: text, Set: true}
	}
	many := strings.Split(text[1:len(text)-1], several)
	if len(many) == 1 {
		return event.Cell{Text: many[0], Set: true}
	}
	return event.Cell{Text: many[0], Many: many, Set: true}
}

// isDate reports whether a field is computed from the record's time, which for
// an ordinary row is the time of the row.
func isDate(field string) bool {
	_, ok := event.DatePart(field)
	return ok
}
