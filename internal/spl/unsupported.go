package spl

// unsupported names commands of Splunk that bluetrail knows and does not have,
// with the reason and what to use in their place.
var unsupported = map[string]string{
	"rest":           "there is no Splunk server to ask; use bluetrail doctor for the state of this one",
	"sendemail":      "searches do not act; alerts have outputs of their own",
	"sendalert":      "searches do not act; alerts have outputs of their own",
	"script":         "searches start no programs",
	"run":            "searches start no programs",
	"runshellscript": "searches start no programs",
	"dump":           "searches write no files outside lookups; use -o csv or -o json",
	"outputtext":     "use -o csv or -o json",
	"mstats":         "there are no metric indexes; use stats or timechart over events",
	"mcatalog":       "there are no metric indexes",
	"msearch":        "there are no metric indexes",
	"dbxquery":       "there are no outside databases; load the table as a lookup",
	"pivot":          "use stats or chart over the same fields",
	"history":        "searches are not recorded",
	"audit":          "there is no audit index of Splunk's here",
	"dbinspect":      "there are no Splunk buckets; bluetrail doctor describes the store",
	"typelearner":    "event types are written down, not learned",
	"findtypes":      "event types are written down, not learned",
}
