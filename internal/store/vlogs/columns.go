package vlogs

import (
	"slices"
	"strings"

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
	restColumn  = "_rest"      // leaves of a partial row that have no column, each between bytes of several
)

// streamColumns make the streams: rows of the same kind of event lie together,
// which keeps them small and makes searches by these fields cheap.
var streamColumns = []string{event.Index, event.Sourcetype, "eventSource", "eventName"}

// stored are the fields that have a column for what events show in them, by
// name: the streams', and derived ones that searches ask for most. All leaves of
// records have columns beside those, and other derived fields are made of them.
var stored = slices.Sorted(slices.Values(slices.Concat(streamColumns, []string{
	event.Source, event.Host, "errorCode", "userName", "user", "action", "status",
})))

// isStream tells which of stored make the streams.
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

// fixed are columns that every stream may have: those of stored, those that they
// are made of, and leaves of nearly every record. A row that lacks one of them
// though its record has the leaf is odd.
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
// hardly ask for them. They are read from the record.
var bulky = map[string]bool{
	"requestID": true, "sharedEventID": true, "userIdentity.sessionContext.attributes.creationDate": true, "additionalEventData.x-amz-id-2": true, "responseElements.x-amz-id-2": true,
	"responseElements.x-amz-request-id": true, "responseElements.credentials.sessionToken": true, "responseElements.requestId": true,
}

// ownPrefix begins the column of a leaf whose name a column has already. The
// leaves of CloudTrail's that a stored field takes the place of are kept so, for
// the fields that are made of them.
const ownPrefix = "leaf:"

// maxName is what the name of a leaf with a column may have in bytes. The engine
// drops rows with names over 128.
const maxName = 120

// leafColumn returns the column of a leaf of the record. A row with a leaf that has
// none, and is not bulky, is odd.
func leafColumn(leaf string) (column string, ok bool) {
	switch {
	case leaf == "" || len(leaf) > maxName || strings.Contains(leaf, "*") || bulky[leaf] || event.IsDefault(leaf):
		return "", false
	case leaf[0] == '_' || strings.HasPrefix(leaf, ownPrefix), isStored(leaf) && !slices.Contains(streamColumns, leaf):
		return ownPrefix + leaf, true
	}
	return leaf, true
}

// HasColumn reports whether a field of events is kept in a column of its own,
// rather than made of others or read from the record.
func HasColumn(field string) bool {
	_, ok := columnOf(field)
	return ok
}

// columnOf returns the column that holds what events show in a field.
func columnOf(field string) (column string, ok bool) {
	if isStored(field) {
		return field, true
	}
	if event.Addon(field) != nil {
		return "", false
	}
	return leafColumn(field)
}

// severalIn reports whether a column may hold several values: a leaf inside an
// array does. A row with several values in another column is odd.
func severalIn(column string) bool { return strings.Contains(column, "{}") }

// several separates values in a column, and stands before the first and behind
// the last. An empty value is written like two of them, since the engine does not
// tell an empty column from none.
const several = "\x01"

// encode returns a cell as a column holds it; ok is false when it cannot.
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

// decode returns the cell of a column's text, whose bytes it shares.
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

// isDate reports whether a field is made of the time of a record, which is that
// of an ordinary row.
func isDate(field string) bool {
	_, ok := event.DatePart(field)
	return ok
}
