package event

import "strings"

func init() {
	var from []string
	for _, part := range limitedParts {
		from = append(from, part+".omitted")
	}
	Register(Field{Name: "omitted", Group: GroupRecord, Type: Text, From: from, Derive: omitted,
		Doc: "The parts of the record that CloudTrail left out because they were too large, such as `requestParameters`. Attackers pad requests to get there."})
}

// limitedParts are the parts of a record that CloudTrail omits above a size,
// with a note in their place.
var limitedParts = []string{"requestParameters", "responseElements", "serviceEventDetails", "additionalEventData", "edgeDeviceDetails"}

// omitted reads the omitted member of each of limitedParts: true, possibly as
// text.
func omitted(in Inputs) Cell {
	var list Cell
	for i, part := range limitedParts {
		if strings.EqualFold(in.Text(i), "true") {
			list.add(part)
		}
	}
	return list
}
