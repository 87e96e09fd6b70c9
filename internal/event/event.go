// Package event handles CloudTrail records: their wrappers, their field names
// in Splunk, and the fields that Splunk's AWS add-on derives from them. It
// accepts other JSON too, without the derived fields.
package event

import "slices"

// The fields that every event has.
const (
	Time       = "_time"      // seconds since 1970, from eventTime
	Raw        = "_raw"       // the record's JSON exactly as delivered
	IndexTime  = "_indextime" // ingest time
	Source     = "source"
	Host       = "host"
	Sourcetype = "sourcetype"
	Index      = "index"
)

// Sourcetypes.
const (
	CloudTrail = "aws:cloudtrail"
	// Aggregated is CloudTrail's summary of data events over five minutes. It
	// is a separate sourcetype so that searches for calls never count one.
	Aggregated = "aws:cloudtrail:aggregated"
	JSON       = "_json"
	// SecurityLake is a CloudTrail record in OCSF, as Security Lake stores it.
	SecurityLake = "aws:asl"
)

// DefaultIndex and DefaultHost apply to events that specify no others.
const (
	DefaultIndex = "aws"
	DefaultHost  = "aws"
)

// Meta is what is known about a record besides its text.
type Meta struct {
	Index, Sourcetype, Source, Host string
	IndexTime                       float64 // seconds since 1970, displayed as an integer; 0 = not kept
	Fallback                        int64   // unix nanoseconds, used for a record without a time
	Guessed                         bool    // Fallback is only the modification time of the record's file
}

// Cell is the value of one field of one record.
type Cell struct {
	Text string   // the value if there is exactly one
	Many []string // all of them when there are two or more, else nil
	Set  bool     // false: the field is missing
}

// add appends a value to the cell.
func (c *Cell) add(v string) {
	switch {
	case !c.Set:
		c.Text, c.Set = v, true
	case c.Many == nil:
		c.Many = []string{c.Text, v}
	default:
		c.Many = append(c.Many, v)
	}
}

// has reports whether v is one of the values.
func (c *Cell) has(v string) bool {
	return c.Set && (c.Many == nil && c.Text == v || slices.Contains(c.Many, v))
}

// first returns the first value, "" when missing.
func (c *Cell) first() string {
	if c.Many != nil {
		return c.Many[0]
	}
	return c.Text
}

func one(s string) Cell { return Cell{Text: s, Set: true} }

// values returns every value.
func (c *Cell) values() []string {
	switch {
	case !c.Set:
		return nil
	case c.Many != nil:
		return c.Many
	}
	return []string{c.Text}
}
