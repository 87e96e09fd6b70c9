package event

import (
	"strings"
	"sync"
)

var digests = newReader("digestStartTime", "digestS3Bucket")

// reader reads a few leaves with reused rows. It finds fields by cell, because
// a _time among the names would add others.
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

// read calls use with the cells of raw's leaves, in the order of newReader, or
// with no cells if raw is not a JSON object.
func (r *reader) read(raw []byte, use func(cells []Cell)) {
	row := r.rows.Get().(*Row)
	defer r.rows.Put(row)
	if r.Read(raw, row) == nil {
		use(row.cells)
	}
	row.reset() // releases the record
}

// Detect returns the sourcetype of a record: CloudTrail if it has the keys of a
// CloudTrail record, Aggregated if it sums up several, SecurityLake if it is
// one in OCSF, otherwise JSON. A record with _time went through another system
// and is treated as plain JSON.
func Detect(raw []byte) string { return Identify(raw).Sourcetype }

// sourcetypeOf decides by the cells of aboutLeaves.
func sourcetypeOf(c []Cell) string {
	switch {
	case c[ownTimeAbout].Set:
	case aggregated(c):
		return Aggregated
	case cloudTrail(c):
		return CloudTrail
	case securityLake(c):
		return SecurityLake
	}
	return JSON
}

// cloudTrail recognises CloudTrail records. S3 notifications and records of
// Kinesis, DynamoDB and SQS have an eventSource that begins with aws:, and
// their own version.
func cloudTrail(c []Cell) bool {
	if strings.HasPrefix(c[sourceAbout].first(), "aws:") {
		return false
	}
	version, name, category := c[versionAbout].Set, c[nameAbout].Set, c[categoryAbout].Set
	event := name || category || c[typeAbout].Set || c[timeAbout].Set
	who := c[userTypeAbout].Set || c[callerAbout].Set
	return version && (event || who) || c[sourceAbout].Set && name || c[insightAbout].Set && category
}

// aggregated recognises an aggregate of data events, which has none of the
// fields of a call.
func aggregated(c []Cell) bool {
	return c[versionAbout].Set && !c[nameAbout].Set && (c[typeAbout].first() == aggregatedType || c[categoryAbout].first() == "Aggregated")
}

// securityLake recognises a CloudTrail record in Security Lake's format.
func securityLake(c []Cell) bool {
	return c[productAbout].first() == "CloudTrail" && c[classAbout].Set
}

// isDigest reports whether a document is a CloudTrail digest file.
func isDigest(raw []byte) (is bool) {
	digests.read(raw, func(c []Cell) { is = c[0].Set && c[1].Set })
	return is
}
