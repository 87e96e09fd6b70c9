package identity

import (
	"slices"

	"bluetrail/internal/event"
)

// Record extracts, in a decoder's single pass, the leaves that FromRow and Names read and
// a few that many rules test; see event.Decoder.Fields. Names of derived fields are among
// them, since a record's own field of the name may take their place.
var Record = event.NewIdentifier(append(slices.Clone(Leaves), "errorCode", "errorMessage", "readOnly", "awsRegion", "managementEvent", "vpcEndpointId", "eventType",
	"userIdentity.inScopeOf.issuerType", "src_kind", "src_list", "src_network_kind"))

var (
	callerCells = cells(Leaves...)
	sourceCell  = cells("eventSource")[0]
	nameCell    = cells("eventName")[0]
	codeCell    = cells("errorCode")[0]
	wordsCell   = cells("errorMessage")[0]
	readCell    = cells("readOnly")[0]
	regionCell  = cells("awsRegion")[0]
)

// cells returns where leaves are among those of Record.
func cells(names ...string) (list []int) {
	for _, name := range names {
		list = append(list, slices.Index(Record.Leaves(), name))
	}
	return list
}

// Names returns eventSource and eventName of a record whose leaves are in row.
func Names(row *event.Row) (source, name string) {
	return row.Leaf(sourceCell).Text, row.Leaf(nameCell).Text
}

// Outcome returns errorCode, errorMessage, readOnly and awsRegion of a record whose
// leaves are in row.
func Outcome(row *event.Row) (code, message, readOnly, region string) {
	return row.Leaf(codeCell).Text, row.Leaf(wordsCell).Text, row.Leaf(readCell).Text, row.Leaf(regionCell).Text
}

// FromRow is Read for a record whose leaves are in a row of Record.
func FromRow(raw []byte, row *event.Row, f *Facts) error {
	if Issues(Names(row)) || slices.ContainsFunc(callerCells, func(i int) bool { return row.Leaf(i).Many != nil }) {
		return Read(raw, f)
	}
	FromLeaves(func(i int) string { return row.Leaf(callerCells[i]).Text }, f)
	return nil
}
