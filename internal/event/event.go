// Package event knows CloudTrail records: how they come wrapped, what their
// fields are called in Splunk, and what Splunk's AWS add-on derives from them.
// Other JSON is taken too, without the derived fields.
package event

import "slices"

// The fields that every event has.
const (
	Time       = "_time"      // seconds since 1970, from eventTime
	Raw        = "_raw"       // the record's JSON exactly as delivered
	IndexTime  = "_indextime" // when it was taken in
	Source     = "source"
	Host       = "host"
	Sourcetype = "sourcetype"
	Index      = "index"
)

// Sourcetypes.
const (
	CloudTrail = "aws:cloudtrail"
	// Aggregated is a sum of data events that CloudTrail makes of five minutes. It
	// is kept apart so that searches for calls never count one.
	Aggregated = "aws:cloudtrail:aggregated"
	JSON       = "_json"
	// SecurityLake is a record of CloudTrail in OCSF, as Security Lake keeps it.
	SecurityLake = "aws:asl"
)

// DefaultIndex and DefaultHost are what events get that say nothing else.
const (
	DefaultIndex = "aws"
	DefaultHost  = "aws"
)

// Meta is what is known of a record beside its text.
type Meta struct {
	Index, Sourcetype, Source, Host string
	IndexTime                       float64 // seconds since 1970, shown as whole ones; 0 = not kept
	Fallback                        int64   // unix nanoseconds, the time of a record that has none
	Guessed                         bool    // Fallback is only when the record's file was last changed
}

// Cell is the value of one field of one record.
type Cell struct {
	Text string   // the value when there is one
	Many []string // all of them when there are two or more, else nil
	Set  bool     // false: the field is missing
}

// add puts one more value into the cell.
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
