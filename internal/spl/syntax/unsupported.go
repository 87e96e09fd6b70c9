package syntax

import (
	"slices"
	"strings"
)

// Unsupported is a command of Splunk's that bluetrail knows by name and does
// not have: a search with it is told why, and what to do instead.
type Unsupported struct {
	Name    string
	Why     string
	Instead string // "" = nothing comes near
}

// unsupported is sorted by name.
var unsupported = []Unsupported{
	{"anomalies", "its measure of likeness is nowhere described", "anomalydetection"},
	{"audit", "there is no audit index of Splunk's here", ""},
	{"awssnsalert", "searches do not act", "alert outputs of a rule"},
	{"bucketdir", "it shortens paths of files", "eval with replace() or split()"},
	{"dbinspect", "there are no buckets of Splunk's", "bluetrail doctor describes the store"},
	{"dbxquery", "there are no outside databases", "load the table as a lookup"},
	{"delete", "searches never remove events", "retention in the configuration"},
	{"dump", "searches write no files outside lookups", "-o csv or -o json"},
	{"entitymerge", "it belongs to Splunk's own apps", "stats values(*) by the key"},
	{"erex", "regular expressions are not learned from examples", "rex with a named group"},
	{"expand", "it is of SPL2", "mvexpand"},
	{"findkeywords", "it serves Splunk's own pages", "top"},
	{"findtypes", "event types are written down, not learned", "eventtypes.conf in the knowledge folder"},
	{"flatten", "it is of SPL2", "spath or fromjson"},
	{"folderize", "it serves Splunk's own pages", "rex and stats"},
	{"geom", "there are no maps of shapes", "iplocation, then stats by Country"},
	{"geomfilter", "there are no maps of shapes", "where with lat and lon"},
	{"history", "searches are not recorded", ""},
	{"inputintelligence", "it belongs to Splunk's own apps", "load the list as a lookup, and inputlookup"},
	{"into", "it is of SPL2", "collect or outputlookup"},
	{"kvform", "it needs forms of Splunk's", "extract or rex"},
	{"mcatalog", "there are no metric indexes", ""},
	{"mcollect", "there are no metric indexes", "collect into an event index"},
	{"meventcollect", "there are no metric indexes", "collect into an event index"},
	{"mpreview", "there are no metric indexes", ""},
	{"msearch", "there are no metric indexes", ""},
	{"mstats", "there are no metric indexes", "stats or timechart over events"},
	{"outputtext", "it serves Splunk's own pages", "table _raw"},
	{"overlap", "there are no summary indexes made on a schedule to be repaired", ""},
	{"pivot", "there is no editor of pivots", "stats, chart or timechart over the same fields"},
	{"relevancy", "events are not ranked by words", "sort by a field of your own"},
	{"rtorder", "searches read events that are stored", "sort - _time"},
	{"run", "searches start no programs", "alert outputs"},
	{"runshellscript", "searches start no programs", "alert outputs"},
	{"script", "searches start no programs", "alert outputs"},
	{"scrub", "it needs dictionaries of Splunk's", "rex mode=sed, or eval with sha256()"},
	{"sendalert", "searches do not act", "alert outputs of a rule"},
	{"sendemail", "searches do not act", "alert outputs of a rule"},
	{"snowevent", "searches do not act", "alert outputs of a rule"},
	{"snowincident", "searches do not act", "alert outputs of a rule"},
	{"tscollect", "there are no tsidx files", "tstats reads the store itself"},
	{"typeahead", "it serves Splunk's own search bar", "fieldsummary"},
	{"typelearner", "event types are written down, not learned", "eventtypes.conf in the knowledge folder"},
	{"walklex", "the index is not Splunk's", "fieldsummary, or top"},
	{"x11", "the method X-11 has a choice of filters that Splunk does not describe", "predict algorithm=LLP, timewrap to compare periods, trendline to smooth"},
}

// String says why, and what to do instead.
func (u Unsupported) String() string {
	if u.Instead == "" {
		return u.Why
	}
	return u.Why + "; instead: " + u.Instead
}

// UnsupportedCommands returns the commands that are known and not there, by
// name.
func UnsupportedCommands() []Unsupported { return slices.Clone(unsupported) }

// LookupUnsupported finds a command that is known and not there by its name, in
// any case.
func LookupUnsupported(name string) (Unsupported, bool) {
	i, ok := slices.BinarySearchFunc(unsupported, strings.ToLower(name), func(u Unsupported, name string) int {
		return strings.Compare(u.Name, name)
	})
	if !ok {
		return Unsupported{}, false
	}
	return unsupported[i], true
}
