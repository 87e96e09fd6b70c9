package event

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// marking are the fields that tell CloudTrail records from others.
var marking = []string{"eventVersion", "eventSource", "eventName", "insightDetails.state", "eventCategory", "eventType", "eventTime", "userIdentity.type", "userIdentity.accountId", "metadata.product.name", "class_uid"}

var (
	detector = newReader(append(slices.Clone(marking), Time)...)
	digests  = newReader("digestStartTime", "digestS3Bucket")
)

// reader reads a few leaves with rows that are used again. Fields are found by
// cell: a _time among them would bring others along.
type reader struct {
	*Extractor
	rows sync.Pool
}

func newReader(leaves ...string) *reader {
	r := &reader{Extractor: NewExtractor(nil)}
	for _, l := range leaves {
		r.leaf(l)
	}
	r.rows.New = func() any { return r.NewRow() }
	return r
}

// read calls use with the cells of raw's leaves, in the order of newReader;
// with none when raw is no JSON object.
func (r *reader) read(raw []byte, use func(cells []Cell)) {
	row := r.rows.Get().(*Row)
	defer r.rows.Put(row)
	if r.leaves(raw, row) == nil {
		use(row.cells)
	}
	row.reset() // holds on to no record
}

// Detect returns the sourcetype of a record: CloudTrail when it has the keys of
// a CloudTrail record, Aggregated when it sums up several, SecurityLake when it is one in OCSF, else JSON. A record
// that carries _time has been through another system and is taken as plain JSON.
func Detect(raw []byte) string {
	if usual(raw) && !bytes.Contains(raw, []byte(`"_time"`)) && !bytes.Contains(raw, []byte(`Aggregated`)) {
		return CloudTrail // as nearly all are
	}
	sourcetype := JSON
	detector.read(raw, func(c []Cell) { sourcetype = sourcetypeOf(c, c[len(marking)].Set) })
	return sourcetype
}

// sourcetypeOf tells from the cells of marking and from whether there is a _time.
func sourcetypeOf(c []Cell, own bool) string {
	switch {
	case own:
	case aggregated(c):
		return Aggregated
	case cloudTrail(c):
		return CloudTrail
	case securityLake(c):
		return SecurityLake
	}
	return JSON
}

// usual reports whether a record begins as nearly all do, with a version of two
// digits behind the point. Those of other services are 2.1 (S3) or 1.0 (Kinesis).
func usual(raw []byte) bool {
	const head = `{"eventVersion":"1.00"`
	digit := func(c byte) bool { return c-'0' <= 9 }
	n := len(head) - 3
	return len(raw) > len(head) && string(raw[:n]) == head[:n] && digit(raw[n]) && digit(raw[n+1]) && raw[n+2] == '"'
}

// cloudTrail tells from the cells of marking; a _time beside them speaks
// against it. Notifications of S3, records of Kinesis, DynamoDB and SQS have an
// eventSource that begins with aws:, and a version of their own.
func cloudTrail(c []Cell) bool {
	version, source, name, insight, category := c[0].Set, c[1].Set, c[2].Set, c[3].Set, c[4].Set
	if strings.HasPrefix(c[1].first(), "aws:") {
		return false
	}
	event := name || category || c[5].Set || c[6].Set // eventType, eventTime
	who := c[7].Set || c[8].Set
	return version && (event || who) || source && name || insight && category
}

// aggregated tells a sum of data events, which has none of the fields of a call.
func aggregated(c []Cell) bool {
	return c[0].Set && !c[2].Set && (c[5].first() == aggregatedType || c[4].first() == "Aggregated")
}

// securityLake tells a record that Security Lake made of one of CloudTrail.
func securityLake(c []Cell) bool {
	return c[9].first() == "CloudTrail" && c[10].Set
}

// isDigest reports whether a document is a CloudTrail digest file.
func isDigest(raw []byte) (is bool) {
	digests.read(raw, func(c []Cell) { is = c[0].Set && c[1].Set })
	return is
}
