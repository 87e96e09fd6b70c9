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
	{"anomalies", "its similarity measure is not documented", "anomalydetection"},
	{"audit", "there is no Splunk audit index", ""},
	{"awssnsalert", "it belongs to the add-on for AWS", "sendalert to an output of type sns"},
	{"bucketdir", "it shortens file paths", "eval with replace() or split()"},
	{"dbinspect", "there are no Splunk buckets", "bluetrail doctor describes the store"},
	{"dbxquery", "there are no external databases", "load the table as a lookup"},
	{"delete", "searches never remove events", "retention in the configuration"},
	{"dump", "searches write no files outside lookups", "-o csv or -o json"},
	{"entitymerge", "it belongs to Splunk's apps", "stats values(*) by the key"},
	{"erex", "regular expressions are not learned from examples", "rex with a named group"},
	{"expand", "it is part of SPL2", "mvexpand"},
	{"findkeywords", "it serves Splunk's pages", "top"},
	{"findtypes", "event types are defined, not learned", "eventtypes.conf in the knowledge folder"},
	{"flatten", "it is part of SPL2", "spath or fromjson"},
	{"folderize", "it serves Splunk's pages", "rex and stats"},
	{"geom", "there are no geospatial maps", "iplocation, then stats by Country"},
	{"geomfilter", "there are no geospatial maps", "where with lat and lon"},
	{"history", "searches are not recorded", ""},
	{"inputintelligence", "it belongs to Splunk's apps", "load the list as a lookup, and inputlookup"},
	{"into", "it is part of SPL2", "collect or outputlookup"},
	{"kvform", "it needs Splunk's forms", "extract or rex"},
	{"mcatalog", "there are no metric indexes", ""},
	{"mcollect", "there are no metric indexes", "collect into an event index"},
	{"meventcollect", "there are no metric indexes", "collect into an event index"},
	{"mpreview", "there are no metric indexes", ""},
	{"msearch", "there are no metric indexes", ""},
	{"mstats", "there are no metric indexes", "stats or timechart over events"},
	{"outputtext", "it serves Splunk's pages", "table _raw"},
	{"overlap", "there are no scheduled summary indexes to backfill", ""},
	{"pivot", "there is no pivot editor", "stats, chart or timechart over the same fields"},
	{"relevancy", "events are not ranked by relevance", "sort by your own field"},
	{"rtorder", "searches read events that are stored", "sort - _time"},
	{"run", "searches start no programs", "sendalert"},
	{"runshellscript", "searches start no programs", "sendalert"},
	{"script", "searches start no programs", "sendalert"},
	{"scrub", "it needs Splunk's dictionaries", "rex mode=sed, or eval with sha256()"},
	{"snowevent", "there is no output for ServiceNow", "sendalert to an output of type webhook"},
	{"snowincident", "there is no output for ServiceNow", "sendalert to an output of type webhook"},
	{"tscollect", "there are no tsidx files", "tstats reads the store itself"},
	{"typeahead", "it serves Splunk's search bar", "fieldsummary"},
	{"typelearner", "event types are defined, not learned", "eventtypes.conf in the knowledge folder"},
	{"walklex", "the index is not Splunk's", "fieldsummary, or top"},
	{"x11", "the X-11 method uses filters that Splunk does not document", "predict algorithm=LLP, timewrap to compare periods, trendline to smooth"},
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
